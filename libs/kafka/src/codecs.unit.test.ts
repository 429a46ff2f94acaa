import { gzipSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import { registerCodecs, UNPACKED_MAX_BYTES } from './codecs.js';
import { UNREADABLE_HEADER } from './unreadable.js';

const { GZIP, LZ4, Snappy, ZSTD } = kafkajs.CompressionTypes;
registerCodecs();
const unpack = (type: number, packed: Buffer): Promise<Buffer> =>
  (kafkajs.CompressionCodecs as Record<number, () => { decompress(of: Buffer): Promise<Buffer> }>)[type]!().decompress(packed);

const MAGIC = Buffer.from('28b52ffd0038', 'hex');
/** A zstd frame of blocks of 128 KiB, each of one byte repeated. */
function zstd(blocks: number): Buffer {
  const block = (isLast: number) => Buffer.from([...lengthOf((131_072 << 3) | (1 << 1) | isLast), 0x61]);
  return Buffer.concat([MAGIC, ...Array.from({ length: blocks }, (_, index) => block(index === blocks - 1 ? 1 : 0))]);
}
const lengthOf = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff];
/** Snappy as Java frames it; each block one literal of at most sixty bytes. */
function xerial(...blocks: string[]): Buffer {
  const framed = blocks.map((text) => {
    const block = Buffer.from([text.length, (text.length - 1) << 2, ...Buffer.from(text)]);
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    return Buffer.concat([length, block]);
  });
  return Buffer.concat([Buffer.from('82534e4150505900', 'hex'), Buffer.from('0000000100000001', 'hex'), ...framed]);
}
/** A Snappy block that says it holds this many bytes. */
const claims = (bytes: number): Buffer =>
  Buffer.from([
    (bytes & 0x7f) | 0x80,
    ((bytes >> 7) & 0x7f) | 0x80,
    ((bytes >> 14) & 0x7f) | 0x80,
    ((bytes >> 21) & 0x7f) | 0x80,
    bytes >> 28,
  ]);

const TEXT = Buffer.from('of many '.repeat(10_000));

describe('a batch', () => {
  it.each<[string, number, Buffer, Buffer]>([
    ['gzip', GZIP, gzipSync(TEXT), TEXT],
    ['lz4', LZ4, lz4.compressFrameSync(TEXT), TEXT],
    ['lz4 with checksums', LZ4, lz4.compressFrameSync(TEXT, { contentChecksum: true, blockChecksums: true }), TEXT],
    ['snappy as Java frames it', Snappy, xerial('one and ', 'another'), Buffer.from('one and another')],
    ['snappy as one block', Snappy, Buffer.from([3, 2 << 2, 0x61, 0x62, 0x63]), Buffer.from('abc')],
    ['zstd', ZSTD, zstd(3), Buffer.alloc(3 * 131_072, 'a')],
  ])('compressed with %s is what was packed', async (_, type, packed, text) => {
    expect((await unpack(type, packed)).equals(text)).toBe(true);
  });

  const tooMuch = Buffer.alloc(UNPACKED_MAX_BYTES + 1);
  it.each<[string, number, Buffer]>([
    ['gzip', GZIP, gzipSync(tooMuch)],
    ['lz4', LZ4, lz4.compressFrameSync(tooMuch)],
    ['snappy', Snappy, claims(UNPACKED_MAX_BYTES + 1)],
    ['zstd', ZSTD, zstd(513)],
  ])('that %s unpacks to more than there is room for is given as records that say so', async (_, type, packed) => {
    expect((await unpack(type, packed)).includes(UNREADABLE_HEADER)).toBe(true);
  });

  it.each([GZIP, LZ4, Snappy, ZSTD])('that is none of what it says (%s) is given as records that say so', async (type) => {
    for (const bytes of [0, 1, 7, 100]) {
      expect((await unpack(type, Buffer.alloc(bytes, 0xfd))).includes(UNREADABLE_HEADER)).toBe(true);
    }
  });
});
