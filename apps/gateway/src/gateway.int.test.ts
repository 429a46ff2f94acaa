import { provision } from '@weft/domain';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import {
  applyPolicy,
  type AuditEntry,
  decodeAuditEntry,
  careEventsTopic,
  CONSENT_TOPIC,
  EngineUnavailable,
  type Message,
  type Projector,
  startOptOutProjector,
  type Wiring,
} from '@weft/processing';
import {
  createHttpApp,
  issueToken,
  listen,
  openService,
  openWiring,
  policyAtStart,
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
  const tokens = new Map<string, string>();
  const settingsOf = () => readSettings({ WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'silent' }).settings;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-gateway-'));
    service = await openService(settingsOf());
    const publish = service.bus.publish.bind(service.bus);
    service.bus.publish = async (messages) => {
      beforePublish();
      publishCalls += 1;
      return publish(messages);
    };
    wiring = await openWiring(service);
    await applyPolicy(wiring, await policyAtStart(wiring, service.settings));
    app = await createHttpApp(service, [GatewayModule.register(wiring)]);
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
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  }
  async function get(path: string, token = tokens.get('governance')) {
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: JSON.parse(await response.text()) };
  }
  const structured = (body: unknown, call: Call = {}) => post('/events', body, { type: 'application/cloudevents+json', ...call });
  const batch = (body: unknown, call: Call = {}) =>
    post('/events', body, { type: 'application/cloudevents-batch+json', ...call });
  const binary = (headers: Record<string, string>, body: unknown = condition()) => post('/events', body, { headers });
  const codesOf = (answer: { body: { errors?: { code: string; field: string }[] } }) =>
    answer.body.errors?.map(({ field, code }) => `${field}: ${code}`);

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
      expect([answer.status, answer.body.type]).toEqual([403, 'urn:weft:problem:wrong-role']);
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
      const answer = await post('/fhir', bundle([patient, about('f1'), about('f2')]));
      expect([answer.status, answer.body.accepted, answer.body.refused]).toEqual([202, 3, 0]);
      expect(publishCalls).toBe(1);
      const offsets = answer.body.items.map(({ offset }: { offset: number }) => offset);
      expect(offsets).toEqual([offsets[0], offsets[0] + 1, offsets[0] + 2]);
      const messages = (await messagesOn(careEventsTopic('RX901'))).filter(({ offset }) => offsets.includes(offset));
      expect(messages.map(({ value }) => JSON.parse(Buffer.from(value!).toString()).id)).toEqual(['p1', 'f1', 'f2']);
    });

    it('accepts a thousand with one bad one among them, and says what is wrong with that', async () => {
      const entries = [patient, ...Array.from({ length: 999 }, (_, n) => about(`t${n}`, n === 500 ? { code: 'Asthma' } : {}))];
      const answer = await post('/fhir', bundle(entries));
      expect([answer.status, answer.body.accepted, answer.body.refused]).toEqual([202, 999, 1]);
      expect(answer.body.items[501]).toEqual({
        entry: 501,
        errors: [expect.objectContaining({ field: 'entry[501].resource.code' })],
      });
    });

    it('judges a large one in a thread of its own, alike: what is too costly is refused, the rest and its decision are taken', async () => {
      const long = { note: [{ text: 'x'.repeat(300_000) }] };
      const costly = about('l2', { extension: Array<object>(25_000).fill({}) });
      const decision = { resource: consent({ consentId: 'l3', subject: somebodyElse }) };
      const answer = await post('/fhir', bundle([patient, about('l1', long), costly, decision]));
      expect([answer.status, answer.body.accepted, answer.body.refused]).toEqual([202, 3, 1]);
      expect(answer.body.items[2].errors).toEqual([
        { field: 'entry[2].resource', code: 'too-costly', message: 'has a list of more than 20000 items' },
      ]);
      const [message] = (await messagesOn(careEventsTopic('RX901'))).filter(
        ({ offset }) => offset === answer.body.items[1].offset,
      );
      expect(JSON.parse(Buffer.from(message!.value!).toString())).toMatchObject({ id: 'l1', ...long });
    });

    it('gives the same ids to the same Bundle sent twice', async () => {
      const ids = async () =>
        (await post('/fhir', bundle([patient, about('same')]))).body.items.map(({ id }: { id: string }) => id);
      expect(await ids()).toEqual(await ids());
    });

    it('takes one resource that names its patient', async () => {
      expect(await post('/fhir', condition({ id: 'alone' }))).toMatchObject({
        status: 202,
        body: { accepted: 1, items: [{ entry: 0 }] },
      });
    });

    it('answers 422 when nothing was accepted', async () => {
      const answer = await post('/fhir', bundle([about('nobody')]));
      expect([answer.status, answer.body.accepted, answer.body.refused]).toEqual([422, 0, 1]);
    });

    it.each<[string, unknown, number]>([
      ['what is cut off', JSON.stringify(bundle([patient])).slice(0, -5), 400],
      ['what is no FHIR at all', { hello: 'world' }, 422],
      ['a Bundle of a type that carries no resources to keep', { resourceType: 'Bundle', type: 'history', entry: [] }, 422],
      ['no body', '', 400],
      ['a Bundle of countless nothings', `{"entry":[${'0,'.repeat(8_000_000)}0]}`, 413],
      ['a Bundle of too many entries', { resourceType: 'Bundle', type: 'collection', entry: new Array(100_001).fill(0) }, 413],
    ])('refuses %s', async (_, body, status) => {
      expect((await post('/fhir', body)).status).toBe(status);
    });
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
