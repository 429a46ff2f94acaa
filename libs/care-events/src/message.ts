import { createHmac, timingSafeEqual } from 'node:crypto';
import { DECISION_TYPE } from '@weft/domain';
import type { CareEvent, Decision, Organisation, Problem, Resource } from '@weft/domain';
import { CARE_EVENTS_PREFIX, careEventsTopic, CONSENT_TOPIC } from '@weft/processing';
import type { Message, MessageReader, OutgoingMessage, Reading } from '@weft/processing';
import { accepted, acceptEvent } from './accept-event.js';
import type { AcceptedEvent } from './accept-event.js';
import { readCloudEvent } from './cloud-event.js';
import { FHIR_JSON, organisationOf } from './envelope.js';
import type { EventType } from './envelope.js';
import { problem } from './problems.js';

/** The header by which a projector knows an event that the gateway has judged by every rule. */
export const SEAL_HEADER = 'weft-validated';

/** Says, under a secret of the region's own services, that a message as it stands has been found to obey every rule. */
export interface Seal {
  sign(message: Sealed): string;
  verifies(message: Sealed, seal: string): boolean;
}

type Sealed = Pick<OutgoingMessage, 'topic' | 'key' | 'headers'> & { readonly value: Uint8Array };

/** A seal by HMAC-SHA-256 over all of the message that is read, base64url. */
export function sealMessage(secret: string | Uint8Array): Seal {
  const hmac = ({ topic, key, headers, value }: Sealed) => {
    // As JSON, in which no text can pass for the end of itself: nothing can be moved from one part to the next.
    const parts = JSON.stringify([topic, key, ...SEALED_HEADERS.map((name) => headers[name])]);
    return createHmac('sha256', secret).update(parts).update(value).digest();
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

const SEALED_HEADERS = ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_subject', 'ce_time', 'content-type'] as const;

/**
 * The message that carries an accepted event on its inbound topic: CloudEvents binary mode, keyed by the NHS number, the
 * resource as it came. With a seal only if the event has been judged by every rule: that is the caller's word.
 */
export function toMessage(event: AcceptedEvent, { seal }: { readonly seal?: Seal } = {}): OutgoingMessage {
  const message = {
    topic: event.type === DECISION_TYPE ? CONSENT_TOPIC : careEventsTopic(event.organisation),
    key: event.subject,
    value: event.bytes ?? new TextEncoder().encode(JSON.stringify(event.resource)),
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_source: event.source,
      ce_type: event.type,
      ce_subject: event.subject,
      ce_time: event.time,
      'content-type': FHIR_JSON,
    },
  };
  return seal === undefined ? message : { ...message, headers: { ...message.headers, [SEAL_HEADER]: seal.sign(message) } };
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
    careEvent: (message) => careEventOf(read(message, options, senderOf(message)), message),
    decision: (message) => decisionOf(read(message, options, undefined)),
  };
}

/** A topic of care events is one organisation's: only it may write there. */
function senderOf({ topic }: Message): string {
  return topic.startsWith(CARE_EVENTS_PREFIX) ? topic.slice(CARE_EVENTS_PREFIX.length) : '';
}

function read(message: Message, options: ReaderOptions, sender: string | undefined): Reading<AcceptedEvent> {
  const sealed = sealedEvent(message, options);
  if (sealed !== undefined) return sealed;
  const received = readCloudEvent({ headers: message.headers, body: message.value, mode: 'kafka' });
  if (!received.ok) return received;
  const { organisations, validate = true } = options;
  const reading = acceptEvent(received.event, { organisations, now: options.now(), sender, validate });
  const wrongKey = keyProblems(message, received.event.attributes['subject']);
  if (wrongKey.length === 0) return reading;
  return { ok: false, problems: [...wrongKey, ...(reading.ok ? [] : reading.problems)] };
}

/** What the gateway has judged and sealed needs no judging again, only reading. */
function sealedEvent({ topic, key, value, headers }: Message, { seal, organisations, now }: ReaderOptions) {
  const given = headers[SEAL_HEADER];
  if (seal === undefined || given === undefined || value === null) return undefined;
  const organisation = organisationOf(headers['ce_source']);
  // The region's organisations may have changed since.
  if (organisation === null || !organisations.has(organisation)) return undefined;
  if (!seal.verifies({ topic, key, value, headers }, given)) return undefined;
  const [id, source, type, time] = ['ce_id', 'ce_source', 'ce_type', 'ce_time'].map((name) => headers[name]) as [
    string,
    string,
    EventType,
    string,
  ];
  const resource = JSON.parse(utf8.decode(value)) as Resource;
  return accepted({ id, source, type, time, subject: key }, organisation, resource, value, now());
}

const utf8 = new TextDecoder();

/** The key decides the partition: under another one the patient's events would lose their order. */
function keyProblems({ key }: Message, subject: unknown): Problem[] {
  return key === subject ? [] : [problem('key', 'not-the-subject', "the message's key is not the event's subject")];
}

function careEventOf(reading: Reading<AcceptedEvent>, { topic }: Message): Reading<CareEvent> {
  if (!reading.ok) return reading;
  const { type, id, source, organisation, subject, time, resource, survivor } = reading.event;
  if (type === DECISION_TYPE) {
    return { ok: false, problems: [problem('type', 'wrong-topic', `${type} belongs in ${CONSENT_TOPIC}, not in ${topic}`)] };
  }
  return {
    ok: true,
    event: { type, id, source, organisation, subject, time, resource, ...(survivor !== undefined && { survivor }) },
  };
}

function decisionOf(reading: Reading<AcceptedEvent>): ReturnType<MessageReader['decision']> {
  if (!reading.ok) return reading;
  const { subject, type, decision } = reading.event;
  if (decision !== undefined) return { ok: true, event: { subject, decision: decision satisfies Omit<Decision, 'recordedAt'> } };
  return {
    ok: false,
    problems: [problem('type', 'wrong-topic', `${type} belongs in the organisation's own topic, not in ${CONSENT_TOPIC}`)],
  };
}
