import { crc32 } from 'node:zlib';
import { EngineDamaged } from '@weft/processing';
import { BatchTable } from './batch-table.js';
import type { Database } from './driver.js';
import type { Packing } from './packing.js';
import { RecordTable } from './record-table.js';
import { recordId } from './stored-message.js';
import type { Partition, TopicTable } from './topic-table.js';

const PARTITION = { id: 1, partition: 0, high: 165, topic: { name: 'care' } } as Partition;

/** The body of a row that says it holds no message. */
function emptyBatch(): Uint8Array {
  const body = Buffer.alloc(17);
  body.writeUInt32LE(crc32(body.subarray(4), crc32(`${recordId(1, 0)}\n`)));
  return body;
}

/** The body of a row of a compacted topic that holds one message, at offset 0. */
function oneRecord(): Uint8Array {
  const body = Buffer.alloc(29);
  body.writeUInt32LE(1, 12);
  body.writeUInt32LE(crc32(body.subarray(4), crc32(`${recordId(1, 0)}\n0\n`)));
  return body;
}

/** A tree so damaged that every search in it ends at the partition's first row. */
function inDisorder(body: Uint8Array): Database {
  let searches = 0;
  const row = { id: recordId(1, 0), tombstones: 0, body };
  const found = () => {
    searches += 1;
    if (searches > 1_000) throw new Error('it was searched without end');
    return row;
  };
  const statement = {
    get: found,
    all: () => [found()],
    iterate: () => [found(), found()],
    run: () => ({ changes: 0, lastInsertRowid: 0 }),
  };
  return { prepare: () => statement, exec: () => undefined, close: () => undefined };
}

describe('rows that are not in order', () => {
  const packing = { unpack: () => Buffer.from('4\0\0{}\0') } as unknown as Packing;
  const table = () => new RecordTable(inDisorder(oneRecord()), {} as TopicTable, packing, 'weft.db');
  const batches = () => new BatchTable(inDisorder(emptyBatch()), {} as TopicTable, packing, 'weft.db');

  it.each([
    ['looked for by their time', () => table().firstSince(PARTITION, 1), 'care/0 is not in order at offset 82'],
    ['read from an offset on', () => table().read(PARTITION, 7, 10), 'care/0 is not in order at offset 7'],
    ['of messages together, looked for by their time', () => batches().firstSince(PARTITION, 1), 'is not in order at offset 82'],
    ['of messages together, removed', () => batches().expire({ ...PARTITION, high: 0 }, 1), 'from care/0/0 on are lost'],
    ['removed', () => table().expire({ ...PARTITION, high: 0 }, 1), 'the record at care/0/0 is lost'],
  ])('are named where they are %s, and not gone through for ever', (_, go, named) => {
    expect(go).toThrow(EngineDamaged);
    expect(go).toThrow(named);
  });
});
