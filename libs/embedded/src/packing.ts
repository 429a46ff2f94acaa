import { crc32 } from 'node:zlib';
import lz4 from 'lz4-napi';
import { EngineDamaged } from '@weft/processing';
import type { Database } from './driver.js';
import { DICTIONARY } from './dictionary.js';
import { foldHex, unfoldHex } from './hex.js';

/*
 * What is stored of events and messages is packed with LZ4, each row by itself, so that one can be read, and one removed, without
 * touching others. By itself such a text repeats little; against a dictionary of what they all have in common it shrinks to
 * about a third, for a few microseconds, which the smaller write gives back.
 */

/** Less than this stays as it is: against the dictionary packing costs some ten microseconds, however little there is. */
const PACKED_FROM_BYTES = 256;
const [PLAIN, PACKED] = [Buffer.from([0]), Buffer.from([1])] as const;

/** The table that carries a file's dictionary, with the dictionary in it. */
export function dictionarySql(): string {
  const bytes = Buffer.from(DICTIONARY);
  return `CREATE TABLE dictionary (bytes BLOB NOT NULL, crc INTEGER NOT NULL);
    INSERT INTO dictionary VALUES (X'${bytes.toString('hex')}', ${crc32(bytes) | 0})`;
}

/** Packs and unpacks with one file's dictionary. */
export class Packing {
  private readonly dictionary: Buffer;

  /** Throws EngineDamaged when the file's dictionary is not what was written: nothing in it could be read rightly. */
  constructor(
    database: Database,
    private readonly engine: string,
  ) {
    const row = database.prepare('SELECT bytes, crc FROM dictionary').get() as { bytes: unknown; crc: number } | undefined;
    if (row === undefined || !ArrayBuffer.isView(row.bytes) || (crc32(row.bytes as Uint8Array) | 0) !== row.crc) {
      throw new EngineDamaged(engine, 'its dictionary is not what was written');
    }
    this.dictionary = Buffer.from(row.bytes as Uint8Array);
  }

  /** `content` begins with text. */
  pack(content: string | Buffer): Buffer {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    if (bytes.length < PACKED_FROM_BYTES) return Buffer.concat([PLAIN, bytes]);
    return Buffer.concat([PACKED, lz4.compressSync(foldHex(bytes), this.dictionary)]);
  }

  /** What was packed. `bytes` must have passed its checksum; `what` stands in the error where it is no packed text all the same. */
  unpack(bytes: Uint8Array, what: string): Buffer {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset + 1, Math.max(0, bytes.byteLength - 1));
    if (bytes[0] === PLAIN[0]) return content;
    try {
      return unfoldHex(lz4.uncompressSync(content, this.dictionary));
    } catch {
      throw new EngineDamaged(this.engine, `${what} is not what was written`);
    }
  }
}
