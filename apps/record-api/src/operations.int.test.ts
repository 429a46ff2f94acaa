import { createHash } from 'node:crypto';
import { DEFAULT_AUTHORITIES } from '@weft/domain';
import { careEventsTopic } from '@weft/processing';
import { ANNE, BERT, observation, openRegion, patient, type Region } from './region.fixture.js';

describe('operating a region', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
  });
  afterAll(() => region.close());
  const ask = (path: string, body?: object) =>
    region.ask(path, {
      roles: ['operations'],
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });

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
    const shown = await ask(`/quarantine/${encodeURIComponent(listed.id)}`);
    expect(shown.body).toMatchObject({ ...listed, key: ANNE, headers: { ce_type: 'care-event-recorded-1' } });
    expect((await ask(`/quarantine/${listed.id}`)).body).toEqual(shown.body);
    const text = shown.body.text.replace('no such status', 'final');
    const redriven = await ask(`/quarantine/${encodeURIComponent(listed.id)}/redrive`, { text });
    expect(redriven).toMatchObject({ status: 200, body: { topic: careEventsTopic('RX901'), offset: 1 } });
    expect((await ask('/quarantine')).body).toEqual([]);
    expect((await ask(`/quarantine/${encodeURIComponent(listed.id)}/redrive`, { text })).status).toBe(404);
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    const record = await region.ask(`/records/${ANNE}`, { roles: ['clinician'] });
    expect(record.body.entries).toHaveLength(2);
  });

  it.each([
    [{ text: 'a', base64: 'YQ==' }, 'base64'],
    [{ base64: 'no base64!' }, 'base64'],
    [{ headers: { ce_id: 1 } }, 'headers'],
    [{ valeu: 'a' }, 'valeu'],
  ])('refuses to redrive with %j', async (mended, field) => {
    const { status, body } = await ask('/quarantine/a%2F0%2F1/redrive', mended);
    expect(status).toBe(400);
    expect(body.errors[0].field).toBe(field);
  });

  it('says where topics and projectors stand, and how far behind they are', async () => {
    const { body } = await ask('/status?counts=true');
    expect(body).toMatchObject({ version: expect.stringMatching(/^\d/), policyVersion: 1, lag: 0 });
    expect(body.counts).toEqual({ records: 1, patientsWithDecisions: 0, quarantined: 0 });
    const projector = body.groups.find(({ topic }: { topic: string }) => topic === careEventsTopic('RX901'));
    expect(projector).toMatchObject({ group: 'weft.record-projector', lag: 0 });
    const { partitions } = body.topics.find(({ topic }: { topic: string }) => topic === careEventsTopic('RX901'));
    expect(partitions.map(({ high }: { high: number }) => high).reduce((a: number, b: number) => a + b)).toBe(3);
  });

  it('counts what no projector has dealt with', async () => {
    await region.stopOptOutProjector();
    await region.wiring.bus.publish([{ topic: 'weft.consent', key: ANNE, value: Buffer.from('{}'), headers: {} }]);
    expect((await ask('/status')).body.lag).toBe(1);
  });

  it('says of a merge that is not its sender’s to make what would make it count, and names no number', async () => {
    const link = [{ type: 'replaced-by', other: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: BERT } } }];
    await region.publish('RX901', ANNE, { ...patient(ANNE), link }, 'patient-merged-1');
    const [{ problems }] = (await ask('/quarantine')).body;
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
});
