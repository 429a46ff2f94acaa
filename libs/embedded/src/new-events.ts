import { APPEND_LIMIT_BYTES, InvalidCall, metaText, TooLarge, type NewEvent } from '@weft/processing';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Text that SQLite gives back as it was: no NUL, no half of a surrogate pair. */
export function isText(text: unknown): text is string {
  // In Node since 20; the types of ES2023 do not have it.
  return typeof text === 'string' && (text as string & { isWellFormed(): boolean }).isWellFormed() && !text.includes('\0');
}

export function checkCount(maxCount: number): void {
  if (!Number.isSafeInteger(maxCount) || maxCount < 1) throw new InvalidCall(`maxCount ${maxCount} is no count of at least 1`);
}

export function checkStreamName(stream: unknown): void {
  if (!isText(stream) || stream === '') throw new InvalidCall('a stream needs a name, of whole characters other than NUL');
}

/**
 * Throws InvalidCall for what no engine could accept, TooLarge for more than one call may carry. Gives the events' metas as
 * text, and the bytes that all of it takes.
 */
export function checkNewEvents(
  stream: string,
  expected: number,
  events: readonly NewEvent[],
): { readonly metas: readonly string[]; readonly bytes: number } {
  checkStreamName(stream);
  if (!Number.isSafeInteger(expected) || expected < -1) {
    throw new InvalidCall(`the expected revision ${expected} is neither a revision nor NO_STREAM`);
  }
  if (events.length === 0) throw new InvalidCall(`stream ${stream}: an append needs at least one event`);
  const metas: string[] = [];
  let bytes = 0;
  for (const [index, event] of events.entries()) {
    if (!UUID.test(event.id)) throw new InvalidCall(`stream ${stream}: the id of event ${index} is no UUID`);
    if (!isText(event.type) || event.type === '') throw new InvalidCall(`stream ${stream}: event ${index} has no type`);
    if (!(event.data instanceof Uint8Array)) throw new InvalidCall(`stream ${stream}: the data of event ${index} is no bytes`);
    const meta = metaText(event.meta, `stream ${stream}, event ${index}`);
    metas.push(meta);
    bytes += Buffer.byteLength(event.type) + Buffer.byteLength(meta) + event.data.byteLength;
  }
  if (bytes > APPEND_LIMIT_BYTES) throw new TooLarge(`stream ${stream}`, bytes, APPEND_LIMIT_BYTES);
  return { metas, bytes };
}
