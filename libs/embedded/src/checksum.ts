import { crc32 } from 'node:zlib';
import { EngineDamaged } from '@weft/processing';

/*
 * SQLite guards its log with checksums, but not its file. So every row that is believed carries one of its own, over the
 * columns and what tells it from others: a row that has changed on the disk, or turns up in another's place, is known by it.
 */

/** For rows that are written rarely. A signed number, as it takes less room in SQLite. */
export const rowChecksum = (...columns: readonly (string | number | null)[]): number => crc32(columns.join('\n')) | 0;

/** Throws EngineDamaged. `what` stands in the error. */
export function checkRow(engine: string, what: string, crc: number, ...columns: readonly (string | number | null)[]): void {
  if (rowChecksum(...columns) !== crc) throw new EngineDamaged(engine, `${what} is not what was written`);
}

/** A row's bytes, to be read. A damaged row may hold another kind of value altogether: it has none. */
export const blobOf = (bytes: unknown): Buffer =>
  ArrayBuffer.isView(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Buffer.alloc(0);
