import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acceptEvent, consentOf, GOVERNANCE_SOURCE, NHS_NUMBER_SYSTEM, toMessage } from '@weft/care-events';
import { DECISION_TYPE, type Decision, jsonWithDigits, provision, PURPOSES, type Resource } from '@weft/domain';
import {
  applyPolicy,
  bytesOf,
  careEventsTopic,
  careRecordStream,
  CONSENT_TOPIC,
  isAllPublished,
  OPT_OUT_PROJECTOR_GROUP,
  RECORD_PROJECTOR_GROUP,
  RecordUnreadable,
  startOptOutProjector,
  startRecordProjector,
  type Wiring,
} from '@weft/processing';
import {
  AnswerTimes,
  createHttpApp,
  issueToken,
  listen,
  loadSettings,
  createRegion,
  openWiring,
  firstPolicy,
  type Role,
  sealOf,
  type Service,
  type TokenRequest,
} from '@weft/service';
import { RecordApiModule } from './index.js';

const SECRETS = {
  WEFT_REGION_SECRET: 'region-secret-of-the-tests-of-reading',
  WEFT_RESEARCH_SECRET: 'research-secret-of-the-tests-of-reading',
};

/** Numbers of the range kept for tests. */
export const ANNE = '9990000018';
export const BERT = '9990000026';
export const CARL = '9990000042';
export const NOBODY = '9990000034';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed, where it is JSON. */
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- a test says what it expects of it
}

interface Asking extends RequestInit {
  readonly roles?: readonly Role[];
  /** Instead of the roles alone. */
  readonly as?: Partial<TokenRequest>;
}

export const posted = (body?: object) =>
  body && { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };

/** The readers' door on embedded engines in a directory of its own, both projectors beside it. */
export interface Region {
  readonly url: string;
  readonly service: Service;
  readonly wiring: Wiring;
  /** Of somebody of RX901, for every purpose. */
  tokenOf(...roles: Role[]): Promise<string>;
  tokenWith(request: Partial<TokenRequest>): Promise<string>;
  ask(path: string, asking?: Asking): Promise<Answer>;
  /** As somebody of governance: posts where there is a body. */
  govern(subject: string, path: string, body?: object): Promise<Answer>;
  /** Resolves once it is in the record and its views, or in quarantine. */
  publish(ods: string, nhsNumber: string, resource: object, type?: string): Promise<void>;
  /** Resolves once the bus has it. */
  send(ods: string, nhsNumber: string, resource: object): Promise<void>;
  /** Resolves once every view and topic obeys. */
  decide(nhsNumber: string, decision: Partial<Decision>): Promise<void>;
  /** Puts the decision into the person's stream with no projector's help: no view obeys it. */
  appendDecision(nhsNumber: string, decision: Partial<Decision>): Promise<void>;
  stopOptOutProjector(): Promise<void>;
  stopRecordProjector(): Promise<void>;
  startRecordProjector(): Promise<void>;
  /** How many answers would have waited for their time since it was last asked; here none does. */
  held(): number;
  close(): Promise<void>;
}

export async function openRegion(
  given: {
    readonly service?: Partial<Service>;
    readonly policy?: unknown;
  } = {},
): Promise<Region> {
  const directory = mkdtempSync(join(tmpdir(), 'weft-record-api-'));
  const loaded = loadSettings({ ...SECRETS, WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'fatal' });
  const settings = { ...loaded, policy: given.policy };
  const service = await createRegion(settings, given.service);
  const wiring = openWiring(service);
  await applyPolicy(wiring, firstPolicy(service.settings));
  const topics = settings.organisations.map(({ ods }) => careEventsTopic(ods));
  const failures: unknown[] = [];
  // One person's, and no batch's.
  const onFailure = (error: unknown) => void (error instanceof RecordUnreadable || failures.push(error));
  let recordProjector = await startRecordProjector(wiring, topics, { onFailure });
  const optOutProjector = await startOptOutProjector(wiring, { onFailure });
  const app = await createHttpApp(service, [RecordApiModule.register(wiring)]);
  const url = await listen(app, settings);
  let held = 0;
  app.get(AnswerTimes).next = async () => void (held += 1);
  const tokenWith = (request: Partial<TokenRequest>): Promise<string> => {
    const usual = { roles: [], organisation: 'RX901', purposes: PURPOSES, subject: 'somebody' };
    return issueToken(settings, service.clock, { ...usual, ...request });
  };
  let sequence = 0;

  async function ask(path: string, { roles, as, ...init }: Asking = {}): Promise<Answer> {
    const request = as ?? (roles && { roles });
    const authorization: Record<string, string> =
      request === undefined ? {} : { authorization: `Bearer ${await tokenWith(request)}` };
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { ...authorization, ...(init.headers as Record<string, string>) },
    });
    const text = await response.text();
    const isJson = /json$|json;/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  }

  async function send(topic: string, nhsNumber: string, type: string, source: string, resource: object): Promise<void> {
    sequence += 1;
    const headers = {
      ce_specversion: '1.0',
      ce_id: `e${sequence}`,
      ce_source: source,
      ce_type: type,
      ce_subject: nhsNumber,
      ce_time: '2026-01-01T10:00:00Z',
      'content-type': 'application/fhir+json',
    };
    await wiring.bus.publish([{ topic, key: nhsNumber, value: Buffer.from(jsonWithDigits(resource)), headers }]);
  }

  async function publish(topic: string, nhsNumber: string, type: string, source: string, resource: object): Promise<void> {
    await send(topic, nhsNumber, type, source, resource);
    await dealtWith(topic, topic === CONSENT_TOPIC ? OPT_OUT_PROJECTOR_GROUP : RECORD_PROJECTOR_GROUP);
  }

  async function dealtWith(topic: string, group: string): Promise<void> {
    while (failures.length === 0) {
      const [ends, committed] = await Promise.all([wiring.bus.offsets(topic), wiring.bus.committed(group, topic)]);
      const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]));
      if (ends.every(({ partition, low, high }) => high === low || (offsets.get(partition) ?? -1) >= high)) return;
      await wiring.timers.sleep(5);
    }
    throw new Error('a projector failed', { cause: failures[0] });
  }

  const wholeDecision = (decision: Partial<Decision>) => {
    sequence += 1;
    return {
      consentId: `consent-${sequence}`,
      authority: 'local-dissent' as const,
      status: 'active' as const,
      decidedAt: new Date(service.clock.now()).toISOString(),
      decidedBy: 'patient' as const,
      provision: provision('deny', ['direct-care']),
      ...decision,
    };
  };

  return {
    url,
    service,
    wiring,
    tokenOf: (...roles) => tokenWith({ roles }),
    tokenWith,
    ask,
    govern: (subject, path, body) => ask(path, { as: { roles: ['governance'], subject }, ...posted(body) }),
    publish: (ods, nhsNumber, resource, type = 'care-event-recorded-1') =>
      publish(careEventsTopic(ods), nhsNumber, type, `urn:ods:${ods}`, resource),
    send: (ods, nhsNumber, resource) =>
      send(careEventsTopic(ods), nhsNumber, 'care-event-recorded-1', `urn:ods:${ods}`, resource),
    // As the gateway seals what governance records.
    async decide(nhsNumber, decision) {
      const resource = consentOf({ ...wholeDecision(decision), subject: nhsNumber });
      const envelope = { type: DECISION_TYPE, id: `e${(sequence += 1)}`, source: GOVERNANCE_SOURCE, subject: nhsNumber } as const;
      const attributes = {
        ...envelope,
        specversion: '1.0',
        time: '2026-01-01T10:00:00Z',
        datacontenttype: 'application/fhir+json',
      };
      const bytes = Buffer.from(JSON.stringify(resource));
      const recorder = { as: 'governance', organisation: null, subject: 'somebody' } as const;
      const about = { organisations: service.organisations.known, now: service.clock.now(), recorder };
      const accepted = acceptEvent({ attributes, data: { ok: true, event: resource }, bytes }, about);
      if (!accepted.ok) throw new Error(JSON.stringify(accepted.problems));
      await wiring.bus.publish([toMessage(accepted.event, { seal: sealOf(settings) })]);
      await dealtWith(CONSENT_TOPIC, OPT_OUT_PROJECTOR_GROUP);
      while (!(await isAllPublished(wiring.store))) await wiring.timers.sleep(5);
    },
    async appendDecision(nhsNumber, decision) {
      const stream = careRecordStream(wiring.keys.patient(nhsNumber));
      const recordedAt = new Date(service.clock.now()).toISOString();
      const coordinates = { topic: CONSENT_TOPIC, partition: 0, offset: 1_000_000 };
      const receivedAt = service.clock.now();
      const about = { id: 'appended', source: 'urn:ods:Y90001', recorder: RECORDER, digest: '', receivedAt };
      const data = { ...about, ...wholeDecision(decision), recordedAt, coordinates };
      const event = { id: wiring.random.uuid(), type: 'decision-recorded-2', data: bytesOf(JSON.stringify(data)) };
      await wiring.store.append(stream, await wiring.store.head(stream), [event]);
    },
    stopOptOutProjector: () => optOutProjector.stop(),
    stopRecordProjector: () => recordProjector.stop(),
    startRecordProjector: async () => void (recordProjector = await startRecordProjector(wiring, topics, { onFailure })),
    held: () => {
      const before = held;
      held = 0;
      return before;
    },
    async close() {
      await Promise.all([recordProjector.stop(), optOutProjector.stop()]);
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const RECORDER = { as: 'organisation', organisation: 'Y90001', subject: null };

const subjectOf = (nhsNumber: string) => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: nhsNumber } });

export function patient(nhsNumber: string): Resource {
  return {
    resourceType: 'Patient',
    id: 'p1',
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }],
    name: [{ family: 'Fernsby', given: ['Anne'] }],
    gender: 'female',
    birthDate: '1950-03-04',
  };
}

export function observation(
  nhsNumber: string,
  id: string,
  effectiveDateTime = '2025-06-01T09:00:00Z',
  more: object = {},
): Resource {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8480-6', display: 'Systolic blood pressure' }] },
    subject: subjectOf(nhsNumber),
    effectiveDateTime,
    valueQuantity: { value: 120, unit: 'mm[Hg]', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
    ...more,
  };
}

export function condition(nhsNumber: string, id: string): Resource {
  return {
    resourceType: 'Condition',
    id,
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
    code: { coding: [{ system: 'http://snomed.info/sct', code: '195967001', display: 'Asthma' }] },
    subject: subjectOf(nhsNumber),
    onsetDateTime: '2010-05-01',
  };
}

export function carePlan(nhsNumber: string, id: string): Resource {
  return {
    resourceType: 'CarePlan',
    id,
    status: 'active',
    intent: 'plan',
    title: 'Asthma review',
    subject: subjectOf(nhsNumber),
    period: { start: '2026-01-05' },
  };
}
