import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { DECISION_TYPE, jsonWithDigits, onlyDenying, parseWithDigits } from '@weft/domain';
import type { CareEvent, NewDecision, Organisation, Problem, Recorder, Resource } from '@weft/domain';
import { CARE_EVENTS_PREFIX, careEventsTopic, CONSENT_TOPIC, MENDS_HEADER, unprocessable } from '@weft/processing';
import type { DecisionReading, Message, MessageReader, OutgoingMessage, Reading } from '@weft/processing';
import { accepted, acceptEvent, decisionsOf } from './accept-event.js';
import type { AcceptedEvent } from './accept-event.js';
import { readCloudEvent } from './cloud-event.js';
import { FHIR_JSON, organisationOf } from './envelope.js';
import type { EventType } from './envelope.js';
import type { ReadyEvent } from './judge-many.js';
import { problem } from './problems.js';
import { unreadDecision } from './unread-decision.js';

/** The header by which a projector knows an event that the gateway has judged by every rule. */
export const SEAL_HEADER = 'weft-validated';
/** Who recorded a decision, as JSON; sealed with the rest. */
const RECORDER_HEADER = 'weft-recorder';
/** Which of a Consent's decisions the gateway accepted, as JSON: `{ <authority>: "whole" | "denials" }`; sealed with the rest. */
const ACCEPTED_HEADER = 'weft-accepted';

/** Digest of what its sender sent, where the gateway kept with it what was sent before; sealed with the rest. */
const SENT_HEADER = 'weft-sent';

/** The version of its entry that must be in force where the event is appended; sealed with the rest. */
const IF_MATCH_HEADER = 'weft-if-match';

/** Says, under a secret of the region's own services, that a message as it stands has been found to obey every rule. */
export interface Seal {
  sign(message: Sealed): string;
  verifies(message: Sealed, seal: string): boolean;
}

type Sealed = Pick<OutgoingMessage, 'topic' | 'key' | 'headers'> & { readonly value: Uint8Array };

/** A seal by HMAC-SHA-256 over all of the message that is read, base64url. */
export function sealMessage(secret: string | Uint8Array): Seal {
  const secretKey = createSecretKey(typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret);
  const hmac = ({ topic, key, headers, value }: Sealed) => {
    // As JSON, in which no text can pass for the end of itself: nothing can be moved from one part to the next.
    const [sent, ifMatch] = [headers[SENT_HEADER], headers[IF_MATCH_HEADER]];
    const parts = JSON.stringify([
      topic,
      key,
      ...SEALED_HEADERS.map((name) => headers[name]),
      ...(sent === undefined ? [] : [sent]),
      ...(ifMatch === undefined ? [] : [[ifMatch]]),
    ]);
    return createHmac('sha256', secretKey).update(parts).update(value).digest();
  };
  return {
    sign: (message) => hmac(message).toString('base64url'),
    verifies: (message, seal) => {
      const given = Buffer.from(seal, 'base64url');
      const wanted = hmac(message);
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    },
  };
}

const SEALED_HEADERS = [
  'ce_specversion',
  'ce_id',
  'ce_source',
  'ce_type',
  'ce_subject',
  'ce_time',
  'content-type',
  RECORDER_HEADER,
  ACCEPTED_HEADER,
] as const;

/**
 * The message that carries an accepted event on its inbound topic: CloudEvents binary mode, keyed by the NHS number, the
 * resource as it came. With a seal only if the event has been judged by every rule: that is the caller's word.
 */
export function toMessage(event: AcceptedEvent | ReadyEvent, { seal }: { readonly seal?: Seal } = {}): OutgoingMessage {
  const { decisions = [] } = event;
  const recorder = decisions[0]?.recorder;
  const message = {
    topic: event.type === DECISION_TYPE ? CONSENT_TOPIC : careEventsTopic(event.organisation),
    key: event.subject,
    value: 'resource' in event ? (event.bytes ?? new TextEncoder().encode(jsonWithDigits(event.resource))) : event.bytes,
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_source: event.source,
      ce_type: event.type,
      ce_subject: event.subject,
      ce_time: event.time,
      'content-type': FHIR_JSON,
      ...(recorder !== undefined && { [RECORDER_HEADER]: JSON.stringify(recorder), [ACCEPTED_HEADER]: acceptedOf(decisions) }),
      ...(event.sentDigest !== undefined && { [SENT_HEADER]: event.sentDigest }),
      ...(event.ifMatch !== undefined && { [IF_MATCH_HEADER]: event.ifMatch }),
    },
  };
  return seal === undefined ? message : { ...message, headers: { ...message.headers, [SEAL_HEADER]: seal.sign(message) } };
}

type Accepted = Readonly<Record<string, 'whole' | 'denials'>>;

function acceptedOf(decisions: readonly NewDecision[]): string {
  const accepted: Accepted = Object.fromEntries(
    decisions.map(({ authority, liftsNothing }) => [authority, liftsNothing === true ? 'denials' : 'whole']),
  );
  return JSON.stringify(accepted);
}

/** Read again, a Consent says all that it said to the gateway: what was refused there stays refused. */
function onlyAccepted(decisions: readonly NewDecision[], header: string | undefined): NewDecision[] {
  const accepted = new Map(Object.entries(JSON.parse(header ?? '{}') as Accepted));
  return decisions
    .filter(({ authority }) => accepted.has(authority))
    .map((decision) => (accepted.get(decision.authority) === 'whole' ? decision : onlyDenying(decision)));
}

export interface ReaderOptions {
  /** The organisations of the region, by ODS code. */
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** False leaves out every FHIR validation (default true). */
  readonly validate?: boolean;
  /** Messages that it verifies are taken at the gateway's word; all others are judged by every rule. */
  readonly seal?: Seal;
}

/** Reads the inbound topics, which anybody with the right to write there may have written to. Never throws. */
export function createMessageReader(options: ReaderOptions): MessageReader {
  return {
    careEvent(message) {
      try {
        if (message.faults !== undefined) return { ok: false, problems: message.faults };
        return careEventOf(read(message, options, senderOf(message)), message);
      } catch (error) {
        return { ok: false, problems: [unprocessable(error)] };
      }
    },
    decision(message) {
      try {
        if (message.faults !== undefined) return unread(message, message.faults, options);
        return decisionOf(message, options);
      } catch (error) {
        return unread({ ...message, value: null }, [unprocessable(error)], options);
      }
    },
  };
}

/** A message that may be a denial: whom it closes is told from as much of it as can be read. */
function unread(message: Message, problems: readonly Problem[], options: ReaderOptions): DecisionReading {
  return { ok: false, problems, unread: unreadDecision(message, problems, options.organisations, receivedAt(message, options)) };
}

/** A topic of care events is one organisation's: only it may write there. */
function senderOf({ topic }: Message): string {
  return topic.startsWith(CARE_EVENTS_PREFIX) ? topic.slice(CARE_EVENTS_PREFIX.length) : '';
}

function read(message: Message, options: ReaderOptions, sender: string | undefined): Reading<AcceptedEvent> {
  const sealed = sealedEvent(message, options);
  if (sealed !== undefined) {
    const { resource, organisation, value, sentDigest, ifMatch, ...envelope } = sealed;
    const reading = accepted(envelope, organisation, resource, value);
    if (!reading.ok) return reading;
    const more = { ...(sentDigest !== undefined && { sentDigest }), ...(ifMatch !== undefined && { ifMatch }) };
    return { ok: true, event: { ...reading.event, ...more } };
  }
  return judged(message, options, { sender, now: receivedAt(message, options) });
}

/** The bus's time of the message: a producer that writes there itself may have set it ahead. */
function receivedAt({ timestamp }: Message, { now }: ReaderOptions): number {
  return Math.min(timestamp, now());
}

/** A message that the gateway has not sealed, by every rule. */
function judged(
  message: Message,
  { organisations, validate = true }: ReaderOptions,
  { sender, now, mends }: { readonly sender?: string | undefined; readonly now: number; readonly mends?: string },
): Reading<AcceptedEvent> {
  const received = readCloudEvent({ headers: message.headers, body: message.value, mode: 'kafka' });
  if (!received.ok) return received;
  const about = { ...(sender !== undefined && { sender }), ...(mends !== undefined && { mends }) };
  const reading = acceptEvent(received.event, { organisations, now, validate, ...about });
  const wrongKey = keyProblems(message, received.event.attributes['subject']);
  if (wrongKey.length === 0) return reading;
  return { ok: false, problems: [...wrongKey, ...(reading.ok ? [] : reading.problems)] };
}

/**
 * What the gateway has judged and sealed needs no judging again, only reading: whether it was acceptable is decided once, by the
 * organisations and the policy of that moment.
 */
function sealedEvent({ topic, key, value, headers }: Message, { seal }: ReaderOptions) {
  const given = headers[SEAL_HEADER];
  if (seal === undefined || given === undefined || value === null || !seal.verifies({ topic, key, value, headers }, given))
    return undefined;
  const [id, source, type, time] = ['ce_id', 'ce_source', 'ce_type', 'ce_time'].map((name) => headers[name]) as [
    string,
    string,
    EventType,
    string,
  ];
  const resource = parseWithDigits(utf8.decode(value)) as Resource;
  const organisation = organisationOf(source) ?? 'governance';
  const [sentDigest, ifMatch] = [headers[SENT_HEADER], headers[IF_MATCH_HEADER]];
  return { id, source, type, time, subject: key, organisation, resource, value, sentDigest, ifMatch };
}

const utf8 = new TextDecoder();

/** The key decides the partition: under another one the patient's events would lose their order. */
function keyProblems({ key }: Message, subject: unknown): Problem[] {
  return key === subject ? [] : [problem('key', 'not-the-subject', "the message's key is not the event's subject")];
}

function careEventOf(reading: Reading<AcceptedEvent>, { topic }: Message): Reading<CareEvent> {
  if (!reading.ok) return reading;
  const { type, id, source, organisation, subject, time, resource, survivor, sentDigest, ifMatch } = reading.event;
  if (type === DECISION_TYPE) {
    return { ok: false, problems: [problem('type', 'wrong-topic', `${type} belongs in ${CONSENT_TOPIC}, not in ${topic}`)] };
  }
  return {
    ok: true,
    event: {
      ...{ type, id, source, organisation, subject, time, resource },
      ...(survivor !== undefined && { survivor }),
      ...(sentDigest !== undefined && { sentDigest }),
      ...(ifMatch !== undefined && { ifMatch }),
    },
  };
}

function decisionOf(message: Message, options: ReaderOptions): DecisionReading {
  const now = receivedAt(message, options);
  const mends = mendedPlace(message, options);
  const sealed = sealedEvent(message, options);
  if (sealed?.type === DECISION_TYPE) {
    const recorder = JSON.parse(message.headers[RECORDER_HEADER] ?? 'null') as Recorder | null;
    const about = {
      organisations: options.organisations,
      now,
      ...(recorder !== null && { recorder }),
      ...(mends !== undefined && { mends }),
    };
    const reading = decisionsOf(sealed, sealed.resource, about);
    if (!reading.ok) return unread(message, reading.problems, options);
    const decisions = onlyAccepted(reading.decisions, message.headers[ACCEPTED_HEADER]);
    const { warnings } = reading;
    if (decisions.length > 0) return { ok: true, event: { subject: sealed.subject, decisions, warnings, isVetted: true } };
  }
  const reading = judged(message, options, { now, ...(mends !== undefined && { mends }) });
  if (!reading.ok) return unread(message, reading.problems, options);
  const { subject, type, decisions, warnings = [] } = reading.event;
  if (decisions !== undefined) return { ok: true, event: { subject, decisions, warnings, isVetted: false } };
  const wrongTopic = problem('type', 'wrong-topic', `${type} belongs in the organisation's own topic, not in ${CONSENT_TOPIC}`);
  return { ok: false, problems: [wrongTopic], unread: null };
}

/** The place in quarantine that a message was mended from: only Weft's own redrive can say so. */
function mendedPlace({ key, headers }: Message, { seal }: ReaderOptions): string | undefined {
  const [place, mark] = (headers[MENDS_HEADER] ?? '').split(' ');
  if (seal === undefined || place === undefined || mark === undefined) return undefined;
  return seal.verifies(mendedMark(place, key), mark) ? place : undefined;
}

const mendedMark = (place: string, key: string): Sealed => ({
  topic: MENDS_HEADER,
  key,
  headers: {},
  value: new TextEncoder().encode(place),
});

/** The header's value by which a redriven message says which place in quarantine it was mended from. */
export function mendsHeader(place: string, key: string, seal: Seal): string {
  return `${place} ${seal.sign(mendedMark(place, key))}`;
}
