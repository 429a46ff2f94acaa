import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { careEventsTopic, QUARANTINE_TOPIC } from '@weft/processing';
import { startRegion, type Region } from './region.js';

const ANNE = '9990000018';
const BERT = '9990000026';
const TOPIC = careEventsTopic('RX901');
const patientOf = (number: string) => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } });
const condition = (id: string, more: object = {}) => ({
  resourceType: 'Condition',
  id,
  subject: patientOf(ANNE),
  code: { text: 'Asthma' },
  ...more,
});
const event = (more: object = {}) => ({
  specversion: '1.0',
  id: 'bad',
  source: 'urn:ods:RX901:ehr',
  type: 'care-event-recorded-1',
  subject: ANNE,
  time: '2026-01-01T10:00:00Z',
  datacontenttype: 'application/fhir+json',
  data: condition('bad'),
  ...more,
});
const text = (more: object = {}) => JSON.stringify(event(more));

interface Case {
  readonly name: string;
  readonly body: string | Uint8Array;
  /** What a publisher is answered. */
  readonly status: number;
  readonly problem: string;
  /** Under which key it stands in the topic; Anne's where none is given, so that sound events of hers stand behind it. */
  readonly key?: string;
}

const CASES: readonly Case[] = [
  { name: 'a truncated event', body: text().slice(0, -20), status: 400, problem: 'body: not-json' },
  { name: 'an empty one', body: '', status: 400, problem: 'body: not-json' },
  {
    name: 'a deeply nested one',
    body: text({ data: 0 }).replace('"data":0', `"data":${'['.repeat(5_000)}${']'.repeat(5_000)}`),
    status: 400,
    problem: 'body: too-deep',
  },
  {
    name: 'one that is not UTF-8',
    body: Buffer.concat([Buffer.from(text().slice(0, -2)), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]),
    status: 400,
    problem: 'body: not-utf-8',
  },
  {
    name: 'a wrong check digit',
    body: text({ subject: '9990000019' }),
    status: 422,
    problem: 'subject: nhs-number',
    key: '9990000019',
  },
  {
    name: 'the number of no match',
    body: text({ subject: '0000000000' }),
    status: 422,
    problem: 'subject: nhs-number',
    key: '0000000000',
  },
  {
    name: 'the number of several matches',
    body: text({ subject: '9999999999' }),
    status: 422,
    problem: 'subject: nhs-number',
    key: '9999999999',
  },
  {
    name: 'a resource about somebody else',
    body: text({ data: condition('bad', { subject: patientOf(BERT) }) }),
    status: 422,
    problem: 'Condition.subject: somebody-else',
  },
  {
    name: 'a source that is not the sender',
    body: text({ source: 'urn:ods:RX902' }),
    status: 403,
    problem: 'source: not-the-sender',
  },
  {
    name: 'a source of no organisation',
    body: text({ source: 'urn:ods:ZZ9' }),
    status: 403,
    problem: 'source: unknown-organisation',
  },
  { name: 'a clock years ahead', body: text({ time: '2099-01-01T00:00:00Z' }), status: 422, problem: 'time: too-late' },
  { name: 'a clock that lost its time', body: text({ time: '1970-01-01T00:00:00Z' }), status: 422, problem: 'time: too-early' },
  { name: 'an unknown type', body: text({ type: 'care-event-recorded-9' }), status: 422, problem: 'type: unknown-type' },
  {
    name: 'malformed FHIR',
    body: text({ data: condition('bad', { code: 5 }) }),
    status: 422,
    problem: 'Condition.code: structure',
  },
  {
    name: 'countless empty extensions',
    body: text({ data: condition('bad', { extension: new Array(125_000).fill({}) }) }),
    status: 413,
    problem: ': too-costly',
  },
  { name: 'no data', body: text({ data: undefined }), status: 422, problem: 'data: required' },
];

interface Problem {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

describe('bad input to a running Weft', () => {
  let region: Region;
  beforeAll(async () => {
    region = await startRegion();
  }, 60_000);
  afterAll(() => region.close());

  const publish = (body: string | Uint8Array, path = '/events', type = 'application/cloudevents+json') =>
    region.as(['publisher'], path, {
      method: 'POST',
      organisation: 'RX901',
      body: body as string,
      headers: { 'content-type': type },
    });
  const inTopic = async (body: string | Uint8Array, key = ANNE) => {
    const headers = { 'content-type': 'application/cloudevents+json' };
    const [at] = await region.service.bus.publish([{ topic: TOPIC, key, value: Buffer.from(body as string), headers }]);
    return `${at!.topic}/${at!.partition}/${at!.offset}`;
  };
  const operations = async <T>(path: string, init: RequestInit = {}) =>
    (await region.as(['operations'], path, { headers: { 'content-type': 'application/json' }, ...init })).json() as Promise<T>;
  const governance = async <T>(subject: string, path: string, init: RequestInit = {}) => {
    const response = await region.as(['governance'], path, { headers: { 'content-type': 'application/json' }, subject, ...init });
    return response.json() as Promise<T>;
  };
  const quarantined = () => operations<{ id: string; problems: Problem[] }[]>('/quarantine');
  const conditionsOf = async (nhsNumber: string) => {
    const response = await region.as(['governance'], `/records/${nhsNumber}`);
    if (response.status === 404) return [];
    const { entries } = (await response.json()) as { entries: { id: string }[] };
    return entries.map(({ id }) => id.replace(/^RX901(:ehr)?\/Condition\//, '')).sort();
  };
  const codes = (problems: readonly Problem[]) => problems.map(({ field, code }) => `${field}: ${code}`);

  it.each(CASES)('$name gets the same errors at the gateway and in quarantine, with its bytes untouched', async (bad) => {
    const ends = await region.service.bus.offsets(TOPIC);
    const response = await publish(bad.body);
    const answer = (await response.json()) as { title: string; errors: Problem[] };
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect({ status: response.status, problems: codes(answer.errors) }).toEqual({
      status: bad.status,
      problems: expect.arrayContaining([bad.problem]),
    });
    for (const { message } of answer.errors) expect(message).toMatch(/\w/);
    expect(await region.service.bus.offsets(TOPIC)).toEqual(ends);

    const id = await inTopic(bad.body, bad.key);
    const behind = `behind-${bad.name.replace(/\W/g, '-')}`;
    expect((await publish(text({ id: behind, data: condition(behind) }))).status).toBe(202);
    await region.settled();
    const found = (await quarantined()).find((message) => message.id === id);
    expect(found?.problems).toEqual(answer.errors);
    const whole = await governance<{ base64: string; text?: string }>('anna', `/quarantine/${encodeURIComponent(id)}`);
    expect(Buffer.from(whole.base64 ?? whole.text ?? '', whole.base64 === undefined ? 'utf8' : 'base64')).toEqual(
      Buffer.from(bad.body as string),
    );
    expect(await conditionsOf(ANNE)).toContain(behind);
  });

  it('is refused above 1 MiB by the gateway, and by the bus itself', async () => {
    const large = text({ data: condition('large', { note: [{ text: 'x'.repeat(1_048_577) }] }) });
    expect((await publish(large)).status).toBe(413);
    await expect(inTopic(large)).rejects.toMatchObject({ type: 'too-large' });
  });

  it('takes a Consent of a megabyte with thousands of dated exceptions for a denial of everything, and obeys those behind it', async () => {
    const provision = Array.from({ length: 14_200 }, (_, index) => ({
      type: 'deny',
      period: { start: new Date(Date.UTC(2030, 0, 1) + index * 3_600_000).toISOString() },
    }));
    const consent = (subject: string, more: object) => ({
      ...{
        resourceType: 'Consent',
        status: 'active',
        scope: { coding: [{ code: 'patient-privacy' }] },
        category: [{ text: 'Opt-out' }],
      },
      ...{ patient: patientOf(subject), dateTime: '2026-01-01', ...more },
    });
    const decide = async (body: object) => {
      const headers = { 'content-type': 'application/fhir+json' };
      const response = await region.as(['governance'], '/consents', { method: 'POST', body: JSON.stringify(body), headers });
      return { status: response.status, ...((await response.json()) as { state: string; warnings: Problem[] }) };
    };
    const large = consent('9990033471', { provision: { type: 'permit', provision } });
    const room = 1_001_757 - JSON.stringify({ ...large, language: '' }).length;
    const answer = await decide({ ...large, language: 'x'.repeat(room) });
    expect(answer).toMatchObject({ status: 200, state: 'obeyed' });
    expect(codes(answer.warnings)).toContain('Consent.provision: too-many');
    expect(await decide(consent(BERT, { provision: { type: 'deny', purpose: [{ code: 'HRESCH' }] } }))).toMatchObject({
      status: 200,
    });
  });

  it('of one entry among a thousand, in a Bundle and in a topic, costs that one alone', async () => {
    const about = (id: string, index: number) => ({
      ...condition(id, index === 500 ? { code: 'Asthma' } : {}),
      subject: patientOf(BERT),
    });
    const entry = Array.from({ length: 1_000 }, (_, index) => ({ resource: about(`b${index}`, index) }));
    const response = await publish(
      JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }),
      '/fhir',
      'application/fhir+json',
    );
    const { entry: answers } = (await response.json()) as { entry: { response: { status: string } }[] };
    const statuses = answers.map(({ response: { status } }) => status.slice(0, 3));
    expect([answers.length, statuses.filter((status) => status === '422').length]).toEqual([1_000, 1]);
    const before = (await quarantined()).length;
    const messages = Array.from({ length: 1_000 }, (_, index) => ({
      topic: TOPIC,
      key: BERT,
      value: Buffer.from(text({ id: `t${index}`, subject: BERT, data: about(`t${index}`, index) })),
      headers: { 'content-type': 'application/cloudevents+json' },
    }));
    await region.service.bus.publish(messages);
    await region.settled();
    expect((await quarantined()).length).toBe(before + 1);
    const expected = ['b', 't'].flatMap((prefix) => Array.from({ length: 1_000 }, (_, index) => `${prefix}${index}`));
    expect(await conditionsOf(BERT)).toEqual(expected.filter((id) => !/^.500$/.test(id)).sort());
  }, 120_000);

  it('leaves quarantine only when it is mended, and then is in the record like any other', async () => {
    const id = await inTopic(text({ id: 'mended', data: condition('mended', { code: 5 }) }));
    await region.settled();
    await operations(`/quarantine/${encodeURIComponent(id)}/redrive`, { method: 'POST', body: '{}' });
    await region.settled();
    const again = (await quarantined()).at(-1)!;
    expect(again.id).not.toBe(id);
    expect(codes(again.problems)).toEqual(['Condition.code: structure']);
    const mended = text({ id: 'mended', data: condition('mended') });
    const at = `/quarantine/${encodeURIComponent(again.id)}`;
    const body = JSON.stringify({ text: mended, reason: 'a code is no number' });
    const { digest } = await governance<{ digest: string }>('anna', `${at}/mend`, { method: 'POST', body });
    await governance('bert', `${at}/approve`, { method: 'POST', body: JSON.stringify({ digest }) });
    await region.settled();
    expect((await quarantined()).map((message) => message.id)).not.toContain(again.id);
    expect(await conditionsOf(ANNE)).toContain('mended');
  });

  it('is counted where operators look, and in no record', async () => {
    const { counts } = await operations<{ counts: { quarantined: number } }>('/status?counts=true');
    expect(counts.quarantined).toBe(CASES.length + 1);
    expect(await conditionsOf(ANNE)).not.toContain('bad');
    expect((await region.service.bus.topics()).map(({ topic }) => topic)).toContain(QUARANTINE_TOPIC);
  });
});
