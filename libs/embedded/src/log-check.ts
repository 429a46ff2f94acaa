import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs';
import { endianness, uptime } from 'node:os';
import { EngineDamaged } from '@weft/processing';

/*
 * SQLite takes a log that breaks off for one that was being written when its process ended, and goes on without the rest. So
 * a log that was cut short, or has a flipped bit, would lose acknowledged commits in silence. But beside it lies the index of
 * the log, which is written only after a commit is on the disk: what it counts must be there, with the same checksum.
 * Formats: https://sqlite.org/walformat.html
 */

const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const INDEX_HEADER_BYTES = 48;
const FRAMES_AT_ONCE = 256;

interface LogIndex {
  readonly bytes: Buffer;
  readonly frames: number;
  readonly pageBytes: number;
  readonly salts: Buffer;
  readonly checksum: readonly [number, number];
}

/** Throws EngineDamaged when the log beside `path` holds less than was committed to it. */
export function checkLog(path: string, file: string): void {
  // Closing any file takes all of a process's locks on it away, so nothing is opened that is open here already.
  if (endianness() !== 'LE' || isOpenHere(`${path}-shm`) || isOfEarlierBoot(`${path}-shm`)) return;
  const index = readIndex(`${path}-shm`);
  if (index === undefined || index.frames === 0) return;
  // Also where all of it is in the main file: what is left of a log that breaks off would stand before newer pages there.
  const whole = holds(`${path}-wal`, index);
  // Where the index has moved meanwhile, another process is at work: it has the log open, and has checked it.
  if (whole || readIndex(`${path}-shm`)?.bytes.equals(index.bytes) !== true) return;
  throw new EngineDamaged(file, 'its log is damaged or was cut short: commits that were acknowledged are missing from it');
}

/** The index is memory that a running machine shares; what of it reached the disk before a power cut says nothing. */
function isOfEarlierBoot(path: string): boolean {
  const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return modified === undefined || modified < Date.now() - uptime() * 1_000;
}

/** True when it is, or when that cannot be told here. */
function isOpenHere(path: string): boolean {
  try {
    const real = realpathSync(path);
    return readdirSync('/proc/self/fd').some((descriptor) => linkTarget(`/proc/self/fd/${descriptor}`) === real);
  } catch {
    return true;
  }
}

function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

/** Undefined for one that says nothing: absent, half written, or of a log that is empty. */
function readIndex(path: string): LogIndex | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path).subarray(0, 2 * INDEX_HEADER_BYTES + 4);
  } catch {
    return undefined;
  }
  if (bytes.length < 2 * INDEX_HEADER_BYTES + 4 || bytes.readUInt8(12) !== 1) return undefined;
  const [first, second] = [bytes.subarray(0, INDEX_HEADER_BYTES), bytes.subarray(INDEX_HEADER_BYTES, 2 * INDEX_HEADER_BYTES)];
  if (!first.equals(second)) return undefined;
  const size = bytes.readUInt16LE(14);
  return {
    bytes,
    pageBytes: size === 1 ? 65_536 : size,
    frames: bytes.readUInt32LE(16),
    checksum: [bytes.readUInt32LE(24), bytes.readUInt32LE(28)],
    salts: bytes.subarray(32, 40),
  };
}

function holds(path: string, { frames, pageBytes, salts, checksum }: LogIndex): boolean {
  let handle: number;
  try {
    if (statSync(path).size < LOG_HEADER_BYTES + frames * (FRAME_HEADER_BYTES + pageBytes)) return false;
    handle = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const header = readBytes(handle, 0, LOG_HEADER_BYTES);
    const sums = new Uint32Array(2);
    add(sums, header, 0, 24);
    if (!header.subarray(16, 24).equals(salts) || !statesSums(header, 24, sums)) return false;
    const frameBytes = FRAME_HEADER_BYTES + pageBytes;
    for (let frame = 0; frame < frames; frame += FRAMES_AT_ONCE) {
      const bytes = readBytes(
        handle,
        LOG_HEADER_BYTES + frame * frameBytes,
        Math.min(FRAMES_AT_ONCE, frames - frame) * frameBytes,
      );
      for (let at = 0; at < bytes.length; at += frameBytes) {
        add(sums, bytes, at, 8);
        add(sums, bytes, at + FRAME_HEADER_BYTES, pageBytes);
        if (!bytes.subarray(at + 8, at + 16).equals(salts) || !statesSums(bytes, at + 16, sums)) return false;
      }
    }
    return sums[0] === checksum[0] && sums[1] === checksum[1];
  } finally {
    closeSync(handle);
  }
}

/** In memory of its own, so that it can be looked at as words. */
function readBytes(handle: number, at: number, count: number): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(count));
  readSync(handle, bytes, 0, count, at);
  return bytes;
}

function statesSums(bytes: Buffer, at: number, sums: Uint32Array): boolean {
  return bytes.readUInt32BE(at) === sums[0] && bytes.readUInt32BE(at + 4) === sums[1];
}

function add(sums: Uint32Array, bytes: Buffer, at: number, count: number): void {
  const words = new Uint32Array(bytes.buffer, at, count / 4);
  let [first = 0, second = 0] = sums;
  for (let n = 0; n < words.length; n += 2) {
    first = (first + (words[n] as number) + second) | 0;
    second = (second + (words[n + 1] as number) + first) | 0;
  }
  sums[0] = first;
  sums[1] = second;
}
