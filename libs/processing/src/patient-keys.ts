import { CARE_RECORD_PREFIX, keyOfStream } from './streams.js';
import type { Wiring } from './wiring.js';

/** Every number of which anything is known. */
export async function* patientKeys({ store }: Pick<Wiring, 'store'>): AsyncGenerator<string> {
  for await (const { stream } of store.streams(CARE_RECORD_PREFIX)) yield keyOfStream(stream);
}

/** So many keys at a time, without the first ones. */
export async function* chunksOf(keys: AsyncIterable<string>, skip: number, size: number): AsyncGenerator<readonly string[]> {
  let chunk: string[] = [];
  let seen = 0;
  for await (const key of keys) {
    seen += 1;
    if (seen <= skip) continue;
    chunk.push(key);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
