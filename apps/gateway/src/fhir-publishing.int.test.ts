import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { consentOf, fhirProblems, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { provision, type Resource } from '@weft/domain';
import {
  applyPolicy,
  careEventsTopic,
  CONSENT_TOPIC,
  EngineUnavailable,
  listQuarantine,
  loadNumber,
  type Message,
  type Projector,
  startOptOutProjector,
  startRecordProjector,
  type Wiring,
} from '@weft/processing';
import {
  AnswerTimes,
  createHttpApp,
  createRegion,
  firstPolicy,
  issueToken,
  listen,
  openWiring,
  readSettings,
  type Role,
  type Service,
} from '@weft/service';
import { GatewayModule } from './index.js';

const ANNE = '9990033471';
const BERT = '9990079196';
const identifierOf = (value: string) => ({ system: NHS_NUMBER_SYSTEM, value });
const patientOf = (number: string) => ({ type: 'Patient', identifier: identifierOf(number) });
const condition = (more: object = {}) => ({
  ...{ resourceType: 'Condition', id: 'c1', subject: patientOf(ANNE), code: { text: 'Asthma' } },
  ...more,
});
const unnamed = (more: object = {}): object => {
  const { id: _, ...resource } = condition(more);
  return resource;
};
const consent = (consentId: string, more: object = {}) => ({
  ...consentOf({
    ...{ subject: ANNE, consentId, authority: 'local-dissent', status: 'active', decidedBy: 'patient' },
    ...{ decidedAt: '2026-01-01T10:00:00.000Z', provision: provision('deny', ['care-coordination']) },
  }),
  ...more,
});
const entry = (method: string, url: string, resource?: object, more: object = {}) => ({
  ...(resource !== undefined && { resource }),
  request: { method, url, ...more },
});
const bundle = (type: string, ...entries: object[]) => ({ resourceType: 'Bundle', type, entry: entries });

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: {
    readonly resourceType: string;
    readonly type?: string;
    readonly entry?: readonly {
      readonly resource?: Resource;
      readonly response: {
        readonly status: string;
        readonly location?: string;
        readonly etag?: string;
        readonly outcome?: Outcome;
      };
    }[];
    readonly issue?: Outcome['issue'];
  };
}
interface Outcome {
  readonly issue: readonly {
    readonly severity: string;
    readonly code: string;
    readonly expression?: readonly string[];
    readonly details: { readonly coding: readonly [{ readonly code: string }] };
  }[];
}
const codesOf = ({ issue = [] }: Partial<Outcome>) =>
  issue.map(({ expression, details }) => `${expression?.[0] ?? ''}: ${details.coding[0].code}`);

describe('/fhir of the gateway', () => {
  let directory: string;
  let app: NestFastifyApplication;
  let service: Service;
  let wiring: Wiring;
  let url: string;
  let publisher: string;
  /** Stands before the bus's publish, and may throw. */
  let beforePublish: (topic: string | undefined) => Promise<void> | void;
  let projectors: Projector[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-gateway-fhir-'));
    const { settings } = readSettings({
      WEFT_DATA_DIR: directory,
      WEFT_PORT: '0',
      WEFT_LOG_LEVEL: 'silent',
      WEFT_LIMIT_TOKEN_REQUESTS: '8',
    });
    service = await createRegion(settings);
    const publish = service.bus.publish.bind(service.bus);
    service.bus.publish = async (messages) => {
      await beforePublish(messages[0]?.topic);
      return publish(messages);
    };
    wiring = openWiring(service);
    await applyPolicy(wiring, firstPolicy(service.settings));
    app = await createHttpApp(service, [GatewayModule.register(wiring)]);
    app.get(AnswerTimes).next = async () => {};
    url = await listen(app, service.settings);
    publisher = await tokenOf('publisher');
  });
  afterAll(async () => {
    await app.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    beforePublish = () => {};
  });
  afterEach(async () => {
    await Promise.all(projectors.splice(0).map((projector) => projector.stop()));
  });
  const startProjectors = async () => {
    projectors = [await startRecordProjector(wiring, [careEventsTopic('RX901')]), await startOptOutProjector(wiring)];
  };
  const tokenOf = (role: Role, organisation = 'RX901') =>
    issueToken(service.settings, service.clock, { roles: [role], organisation });

  interface Sent {
    readonly headers?: Record<string, string>;
    readonly token?: string | null;
    readonly type?: string;
  }
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    { headers, token = publisher, type }: Sent = {},
  ): Promise<Answer> {
    const response = await fetch(`${url}/fhir${path}`, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': type ?? 'application/fhir+json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: text === '' ? null : JSON.parse(text) };
  }
  const send = (body: unknown, sent: Sent = {}) => ask('POST', '', body, sent);
  const responsesOf = ({ body }: Answer) => (body.entry ?? []).map(({ response }) => response);
  const statusesOf = (answer: Answer) => responsesOf(answer).map(({ status }) => status.slice(0, 3));

  async function messagesOn(topic: string): Promise<Message[]> {
    const partitions = await service.bus.offsets(topic);
    const pages = await Promise.all(partitions.map(({ partition, low }) => service.bus.read(topic, partition, low, 5_000)));
    return pages.flat();
  }
  /** What the work put onto the topic. */
  async function publishedBy(work: () => Promise<unknown>, topic = careEventsTopic('RX901')) {
    const before = (await messagesOn(topic)).map(({ partition, offset }) => `${partition}-${offset}`);
    await work();
    const after = await messagesOn(topic);
    return after
      .filter(({ partition, offset }) => !before.includes(`${partition}-${offset}`))
      .map(({ key, headers, value }) => ({
        ...{ key, type: headers['ce_type'], id: headers['ce_id'] },
        resource: JSON.parse(Buffer.from(value!).toString()),
      }));
  }
  const entriesOf = async (number = ANNE) => (await loadNumber(wiring.store, wiring.keys.patient(number))).record.entries;

  describe('a transaction', () => {
    it('is answered in FHIR, entry by entry, in the order sent', async () => {
      const person = { resourceType: 'Patient', id: 'p1', identifier: [identifierOf(ANNE)] };
      const answer = await send({
        ...bundle('transaction'),
        entry: [
          { fullUrl: 'urn:uuid:p1', ...entry('PUT', 'Patient/p1', person) },
          entry('POST', 'Condition', condition({ id: 't1', subject: { reference: 'urn:uuid:p1' } })),
          entry('DELETE', 'Condition/t0'),
          entry('PUT', 'Practitioner/dr1', { resourceType: 'Practitioner', id: 'dr1', name: [{ family: 'Made-up' }] }),
        ],
      });
      expect([answer.status, answer.body.resourceType, answer.body.type]).toEqual([200, 'Bundle', 'transaction-response']);
      expect(answer.headers.get('content-type')).toBe('application/fhir+json');
      expect(fhirProblems(answer.body)).toEqual([]);
      const etag = expect.stringMatching(/^W\/"[0-9a-f]{32}"$/);
      expect(responsesOf(answer)).toEqual([
        { status: '200 OK', location: expect.stringMatching(/^Patient\/p1\/_history\/[0-9a-f]{32}$/), etag },
        { status: '201 Created', location: expect.stringMatching(/^Condition\/t1\/_history\/[0-9a-f]{32}$/), etag },
        { status: '204 No Content', etag },
        { status: '200 OK', location: 'Practitioner/dr1' },
      ]);
      expect(answer.text).not.toContain(ANNE);
    });

    it('of which one entry is refused publishes nothing, keeps nothing, and says what is wrong with which', async () => {
      const practitioner = { resourceType: 'Practitioner', id: 'unkept', name: [{ family: 'Made-up' }] };
      const work = () =>
        send(
          bundle(
            'transaction',
            entry('PUT', 'Condition/t2', condition({ id: 't2' })),
            entry('PUT', 'Practitioner/unkept', practitioner),
            entry('PUT', 'Condition/t3', condition({ id: 't3', code: 'Asthma' })),
            entry('POST', 'Consent', consent('t4')),
          ),
        );
      let answer: Answer | undefined;
      const published = await publishedBy(async () => (answer = await work()));
      expect([published, (await publishedBy(work, CONSENT_TOPIC)).length]).toEqual([[], 0]);
      expect([answer?.status, answer?.body.resourceType]).toEqual([422, 'OperationOutcome']);
      expect(codesOf(answer!.body)).toEqual(['entry[2].resource.code: structure']);
      const referring = condition({ id: 't5', asserter: { reference: 'Practitioner/unkept' } });
      const [event] = await publishedBy(() => send(referring));
      expect(event?.resource).not.toHaveProperty('contained');
    });

    it('is refused whole for an id that was used for something else, with its own fault at its own entry', async () => {
      const headers = { 'idempotency-key': 'transaction-1' };
      const sent = (text: string) =>
        bundle(
          'transaction',
          entry('PUT', 'Condition/t6', condition({ id: 't6', code: { text } })),
          entry('PUT', 'Condition/t7', condition({ id: 't7' })),
        );
      expect((await send(sent('Asthma'), { headers })).status).toBe(200);
      const answer = await send(sent('Gout'), { headers });
      expect([answer.status, codesOf(answer.body)]).toEqual([409, ['entry[0].id: idempotency-conflict']]);
    });

    it('that failed half-way is completed by the same ids, and its decision is not taken back', async () => {
      await startProjectors();
      const sent = bundle(
        'transaction',
        entry('PUT', 'Condition/t8', condition({ id: 't8' })),
        entry('POST', 'Consent', consent('t9')),
      );
      beforePublish = (topic) => {
        if (topic === careEventsTopic('RX901')) throw new EngineUnavailable('bus', 'no broker answers');
      };
      let failed: Answer | undefined;
      const [decided] = await publishedBy(async () => (failed = await send(sent)), CONSENT_TOPIC);
      expect([failed?.status, failed?.headers.get('retry-after'), failed?.body.issue?.[0]?.code]).toEqual([
        503,
        '5',
        'transient',
      ]);
      beforePublish = () => {};
      let answer: Answer | undefined;
      const [again] = await publishedBy(async () => (answer = await send(sent)), CONSENT_TOPIC);
      expect([answer?.status, statusesOf(answer!)]).toEqual([200, ['200', '201']]);
      expect(again?.id).toBe(decided?.id);
      const { decisions } = await loadNumber(wiring.store, wiring.keys.patient(ANNE));
      expect(decisions.filter(({ consentId }) => consentId === 't9')).toHaveLength(1);
      const [next] = await publishedBy(() => send(sent), CONSENT_TOPIC);
      expect(next?.id).not.toBe(decided?.id);
    });
  });

  it.each(['batch', 'collection', 'document', 'message'])(
    'answers a %s by entry, the refused ones with an OperationOutcome',
    async (type) => {
      const header = { resourceType: 'MessageHeader', id: 'm1', eventUri: 'urn:x', source: { endpoint: 'urn:x' } };
      const answer = await send(
        bundle(
          type,
          { resource: header },
          { resource: condition({ id: 'b1' }) },
          { resource: condition({ id: 'b2', code: 'Asthma' }) },
        ),
      );
      expect([answer.status, answer.body.type, statusesOf(answer)]).toEqual([200, 'batch-response', ['200', '201', '422']]);
      expect(fhirProblems(answer.body)).toEqual([]);
      const [wrapping, , refused] = responsesOf(answer);
      expect(codesOf(wrapping!.outcome!)).toEqual([': not-recorded']);
      expect(refused!.outcome!.issue[0]).toMatchObject({
        severity: 'error',
        code: 'processing',
        expression: ['entry[2].resource.code'],
      });
    },
  );

  it('publishes a history from its oldest version on, and answers in its order', async () => {
    const versions = ['Asthma', 'Gout'].map((text) => entry('PUT', 'Condition/h1', condition({ id: 'h1', code: { text } })));
    const person = entry('PUT', 'Patient/h2', { resourceType: 'Patient', id: 'h2', identifier: [identifierOf(ANNE)] });
    let answer: Answer | undefined;
    const sent = bundle('history', entry('DELETE', 'Condition/h1'), ...versions, person);
    const published = await publishedBy(async () => (answer = await send(sent)));
    expect(published.map(({ type, resource }) => [type?.slice(0, 19), resource.code?.text])).toEqual([
      ['care-event-recorded', undefined],
      ['care-event-recorded', 'Gout'],
      ['care-event-recorded', 'Asthma'],
      ['care-event-retracte', undefined],
    ]);
    expect(statusesOf(answer!)).toEqual(['204', '200', '200', '200']);
  });

  describe('Prefer: return', () => {
    const number = `{"resourceType":"Observation","id":"r1","status":"final","code":{"text":"Potassium"},"subject":${JSON.stringify(patientOf(ANNE))},"valueQuantity":{"value":5.00,"unit":"mmol/L"}}`;
    it.each(['minimal', 'representation', 'OperationOutcome'])('is honoured: %s', async (returns) => {
      const headers = { prefer: `return=${returns}` };
      const one = await ask('PUT', '/Observation/r1', number, { headers });
      const many = await send(`{"resourceType":"Bundle","type":"batch","entry":[{"resource":${number}}]}`, { headers });
      expect([one.status, many.status, one.headers.get('preference-applied')]).toEqual([200, 200, `return=${returns}`]);
      const [told] = many.body.entry!;
      expect('resource' in told!).toBe(returns === 'representation');
      expect('outcome' in told!.response).toBe(returns === 'OperationOutcome');
      if (returns === 'minimal') expect(one.text).toBe('');
      else expect(one.body.resourceType).toBe(returns === 'representation' ? 'Observation' : 'OperationOutcome');
      if (returns === 'representation') expect([one.text, many.text.includes('5.00')]).toEqual([number, true]);
    });

    it('repeats what was sent, and nothing that came before', async () => {
      await send({ resourceType: 'Practitioner', id: 'dr2', name: [{ family: 'Made-up' }] });
      const resource = condition({ id: 'r2', asserter: { reference: 'Practitioner/dr2' } });
      let answer: Answer | undefined;
      const headers = { prefer: 'return=representation' };
      const [event] = await publishedBy(async () => (answer = await ask('PUT', '/Condition/r2', resource, { headers })));
      expect(event?.resource.contained).toHaveLength(1);
      expect(answer?.body).toEqual(resource);
    });
  });

  describe('create', () => {
    it('publishes under the caller’s id, and says where', async () => {
      let answer: Answer | undefined;
      const [event] = await publishedBy(async () => (answer = await ask('POST', '/Condition', condition({ id: 'n1' }))));
      expect(event).toMatchObject({ key: ANNE, type: 'care-event-recorded-1', resource: { id: 'n1' } });
      expect([answer?.status, answer?.text]).toEqual([201, '']);
      const [, version] = /^W\/"([0-9a-f]{32})"$/.exec(answer!.headers.get('etag')!)!;
      expect(answer?.headers.get('location')).toBe(`${url}/fhir/Condition/n1/_history/${version}`);
    });

    const locationOf = async (resource: object, headers: Record<string, string> = {}) =>
      (await ask('POST', '/Condition', resource, { headers })).headers.get('location')?.split('/_history')[0];

    it('without an id is the same resource when it is created again, and another where it says something else', async () => {
      const first = await locationOf(unnamed());
      expect(first).toMatch(/\/Condition\/[0-9a-f-]{36}$/);
      expect(await locationOf(unnamed())).toBe(first);
      expect(await locationOf(unnamed({ code: { text: 'Gout' } }))).not.toBe(first);
      expect(await locationOf(unnamed(), { 'idempotency-key': 'n2' })).not.toBe(first);
    });

    it('without an id is known by its business identifier, and updated by a search for that', async () => {
      const identifier = [{ system: 'https://rx901.example/problems', value: '17' }];
      const created = await locationOf(unnamed({ identifier }));
      const search = `identifier=${encodeURIComponent('https://rx901.example/problems|17')}`;
      const updated = await ask('PUT', `/Condition?${search}`, unnamed({ identifier, code: { text: 'Gout' } }));
      expect([updated.status, updated.headers.get('location')?.split('/_history')[0]]).toEqual([200, created]);
    });

    it.each<[string, string, object, number]>([
      ['another identifier', 'identifier=https://x|1', unnamed({ identifier: [{ system: 'https://x', value: '2' }] }), 422],
      [
        'more than an identifier',
        'identifier=https://x|1&code=a',
        unnamed({ identifier: [{ system: 'https://x', value: '1' }] }),
        422,
      ],
      ['something else', 'code=a', unnamed(), 422],
      ['an NHS number', `identifier=${NHS_NUMBER_SYSTEM}|${ANNE}`, unnamed({ identifier: [identifierOf(ANNE)] }), 422],
      [
        'a resource that has an id',
        'identifier=https://x|1',
        condition({ identifier: [{ system: 'https://x', value: '1' }] }),
        422,
      ],
      ['nothing', '', condition(), 400],
    ])('a conditional update by %s is refused clearly', async (_, search, resource, status) => {
      let answer: Answer | undefined;
      const published = await publishedBy(async () => (answer = await ask('PUT', `/Condition?${search}`, resource)));
      expect([answer?.status, published]).toEqual([status, []]);
      expect(codesOf(answer!.body)[0]).toMatch(/^request.url: /);
      expect(answer?.text).not.toContain(ANNE);
    });

    it('of a Consent is a decision, under an id by which it can be withdrawn', async () => {
      const { id: _, ...denial } = consent('d1') as { id?: string };
      let created: Answer | undefined;
      const [event] = await publishedBy(async () => (created = await ask('POST', '/Consent', denial)), CONSENT_TOPIC);
      expect([created?.status, event?.type, created?.body.issue?.[0]?.severity]).toEqual([
        201,
        'consent-decision-recorded-1',
        'information',
      ]);
      expect(created?.text).toMatch(/GET \/consents\/\d+-\d+ says whether it is obeyed/);
      const id = event?.resource.id as string;
      const withdrawn = await ask('PUT', `/Consent/${id}`, { ...denial, id, status: 'inactive' });
      expect(withdrawn.status).toBe(200);
      const conditional = await ask('PUT', `/Consent/${id}`, { ...denial, id }, { headers: { 'if-match': 'W/"1"' } });
      expect([conditional.status, codesOf(conditional.body)]).toEqual([422, ['request.ifMatch: unsupported']]);
    });
  });

  describe('update', () => {
    it('is answered alike, whether the entry was there before or not', async () => {
      await startProjectors();
      const put = () => ask('PUT', '/Condition/u1', condition({ id: 'u1' }), { headers: { prefer: 'wait=30' } });
      const told = ({ status, headers, text }: Answer) => [status, headers.get('location'), headers.get('etag'), text];
      const [first, second] = [await put(), await put()];
      expect(told(second)).toEqual(told(first));
    });

    it.each<[string, string, object, number]>([
      ['another id', '/Condition/u2', condition({ id: 'u3' }), 400],
      ['another type', '/Observation/u2', condition({ id: 'u2' }), 400],
      ['no type about a patient', '/ValueSet/u2', condition({ id: 'u2' }), 404],
    ])('at an address of %s is refused', async (_, path, resource, status) => {
      expect((await ask('PUT', path, resource)).status).toBe(status);
    });

    it('with If-Match replaces the version that it names; a late one stands in quarantine as a conflict', async () => {
      await startProjectors();
      const put = async (text: string, version?: string) => {
        const headers = { prefer: 'wait=30, return=OperationOutcome', ...(version !== undefined && { 'if-match': version }) };
        const answer = await ask('PUT', '/Condition/u4', condition({ id: 'u4', code: { text } }), { headers });
        return [answer.status, answer.body.issue?.[0]?.details.coding[0].code, answer.headers.get('etag')!] as const;
      };
      const [, , first] = await put('Asthma');
      const [status, became, second] = await put('Gout', first);
      expect([status, became]).toEqual([200, 'new']);
      expect((await put('Eczema', first)).slice(0, 2)).toEqual([202, 'quarantined']);
      expect((await entriesOf()).get('RX901/Condition/u4')?.last?.digest).toBe(second.slice(3, -1));
      const standing = await listQuarantine(service.bus);
      expect(standing.at(-1)?.problems).toEqual([expect.objectContaining({ field: 'If-Match', code: 'conflict' })]);
      expect((await put('Eczema', second)).slice(0, 2)).toEqual([200, 'new']);
    });

    it('with If-Match of what was never there, or in the same breath as what it names, is judged in its order', async () => {
      await startProjectors();
      const { headers } = await ask('PUT', '/Condition/u5', condition({ id: 'u5' }));
      const ifMatch = headers.get('etag')!;
      const answer = await send(
        bundle(
          'batch',
          entry('PUT', 'Condition/u6', condition({ id: 'u6' }), { ifMatch }),
          entry('PUT', 'Condition/u5', condition({ id: 'u5', code: { text: 'Gout' } }), { ifMatch }),
          entry('PUT', 'Condition/u5', condition({ id: 'u5', code: { text: 'Eczema' } }), { ifMatch }),
        ),
        { headers: { prefer: 'wait=30' } },
      );
      expect(statusesOf(answer)).toEqual(['202', '200', '202']);
    });

    it.each(['*', 'W/"1", W/"2"', ''])('refuses an If-Match that is not one ETag: %s', async (version) => {
      const answer = await ask('PUT', '/Condition/u7', condition({ id: 'u7' }), { headers: { 'if-match': version } });
      expect([answer.status, codesOf(answer.body)]).toEqual([422, ['request.ifMatch: malformed']]);
    });

    it.each(['if-none-match', 'if-none-exist', 'if-modified-since'])('refuses %s, which would be looked up', async (name) => {
      const answer = await ask('PUT', '/Condition/u7', condition({ id: 'u7' }), { headers: { [name]: 'W/"1"' } });
      expect([answer.status, codesOf(answer.body)[0]]).toEqual([422, expect.stringMatching(/^request\.if\w+: unsupported$/)]);
    });
  });

  describe('delete', () => {
    it.each<[string, (resource: object) => Promise<unknown>]>([
      ['create', (resource) => ask('POST', '/Condition', resource)],
      ['a transaction', (resource) => send(bundle('transaction', entry('POST', 'Condition', resource)))],
    ])('takes back what came by %s, from whoever it was about', async (way, create) => {
      const id = `x-${way.replace(/\W/g, '')}`;
      for (const number of [ANNE, BERT]) await create(condition({ id, subject: patientOf(number) }));
      let answer: Answer | undefined;
      const published = await publishedBy(async () => (answer = await ask('DELETE', `/Condition/${id}`)));
      expect([answer?.status, answer?.text]).toEqual([204, '']);
      expect(published.map(({ key, type, resource }) => [key, type, resource])).toEqual(
        expect.arrayContaining(
          [ANNE, BERT].map((number) => [number, 'care-event-retracted-1', { resourceType: 'Condition', id }]),
        ),
      );
      expect(published).toHaveLength(2);
    });

    it('of what this source did not publish so is refused, unless it says whose it is', async () => {
      await ask('PUT', '/Condition/x2', condition({ id: 'x2' }));
      for (const sent of [{ token: await tokenOf('publisher', 'RX902') }, { headers: { 'ce-source': 'urn:ods:RX901:lab' } }]) {
        const answer = await ask('DELETE', '/Condition/x2', undefined, sent);
        expect([answer.status, answer.body.issue?.[0]?.code]).toEqual([404, 'not-found']);
      }
      const [event] = await publishedBy(() => ask('DELETE', '/Condition/x3', undefined, { headers: { 'ce-subject': BERT } }));
      expect(event).toMatchObject({ key: BERT, type: 'care-event-retracted-1', resource: { id: 'x3' } });
      expect((await ask('DELETE', '/Condition/x3', undefined, { headers: { 'ce-subject': '9990079197' } })).status).toBe(422);
    });

    it('of a Consent says how a decision is withdrawn', async () => {
      const answer = await ask('DELETE', '/Consent/d1');
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, PUT']);
      expect(answer.text).toContain('inactive');
    });
  });

  describe('$process-message', () => {
    const header = { resourceType: 'MessageHeader', id: 'm-1', eventUri: 'urn:x', source: { endpoint: 'urn:x' } };
    const message = (...resources: object[]) =>
      bundle('message', { resource: header }, ...resources.map((resource) => ({ resource })));

    it('answers with a message, and a message sent again is the same one', async () => {
      const ids = [];
      for (const path of ['/$process-message', '/%24process-message']) {
        let answer: Answer | undefined;
        const [event] = await publishedBy(async () => (answer = await ask('POST', path, message(condition({ id: 'm1' })))));
        ids.push(event?.id);
        expect([answer?.status, answer?.body.type]).toEqual([200, 'message']);
        expect(fhirProblems(answer?.body)).toEqual([]);
        expect(answer?.body.entry?.[0]?.resource).toMatchObject({
          eventUri: 'urn:x',
          response: { identifier: 'm-1', code: 'ok' },
        });
      }
      expect(ids[1]).toBe(ids[0]);
    });

    it('says what of it was refused, and takes the rest', async () => {
      const answer = await ask(
        'POST',
        '/$process-message',
        message(condition({ id: 'm2', code: 'Asthma' }), condition({ id: 'm3' })),
      );
      const [told, details] = answer.body.entry!;
      expect(told?.resource).toMatchObject({ response: { code: 'fatal-error' } });
      expect(codesOf(details?.resource as unknown as Outcome)).toContain('entry[1].resource.code: structure');
    });

    it.each<[string, string, object]>([
      ['a Bundle that is no message', '', bundle('batch')],
      ['a message without a MessageHeader', '', bundle('message', { resource: condition() })],
      ['what is to be answered later', '?async=true', message(condition())],
    ])('refuses %s', async (_, query, body) => {
      const answer = await ask('POST', `/$process-message${query}`, body);
      expect([400, 422]).toContain(answer.status);
      expect(answer.body.resourceType).toBe('OperationOutcome');
    });
  });

  describe('refuses in FHIR', () => {
    it.each<[number, string, () => Promise<Answer>]>([
      [400, 'invalid', () => send('{')],
      [401, 'login', () => send(condition(), { token: null })],
      [401, 'login', () => ask('DELETE', '/Condition/1', undefined, { token: 'bad' })],
      [403, 'forbidden', async () => send(condition(), { token: await tokenOf('clinician') })],
      [403, 'forbidden', () => ask('POST', '/Condition', condition(), { headers: { 'ce-source': 'urn:ods:RX902' } })],
      [404, 'not-found', () => ask('POST', '/Nothing', condition())],
      [404, 'not-found', () => ask('POST', '/Condition/1/2/3', condition())],
      [405, 'not-supported', () => ask('PATCH', '/Condition/1', '[]', { type: 'application/json-patch+json' })],
      [406, 'not-supported', () => ask('POST', '/Condition', condition(), { headers: { accept: 'application/fhir+xml' } })],
      [413, 'too-long', () => ask('PUT', '/Condition/c1', condition({ note: [{ text: 'x'.repeat(20_000_000) }] }))],
      [415, 'not-supported', () => send('<Condition/>', { type: 'application/fhir+xml' })],
      [422, 'processing', () => ask('POST', '/Condition', condition({ code: 5 }))],
    ])('%i %s', async (status, code, work) => {
      const answer = await work();
      expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/fhir+json']);
      expect(answer.body).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code }] });
      expect(fhirProblems(answer.body)).toEqual([]);
    });

    it('with 429 who has too much under way', async () => {
      let release = () => {};
      const gate = new Promise<void>((resolve) => (release = resolve));
      beforePublish = () => gate;
      const answers = Array.from({ length: 9 }, () => send(condition()));
      const refused = await Promise.race(answers);
      release();
      await Promise.all(answers);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)]);
      expect(refused.body).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'throttled' }] });
    });
  });

  it('is the same at its address with a slash behind it', async () => {
    expect((await ask('POST', '/', bundle('batch', { resource: condition() }))).body.type).toBe('batch-response');
  });

  it('says with validate-only what it would do, and does nothing', async () => {
    let answers: Answer[] = [];
    const published = await publishedBy(async () => {
      answers = await Promise.all([
        ask('PUT', '/Condition/v1?validate-only=true', condition({ id: 'v1' })),
        ask('POST', '?validate-only=true', bundle('transaction', entry('PUT', 'Condition/v1', condition({ id: 'v1' })))),
      ]);
    });
    expect([answers.map(({ status }) => status), published]).toEqual([[200, 200], []]);
    expect((await ask('DELETE', '/Condition/v1')).status).toBe(404);
  });
});
