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

/** A tree so damaged that every search in it ends at the partition's first row. */
function inDisorder(): Database {
  let searches = 0;
  const row = { id: recordId(1, 0), timestamp: 0, body: emptyBatch(), content: new Uint8Array(), tombstone: 0, crc: 0 };
  const found = () => {
    searches += 1;
    if (searches > 1_000) throw new Error('it was searched without end');
    return row;
  };
  const statement = {
    get: found,
    all: () => [found()],
    iterate: () => [found()],
    run: () => ({ changes: 0, lastInsertRowid: 0 }),
  };
  return { prepare: () => statement, exec: () => undefined, close: () => undefined };
}

describe('rows that are not in order', () => {
  const table = () => new RecordTable(inDisorder(), {} as TopicTable, {} as Packing, 'weft.db');
  const batches = () => new BatchTable(inDisorder(), {} as TopicTable, {} as Packing, 'weft.db');

  it.each([
    ['looked for by their time', () => table().firstSince(PARTITION, 1), 'care/0 is not in order at offset 82'],
    ['read from an offset on', () => table().read(PARTITION, 7, 10), 'care/0 is not in order at offset 7'],
    ['of messages together, looked for by their time', () => batches().firstSince(PARTITION, 1), 'is not in order at offset 82'],
    ['of messages together, removed', () => batches().expire({ ...PARTITION, high: 0 }, 1), 'from care/0/0 on are lost'],
    ['removed', () => table().expire({ ...PARTITION, high: 0 }, 1), 'the message at care/0/0 is not what was written'],
  ])('are named where they are %s, and not gone through for ever', (_, go, named) => {
    expect(go).toThrow(EngineDamaged);
    expect(go).toThrow(named);
  });
});
