import type { KafkaMessage } from 'kafkajs';
import { InvalidCall, MESSAGE_LIMIT_BYTES, TooLarge } from '@weft/processing';
import { readable, sizeOf, toMessage } from './messages.js';
import { partitionOf } from './publisher.js';

interface Given {
  readonly offset: number;
  readonly producer?: string;
  readonly control?: 'abort' | 'commit';
  /** First and last offset of the batch that it came in. */
  readonly batch?: readonly [number, number];
}

const record = ({ offset, producer = '1', control, batch = [offset, offset] }: Given): KafkaMessage =>
  ({
    key: control ? Buffer.from([0, 0, 0, control === 'abort' ? 0 : 1]) : Buffer.from('k'),
    value: Buffer.from(String(offset)),
    headers: {},
    timestamp: '5',
    offset: String(offset),
    isControlRecord: control !== undefined,
    batchContext: {
      producerId: producer,
      inTransaction: producer !== '1',
      firstOffset: String(batch[0]),
      lastOffsetDelta: batch[1] - batch[0],
    },
  }) as unknown as KafkaMessage;
const read = (from: number, given: Given[], abortedTransactions: { producerId: string; firstOffset: string }[] = []) => {
  const { messages, next } = readable('t', from, { partition: 0, messages: given.map(record), abortedTransactions });
  return { offsets: messages.map(({ offset }) => offset), next };
};

describe('reading what a fetch brings', () => {
  it('leaves out what stands before the offset that was asked for: batches come whole', () => {
    expect(read(2, [{ offset: 0 }, { offset: 1 }, { offset: 2 }, { offset: 3 }])).toEqual({ offsets: [2, 3], next: 4 });
  });

  it('goes on behind a batch whose end was compacted away, or it would come again for ever', () => {
    expect(read(5, [{ offset: 3, batch: [3, 8] }])).toEqual({ offsets: [], next: 9 });
  });

  it('leaves out the messages of an aborted transaction and all markers', () => {
    const given: Given[] = [
      { offset: 0, producer: '7' },
      { offset: 1 },
      { offset: 2, producer: '7', control: 'abort' },
      { offset: 3, producer: '7' },
      { offset: 4, producer: '7', control: 'commit' },
    ];
    expect(read(0, given, [{ producerId: '7', firstOffset: '0' }])).toEqual({ offsets: [1, 3], next: 5 });
  });

  it('stays where it is when nothing came', () => {
    expect(read(4, [])).toEqual({ offsets: [], next: 4 });
  });

  it('takes the last of a header that came more than once, and a missing key as an empty one', () => {
    const odd = { ...record({ offset: 1 }), key: null, headers: { a: [Buffer.from('1'), Buffer.from('2')], b: undefined } };
    expect(toMessage('t', 0, odd as unknown as KafkaMessage)).toMatchObject({
      key: '',
      headers: { a: '2', b: '' },
      timestamp: 5,
    });
  });
});

describe('what may be published', () => {
  const message = { topic: 't', key: 'k', value: new Uint8Array(10), headers: { h: 'v' } };

  it('counts key, value and headers together against the limit', () => {
    const value = new Uint8Array(MESSAGE_LIMIT_BYTES - 3);
    expect(() => sizeOf({ ...message, value })).not.toThrow();
    expect(() => sizeOf({ ...message, value, key: 'kk' })).toThrow(TooLarge);
    expect(() => sizeOf({ ...message, value, headers: { h: 'vv' } })).toThrow(TooLarge);
  });

  it('never repeats a key in its refusal', () => {
    const refused = () => sizeOf({ ...message, key: '9434765919', value: new Uint8Array(MESSAGE_LIMIT_BYTES) });
    expect(refused).toThrow(expect.objectContaining({ message: expect.not.stringContaining('9434765919') }));
  });

  it('needs a key: without one the partition would be anybody’s guess', () => {
    expect(() => sizeOf({ ...message, key: undefined as unknown as string })).toThrow(InvalidCall);
  });

  it('puts a key where Kafka’s own clients do', () => {
    // murmur2 of Kafka's own tests, made positive, of 25.
    expect(partitionOf('21', 25)).toBe((-973932308 & 0x7fffffff) % 25);
    expect(partitionOf('foobar', 6)).toBe((-790332482 & 0x7fffffff) % 6);
  });
});

describe('a message that is not what it should be', () => {
  const from = (more: object): KafkaMessage =>
    ({ key: Buffer.from('k'), value: Buffer.from('v'), offset: '3', ...more }) as KafkaMessage;
  const of = (more: object) => toMessage('t', 0, from(more));

  it('has no fault where all is UTF-8', () => {
    expect(of({ headers: { ce_id: Buffer.from('ü€😀'), twice: [Buffer.from('a'), Buffer.from('b')] } })).not.toHaveProperty(
      'faults',
    );
  });

  it('names what is not UTF-8, and gives two such texts as two', () => {
    const ids = [0xfe, 0xff].map((byte) => of({ headers: { ce_id: Buffer.from([0x61, byte]) } }));
    expect(ids.map(({ faults }) => faults)).toEqual(
      [1, 2].map(() => [{ field: 'headers.ce_id', code: 'not-utf-8', message: 'is not UTF-8' }]),
    );
    expect(ids[0]!.headers).not.toEqual(ids[1]!.headers);
    expect(of({ key: Buffer.from([0xff]) }).faults).toMatchObject([{ field: 'key' }]);
  });

  it('names nobody by a header’s name', () => {
    expect(of({ headers: { '9990000018': Buffer.from([0xff]) } }).faults).toMatchObject([{ field: 'headers' }]);
  });

  it('says of a record that stands for one that cannot be read why it cannot', () => {
    const headers = { 'weft-unreadable': Buffer.from('zstd: no magic') };
    expect(of({ key: null, value: null, headers }).faults).toEqual([
      { field: '', code: 'unreadable', message: 'its batch cannot be read: zstd: no magic' },
    ]);
    expect(of({ headers })).not.toHaveProperty('faults');
  });
});
