import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import snappy from 'snappyjs';
import { unreadableRecords } from './unreadable.js';

/** What a batch may hold once it is unpacked: a megabyte of zstd may stand for gigabytes. */
export const UNPACKED_MAX_BYTES = 64 * 1_048_576;

const { CompressionCodecs, CompressionTypes } = kafkajs;

type Unpack = (packed: Buffer) => Buffer | Promise<Buffer>;

/**
 * Teaches kafkajs every compression that Kafka knows, of which it has gzip alone: a producer chooses one by a single setting, and
 * so may a topic or a broker. kafkajs would end the whole consumer for a batch that it cannot unpack, and again whenever it comes
 * back; instead such a batch is given as records that say so.
 */
export function registerCodecs(): void {
  const codecs: [number, string, Unpack][] = [
    [CompressionTypes.GZIP, 'gzip', (packed) => promisify(gunzip)(packed, { maxOutputLength: UNPACKED_MAX_BYTES })],
    [CompressionTypes.Snappy, 'snappy', unpackSnappy],
    [CompressionTypes.LZ4, 'lz4', unpackLz4],
    [CompressionTypes.ZSTD, 'zstd', unpackZstd],
  ];
  for (const [type, name, unpack] of codecs) (CompressionCodecs as Record<number, unknown>)[type] = () => codec(name, unpack);
}

function codec(name: string, unpack: Unpack) {
  return {
    compress: async () => {
      throw new Error('Weft publishes uncompressed: a topic’s own compression.type is the broker’s to apply');
    },
    decompress: async (packed: Buffer): Promise<Buffer> => {
      try {
        const records = await unpack(packed);
        if (records.length === 0) throw new Error('nothing in it');
        return records;
      } catch (error) {
        return unreadableRecords(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}

function tooMuch(): Error {
  return new Error(`more than ${UNPACKED_MAX_BYTES} bytes once unpacked`);
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** One block, as librdkafka writes it, or blocks with their lengths behind a header, as Java does. */
function unpackSnappy(packed: Buffer): Buffer {
  if (!packed.subarray(0, XERIAL.length).equals(XERIAL)) return snappy.uncompress(packed, UNPACKED_MAX_BYTES);
  const blocks: Buffer[] = [];
  let left = UNPACKED_MAX_BYTES;
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    const length = packed.readInt32BE(at);
    const block = snappy.uncompress(packed.subarray(at + 4, at + 4 + length), left);
    left -= block.length;
    blocks.push(block);
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

function unpackLz4(packed: Buffer): Buffer {
  if (lz4AtMost(packed) > UNPACKED_MAX_BYTES) throw tooMuch();
  return lz4.decompressFrameSync(packed);
}

const LZ4_BLOCK_BYTES = [0, 0, 0, 0, 65_536, 262_144, 1_048_576, 4_194_304];

/** What an LZ4 frame unpacks to at the most, by its blocks: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. */
function lz4AtMost(packed: Buffer): number {
  const [flags, sizes] = [packed.readUInt8(4), packed.readUInt8(5)];
  const blockBytes = LZ4_BLOCK_BYTES[(sizes >> 4) & 7] as number;
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4;
  let at = 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4);
  let most = 0;
  for (;;) {
    const size = packed.readUInt32LE(at);
    if (size === 0) return most;
    const isPlain = size >= 0x80000000;
    const length = size & 0x7fffffff;
    most += isPlain ? length : Math.min(blockBytes, length * 255);
    at += 4 + length + checksumBytes;
  }
}

function unpackZstd(packed: Buffer): Buffer {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const stream = new Decompress((part) => {
    bytes += part.length;
    if (bytes > UNPACKED_MAX_BYTES) throw tooMuch();
    parts.push(part);
  });
  stream.push(packed, true);
  return Buffer.concat(parts);
}
