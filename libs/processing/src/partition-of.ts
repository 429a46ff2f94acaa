const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const encoder = new TextEncoder();

/** MurmurHash2 as Apache Kafka's clients compute it (org.apache.kafka.common.utils.Utils.murmur2), as a signed 32-bit number. */
function murmur2(view: DataView, length: number): number {
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(view.getInt32(at, true), M);
    k = Math.imul(k ^ (k >>> 24), M);
    hash = Math.imul(hash, M) ^ k;
  }
  let rest = 0;
  for (let at = length - 1; at >= whole; at -= 1) rest = (rest << 8) | view.getUint8(at);
  if (length > whole) hash = Math.imul(hash ^ rest, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** Most keys are short, and each message has one: their bytes stand here while they are read. */
const scratch = new Uint8Array(256);
const scratchView = new DataView(scratch.buffer);
const BYTES_A_CHARACTER_MAX = 3;

function hashOf(key: string): number {
  if (key.length * BYTES_A_CHARACTER_MAX <= scratch.length) return murmur2(scratchView, encoder.encodeInto(key, scratch).written);
  const { buffer, byteOffset, byteLength } = encoder.encode(key);
  return murmur2(new DataView(buffer, byteOffset, byteLength), byteLength);
}

/** The partition that Kafka's default partitioner gives a key. */
export function partitionOf(key: string, partitions: number): number {
  return (hashOf(key) & 0x7fffffff) % partitions;
}
