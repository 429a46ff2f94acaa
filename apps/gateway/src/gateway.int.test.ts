import { DECISION_TYPE, provision } from '@weft/domain';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import {
  applyPolicy,
  type AuditEntry,
  bytesOf,
  careRecordStream,
  NO_STREAM,
  decodeAuditEntry,
  careEventsTopic,
  CONSENT_TOPIC,
  EngineUnavailable,
  type Message,
  type Projector,
  loadNumber,
  startOptOutProjector,
  startRecordProjector,
  type Wiring,
} from '@weft/processing';
import {
  AnswerTimes,
  createHttpApp,
  issueToken,
  listen,
  createRegion,
  openWiring,
  firstPolicy,
  readSettings,
  type Role,
  ROLES,
  type Service,
} from '@weft/service';
import { GatewayModule } from './index.js';

const nhsNumber = '9990033471';
/** An answer repeats it: a random one may hold ten digits in a row, which would look like an NHS number. */
const REQUEST_ID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const somebodyElse = '9990079196';
const patientOf = (number: string) => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } });
const condition = (more: object = {}) => ({
  resourceType: 'Condition',
  id: 'c1',
  subject: patientOf(nhsNumber),
  code: { text: 'Asthma' },
  ...more,
});
const event = (more: object = {}) => ({
  specversion: '1.0',
  id: 'e1',
  source: 'urn:ods:RX901:ehr',
  type: 'care-event-recorded-1',
  subject: nhsNumber,
  time: '2026-01-01T10:00:00Z',
  datacontenttype: 'application/fhir+json',
  data: condition(),
  ...more,
});
const consent = (more: Partial<Parameters<typeof consentOf>[0]> = {}) => ({
  ...consentOf({
    subject: nhsNumber,
    consentId: 'consent-1',
    authority: 'local-dissent',
    status: 'active',
    decidedAt: '2026-01-01T10:00:00.000Z',
    decidedBy: 'patient',
    provision: provision('deny', ['care-coordination']),
    ...more,
  }),
});

describe('the gateway', () => {
  let directory: string;
  let app: NestFastifyApplication;
  let service: Service;
  let wiring: Wiring;
  let url: string;
  /** Stands before the bus's publish, and may throw. */
  let beforePublish: () => void;
  let publishCalls: number;
  /** Answers that would have waited for their time. */
  let held: number;
  const tokens = new Map<string, string>();
  const settingsOf = () => readSettings({ WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'silent' }).settings;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-gateway-'));
    service = await createRegion(settingsOf());
    const publish = service.bus.publish.bind(service.bus);
    service.bus.publish = async (messages) => {
      beforePublish();
      publishCalls += 1;
      return publish(messages);
    };
    wiring = openWiring(service);
    await applyPolicy(wiring, firstPolicy(service.settings));
    app = await createHttpApp(service, [GatewayModule.register(wiring)]);
    app.get(AnswerTimes).next = async () => void (held += 1);
    url = await listen(app, service.settings);
    for (const role of ROLES)
      tokens.set(role, await issueToken(service.settings, service.clock, { roles: [role], organisation: 'RX901' }));
  });
  afterAll(async () => {
    await app.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    beforePublish = () => {};
    publishCalls = 0;
    held = 0;
  });

  interface Call {
    readonly role?: Role;
    readonly token?: string;
    readonly type?: string;
    readonly headers?: Record<string, string>;
  }
  async function post(
    path: string,
    body: unknown,
    { role = 'publisher', token, type = 'application/fhir+json', headers }: Call = {},
  ) {
    const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const authorization = `Bearer ${token ?? tokens.get(role)}`;
    const response = await fetch(url + path, {
      method: 'POST',
      body: raw as string,
      headers: { authorization, 'content-type': type, 'x-request-id': REQUEST_ID, ...headers },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text === '' ? null : JSON.parse(text) };
  }
  async function get(path: string, token = tokens.get('governance')) {
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: JSON.parse(await response.text()) };
  }
  const structured = (body: unknown, call: Call = {}) => post('/events', body, { type: 'application/cloudevents+json', ...call });
  const batch = (body: unknown, call: Call = {}) =>
    post('/events', body, { type: 'application/cloudevents-batch+json', ...call });
  const binary = (headers: Record<string, string>, body: unknown = condition()) => post('/events', body, { headers });
  interface Fault {
    readonly field: string;
    readonly code: string;
    readonly message: string;
  }
  interface Issue {
    readonly severity: string;
    readonly details: { readonly coding: [{ readonly system: string; readonly code: string }]; readonly text: string };
    readonly diagnostics: string;
    readonly expression?: [string];
  }
  const faultOf = ({ details, expression }: Issue): Fault => ({
    ...{ field: expression?.[0] ?? '', code: details.coding[0].code, message: details.text },
  });
  const faultsIn = ({ issue = [], errors }: { issue?: Issue[]; errors?: Fault[] }): Fault[] =>
    errors ?? issue.filter(({ details }) => details?.coding[0].system === 'urn:weft:problem').map(faultOf);
  const codesOf = (answer: { body: { issue?: Issue[]; errors?: Fault[] } }) =>
    faultsIn(answer.body).map(({ field, code }) => `${field}: ${code}`);

  interface Told {
    readonly id?: string;
    readonly outcome?: string;
    readonly errors?: readonly Fault[];
  }
  /** What a FHIR answer says of each entry, by the OperationOutcome that was asked for. */
  const toldOf = ({
    body,
  }: {
    body: { entry?: { response: { status: string; outcome: { issue: Issue[] } } }[]; issue?: Issue[] };
  }) =>
    (body.entry?.map(({ response }) => response.outcome) ?? [{ issue: body.issue ?? [] }]).map(({ issue }): Told => {
      const errors = issue.filter(({ severity }) => severity === 'error' || severity === 'fatal').map(faultOf);
      if (errors.length > 0) return { errors };
      const [{ details, diagnostics }] = issue as [Issue];
      const id = /^event (\S+) of/.exec(diagnostics)?.[1];
      return { outcome: details.coding[0].code, ...(id !== undefined && { id }) };
    });
  const prefers = (headers: Record<string, string> = {}) => ({
    ...headers,
    prefer: [headers['prefer'], 'return=OperationOutcome'].filter(Boolean).join(', '),
  });
  async function fhir(body: unknown, call: Call = {}) {
    const answer = await post('/fhir', body, { ...call, headers: prefers(call.headers) });
    const items = toldOf(answer);
    const count = (is: (told: Told) => boolean) => items.filter(is).length;
    const [refused, kept] = [count(({ errors }) => errors !== undefined), count(({ outcome }) => outcome === 'kept')];
    return { ...answer, items, refused, kept, accepted: items.length - refused - kept };
  }
  async function messageOf({ id }: Told, organisation = 'RX901'): Promise<Message> {
    const found = (await messagesOn(careEventsTopic(organisation))).filter(({ headers }) => headers['ce_id'] === id).at(-1);
    if (found === undefined) throw new Error('no such event');
    return found;
  }
  const resourceIn = ({ value }: Message) => JSON.parse(Buffer.from(value!).toString());

  describe('a number', () => {
    const measured = (id: string, digits: string) =>
      `{"resourceType":"Observation","id":"${id}","status":"final","code":{"text":"Potassium"},"subject":${JSON.stringify(patientOf(nhsNumber))},"valueQuantity":{"value":${digits},"unit":"mmol/L"}}`;
    const enveloped = (id: string, data: string) =>
      JSON.stringify(event({ id, data: null })).replace('"data":null', `"data":${data}`);
    const ce = (id: string) => ({
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': 'urn:ods:RX901:ehr',
      'ce-type': 'care-event-recorded-1',
      'ce-subject': nhsNumber,
      'ce-time': '2026-01-01T10:00:00Z',
    });
    const textOf = async (id: string) =>
      (await messagesOn('weft.care-events.RX901'))
        .map(({ value }) => Buffer.from(value!).toString())
        .find((text) => text.includes(`"id":"${id}"`));
    const inBundle = (resource: string) => `{"resourceType":"Bundle","type":"collection","entry":[{"resource":${resource}}]}`;

    it.each([
      ['binary', (resource: string) => post('/events', resource, { headers: ce('digits-binary') })],
      ['structured', (resource: string) => structured(enveloped('digits-structured', resource))],
      ['batch', (resource: string) => batch(`[${enveloped('digits-batch', resource)}]`)],
      ['bundle', (resource: string) => post('/fhir', inBundle(resource))],
      ['resource', (resource: string) => post('/fhir', resource)],
    ])('goes on with the digits that its sender wrote: %s', async (way, send) => {
      const resource = measured(`digits-${way}`, '5.00');
      expect((await send(resource)).status).toBe({ bundle: 200, resource: 201 }[way] ?? 202);
      expect(await textOf(`digits-${way}`)).toBe(resource);
    });

    it('with other digits is another content: under the same id a conflict', async () => {
      const answers = [];
      for (const digits of ['5.00', '5.00', '5.0'])
        answers.push(await structured(enveloped('digits-twice', measured('digits-twice', digits))));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 409]);
    });

    it('is no text, and nobody else says what its digits were', async () => {
      const asText = await structured(enveloped('digits-text', measured('digits-text', '"5.00"')));
      expect(codesOf(asText)).toEqual(['Observation.value.ofType(Quantity).value: structure']);
      const imitated = measured('digits-said', '5,"#value":"6.00"');
      expect(codesOf(await structured(enveloped('digits-said', imitated)))).toEqual(['body.data.valueQuantity.…: forbidden-key']);
      expect(codesOf(await post('/fhir', imitated))).toEqual(['body.valueQuantity.…: forbidden-key']);
    });
  });

  async function messagesOn(topic: string): Promise<Message[]> {
    const partitions = await service.bus.offsets(topic);
    const pages = await Promise.all(partitions.map(({ partition, low }) => service.bus.read(topic, partition, low, 5_000)));
    return pages.flat();
  }
  const countOn = async (topic: string) => (await service.bus.offsets(topic)).reduce((sum, { high }) => sum + high, 0);

  describe('lets nobody in', () => {
    const routes = ['POST /events', 'POST /fhir', 'POST /consents', 'GET /consents/0-0'];
    it.each(routes)('%s without a token, or with a bad one', async (route) => {
      const [method, path] = route.split(' ') as [string, string];
      for (const headers of [{}, { authorization: 'Bearer bad' }] as Record<string, string>[]) {
        const response = await fetch(url + path, { method, headers, ...(method === 'POST' && { body: '{}' }) });
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toContain('Bearer');
      }
    });

    const wrong = routes.flatMap((route) =>
      ROLES.filter((role) => role !== 'publisher' && !(role === 'governance' && route.includes('/consents'))).map(
        (role) => [route, role] as const,
      ),
    );
    it.each(wrong)('%s as %s', async (route, role) => {
      const [method, path] = route.split(' ') as [string, string];
      const answer = method === 'GET' ? await get(path, tokens.get(role)) : await post(path, event(), { role });
      expect(answer.status).toBe(403);
      const { type, resourceType, issue } = answer.body;
      if (path.startsWith('/fhir')) expect([resourceType, issue[0].code]).toEqual(['OperationOutcome', 'forbidden']);
      else expect(type).toBe('urn:weft:problem:wrong-role');
    });

    it('POST /events for a publisher of no organisation', async () => {
      const token = await issueToken(service.settings, service.clock, { roles: ['publisher'] });
      const answer = await structured(event(), { token });
      expect([answer.status, answer.body.type]).toEqual([403, 'urn:weft:problem:no-organisation']);
    });
  });

  describe('POST /events', () => {
    it('answers a structured event with its place, once it is durable there, as it came', async () => {
      const data = '{"resourceType":"Condition", "id":"kept", "subject":' + JSON.stringify(patientOf(nhsNumber)) + '}';
      const answer = await structured(
        JSON.stringify(event({ id: 'structured-1', data: 0 })).replace('"data":0', `"data":${data}`),
      );
      expect([answer.status, answer.body]).toEqual([
        202,
        { id: 'structured-1', topic: 'weft.care-events.RX901', partition: expect.any(Number), offset: expect.any(Number) },
      ]);
      const { topic, partition, offset } = answer.body;
      const [message] = await service.bus.read(topic, partition, offset, 1);
      expect(message).toMatchObject({ key: nhsNumber, headers: { ce_id: 'structured-1', ce_source: 'urn:ods:RX901:ehr' } });
      expect(Buffer.from(message!.value!).toString()).toBe(data);
      expect(wiring.reader.careEvent(message!).ok).toBe(true);
    });

    it('takes binary mode, with its attributes in headers', async () => {
      const { data: _, datacontenttype: __, ...attributes } = event({ id: 'binary-1' });
      const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]));
      expect(await binary(headers)).toMatchObject({ status: 202, body: { id: 'binary-1', topic: 'weft.care-events.RX901' } });
    });

    it('puts a decision on the consent topic', async () => {
      const answer = await structured(event({ id: 'decision-1', type: 'consent-decision-recorded-1', data: consent() }));
      expect([answer.status, answer.body.topic]).toEqual([202, CONSENT_TOPIC]);
    });

    it('keeps events of one patient in the order they came, in one partition', async () => {
      const answers = [];
      for (let n = 0; n < 5; n++) answers.push((await structured(event({ id: `ordered-${n}` }))).body);
      expect(new Set(answers.map(({ partition }) => partition)).size).toBe(1);
      expect(answers.map(({ offset }) => offset)).toEqual([...answers.map(({ offset }) => offset)].sort((a, b) => a - b));
    });

    const deep = `${'['.repeat(200)}${']'.repeat(200)}`;
    it.each<[string, unknown, Call, number, string]>([
      ['a truncated body', JSON.stringify(event()).slice(0, -20), {}, 400, 'body: not-json'],
      ['no body', '', {}, 400, 'body: not-json'],
      ['a deeply nested body', `{"data":${deep}}`, {}, 400, 'body: too-deep'],
      ['a body that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400, 'body: not-utf-8'],
      [
        'an event above 1 MiB',
        event({ data: condition({ note: [{ text: 'x'.repeat(1_048_577) }] }) }),
        {},
        413,
        'body: too-large',
      ],
      [
        'an event that only its envelope lifts above 1 MiB',
        event({ data: condition({ note: [{ text: 'x'.repeat(1_048_160) }] }) }),
        {},
        413,
        'data: too-large',
      ],
      [
        'an event that a message could carry and the store could not',
        event({ data: condition({ note: [{ text: 'x'.repeat(990_000) }] }) }),
        {},
        413,
        'data: too-large',
      ],
      ['a wrong check digit', event({ subject: '9990033472' }), {}, 422, 'subject: nhs-number'],
      ['the number of no match', event({ subject: '0000000000' }), {}, 422, 'subject: nhs-number'],
      ['the number of several matches', event({ subject: '9999999999' }), {}, 422, 'subject: nhs-number'],
      [
        'a resource about somebody else',
        event({ data: condition({ subject: patientOf(somebodyElse) }) }),
        {},
        422,
        'Condition.subject: somebody-else',
      ],
      ['a source that is not the sender', event({ source: 'urn:ods:RX902' }), {}, 403, 'source: not-the-sender'],
      ['a source of no organisation of the region', event({ source: 'urn:ods:ZZ999' }), {}, 403, 'source: unknown-organisation'],
      ['a clock that is years ahead', event({ time: '2099-01-01T00:00:00Z' }), {}, 422, 'time: too-late'],
      ['a clock that lost its time', event({ time: '1970-01-01T00:00:00Z' }), {}, 422, 'time: too-early'],
      ['an unknown type', event({ type: 'care-event-recorded-2' }), {}, 422, 'type: unknown-type'],
      ['no id', event({ id: undefined }), {}, 422, 'id: required'],
      [
        'a type of content that is no CloudEvent',
        '<event/>',
        { type: 'application/cloudevents+xml' },
        415,
        'content-type: unsupported',
      ],
      ['data that is no FHIR', event({ data: condition({ code: 5 }) }), {}, 422, 'Condition.code: structure'],
      ['no data', event({ data: undefined }), {}, 422, 'data: required'],
      ['an array', [event()], {}, 422, 'body: malformed'],
    ])('refuses %s, and says which field', async (_, body, call, status, problem) => {
      const before = await countOn(careEventsTopic('RX901'));
      const answer = await structured(body, call);
      expect({ status: answer.status, problems: codesOf(answer) }).toEqual({
        status,
        problems: expect.arrayContaining([problem]),
      });
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.text).not.toMatch(/\d{10}/);
      expect(await countOn(careEventsTopic('RX901'))).toBe(before);
    });

    it('names every field that is wrong, at once', async () => {
      const answer = await structured(
        event({ subject: '123', time: 'yesterday', type: 'x', data: condition({ subject: undefined, id: undefined }) }),
      );
      expect(codesOf(answer)).toEqual(
        expect.arrayContaining(['subject: nhs-number', 'time: malformed', 'type: unknown-type', 'Condition.id: required']),
      );
    });

    it('answers each item of a batch: bad ones hurt no others', async () => {
      const items = [
        event({ id: 'b-0' }),
        event({ id: 'b-1', subject: '0000000000' }),
        event({ id: 'b-2', source: 'urn:ods:RX902' }),
        'no event',
        event({ id: 'b-4', data: condition({ note: [{ text: 'x'.repeat(1_048_577) }] }) }),
        event({ id: 'b-5', data: condition({ note: [{ text: 'x'.repeat(1_048_160) }] }) }),
        event({ id: 'b-6' }),
      ];
      const answer = await batch(items);
      expect(answer.status).toBe(202);
      expect(answer.body).toMatchObject({ accepted: 2, refused: 5 });
      expect(
        answer.body.items.map(
          (item: { id?: string; errors?: { code: string }[] }) => item.id ?? item.errors!.map(({ code }) => code)[0],
        ),
      ).toEqual(['b-0', 'nhs-number', 'not-the-sender', 'malformed', 'too-large', 'too-large', 'b-6']);
      expect(answer.body.items.map(({ entry }: { entry: number }) => entry)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(publishCalls).toBe(1);
      const ids = (await messagesOn(careEventsTopic('RX901'))).map(({ headers }) => headers['ce_id']);
      expect(ids.filter((id) => id?.startsWith('b-'))).toEqual(['b-0', 'b-6']);
    });

    it('takes nothing of a batch beside what may be a decision and is refused', async () => {
      const decided = event({ id: 'd-1', type: 'consent-decision-recorded-1', data: consent() });
      const twice = JSON.stringify(decided).replace('"status":', '"status":"active","status":');
      const refused = [
        { ...decided, subject: '0000000000' },
        { ...decided, type: 'care-event-recorded-1' },
        { ...decided, type: 'consent-decision-recorded-2' },
      ].map((one) => JSON.stringify(one));
      for (const one of [twice, ...refused]) {
        const answer = await batch(`[${JSON.stringify(event({ id: 'beside' }))},${one}]`);
        expect([answer.status, answer.body.items[0].errors?.[0].code]).toEqual([422, 'decision-refused']);
      }
    });

    describe('under a used id', () => {
      const other = { code: { text: 'Gout' } };

      it('is one event where it says the same, and refused where it says something else', async () => {
        const sent = event({ id: 'used-1' });
        expect((await structured(sent)).status).toBe(202);
        expect((await structured({ ...sent, time: '2026-01-02T10:00:00Z' })).status).toBe(202);
        const before = await countOn(careEventsTopic('RX901'));
        const answer = await structured(event({ id: 'used-1', data: condition(other) }));
        expect([answer.status, answer.body.type, codesOf(answer)]).toEqual([
          409,
          'urn:weft:problem:idempotency-conflict',
          ['id: idempotency-conflict'],
        ]);
        expect((await structured({ ...sent, type: 'care-event-retracted-1' })).status).toBe(409);
        expect(await countOn(careEventsTopic('RX901'))).toBe(before);
      });

      it('is refused by itself in a batch, also beside the one that it differs from', async () => {
        const [first, second] = [event({ id: 'used-2' }), event({ id: 'used-2', data: condition(other) })];
        const answer = await batch([first, second, first, event({ id: 'used-3' })]);
        expect([answer.status, answer.body.accepted, answer.body.refused]).toEqual([202, 3, 1]);
        expect(answer.body.items[1].errors[0].code).toBe('idempotency-conflict');
      });

      it('is another event of another source, or about another person', async () => {
        expect((await structured(event({ id: 'used-4' }))).status).toBe(202);
        expect((await structured(event({ id: 'used-4', source: 'urn:ods:RX901:lab', data: condition(other) }))).status).toBe(202);
        const about = { subject: somebodyElse, data: condition({ ...other, subject: patientOf(somebodyElse) }) };
        expect((await structured(event({ id: 'used-4', ...about }))).status).toBe(202);
      });

      it('is not taken for used where the bus did not take it', async () => {
        beforePublish = () => {
          throw new EngineUnavailable('bus', 'no broker answers');
        };
        expect((await structured(event({ id: 'used-5' }))).status).toBe(503);
        beforePublish = () => {};
        expect((await structured(event({ id: 'used-5', data: condition(other) }))).status).toBe(202);
      });
    });

    it.each<[string, object, string]>([
      [
        'that is updated in the future',
        { meta: { lastUpdated: '2099-01-01T00:00:00Z' } },
        'Condition.meta.lastUpdated: too-late',
      ],
      ['that lost its time', { meta: { lastUpdated: '1970-01-01T00:00:00Z' } }, 'Condition.meta.lastUpdated: too-early'],
      ['of which something was left out', { meta: { tag: [{ code: 'SUBSETTED' }] } }, 'Condition.meta.tag: subsetted'],
    ])('refuses a resource %s alike on every way in', async (_, more, problem) => {
      const resource = condition(more);
      const inBundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource }] };
      const answers = [await structured(event({ data: resource })), await post('/fhir', resource)];
      expect(answers.map(codesOf)).toEqual([[problem], [problem]]);
      const [told] = (await fhir(inBundle)).items;
      expect(told?.errors?.map(({ field, code }) => `${field}: ${code}`)).toEqual([
        problem.replace('Condition', 'entry[0].resource'),
      ]);
      expect((await batch([event({ data: resource })])).body.items[0].errors).toHaveLength(1);
    });

    it('takes a leap second for a time', async () => {
      const leap = '2016-12-31T23:59:60Z';
      expect((await structured(event({ id: 'leap', time: leap, data: condition({ meta: { lastUpdated: leap } }) }))).status).toBe(
        202,
      );
      expect((await post('/fhir', condition({ id: 'leap', recordedDate: leap, meta: { lastUpdated: leap } }))).status).toBe(201);
    });

    it('refuses a leap second in the middle of a day, by its field', async () => {
      const none = '2016-12-31T22:59:60Z';
      expect(codesOf(await structured(event({ time: none })))).toEqual(['time: malformed']);
      expect(codesOf(await post('/fhir', condition({ recordedDate: none })))).toEqual(['Condition.recordedDate: value']);
      expect(codesOf(await post('/fhir', condition({ meta: { lastUpdated: none } })))).toEqual([
        'Condition.meta.lastUpdated: malformed',
      ]);
    });

    it('answers 422 when nothing of a batch was accepted, still with an answer for each item', async () => {
      const answer = await batch([event({ subject: '0000000000' })]);
      expect([answer.status, answer.body.accepted, answer.body.items]).toEqual([
        422,
        0,
        [{ entry: 0, errors: answer.body.errors }],
      ]);
    });

    it('refuses a batch of countless nothings before it costs anything', async () => {
      const answer = await batch(`[${'0,'.repeat(8_000_000)}0]`);
      expect([answer.status, codesOf(answer)]).toEqual([413, ['body: too-large']]);
    });

    it.each([
      ['a batch that is cut off', `[${JSON.stringify(event())},`, 400],
      ['a batch that is no array', JSON.stringify(event()), 400],
    ])('refuses %s as a whole', async (_, body, status) => {
      const before = await countOn(careEventsTopic('RX901'));
      expect((await batch(body)).status).toBe(status);
      expect(await countOn(careEventsTopic('RX901'))).toBe(before);
    });

    it('accepts nothing while the bus is away, and says when to come again', async () => {
      beforePublish = () => {
        throw new EngineUnavailable('bus', 'no broker answers');
      };
      const answer = await batch([event({ id: 'away-1' }), event({ id: 'away-2' })]);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
      expect(answer.body.accepted).toBeUndefined();
      expect(answer.text).not.toContain('broker');
    });
  });

  describe('with Prefer: wait', () => {
    const waits = (seconds: number) => ({ headers: { prefer: `wait=${seconds}` } });
    const outcomes = ({ body }: { body: { items: { outcome?: string }[] } }) => body.items.map(({ outcome }) => outcome);
    let projectors: Projector[] = [];
    const start = async () => {
      projectors = [await startRecordProjector(wiring, [careEventsTopic('RX901')]), await startOptOutProjector(wiring)];
    };
    afterEach(async () => {
      await Promise.all(projectors.map((projector) => projector.stop()));
      projectors = [];
    });
    const about = (id: string, more: object = {}) => event({ id, data: condition({ id: 'waited-for', ...more }) });

    it('says of each event what became of it in the record', async () => {
      await start();
      const first = await batch([about('w1'), about('w2'), about('w3', { code: { text: 'Eczema' } })], waits(30));
      expect(outcomes(first)).toEqual(['new', 'unchanged', 'new']);
      // A death counts from whoever has recorded something about the person.
      const unknown = '9990000042';
      const death = { resourceType: 'Patient', id: 'p', identifier: [patientOf(unknown).identifier] };
      const refused = event({
        id: 'w5',
        type: 'patient-died-1',
        subject: unknown,
        data: { ...death, deceasedBoolean: true },
      });
      const decision = event({ id: 'w6', type: 'consent-decision-recorded-1', data: consent({ consentId: 'waited-for' }) });
      const again = await batch([about('w1'), about('w4'), refused, decision, event({ id: 'w7', time: 'x' })], waits(30));
      expect(outcomes(again)).toEqual(['duplicate', 'new', 'quarantined', 'new', undefined]);
      expect((await structured(about('w4'), waits(30))).body).toMatchObject({ id: 'w4', outcome: 'duplicate' });
      const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: condition({ id: 'waited-for' }) }] };
      const headers = { ...waits(30).headers, 'ce-source': 'urn:ods:RX901:ehr' };
      expect((await fhir(bundle, { headers })).items).toMatchObject([{ outcome: 'unchanged' }]);
    });

    it('says that it is not known yet, where that takes longer', async () => {
      expect(outcomes(await batch([about('w8'), about('w9')], waits(1)))).toEqual(['pending', 'pending']);
    });

    it.each(['', 'handling=lenient', 'wait=0'])('is not waited for with Prefer: %s', async (prefer) => {
      expect((await structured(about(`w10 ${prefer}`), { headers: { prefer } })).body).not.toHaveProperty('outcome');
    });
  });

  describe('POST /fhir', () => {
    const bundle = (entries: object[]) => ({ resourceType: 'Bundle', type: 'collection', entry: entries });
    const patient = {
      fullUrl: 'urn:uuid:p1',
      resource: { resourceType: 'Patient', id: 'p1', identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }] },
    };
    const about = (id: string, more: object = {}) => ({
      resource: condition({ id, subject: { reference: 'urn:uuid:p1' }, ...more }),
    });

    it('makes a care event of each resource, in the Bundle’s order, in one call to the bus', async () => {
      const answer = await fhir(bundle([patient, about('f1'), about('f2')]));
      expect([answer.status, answer.accepted, answer.refused]).toEqual([200, 3, 0]);
      expect(publishCalls).toBe(1);
      const messages = await Promise.all(answer.items.map((item) => messageOf(item)));
      const [first] = messages as [Message, ...Message[]];
      expect(messages.map(({ offset }) => offset - first.offset)).toEqual([0, 1, 2]);
      expect(messages.map((message) => resourceIn(message).id)).toEqual(['p1', 'f1', 'f2']);
    });

    it('accepts a thousand with one bad one among them, and says what is wrong with that', async () => {
      const entries = [patient, ...Array.from({ length: 999 }, (_, n) => about(`t${n}`, n === 500 ? { code: 'Asthma' } : {}))];
      const answer = await fhir(bundle(entries));
      expect([answer.status, answer.accepted, answer.refused]).toEqual([200, 999, 1]);
      expect(answer.items[501]).toEqual({ errors: [expect.objectContaining({ field: 'entry[501].resource.code' })] });
    });

    it('judges a large one in a thread of its own, alike: what is too costly is refused, the rest and its decision are taken', async () => {
      const long = { note: [{ text: 'x'.repeat(300_000) }] };
      const costly = about('l2', { extension: Array<object>(25_000).fill({}) });
      const decision = { resource: consent({ consentId: 'l3', subject: somebodyElse }) };
      const answer = await fhir(bundle([patient, about('l1', long), costly, decision]));
      expect([answer.status, answer.accepted, answer.refused]).toEqual([200, 3, 1]);
      expect(answer.items[2]?.errors).toEqual([
        { field: 'entry[2].resource', code: 'too-costly', message: 'has a list of more than 20000 items' },
      ]);
      expect(resourceIn(await messageOf(answer.items[1]!))).toMatchObject({ id: 'l1', ...long });
    });

    it.each<[string, object]>([
      ['nobody of the Bundle', { reference: 'Patient/p7' }],
      ['two people', { reference: `Patient/${somebodyElse}`, identifier: { system: NHS_NUMBER_SYSTEM, value: somebodyElse } }],
    ])('takes nothing beside a decision about %s, who may be any of them', async (who, named) => {
      const patientOf = who === 'two people' ? { ...named, identifier: { system: NHS_NUMBER_SYSTEM, value: nhsNumber } } : named;
      const decision = { resource: { ...consent({ consentId: 'whose' }), patient: patientOf } };
      const answer = await fhir(bundle([patient, about('beside'), decision]));
      expect([answer.status, answer.accepted]).toEqual([200, 0]);
      expect(JSON.stringify(answer.body)).toContain('decision-refused');
    });

    it('takes nothing beside a decision within another resource, where Weft obeys none', async () => {
      const inner = bundle([{ resource: consent({ consentId: 'inner' }) }]);
      const within = about('x', { contained: [consent({ consentId: 'w' })] });
      for (const entry of [{ resource: inner }, within]) {
        const answer = await fhir(bundle([patient, about('beside-one'), entry]));
        expect([answer.status, answer.accepted]).toEqual([200, 0]);
        expect(answer.items.at(-1)?.errors).toContainEqual(expect.objectContaining({ code: 'decision-within' }));
        expect(answer.items[1]?.errors).toEqual([expect.objectContaining({ code: 'decision-refused' })]);
      }
    });

    describe('sent twice', () => {
      const idsOf = async (body: object, headers: Record<string, string> = {}) =>
        (await fhir(body, { headers })).items.map(({ id }) => id);

      it('is new each time, also where nothing has changed: a state may come back', async () => {
        const [first, second] = [await idsOf(bundle([patient, about('same')])), await idsOf(bundle([patient, about('same')]))];
        expect(new Set([...first, ...second]).size).toBe(4);
      });

      it.each<[string, object, Record<string, string>]>([
        ['Idempotency-Key', {}, { 'idempotency-key': 'fhir-1' }],
        ['Idempotency-Key in quotes', {}, { 'idempotency-key': '"fhir-2"' }],
        ['Bundle.identifier', { identifier: { system: 'urn:x', value: 'fhir-3' } }, {}],
      ])('under one %s is one request, and another content under it is refused by name', async (_, more, headers) => {
        const sent = { ...bundle([patient, about('keyed')]), ...more };
        expect(await idsOf(sent, headers)).toEqual(await idsOf(sent, headers));
        const changed = { ...bundle([patient, about('keyed', { code: { text: 'Gout' } }), about('new')]), ...more };
        const answer = await fhir(changed, { headers });
        expect([answer.status, answer.accepted, answer.refused]).toEqual([200, 2, 1]);
        expect(answer.items[1]?.errors).toEqual([expect.objectContaining({ field: 'id', code: 'idempotency-conflict' })]);
      });

      it.each(['', 'x'.repeat(257)])('is refused under a key that is none', async (key) => {
        const answer = await fhir(condition(), { headers: { 'idempotency-key': key } });
        expect([answer.status, codesOf(answer)]).toEqual([400, ['Idempotency-Key: malformed-key']]);
      });
    });

    it('reads what each entry asks for', async () => {
      const entry = (resource: object | undefined, method: string, url: string) => ({ resource, request: { method, url } });
      const { resource } = about('asked');
      const answer = await fhir({
        ...bundle([
          patient,
          entry(resource, 'PUT', 'Condition/asked'),
          entry(undefined, 'DELETE', 'Condition/gone'),
          entry(resource, 'GET', 'Condition/asked'),
        ]),
        type: 'batch',
      });
      expect([answer.status, answer.accepted, answer.refused]).toEqual([200, 3, 1]);
      expect(answer.items[3]?.errors).toEqual([
        expect.objectContaining({ field: 'entry[3].request.method', code: 'unsupported' }),
      ]);
      const message = await messageOf(answer.items[2]!);
      expect(message.headers['ce_type']).toBe('care-event-retracted-1');
      expect(resourceIn(message)).toEqual({ resourceType: 'Condition', id: 'gone' });
    });

    it('takes one resource that names its patient', async () => {
      const answer = await fhir(condition({ id: 'alone' }));
      expect([answer.status, answer.items]).toEqual([201, [{ outcome: 'accepted', id: expect.any(String) }]]);
    });

    it('answers each entry also where none was accepted', async () => {
      const answer = await fhir(bundle([about('nobody')]));
      expect([answer.status, answer.accepted, answer.refused]).toEqual([200, 0, 1]);
    });

    describe('what is about nobody', () => {
      const practitioner = { resource: { resourceType: 'Practitioner', id: 'dr1', name: [{ family: 'Made-up' }] } };
      const asserted = (id: string, reference = 'Practitioner/dr1') => about(id, { asserter: { reference } });
      const contained = [expect.objectContaining({ id: 'Practitioner-dr1', name: [{ family: 'Made-up' }] })];
      const carriedBy = async (told: Told | undefined) => resourceIn(await messageOf(told!));

      it('travels with the entry that refers to it, and is said to be kept', async () => {
        const answer = await fhir(bundle([patient, asserted('k1'), practitioner]));
        expect(answer.items.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'kept']);
        expect(await carriedBy(answer.items[1])).toMatchObject({ asserter: { reference: '#Practitioner-dr1' }, contained });
      });

      it('travels with what refers to it later, as it was last sent, until a Bundle says otherwise', async () => {
        expect(await fhir(practitioner.resource)).toMatchObject({ status: 201, accepted: 0, kept: 1 });
        const answer = await fhir(bundle([patient, asserted('k2')]));
        expect(await carriedBy(answer.items[1])).toMatchObject({ contained });
        const renamed = { ...practitioner.resource, name: [{ family: 'Renamed' }] };
        await fhir(renamed);
        const later = await fhir(asserted('k3').resource);
        expect([later.status, later.items[0]?.errors?.[0]?.code]).toEqual([422, 'unknown-patient']);
        const known = await fhir(condition({ id: 'k4', asserter: { reference: 'Practitioner/dr1/_history/2' } }));
        expect(await carriedBy(known.items[0])).toMatchObject({ contained: [{ name: [{ family: 'Renamed' }] }] });
      });

      it('is no other organisation’s', async () => {
        await fhir(practitioner.resource);
        const token = await issueToken(service.settings, service.clock, { roles: ['publisher'], organisation: 'RX902' });
        const answer = await fhir(bundle([patient, asserted('k5')]), { token });
        expect(resourceIn(await messageOf(answer.items[1]!, 'RX902'))).toMatchObject({
          asserter: { reference: 'Practitioner/dr1' },
        });
      });

      it('makes a repetition no other request, whatever became of it in between', async () => {
        const projector = await startRecordProjector(wiring, [careEventsTopic('RX901')]);
        const doctor = (family: string) => ({ ...practitioner.resource, id: 'dr2', name: [{ family }] });
        const send = (more: object = {}) => {
          const resource = condition({ id: 'again', asserter: { reference: 'Practitioner/dr2' }, ...more });
          return fhir(resource, { headers: { 'idempotency-key': 'again', prefer: 'wait=30' } });
        };
        const answers = [await send()];
        for (const family of ['Made-up', 'Renamed']) {
          await fhir(doctor(family));
          answers.push(await send());
        }
        answers.push(await send({ code: { text: 'Eczema' } }));
        await projector.stop();
        expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 409]);
        expect(answers.slice(0, 3).map(({ items }) => items[0]?.outcome)).toEqual(['new', 'duplicate', 'duplicate']);
        expect(await carriedBy(answers[2]!.items[0])).toMatchObject({ contained: [{ name: [{ family: 'Renamed' }] }] });
        expect(answers[3]!.items[0]?.errors).toEqual([expect.objectContaining({ code: 'idempotency-conflict' })]);
      });

      it('travels with an event that refers to it, whichever way the event is sent', async () => {
        await fhir({ ...practitioner.resource, id: 'dr3' }, { headers: { 'ce-source': 'urn:ods:RX901:ehr' } });
        const data = (id: string, more: object = {}) => condition({ id, asserter: { reference: 'Practitioner/dr3' }, ...more });
        const headers = Object.fromEntries(
          ['specversion', 'id', 'source', 'type', 'subject', 'time'].map((name) => [
            `ce-${name}`,
            `${(event({ id: 'kept-2' }) as Record<string, unknown>)[name]}`,
          ]),
        );
        const answers = [
          (await structured(event({ id: 'kept-1', data: data('kept-1') }))).body,
          (await binary(headers, data('kept-2'))).body,
          (await batch([event({ id: 'kept-3', data: data('kept-3') })])).body.items[0],
        ];
        for (const answer of answers)
          expect(await carriedBy(answer)).toMatchObject({
            asserter: { reference: '#Practitioner-dr3' },
            contained: [{ id: 'Practitioner-dr3', name: [{ family: 'Made-up' }] }],
          });
        await fhir({ ...practitioner.resource, id: 'dr3', active: true }, { headers: { 'ce-source': 'urn:ods:RX901:ehr' } });
        const again = await structured(event({ id: 'kept-1', data: data('kept-1') }));
        const other = await structured(event({ id: 'kept-1', data: data('kept-1', { code: { text: 'Eczema' } }) }));
        expect([again.status, other.status]).toEqual([202, 409]);
      });

      it('is not waited for by an event where the store is away: that is taken as it came', async () => {
        const read = service.store.read.bind(service.store);
        service.store.read = async (stream, options) => {
          if (stream.startsWith('keptResource-')) throw new EngineUnavailable('store', 'no node answers');
          return read(stream, options);
        };
        const data = condition({ id: 'kept-4', asserter: { reference: 'Practitioner/dr1' } });
        const answers = [await structured(event({ id: 'kept-4', data })), await batch([event({ id: 'kept-5', data })])];
        service.store.read = read;
        expect(answers.map(({ status }) => status)).toEqual([202, 202]);
        expect(await carriedBy(answers[0]!.body)).toEqual(data);
        expect(await carriedBy(answers[1]!.body.items[0])).toEqual(data);
      });

      it('is written once, however often it is sent', async () => {
        await fhir(practitioner.resource);
        const written = async () => {
          const all = [];
          for await (const { stream } of service.store.streams('keptResource-')) all.push(await service.store.head(stream));
          return all;
        };
        const before = await written();
        await fhir(bundle([patient, asserted('k6'), practitioner]));
        expect(await written()).toEqual(before);
        expect(before.length).toBeGreaterThan(0);
      });
    });

    it('refuses what is about somebody else within an entry, by its place and without the number', async () => {
      const other = { resourceType: 'Patient', id: 'x', identifier: [{ system: NHS_NUMBER_SYSTEM, value: somebodyElse }] };
      const answer = await fhir(bundle([patient, about('e1', { contained: [other], asserter: { reference: '#x' } })]));
      expect(answer.items[1]?.errors).toEqual([
        expect.objectContaining({ field: 'entry[1].resource.contained[0].identifier', code: 'somebody-else' }),
      ]);
      expect(answer.text).not.toContain(somebodyElse);
    });

    it('takes a document in, its Composition and every entry about the patient', async () => {
      const composition = {
        ...{ resourceType: 'Composition', id: 'd1', status: 'final', type: { text: 'Discharge summary' }, date: '2026-01-01' },
        ...{ subject: { reference: 'urn:uuid:p1' }, author: [{ display: 'Made-up' }], title: 'Discharge summary' },
      };
      const answer = await fhir({ ...bundle([{ resource: composition }, patient, about('d2')]), type: 'document' });
      expect([answer.status, answer.accepted, answer.refused]).toEqual([200, 3, 0]);
    });

    it.each<[string, unknown, number]>([
      ['what is cut off', JSON.stringify(bundle([patient])).slice(0, -5), 400],
      ['what is no FHIR at all', { hello: 'world' }, 422],
      [
        'a Bundle of a type that carries no resources to keep',
        { resourceType: 'Bundle', type: 'batch-response', entry: [] },
        422,
      ],
      ['no body', '', 400],
      ['a Bundle of countless nothings', `{"entry":[${'0,'.repeat(8_000_000)}0]}`, 413],
      ['a Bundle of too many entries', { resourceType: 'Bundle', type: 'collection', entry: new Array(100_001).fill(0) }, 413],
    ])('refuses %s', async (_, body, status) => {
      expect((await fhir(body)).status).toBe(status);
    });
  });

  describe('tells what it cannot read for what it is', () => {
    const xml = '<Condition xmlns="http://hl7.org/fhir"/>';
    const hl7 = 'MSH|^~\\&|EHR|RX901|WEFT||20260304||ADT^A01|1|P|2.5';
    it.each([
      ['/events', 'application/fhir+xml', xml, /XML.*Send application\/cloudevents\+json or application\/fhir\+json or/],
      ['/fhir', 'application/fhir+xml', xml, /XML.*Send application\/fhir\+json/],
      ['/consents', 'text/xml', xml, /XML.*Send application\/fhir\+json/],
      ['/fhir', 'x-application/hl7-v2+er7', hl7, /HL7 v2.*Send application\/fhir\+json/],
      ['/fhir', 'application/x-www-form-urlencoded', '{}', /form.*Send application\/fhir\+json/],
    ])('%s as %s', async (path, type, body, detail) => {
      const answer = await post(path, body, { type });
      expect([answer.status, codesOf(answer)]).toEqual([415, ['content-type: unsupported']]);
      expect(faultsIn(answer.body)[0]?.message).toMatch(detail);
      expect(answer.headers.get('accept')).toContain('application/fhir+json');
    });

    it.each([
      ['/fhir', xml, /^FHIR in XML, not JSON/],
      ['/consents', xml, /^FHIR in XML, not JSON/],
      ['/events', hl7, /^an HL7 v2 message .*, not JSON/],
      ['/fhir', `\u000b${hl7}`, /^an HL7 v2 message .*, not JSON/],
      ['/fhir', '{"resourceType":', /ends too early/],
    ])('%s that claims to be JSON', async (path, body, message) => {
      const answer = await post(path, body, path === '/events' ? { type: 'application/cloudevents+json' } : {});
      const [fault] = faultsIn(answer.body);
      expect([answer.status, fault?.code]).toEqual([400, 'not-json']);
      expect(fault?.message).toMatch(message);
    });
  });

  describe('with validate-only', () => {
    const topics = [careEventsTopic('RX901'), CONSENT_TOPIC];
    const counts = () => Promise.all(topics.map(countOn));
    const only = '?validate-only=true';
    const bundleOf = (...resources: object[]) => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: resources.map((resource) => ({ resource })),
    });
    const events = '/events';
    const one = { type: 'application/cloudevents+json' };
    const many = { type: 'application/cloudevents-batch+json' };

    it.each<[string, string, unknown, Call, object]>([
      ['an event', events, event({ id: 'v-1' }), one, { id: 'v-1', topic: 'weft.care-events.RX901' }],
      [
        'a batch',
        events,
        [event({ id: 'v-1' }), event({ id: 'v-2', subject: '123' })],
        many,
        {
          ...{ accepted: 1, refused: 1 },
          items: [
            { entry: 0, id: 'v-1', topic: 'weft.care-events.RX901' },
            { entry: 1, errors: [expect.anything()] },
          ],
        },
      ],
      [
        'a Bundle with a decision',
        '/fhir',
        bundleOf(condition({ id: 'v-3' }), consent({ consentId: 'v-4' })),
        {},
        {
          ...{ resourceType: 'Bundle', type: 'batch-response' },
          entry: [
            { response: expect.objectContaining({ status: '201 Created' }) },
            { response: expect.objectContaining({ status: '201 Created' }) },
          ],
        },
      ],
      [
        'a decision',
        '/consents',
        consent({ consentId: 'v-5' }),
        { role: 'governance', headers: { 'ce-id': 'v-5' } },
        {
          ...{ event: 'v-5', source: 'urn:weft:governance', state: 'obeyed', standing: true },
          ...{ since: expect.any(String), until: null, warnings: [] },
        },
      ],
    ])('says what would be done with %s, and does nothing', async (_, path, body, call, expected) => {
      const before = await counts();
      const answer = await post(path + only, body, call);
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: expected });
      expect([publishCalls, await counts()]).toEqual([0, before]);
    });

    it.each<[string, string, unknown, Call]>([
      ['an event', events, event({ subject: '123', source: 'urn:ods:RX902' }), one],
      ['an event that is too large', events, event({ data: condition({ note: [{ text: 'x'.repeat(1_048_577) }] }) }), one],
      ['a batch', events, [event({ time: 'yesterday' })], many],
      [
        'a transaction',
        '/fhir',
        { ...bundleOf(condition({ code: 'Asthma' }), condition({ id: 'no id' })), type: 'transaction' },
        {},
      ],
      ['what is no JSON', '/fhir', '{', {}],
      ['a decision', '/consents', { ...consent(), patient: undefined }, { role: 'governance' }],
      ['a decision that is not theirs to make', '/consents', consent({ authority: 'national-data-opt-out' }), {}],
    ])('refuses %s with the same errors', async (_, path, body, call) => {
      const validated = await post(path + only, body, call);
      const sent = await post(path, body, call);
      expect(validated.status).toBeGreaterThanOrEqual(400);
      expect({ status: validated.status, body: validated.body }).toEqual({ status: sent.status, body: sent.body });
    });

    it('refuses an id that is another decision’s, and knows one that was sent before', async () => {
      const call = { role: 'governance' as const, headers: { 'ce-id': 'v-6', prefer: 'wait=20' } };
      const projector = await startOptOutProjector(wiring, { onFailure: (error) => expect(error).toBeUndefined() });
      expect((await post('/consents', consent({ consentId: 'v-6' }), call)).body.state).toBe('obeyed');
      await projector.stop();
      const again = await post(`/consents${only}`, consent({ consentId: 'v-6' }), call);
      expect([again.status, again.body.state]).toEqual([200, 'obeyed']);
      const other = await post(`/consents${only}`, consent({ consentId: 'v-7' }), call);
      expect([other.status, codesOf(other)]).toEqual([409, ['id: idempotency-conflict']]);
    });

    it('counts it apart from what is published', async () => {
      await post(events + only, event({ id: 'v-8' }), one);
      const text = await service.metrics.registry.getSingleMetricAsString('weft_gateway_validated_events_total');
      expect(text).toMatch(/organisation="RX901",outcome="accepted"\} [1-9]/);
    });

    it.each(['validate_only=true', 'validate-only=yes', 'validate-only=true&validate-only=true', 'dry-run=true'])(
      'publishes nothing for a parameter that is not understood: %s',
      async (query) => {
        for (const [path, call] of [
          ['/events', one],
          ['/fhir', {}],
          ['/consents', { role: 'governance' }],
        ] as [string, Call][]) {
          expect((await post(`${path}?${query}`, event(), call)).status).toBe(400);
        }
        expect(publishCalls).toBe(0);
      },
    );
  });

  describe('POST /consents', () => {
    let projector: Projector;
    let running = false;
    const failures: unknown[] = [];
    const startProjector = async () => {
      projector = await startOptOutProjector(wiring, { onFailure: (error) => failures.push(error) });
      running = true;
    };
    afterEach(async () => {
      if (running) await projector.stop();
      running = false;
      expect(failures).toEqual([]);
    });
    const governance: Call = { role: 'governance' };

    it('answers 200 once the decision is obeyed', async () => {
      await startProjector();
      const answer = await post('/consents', consent({ consentId: 'obeyed-1' }), governance);
      expect([answer.status, answer.body]).toEqual([
        200,
        {
          ...{
            id: expect.stringMatching(/^\d+-\d+$/),
            state: 'obeyed',
            event: expect.any(String),
            source: 'urn:weft:governance',
          },
          ...{ standing: true, since: '2026-01-01T10:00:00.000Z', until: null, warnings: [] },
          covers: { 'direct-care': 0, 'care-coordination': 0, 'population-health': 0, research: 0 },
        },
      ]);
      expect(answer.headers.get('preference-applied')).toBe('wait=10');
      expect(await get(`/consents/${answer.body.id}`)).toEqual({ status: 200, body: answer.body });
    });

    it.each([
      ['a decision', () => post('/consents', consent({ consentId: 'timed-1' }))],
      ['a refused one', () => post('/consents', consent({ authority: 'national-data-opt-out' }))],
      [
        'one that it does not wait for',
        () => post('/consents', consent({ consentId: 'timed-2' }), { headers: { prefer: 'wait=0' } }),
      ],
      ['an event whose outcome it waits for', () => structured(event({ id: 'timed-7' }), { headers: { prefer: 'wait=1' } })],
      ['what one would do', () => post('/consents?validate-only=true', consent({ consentId: 'timed-3' }))],
      ['an event that is one', () => structured(event({ type: DECISION_TYPE, data: consent({ consentId: 'timed-4' }) }))],
      [
        'a Bundle with one',
        () => post('/fhir', { resourceType: 'Bundle', type: 'collection', entry: [{ resource: consent() }] }),
      ],
    ])('answers a writer about %s at an answer time', async (_, send) => {
      await startProjector();
      await send();
      expect(held).toBe(1);
    });

    it('answers governance, who may read all, as soon as it is obeyed, and anybody about what decides nothing', async () => {
      await startProjector();
      await post('/consents', consent({ consentId: 'timed-5' }), governance);
      await post('/fhir', condition());
      expect(held).toBe(0);
    });

    it('tells a writer who does not wait that it is pending, and later at an answer time what became of it', async () => {
      await startProjector();
      const answer = await post('/consents', consent({ consentId: 'timed-6' }), { headers: { prefer: 'wait=0' } });
      expect([answer.status, answer.body.state]).toEqual([202, 'pending']);
      const ask = async () => (await get(answer.headers.get('location')!, tokens.get('publisher'))).body.state;
      let asked = 1;
      while ((await ask()) === 'pending') asked += 1;
      expect(await ask()).toBe('obeyed');
      expect(held).toBe(asked + 2);
    });

    it('answers 202 with where to ask when it takes longer than the caller waits, and later there what became of it', async () => {
      const answer = await post('/consents', consent({ consentId: 'later-1' }), { ...governance, headers: { prefer: 'wait=0' } });
      expect([answer.status, answer.body.state]).toEqual([202, 'pending']);
      const location = answer.headers.get('location')!;
      expect((await get(location)).body.state).toBe('pending');
      await startProjector();
      // The next decision is behind this one in its partition: once it is obeyed, so was this one. It says the same, and takes its place.
      const next = await post('/consents', consent({ consentId: 'later-2' }), governance);
      expect([next.status, next.body.state]).toEqual([200, 'obeyed']);
      const replaced = { state: 'superseded', standing: false, supersededBy: next.body.event };
      expect((await get(location)).body).toMatchObject(replaced);
    });

    it('answers 202 while what it changes is not published, though every reader obeys', async () => {
      const { bus, store } = service;
      const takeSeat = bus.takeSeat.bind(bus);
      let free = (): void => {};
      const isFree = new Promise<void>((resolve) => (free = resolve));
      bus.takeSeat = (name) => isFree.then(() => takeSeat(name));
      try {
        await startProjector();
        const answer = await post('/consents', consent({ consentId: 'untold' }), {
          ...governance,
          headers: { prefer: 'wait=1' },
        });
        expect([answer.status, answer.body.state]).toEqual([202, 'pending']);
        const { decisions } = await loadNumber(store, wiring.keys.patient(nhsNumber));
        expect(decisions.map(({ consentId }) => consentId)).toContain('untold');
        free();
        const location = answer.headers.get('location')!;
        const ask = async () => (await get(location)).body.state as string;
        while ((await ask()) === 'pending') await new Promise((resolve) => setTimeout(resolve, 5));
        expect(await ask()).toBe('obeyed');
      } finally {
        free();
        bus.takeSeat = takeSeat;
      }
    });

    it('takes an objection of somebody whose record cannot be read, says that it is in quarantine, and obeys those of others', async () => {
      await startProjector();
      const { store, random } = service;
      const subject = '9990111170';
      const data = bytesOf(JSON.stringify({ recordedAt: '2026-01-01T00:00:00.000Z' }));
      const newer = { id: random.uuid(), type: 'care-event-recorded-9', data };
      await store.append(careRecordStream(wiring.keys.patient(subject)), NO_STREAM, [newer]);
      const answer = await post('/consents', consent({ consentId: 'unreadable', subject }), governance);
      expect(answer.body).toMatchObject({ state: 'quarantined', standing: false });
      expect((await get(answer.headers.get('location') ?? `/consents/${answer.body.id}`)).body.state).toBe('quarantined');
      const other = await post('/consents', consent({ consentId: 'readable' }), governance);
      expect([other.status, other.body.state]).toEqual([200, 'obeyed']);
      expect(failures.splice(0)).toEqual([expect.objectContaining({ type: 'written-by-a-newer-weft' })]);
    });

    it.each([
      ['wait=3', 'wait=3'],
      ['respond-async, wait="5"', 'wait=5'],
      ['respond-async', 'wait=0'],
      ['wait=86400', 'wait=60'],
      ['handling=lenient', 'wait=10'],
    ])('reads Prefer: %s as %s', async (prefer, applied) => {
      await startProjector();
      const answer = await post('/consents', consent(), { ...governance, headers: { prefer } });
      expect(answer.headers.get('preference-applied')).toBe(applied);
    });

    it('is a new decision each time, because a state that returns is new, and one decision under one key', async () => {
      const send = async (more: object, headers = {}) =>
        (await post('/consents', consent(more), { ...governance, headers: { prefer: 'wait=0', ...headers } })).body.event;
      const first = await send({ consentId: 'again' });
      expect(await send({ consentId: 'again' })).not.toBe(first);
      expect(await send({ consentId: 'again' }, { 'idempotency-key': '"mine"' })).toBe('mine');
      expect(await send({ consentId: 'again' }, { 'ce-id': 'given' })).toBe('given');
    });

    it('is refused under a key that another decision about the person was sent under, whichever way it comes', async () => {
      await startProjector();
      const headers = { 'idempotency-key': '"once"' };
      const send = (more: object) => post('/consents', consent(more), { role: 'publisher', headers });
      expect((await send({ consentId: 'once' })).status).toBe(200);
      expect((await send({ consentId: 'once' })).status).toBe(200);
      const other = await send({ consentId: 'twice' });
      expect([other.status, codesOf(other)]).toEqual([409, ['id: idempotency-conflict']]);
      const data = consent({ consentId: 'thrice' });
      const about = { id: 'once', source: 'urn:ods:RX901', type: 'consent-decision-recorded-1', data };
      const byEvent = await post('/events', event(about), { type: 'application/cloudevents+json' });
      expect([byEvent.status, codesOf(byEvent)]).toEqual([409, ['id: idempotency-conflict']]);
    });

    it('is governance’s own, whoever it names, and a publisher’s own organisation’s', async () => {
      const headers = { prefer: 'wait=0', 'ce-source': 'urn:ods:Y90001' };
      const borrowed = await post('/consents', consent(), { role: 'governance', headers });
      expect([borrowed.status, codesOf(borrowed)]).toEqual([403, ['ce-source: not-the-sender']]);
      const foreign = await post('/consents', consent(), { role: 'publisher', headers });
      expect([foreign.status, codesOf(foreign)]).toEqual([403, ['source: not-the-sender']]);
      const own = await post('/consents', consent(), { role: 'publisher', headers: { prefer: 'wait=0' } });
      expect([own.status, own.body.source]).toEqual([202, 'urn:ods:RX901']);
      const nobody = await issueToken(service.settings, service.clock, { roles: ['governance'] });
      const recorded = await post('/consents', consent(), { token: nobody, headers: { prefer: 'wait=0' } });
      expect([recorded.status, recorded.body.source]).toEqual([202, 'urn:weft:governance']);
    });

    it.each<[string, NonNullable<Parameters<typeof consent>[0]>, string]>([
      ['a national opt-out by a trust', { authority: 'national-data-opt-out' }, 'not-yours-to-make'],
      ['a type 1 objection by a trust', { authority: 'type-1' }, 'not-yours-to-make'],
      [
        'a trust lifting a national opt-out',
        { authority: 'national-data-opt-out', provision: provision('permit', ['research']) },
        'not-yours-to-lift',
      ],
      [
        'an explicit consent of nobody',
        { authority: 'explicit-consent', decidedBy: 'not-stated', provision: provision('permit', ['research']) },
        'performer-required',
      ],
    ])('refuses %s, whatever is recorded about the person', async (_, more, code) => {
      const answer = await post('/consents', consent(more), { role: 'publisher', headers: { prefer: 'wait=0' } });
      expect(answer.status).toBe(code === 'performer-required' ? 422 : 403);
      expect(codesOf(answer)?.map((one) => one.split(': ').at(-1))).toContain(code);
    });

    it('says what of a denial was not understood, and counts it all the same', async () => {
      await startProjector();
      const unclear = { ...consent({ consentId: 'unclear' }), dateTime: 'last week', policy: undefined };
      const answer = await post('/consents', unclear, governance);
      expect([answer.status, answer.body.state]).toEqual([200, 'obeyed']);
      const codes = answer.body.warnings.map(({ code }: { code: string }) => code);
      expect(codes).toEqual(expect.arrayContaining(['malformed', 'authority-assumed']));
    });

    it('says that nothing was withdrawn where this source recorded no such Consent', async () => {
      await startProjector();
      const answer = await post('/consents', consent({ consentId: 'never-recorded', status: 'withdrawn' }), governance);
      expect(answer.body).toMatchObject({ standing: false, warnings: [expect.objectContaining({ code: 'no-such-decision' })] });
    });

    it('says that a Consent was withdrawn, whatever the version that withdraws it says besides', async () => {
      await startProjector();
      const about = { consentId: 'withdrawn-1', authority: 'type-1' } as const;
      const made = await post('/consents', consent({ ...about, provision: provision('deny', ['research']) }), governance);
      expect([made.status, made.body.state]).toEqual([200, 'obeyed']);
      const elsewhere = provision('permit', ['direct-care'], { from: Date.parse('2099-01-01') });
      const { body } = await post('/consents', consent({ ...about, status: 'withdrawn', provision: elsewhere }), governance);
      expect(body).toMatchObject({ state: 'obeyed', standing: false, until: null, warnings: [] });
      expect(Date.parse(body.since)).toBeLessThanOrEqual(Date.now());
    });

    it('tells nobody of another organisation’s decision', async () => {
      const { body } = await post('/consents', consent(), { role: 'publisher', headers: { prefer: 'wait=0' } });
      const other = await issueToken(service.settings, service.clock, { roles: ['publisher'], organisation: 'RX902' });
      expect((await get(`/consents/${body.id}`, other)).status).toBe(404);
      expect((await get(`/consents/${body.id}`, tokens.get('publisher'))).status).toBe(200);
    });

    it.each(['0-999999', '99-0', 'x', '1-1-1', '0-9999999999999999999'])('knows no decision %s', async (id) => {
      expect((await get(`/consents/${id}`)).status).toBe(404);
    });

    it('says so when a decision on the topic turned out to be unreadable', async () => {
      const [at] = await service.bus.publish([
        {
          topic: CONSENT_TOPIC,
          key: nhsNumber,
          value: Buffer.from('{'),
          headers: { ce_id: 'broken', ce_source: 'urn:ods:RX901' },
        },
      ]);
      await startProjector();
      await post('/consents', consent({ consentId: 'behind-broken' }), governance);
      expect((await get(`/consents/${at!.partition}-${at!.offset}`)).body).toMatchObject({
        state: 'quarantined',
        event: 'broken',
      });
    });

    it.each<[string, unknown, number, string]>([
      ['what is cut off', JSON.stringify(consent()).slice(0, -5), 400, 'body: not-json'],
      ['a resource that is no Consent', condition(), 422, 'resourceType: wrong-resource'],
      ['null', 'null', 422, 'resourceType: wrong-resource'],
      ['a Consent of nobody', { ...consent(), patient: undefined }, 422, 'Consent.patient: required'],
      ['a wrong check digit', consent({ subject: '9990033472' }), 422, 'Consent.patient: nhs-number'],
      [
        'a permission that is no FHIR',
        { ...consent({ provision: provision('permit', ['research']) }), status: 7 },
        422,
        'Consent.status: not-in-force',
      ],
    ])('refuses %s', async (_, body, status, problem) => {
      const before = await countOn(CONSENT_TOPIC);
      const answer = await post('/consents', body, governance);
      expect({ status: answer.status, problems: codesOf(answer) }).toEqual({
        status,
        problems: expect.arrayContaining([problem]),
      });
      expect(answer.text).not.toMatch(/\d{10}/);
      expect(await countOn(CONSENT_TOPIC)).toBe(before);
    });
  });

  describe('has in the audit', () => {
    const key = () => wiring.keys.patient(nhsNumber);
    async function entriesOf(stream: string): Promise<AuditEntry[]> {
      return (await service.store.read(stream, { maxCount: 10_000 })).map(decodeAuditEntry);
    }
    const written = () => entriesOf(`audit-${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`);
    /** The entries that a request leaves behind. */
    async function left(request: () => Promise<unknown>): Promise<AuditEntry[]> {
      const before = (await written()).length;
      await request();
      return (await written()).slice(before);
    }
    const decision = (more: object = {}) => event({ type: 'consent-decision-recorded-1', data: consent(), ...more });
    const pending = { prefer: 'wait=0' };

    it.each(['governance', 'publisher'] as const)(
      'a decision by %s, with who it was, in the person’s stream too',
      async (role) => {
        let place = '';
        const body = consent({ consentId: `audited-${role}` });
        const [entry, ...more] = await left(async () => {
          place = (await post('/consents', body, { role, headers: pending })).body.id;
        });
        expect(more).toEqual([]);
        expect(entry).toEqual({
          time: expect.stringMatching(/Z$/),
          ...{ request: REQUEST_ID, who: 'weft-cli', organisation: 'RX901', roles: [role], action: 'decide' },
          ...{ patient: key(), purpose: null, outcome: 'accepted', about: place, policyVersion: null, consentRevision: null },
        });
        expect(await entriesOf(`auditOf-${key()}`)).toContainEqual(entry);
      },
    );

    it('decisions that came as events, and not care events', async () => {
      const one = await left(() => structured(decision({ id: 'audited-1' })));
      expect(one).toEqual([expect.objectContaining({ action: 'decide', outcome: 'accepted', patient: key() })]);
      const many = [
        event({ id: 'not-audited' }),
        decision({ id: 'audited-2' }),
        decision({ id: 'audited-3', data: condition() }),
      ];
      const outcomes = (await left(() => batch(many))).map(({ outcome, patient }) => [outcome, patient]);
      expect(outcomes).toEqual([
        ['accepted', key()],
        ['refused', key()],
      ]);
    });

    it.each<[string, unknown, Call, number]>([
      ['that is not valid', { ...consent(), scope: { coding: [{ code: 'treatment' }] } }, { role: 'governance' }, 422],
      ['through another organisation', consent(), { headers: { 'ce-source': 'urn:ods:Y90001' } }, 403],
      ['by one whose role may not', consent(), { role: 'clinician' }, 403],
    ])('a refused decision %s', async (_, body, call, status) => {
      const entries = await left(async () => expect((await post('/consents', body, call)).status).toBe(status));
      expect(entries).toEqual([expect.objectContaining({ action: 'decide', outcome: 'refused', patient: key() })]);
    });

    it('a refused decision about nobody that can be read', async () => {
      for (const body of ['{', consent({ subject: '9990033472' }), { ...consent(), patient: undefined }]) {
        const entries = await left(() => post('/consents', body, { role: 'governance' }));
        expect(entries).toEqual([expect.objectContaining({ action: 'decide', outcome: 'refused', patient: null })]);
        expect(JSON.stringify(entries)).not.toMatch(/\b\d{10}\b/);
      }
    });

    it('a refused decision that came as an event', async () => {
      const entries = await left(() => structured(decision({ source: 'urn:ods:RX902' })));
      expect(entries).toEqual([expect.objectContaining({ action: 'decide', outcome: 'refused', patient: key() })]);
    });

    it('who decided before anybody is answered: where that cannot be written the answer is 503, and it may be sent again', async () => {
      const { store } = service;
      const append = store.append.bind(store);
      const send = () => post('/consents', consent({ consentId: 'unaudited' }), { role: 'governance', headers: pending });
      store.append = async (stream, ...rest) => {
        if (stream.startsWith('audit')) throw new EngineUnavailable('store', 'the disk is full');
        return append(stream, ...rest);
      };
      try {
        expect((await send()).status).toBe(503);
      } finally {
        store.append = append;
      }
      const entries = await left(async () => expect((await send()).status).toBe(202));
      expect(entries).toEqual([expect.objectContaining({ outcome: 'accepted' })]);
    });
  });

  it('documents its routes with what they want and answer', async () => {
    const { paths } = (await get('/docs-json')).body;
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/events', '/fhir', '/consents', '/consents/{id}']));
    expect(Object.keys(paths['/events'].post.requestBody.content)).toContain('application/cloudevents-batch+json');
    expect(Object.keys(paths['/consents'].post.responses)).toEqual(
      expect.arrayContaining(['200', '202', '401', '403', '422', '503']),
    );
  });
});
