const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const encoder = new TextEncoder();

/** MurmurHash2 as Apache Kafka's clients compute it (org.apache.kafka.common.utils.Utils.murmur2), as a signed 32-bit number. */
function murmur2(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const whole = data.byteLength & ~3;
  let hash = SEED ^ data.byteLength;
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(view.getInt32(at, true), M);
    k = Math.imul(k ^ (k >>> 24), M);
    hash = Math.imul(hash, M) ^ k;
  }
  let rest = 0;
  for (let at = data.byteLength - 1; at >= whole; at -= 1) rest = (rest << 8) | view.getUint8(at);
  if (data.byteLength > whole) hash = Math.imul(hash ^ rest, M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** The partition that Kafka's default partitioner gives a key. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions;
}
