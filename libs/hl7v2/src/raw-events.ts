/** What a listener was sent, as it stands on the organisation's topic: the first event of anything that comes by HL7 v2. */
export interface RawEvent {
  /** SHA-256 of organisation, listener and bytes: sent again it is the same event, whenever that is. */
  readonly id: string;
  /** `urn:ods:<ODS code>:<listener>`. */
  readonly source: string;
  /** `truncated`: its sender never ended it, and was told so. */
  readonly kind: 'message' | 'truncated';
  /** When it was received, RFC 3339. */
  readonly time: string;
  readonly bytes: Uint8Array;
}

/** Which listener, and whose. */
export interface RawListener {
  readonly organisation: string;
  readonly name: string;
}

export const rawSource = ({ organisation, name }: RawListener): string => `urn:ods:${organisation}:${name}`;

export interface RawMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

const TYPES = { message: 'hl7v2-message-received-1', truncated: 'hl7v2-message-truncated-1' } as const;
const PART_HEADER = 'hl7v2-part';
/** A message of the bus carries a mebibyte, of which headers take a little. */
const PART_BYTES = 1_000_000;
/** Of so many events parts are waited for. Whose sender went away sends all of its parts again. */
const UNFINISHED_MAX = 32;

/** The messages of the bus that carry it: CloudEvents in binary mode. */
export function toRawMessages({ id, source, kind, time, bytes }: RawEvent): RawMessage[] {
  const headers = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: source,
    ce_type: TYPES[kind],
    ce_time: time,
    'content-type': 'x-application/hl7-v2+er7',
  };
  return inRawParts({ headers, value: bytes });
}

/** In parts, where one message is too small for a document. */
export function inRawParts({ headers, value }: RawMessage): RawMessage[] {
  const parts = Math.max(1, Math.ceil(value.length / PART_BYTES));
  return Array.from({ length: parts }, (_, part) => ({
    value: value.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
    headers: { ...headers, ...(parts > 1 && { [PART_HEADER]: `${part + 1}/${parts}` }) },
  }));
}

/** Which part of an event a message carries, and of how many. */
export function rawPart(headers: RawMessage['headers']): { readonly part: number; readonly parts: number } {
  const [part = 1, parts = 1] = (headers[PART_HEADER] ?? '1/1').split('/').map(Number);
  return { part, parts };
}

/** Of the whole event that a message carries a part of. */
export function wholeHeaders({ [PART_HEADER]: _, ...headers }: RawMessage['headers']): RawMessage['headers'] {
  return headers;
}

/** Puts events together again. An event is given once its last part has come. */
export class RawEvents {
  private readonly unfinished = new Map<string, Map<number, Uint8Array>>();

  /** Null for a part of what is not complete yet, and for what is no such event. */
  take({ headers, value }: { readonly headers: RawMessage['headers']; readonly value: Uint8Array | null }): RawEvent | null {
    const { ce_id: id, ce_source: source, ce_time: time, ce_type: type } = headers;
    const kind = type === TYPES.message ? 'message' : type === TYPES.truncated ? 'truncated' : null;
    if (kind === null || id === undefined || source === undefined || time === undefined || value === null) return null;
    const { part, parts } = rawPart(headers);
    const bytes = parts === 1 ? value : this.joined(id, part, parts, value);
    return bytes === null ? null : { id, source, kind, time, bytes };
  }

  /** Parts of one id are the same whenever they were sent, since the id is their hash. */
  private joined(id: string, part: number, parts: number, value: Uint8Array): Uint8Array | null {
    const held = this.unfinished.get(id) ?? new Map<number, Uint8Array>();
    held.set(part, value);
    this.unfinished.delete(id);
    if (held.size < parts) {
      this.unfinished.set(id, held);
      if (this.unfinished.size > UNFINISHED_MAX) this.unfinished.delete(this.unfinished.keys().next().value!);
      return null;
    }
    const ordered = Array.from({ length: parts }, (_, index) => held.get(index + 1) ?? new Uint8Array());
    const bytes = new Uint8Array(ordered.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const one of ordered) {
      bytes.set(one, at);
      at += one.length;
    }
    return bytes;
  }
}
