import { createHmac, timingSafeEqual } from 'node:crypto';
import { DECISION_TYPE } from '@weft/domain';
import type { CareEvent, Decision, Organisation, Problem } from '@weft/domain';
import { CARE_EVENTS_PREFIX, careEventsTopic, CONSENT_TOPIC } from '@weft/processing';
import type { Message, MessageReader, OutgoingMessage, Reading } from '@weft/processing';
import { acceptEvent, isValidatedInFull } from './accept-event.js';
import type { AcceptedEvent } from './accept-event.js';
import { readCloudEvent } from './cloud-event.js';
import { FHIR_JSON } from './envelope.js';
import { problem } from './problems.js';

/** The header that spares a projector a FHIR validation which the gateway has done. */
export const SEAL_HEADER = 'weft-validated';

/** Says, under a secret of the region's own services, that a message's value has been found valid FHIR. */
export interface Seal {
  sign(key: string, value: Uint8Array): string;
  verifies(key: string, value: Uint8Array, seal: string): boolean;
}

/** A seal by HMAC-SHA-256 over key and value, base64url. */
export function sealMessage(secret: string | Uint8Array): Seal {
  const hmac = (key: string, value: Uint8Array) => createHmac('sha256', secret).update(key).update('\n').update(value).digest();
  return {
    sign: (key, value) => hmac(key, value).toString('base64url'),
    verifies: (key, value, seal) => {
      const given = Buffer.from(seal, 'base64url');
      const wanted = hmac(key, value);
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    },
  };
}

/**
 * The message that carries an accepted event on its inbound topic: CloudEvents binary mode, keyed by the NHS number, the
 * resource as it came. With a seal only if the event's resource has been validated: that is the caller's word.
 */
export function toMessage(event: AcceptedEvent, { seal }: { readonly seal?: Seal } = {}): OutgoingMessage {
  const value = event.bytes ?? new TextEncoder().encode(JSON.stringify(event.resource));
  return {
    topic: event.type === DECISION_TYPE ? CONSENT_TOPIC : careEventsTopic(event.organisation),
    key: event.subject,
    value,
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_source: event.source,
      ce_type: event.type,
      ce_subject: event.subject,
      ce_time: event.time,
      'content-type': FHIR_JSON,
      ...(seal && isValidatedInFull(event.type) && { [SEAL_HEADER]: seal.sign(event.subject, value) }),
    },
  };
}

export interface ReaderOptions {
  /** The organisations of the region, by ODS code. */
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** False leaves out every FHIR validation (default true). */
  readonly validate?: boolean;
  /** Messages that it verifies are spared the FHIR validation; every other rule is always applied. */
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
  const received = readCloudEvent({ headers: message.headers, body: message.value, mode: 'kafka' });
  if (!received.ok) return received;
  const validate = (options.validate ?? true) && !isSealed(message, options.seal);
  const reading = acceptEvent(received.event, { organisations: options.organisations, now: options.now(), sender, validate });
  const wrongKey = keyProblems(message, received.event.attributes['subject']);
  if (wrongKey.length === 0) return reading;
  return { ok: false, problems: [...wrongKey, ...(reading.ok ? [] : reading.problems)] };
}

function isSealed({ key, value, headers }: Message, seal: Seal | undefined): boolean {
  const given = headers[SEAL_HEADER];
  return seal !== undefined && given !== undefined && value !== null && seal.verifies(key, value, given);
}

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
