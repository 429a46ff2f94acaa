import { createHash } from 'node:crypto';
import { DEFAULT_AUTHORITIES } from '@weft/domain';
import { applyAdoptedPolicy, careEventsTopic } from '@weft/processing';
import { ANNE, BERT, observation, openRegion, patient, posted, type Region } from './region.fixture.js';

describe('operating a region', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
  });
  afterAll(() => region.close());
  const ask = (path: string, body?: object) => region.ask(path, { roles: ['operations'], ...posted(body) });

  it('shows what is in quarantine and why, mends it and sends it back, once', async () => {
    await region.publish('RX901', ANNE, { ...observation(ANNE, 'o1'), status: 'no such status' });
    const [listed] = (await ask('/quarantine')).body;
    expect(listed).toEqual({
      id: expect.stringMatching(/^weft\.care-events\.RX901\/\d\/0$/),
      quarantinedAt: expect.stringMatching(/^\d{4}-/),
      problems: [expect.objectContaining({ field: expect.stringContaining('status') })],
      from: { topic: careEventsTopic('RX901'), partition: expect.any(Number), offset: 0 },
      bytes: expect.any(Number),
    });
    const at = `/quarantine/${encodeURIComponent(listed.id)}`;
    expect((await ask(at)).body).toEqual(listed);
    const shown = await region.govern('anna', at);
    expect(shown.body).toMatchObject({ ...listed, key: ANNE, headers: { ce_type: 'care-event-recorded-1' } });
    expect((await region.govern('anna', `/quarantine/${listed.id}`)).body).toEqual(shown.body);
    const text = shown.body.text.replace('no such status', 'final');
    const proposed = await region.govern('anna', `${at}/mend`, { text, reason: 'a status of the old system' });
    expect(proposed).toMatchObject({
      status: 202,
      body: { proposedBy: { subject: 'anna' }, reason: 'a status of the old system' },
    });
    const { digest } = proposed.body;
    expect((await ask('/quarantine')).body).toEqual([{ ...listed, mend: proposed.body }]);
    expect((await ask('/status?counts=true')).body).toMatchObject({ counts: { quarantined: 1 }, versions: {} });
    expect((await region.govern('bert', at)).body.mend).toMatchObject({ digest, text });
    expect((await region.govern('anna', `${at}/approve`, { digest })).body).toMatchObject({
      type: expect.stringMatching('same-person'),
    });
    expect((await region.govern('bert', `${at}/approve`, { digest: 'another' })).status).toBe(409);
    const approved = await region.govern('bert', `${at}/approve`, { digest });
    expect(approved).toMatchObject({ status: 200, body: { topic: careEventsTopic('RX901'), offset: 1 } });
    expect((await ask('/quarantine')).body).toEqual([]);
    expect((await region.govern('bert', `${at}/approve`, { digest })).status).toBe(404);
    const audited = (await region.govern('anna', `/records/${ANNE}/audit`)).body.entries.filter(({ about }: { about?: string }) =>
      about?.startsWith(listed.id),
    );
    expect(audited.map(({ who, action, about }: { who: string; action: string; about: string }) => [who, action, about])).toEqual(
      expect.arrayContaining([
        ['anna', 'mend', expect.stringMatching(/ [0-9a-f]{64} → [0-9a-f]{64}$/)],
        ['bert', 'approve', expect.stringMatching(new RegExp(` [0-9a-f]{64} → ${digest}$`))],
        ['bert', 'redriven', `${listed.id} → ${approved.body.topic}/${approved.body.partition}/1`],
      ]),
    );
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    const record = await region.ask(`/records/${ANNE}`, { roles: ['clinician'] });
    expect(record.body.entries).toHaveLength(2);
  });

  it('sends a message again as it is, which names the one that it was; nobody changes it on the way', async () => {
    await region.publish('RX902', BERT, { ...observation(BERT, 'o1'), status: 'no such status' });
    const [first] = (await ask('/quarantine')).body;
    const at = `/quarantine/${encodeURIComponent(first.id)}`;
    expect((await ask(`${at}/redrive`, { text: '{}' })).body.errors).toMatchObject([{ field: 'body', code: 'unexpected' }]);
    await region.govern('anna', `${at}/mend`, { text: '{}', reason: 'nothing' });
    expect((await ask(`${at}/redrive`, {})).status).toBe(200);
    await region.publish('RX902', BERT, { ...observation(BERT, 'o2') });
    const [again, ...others] = (await ask('/quarantine')).body;
    expect([again, others]).toEqual([
      { ...first, id: again.id, quarantinedAt: again.quarantinedAt, from: again.from, redrives: first.id },
      [],
    ]);
  });

  it('lets no mend change whose event it is', async () => {
    const [standing] = (await ask('/quarantine')).body;
    const at = `/quarantine/${encodeURIComponent(standing.id)}`;
    const { headers, text } = (await region.govern('anna', at)).body;
    const mend = (changed: object) =>
      region.govern('anna', `${at}/mend`, { text, headers: { ...headers, ...changed }, reason: 'r' });
    for (const name of ['id', 'source', 'subject']) {
      expect((await mend({ [`ce_${name}`]: 'another' })).body.errors).toMatchObject([
        { field: name, code: 'not-yours-to-change' },
      ]);
    }
    expect((await mend({ 'weft-recorder': '{"as":"governance"}' })).body.errors).toMatchObject([
      { field: 'headers.weft-recorder' },
    ]);
    expect((await region.govern('anna', `${at}/mend`, { text, key: BERT, reason: 'r' })).body.errors).toMatchObject([
      { field: 'key' },
    ]);
  });

  it.each([
    [{ text: 'a', base64: 'YQ==', reason: 'r' }, 'text'],
    [{ reason: 'r' }, 'text'],
    [{ base64: 'no base64!', reason: 'r' }, 'base64'],
    [{ text: 'a', headers: { ce_id: 1 }, reason: 'r' }, 'headers'],
    [{ valeu: 'a', reason: 'r' }, 'valeu'],
    [{ text: 'a' }, 'reason'],
  ])('refuses to mend with %j', async (mended, field) => {
    const { status, body } = await region.govern('anna', '/quarantine/a%2F0%2F1/mend', mended);
    expect(status).toBe(400);
    expect(body.errors[0].field).toBe(field);
  });

  it('says where topics and projectors stand, and how far behind they are', async () => {
    const { body } = await ask('/status?counts=true');
    expect(body).toMatchObject({ version: expect.stringMatching(/^\d/), policyVersion: 1, lag: 0 });
    expect(body.region).toBe(region.service.region.id);
    expect(body.counts).toEqual({ records: 2, views: 8, quarantined: 1 });
    const projector = body.groups.find(({ topic }: { topic: string }) => topic === careEventsTopic('RX901'));
    expect(projector).toMatchObject({ group: 'weft.record-projector', lag: 0, waitSeconds: 0 });
    const { partitions } = body.topics.find(({ topic }: { topic: string }) => topic === careEventsTopic('RX901'));
    expect(partitions.map(({ high }: { high: number }) => high).reduce((a: number, b: number) => a + b)).toBe(3);
  });

  it('says whether every change is published', async () => {
    const isPublished = async () => (await ask('/status')).body.published as boolean;
    while (!(await isPublished())) await new Promise((resolve) => setTimeout(resolve, 5));
    await region.stopOptOutProjector();
    await region.publish('RX901', ANNE, observation(ANNE, 'unpublished'));
    expect(await isPublished()).toBe(false);
  });

  it('counts what no projector has dealt with', async () => {
    await region.wiring.bus.publish([{ topic: 'weft.consent', key: ANNE, value: Buffer.from('{}'), headers: {} }]);
    const { lag, groups } = (await ask('/status')).body;
    expect(lag).toBe(1);
    expect(groups.find(({ topic }: { topic: string }) => topic === 'weft.consent').waitSeconds).toEqual(expect.any(Number));
  });

  it('says of a merge that is not its sender’s to make what would make it count, and names no number', async () => {
    const link = [{ type: 'replaced-by', other: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: BERT } } }];
    await region.publish('RX901', ANNE, { ...patient(ANNE), link }, 'patient-merged-1');
    const { problems } = (await ask('/quarantine')).body.at(-1);
    expect(problems).toEqual([
      {
        field: 'source',
        code: 'not-yours-to-merge',
        message: expect.stringContaining('from an organisation that has recorded something about each number named'),
      },
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/\d{10}/);
  });

  it('tells everybody the rules in force, with every section that was left as shipped', async () => {
    const { body } = await region.ask('/policy');
    expect(body).toMatchObject({ version: 1, name: 'Default sharing policy', organisations: { RX901: 'acute' } });
    expect(body.rules.map(({ plainEnglish }: { plainEnglish: string }) => plainEnglish)).toContain(
      'You set a national data opt-out, so your information is not used for research and planning.',
    );
    const { policy } = await region.wiring.policies.current();
    expect(body).toMatchObject({ authorities: DEFAULT_AUTHORITIES, ages: { own: 13 }, codes: [] });
    expect(body.notices).toEqual({ withheld: ['clinician', 'governance'], silent: [] });
    const notices = { silent: ['withheld-item'] } as const;
    await region.wiring.policies.adopt({ ...policy, name: 'Another', notices });
    expect((await region.ask('/policy')).body).toMatchObject({ version: 2, name: 'Another', notices });
  });

  it('serves a console that needs nothing from elsewhere and lets nothing else run', async () => {
    const { text, headers } = await region.ask('/console');
    const policy = headers.get('content-security-policy')!;
    const hashOf = (part: string) => `'sha256-${createHash('sha256').update(part).digest('base64')}'`;
    const [style] = /(?<=<style>)[^]*?(?=<\/style>)/.exec(text)!;
    const [script] = /(?<=<script type="module">)[^]*?(?=<\/script>)/.exec(text)!;
    expect(policy).toContain(`style-src ${hashOf(style)};`);
    expect(policy).toContain(`script-src ${hashOf(script)};`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(text).not.toMatch(/\b(src|srcset)=|<link|@import|url\(| style="| on[a-z]+="/);
  });

  it('says which policy every view obeys', async () => {
    const applied = await applyAdoptedPolicy(region.wiring);
    expect((await ask('/status')).body).toMatchObject({ policyVersion: applied, policyApplied: applied });
    await region.wiring.policies.adopt({ ...(await region.wiring.policies.current()).policy, name: 'another' });
    expect((await ask('/status')).body).toMatchObject({ policyVersion: applied + 1, policyApplied: applied });
  });
});
