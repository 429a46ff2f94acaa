import { MESSAGE_LIMIT_BYTES } from '@weft/processing';
import type { Reading } from '@weft/processing';
import { jsonParts, memberBytes, readFhirJson } from './json.js';
import { isObject } from './patient-reference.js';
import { refuse } from './problems.js';

export const CLOUD_EVENT_JSON = 'application/cloudevents+json';
export const CLOUD_EVENTS_BATCH_JSON = 'application/cloudevents-batch+json';
/** A batch may carry this much; each of its events still no more than a message may. */
export const BATCH_LIMIT_BYTES = 16 * MESSAGE_LIMIT_BYTES;
export const BATCH_EVENTS_MAX = 10_000;

/** What arrived, by which CloudEvents protocol binding. Header names in any case; HTTP repeats are as Node gives them. */
export interface Arrival {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array | null;
  readonly mode: 'http' | 'kafka';
}

/** An event as far as it could be read: whether its attributes and its resource are sound is for `acceptEvent` to say. */
export interface ReceivedEvent {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The parsed JSON of the data, or why it could not be had. */
  readonly data: Reading<unknown>;
  /** The characters of the data exactly as they came. */
  readonly bytes: Uint8Array;
}

export type ContentMode = 'binary' | 'structured' | 'batch' | 'unsupported';

const ATTRIBUTES = ['specversion', 'id', 'source', 'type', 'subject', 'time'] as const;

export function contentModeOf(arrival: Pick<Arrival, 'headers'>): ContentMode {
  const mediaType = header(arrival.headers, 'content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType === CLOUD_EVENT_JSON) return 'structured';
  if (mediaType === CLOUD_EVENTS_BATCH_JSON) return 'batch';
  return mediaType.startsWith('application/cloudevents') ? 'unsupported' : 'binary';
}

/** Reads one event, in binary or structured mode. Never throws. */
export function readCloudEvent(arrival: Arrival): Reading<ReceivedEvent> {
  switch (contentModeOf(arrival)) {
    case 'binary':
      return readBinary(arrival);
    case 'structured':
      return readStructured(arrival.body ?? new Uint8Array());
    default:
      return refuse('content-type', 'unsupported', `one event is sent as ${CLOUD_EVENT_JSON}, or in binary mode`);
  }
}

/** One event of a batch: its characters, and what could be read of them. */
export interface BatchItem {
  readonly bytes: Uint8Array;
  readonly reading: Reading<ReceivedEvent>;
}

/** Reads a batch: one reading for each of its events, in their order; refused as a whole only if it cannot be told apart. */
export function readCloudEventBatch(body: Uint8Array): Reading<BatchItem[]> {
  if (body.length > BATCH_LIMIT_BYTES) {
    return refuse('body', 'too-large', `${body.length} bytes are above the limit of ${BATCH_LIMIT_BYTES}; send several batches`);
  }
  const items = jsonParts(body, '[');
  if (items === null) return refuse('body', 'not-json', 'a batch is one JSON array of events, closed at its end');
  if (items.length > BATCH_EVENTS_MAX) {
    return refuse('body', 'too-large', `${items.length} events are above the limit of ${BATCH_EVENTS_MAX}; send several batches`);
  }
  return { ok: true, event: items.map((bytes) => ({ bytes, reading: readStructured(bytes) })) };
}

function readBinary({ headers, body, mode }: Arrival): Reading<ReceivedEvent> {
  const attributes: Record<string, unknown> = { datacontenttype: header(headers, 'content-type') };
  for (const name of ATTRIBUTES) {
    const value = header(headers, mode === 'http' ? `ce-${name}` : `ce_${name}`);
    const decoded = mode === 'http' && value !== undefined ? decodeHeader(value) : value;
    if (decoded === null) return refuse(name, 'malformed', 'is not percent-encoded UTF-8');
    attributes[name] = decoded;
  }
  return withData(attributes, body ?? new Uint8Array());
}

function readStructured(body: Uint8Array): Reading<ReceivedEvent> {
  const reading = readFhirJson(body, 'body');
  if (!reading.ok) return reading;
  const attributes = reading.event;
  if (!isObject(attributes)) return refuse('body', 'malformed', 'an event is a JSON object');
  if (attributes['data_base64'] !== undefined) {
    if (attributes['data'] !== undefined) return refuse('data_base64', 'malformed', 'data and data_base64 exclude each other');
    const bytes = decodeBase64(attributes['data_base64']);
    return bytes === null ? refuse('data_base64', 'malformed', 'is not base64') : withData(attributes, bytes);
  }
  const bytes = memberBytes(body, 'data') ?? new Uint8Array();
  return { ok: true, event: { attributes, data: { ok: true, event: attributes['data'] }, bytes } };
}

function withData(attributes: Record<string, unknown>, bytes: Uint8Array): Reading<ReceivedEvent> {
  const data = bytes.length === 0 ? { ok: true as const, event: undefined } : readFhirJson(bytes, 'data');
  return { ok: true, event: { attributes, data, bytes } };
}

function header(headers: Arrival['headers'], name: string): string | undefined {
  const value = headers[name] ?? Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value : value?.join(', ');
}

/** As the HTTP binding has it: a quoted string is unquoted, then percent-encoding undone. Null where that is not UTF-8. */
function decodeHeader(value: string): string | null {
  const unquoted = /^".*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  try {
    return decodeURIComponent(unquoted);
  } catch {
    return null;
  }
}

function decodeBase64(value: unknown): Uint8Array | null {
  if (typeof value !== 'string') return null;
  const bytes = Buffer.from(value, 'base64');
  return bytes.toString('base64') === value ? bytes : null;
}
