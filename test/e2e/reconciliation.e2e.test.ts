import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { rawEvent, toRawMessages } from '@weft/hl7v2';
import { careEventsTopic, hl7v2Topic } from '@weft/processing';
import { type SignedStatement, verifyStatement } from '@weft/reconciliation';
import type { Role } from '@weft/service';
import { runWeft } from '../../apps/cli/src/weft.fixture.js';
import { adt, obx, oru, pv1 } from '../../libs/hl7v2/src/mapping/messages.fixture.js';
import { type Region, SECRETS, startRegion } from './region.js';

const ANNE = '9990000018';
const TIME = '2026-03-04T09:30:00Z';
const HEAD = { manifest: 1, kind: 'events', organisation: 'RX901', from: '2026-03-04T00:00:00Z', until: '2026-03-05T00:00:00Z' };
const observation = (id: string) => ({
  ...{ resourceType: 'Observation', id, status: 'final', code: { text: 'pulse' }, effectiveDateTime: TIME },
  subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: ANNE } },
});
const cloudEvent = (id: string, ods = 'RX901', data: object = observation(id)) => ({
  ...{ specversion: '1.0', id, source: `urn:ods:${ods}`, type: 'care-event-recorded-1', subject: ANNE, time: TIME },
  ...{ datacontenttype: 'application/fhir+json', data },
});
const lines = (...parts: readonly object[]): string => parts.map((part) => `${JSON.stringify(part)}\n`).join('');

interface Answer extends SignedStatement {
  readonly findings: readonly object[];
  readonly more: number;
}

describe('a manifest of what was sent', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-reconciliation-'));
  const files = mkdtempSync(join(tmpdir(), 'weft-manifests-'));
  let region: Region;

  beforeAll(async () => {
    region = await startRegion({ directory, listeners: [{ name: 'pas', organisation: 'RX901', port: 0 }] });
    await publish('RX901', cloudEvent('e1'), cloudEvent('e2'));
    await publish('RX901', cloudEvent('e2'));
    await publish('RX902', cloudEvent('e1', 'RX902'), cloudEvent('theirs', 'RX902'));
    // As a producer writes it that is no gateway: nothing has judged it.
    await region.wiring.bus.publish([toTopic('e3', { resourceType: 'Observation' })]);
    await region.settled();
  });
  afterAll(async () => {
    await region.close();
    for (const one of [directory, files]) rmSync(one, { recursive: true });
  });

  async function publish(organisation: string, ...events: readonly object[]): Promise<void> {
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const answer = await region.as(['publisher'], '/events', {
      organisation,
      method: 'POST',
      headers,
      body: JSON.stringify(events),
    });
    expect(answer.status).toBe(202);
  }

  const toTopic = (id: string, data: object) => {
    const { specversion, source, type, subject, time } = cloudEvent(id);
    const attributes = {
      ce_specversion: specversion,
      ce_id: id,
      ce_source: source,
      ce_type: type,
      ce_subject: subject,
      ce_time: time,
    };
    const headers = { ...attributes, 'content-type': 'application/fhir+json' };
    return { topic: careEventsTopic('RX901'), key: ANNE, value: Buffer.from(JSON.stringify(data)), headers };
  };

  const send = (body: string, roles: readonly Role[] = ['publisher'], organisation = 'RX901') =>
    region.as(roles, '/reconciliations', {
      organisation,
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    });
  const answerTo = async (...args: Parameters<typeof send>): Promise<Answer> => {
    const answer = await send(...args);
    const text = await answer.text();
    expect([answer.status, text]).toEqual([200, text]);
    expect(text).not.toContain(ANNE);
    return JSON.parse(text) as Answer;
  };
  const listed = lines(HEAD, { id: 'e1' }, { id: 'e2' }, { id: 'e3' }, { id: 'e4' });
  const fileOf = (name: string, text: string): string => {
    writeFileSync(join(files, name), text);
    return join(files, name);
  };
  const weft = (line: string) =>
    runWeft(line, { ...SECRETS, WEFT_URL: region.url, WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent' });

  it('is answered with what is missing, doubled and refused, of its organisation alone', async () => {
    const { statement, findings } = await answerTo(listed);
    expect(statement).toMatchObject({
      ...{ kind: 'events', organisation: 'RX901', region: region.service.region.id, manifest: { items: 4 } },
      counts: { sent: 4, arrived: 3, missing: 1, doubled: 1, refused: 1, waiting: 0, unlisted: 0 },
    });
    expect(findings).toEqual([
      { what: 'doubled', at: 3, times: 1, source: 'urn:ods:RX901', id: 'e2' },
      { what: 'refused', at: 4, times: 1, source: 'urn:ods:RX901', id: 'e3' },
      { what: 'missing', at: 5, times: 1, source: 'urn:ods:RX901', id: 'e4' },
    ]);
  });

  it('has the reasons of a refusal for governance', async () => {
    const { findings } = await answerTo(listed, ['governance']);
    expect(findings[1]).toMatchObject({
      what: 'refused',
      problems: expect.arrayContaining([expect.objectContaining({ code: 'required' })]),
    });
  });

  it('says the same whatever others sent', async () => {
    const before = await answerTo(listed);
    await publish('RX902', cloudEvent('e4', 'RX902'), cloudEvent('more', 'RX902'));
    await region.settled();
    const after = await answerTo(listed);
    expect([after.statement.counts, after.findings]).toEqual([before.statement.counts, before.findings]);
  });

  it('is stated by the region, whose key anybody may have', async () => {
    const answer = await answerTo(listed);
    const keys = await (await fetch(`${region.url}/reconciliations/keys`)).json();
    expect(verifyStatement(answer, (keys as { keys: object[] }).keys)).toBe('genuine');
    const changed = { ...answer, statement: { ...answer.statement, counts: { ...answer.statement.counts, missing: 0 } } };
    expect(verifyStatement(changed, (keys as { keys: object[] }).keys)).toBe('forged');
  });

  it('is for its own publisher, and for those who operate and govern the region', async () => {
    expect((await send(listed, ['publisher'], 'RX902')).status).toBe(403);
    expect((await send(listed, ['clinician'])).status).toBe(403);
    expect((await send(listed, ['operations'], 'RX902')).status).toBe(200);
    const list = (roles: readonly Role[], query: string) => region.as(roles, `/reconciliations${query}`);
    const own = (await (await list(['publisher'], '')).json()) as SignedStatement[];
    expect(own[0]).toMatchObject({ statement: { organisation: 'RX901' }, signature: expect.any(String) });
    expect((await list(['publisher'], '?organisation=RX902')).status).toBe(403);
    expect((await list(['operations'], '?organisation=RX902')).status).toBe(200);
    expect((await list(['operations'], '?organisation=RX999')).status).toBe(404);
    expect((await list(['operations'], '?org=RX901')).status).toBe(400);
  });

  it.each([
    ['nothing', '', 422, ''],
    ['a wrong line', lines(HEAD, { id: 'e1' }, { identifier: ANNE }), 422, 'line 3'],
    ['another organisation’s event', lines(HEAD, { source: 'urn:ods:RX902', id: 'e1' }), 422, 'line 2, source'],
    ['a time to come', lines({ ...HEAD, until: '2999-01-01T00:00:00Z' }, { id: 'e1' }), 422, 'until'],
    ['an organisation that is none', lines({ ...HEAD, organisation: 'RX999' }, { id: 'e1' }), 404, 'organisation'],
  ])('with %s is refused by name', async (_, body, status, field) => {
    const answer = await send(body, ['governance']);
    const text = await answer.text();
    expect([answer.status, (JSON.parse(text) as { errors: { field: string }[] }).errors[0]!.field]).toEqual([status, field]);
    expect(text).not.toContain(ANNE);
  });

  it('is in the audit, and in the metrics, without a word of whom it is about', async () => {
    await answerTo(listed);
    const day = new Date(region.service.clock.now()).toISOString().slice(0, 10);
    const audit = await (await region.as(['governance'], `/audit?day=${day}`)).text();
    expect(audit).toMatch(/"action":"reconcile"[^}]*"about":"RX901 events [0-9a-f]{64}"/);
    const metrics = await (await region.as(['operations'], '/metrics')).text();
    expect(metrics).toContain('weft_reconciliation_messages{organisation="RX901",kind="events",listener="",finding="missing"} 1');
    expect(metrics).toMatch(/weft_reconciliation_age_seconds\{organisation="RX901",kind="events",listener=""\} \d/);
    expect(metrics).not.toContain(ANNE);
  });

  it('counts by type and hour, by its sender’s clock', async () => {
    const head = { ...HEAD, kind: 'event-counts' };
    const type = 'care-event-recorded-1';
    const hour = '2026-03-04T09:00:00Z';
    const { statement, findings } = await answerTo(
      lines(head, { type, hour, count: 4 }, { type: 'patient-died-1', hour, count: 0 }),
    );
    expect(statement.counts).toEqual({ sent: 4, arrived: 3, missing: 1, doubled: 1, refused: 1, waiting: 0, unlisted: 0 });
    expect(findings[0]).toEqual({ what: 'missing', at: 2, times: 1, type, hour: '2026-03-04T09:00:00.000Z' });
  });

  it('of HL7 v2 says which messages are missing, and which wait until it is known whose they are', async () => {
    const listener = { organisation: 'RX901', name: 'pas' };
    const now = region.service.clock.now();
    const known = adt('A01', { mrn: 'M1' }, pv1()).replaceAll('\n', '\r');
    const ofNobody = oru({ mrn: 'M9', number: '' }, 'F1', 'FBC', {}, obx('NM', 'HB', '140.0')).replaceAll('\n', '\r');
    const controlIdOf = (message: string): string => message.split('\r')[0]!.split('|')[9]!;
    for (const message of [known, ofNobody, known]) {
      const parts = toRawMessages(rawEvent(listener, 'message', Buffer.from(message), now));
      await region.wiring.bus.publish(parts.map((part) => ({ topic: hl7v2Topic('RX901'), key: 'pas', ...part })));
    }
    await region.settled();
    const head = { ...HEAD, kind: 'hl7v2', from: '2020-01-01T00:00:00Z', until: new Date(now).toISOString() };
    const ids = [known, ofNobody].map(controlIdOf);
    const { statement, findings } = await answerTo(lines(head, ...ids.map((id) => ({ id })), { id: 'not-sent' }));
    expect(statement.counts).toMatchObject({ sent: 3, arrived: 2, missing: 1, doubled: 1, refused: 0, waiting: 1 });
    expect(findings).toEqual([
      { what: 'doubled', at: 2, times: 1, id: ids[0] },
      { what: 'waiting', at: 3, times: 1, id: ids[1] },
      { what: 'missing', at: 4, times: 1, id: 'not-sent' },
    ]);
    // What is made of HL7 v2 is nothing that its sender lists among events.
    expect((await answerTo(listed)).statement.counts).toMatchObject({ missing: 1, unlisted: 0 });
  });

  it('is compared by the command line, which says with exit code 1 that something is missing', async () => {
    const file = fileOf('sent.ndjson', listed);
    const there = await weft(`reconcile ${file} --statement ${join(files, 'there.json')}`);
    expect([there.exitCode, there.err]).toEqual([1, '']);
    expect(there.out).toMatch(/missing +5 +1 +urn:ods:RX901 e4/);
    const findings = join(files, 'findings.ndjson');
    const here = await weft(`reconcile ${file} --engines --json --findings ${findings}`);
    expect([here.exitCode, here.err]).toEqual([1, '']);
    const { statement } = JSON.parse(here.out) as SignedStatement;
    expect(statement.counts).toEqual(
      (JSON.parse(readFileSync(join(files, 'there.json'), 'utf8')) as SignedStatement).statement.counts,
    );
    expect(readFileSync(findings, 'utf8').trim().split('\n')).toHaveLength(3);
    const whole = await weft(`reconcile ${fileOf('two.ndjson', lines(HEAD, { id: 'e1' }, { id: 'e2' }))}`);
    expect([whole.exitCode, whole.out]).toEqual([0, expect.stringContaining('✓ all of 2 arrived')]);
    expect((await weft('reconcile statements --org RX901')).out).toMatch(/events +2026-03-04T00:00:00Z +2 +0/);
  });

  it('that is wrong ends the command with the line, and nothing is compared', async () => {
    const { exitCode, err } = await weft(`reconcile ${fileOf('bad.csv', 'manifest,kind\n1,events,RX901\n')}`);
    expect([exitCode, err]).toEqual([2, expect.stringContaining('line 2: has 3 columns, and 2 have a name')]);
    expect((await weft(`reconcile ${join(files, 'none.csv')}`)).exitCode).toBe(2);
  });

  it('is proved by its statement, which nobody can change or take for another’s', async () => {
    const file = fileOf('proved.ndjson', lines(HEAD, { id: 'e1' }));
    const statement = join(files, 'statement.json');
    await weft(`reconcile ${file} --statement ${statement}`);
    const genuine = await weft(`reconcile verify ${statement} --manifest ${file}`);
    expect([genuine.exitCode, genuine.out]).toEqual([0, expect.stringContaining('is the region’s, as it was signed')]);
    expect((await weft(`reconcile verify ${statement} --manifest ${fileOf('sent.ndjson', listed)}`)).exitCode).toBe(1);
    const forged = fileOf('forged.json', readFileSync(statement, 'utf8').replace('"missing":0', '"missing":7'));
    expect((await weft(`reconcile verify ${forged}`)).exitCode).toBe(1);
    const keys = fileOf('keys.json', '{"keys":[]}');
    expect((await weft(`reconcile verify ${statement} --keys ${keys}`)).out).toContain('is signed by none of these keys');
  });
});
