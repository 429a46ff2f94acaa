/** The header of a record that stands for one that could not be read; its value says why. */
export const UNREADABLE_HEADER = 'weft-unreadable';

/** How many records of a batch that cannot be unpacked can be stood in for: more than a sound batch of a megabyte holds. */
const RECORDS_MAX = 65_536;
const REASON_CHARACTERS_MAX = 100;

/**
 * The content of a batch of records, as Kafka writes them, in which each offset says that it could not be read: without key and
 * value. How many there are to be only the batch knows; whoever decodes it takes as many from these.
 */
export function unreadableRecords(reason: string): Buffer {
  const headers = [varint(1), text(UNREADABLE_HEADER), text(reason.slice(0, REASON_CHARACTERS_MAX))];
  const rest = Buffer.concat([varint(-1), varint(-1), ...headers]);
  const records: Buffer[] = [];
  for (let offset = 0; offset < RECORDS_MAX; offset += 1) {
    const delta = varint(offset);
    // Attributes and the time's difference, both nothing.
    records.push(varint(2 + delta.length + rest.length), Buffer.alloc(2), delta, rest);
  }
  return Buffer.concat(records);
}

function text(of: string): Buffer {
  const bytes = Buffer.from(of);
  return Buffer.concat([varint(bytes.length), bytes]);
}

/** As protocol buffers' sint32: zigzag, then seven bits a byte. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
}
