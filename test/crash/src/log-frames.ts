/* The log's format: https://sqlite.org/fileformat2.html#walformat */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Where each transaction of a log ends, in bytes; what an earlier use of the log left behind its end does not count. */
export function commitEnds(log: Uint8Array): number[] {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const ends: number[] = [];
  if (log.byteLength < HEADER_BYTES) return ends;
  const frameBytes = FRAME_HEADER_BYTES + view.getUint32(8);
  for (let at = HEADER_BYTES; at + frameBytes <= log.byteLength; at += frameBytes) {
    const isOfThisUse = view.getUint32(at + 8) === view.getUint32(16) && view.getUint32(at + 12) === view.getUint32(20);
    if (!isOfThisUse) break;
    // A frame that ends a transaction says how many pages the file then has.
    if (view.getUint32(at + 4) > 0) ends.push(at + frameBytes);
  }
  return ends;
}
