import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, NO_STREAM } from '@weft/processing';
import type { Database } from './driver.js';
import { openEmbeddedStore } from './embedded.js';
import type { EmbeddedStore } from './event-store.js';
import { ForeignCommits } from './foreign-commits.js';
import { systemTimers } from './system.js';

const event = (index: number) => ({
  id: `00000000-0000-4000-8000-00000000000${index}`,
  type: 'care-event-recorded-1',
  data: bytesOf(`{"index":${index}}`),
});

describe('what one connection remembers of a file that others write too', () => {
  let directory: string;
  let stores: EmbeddedStore[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weft-foreign-'));
    stores = [await openEmbeddedStore({ directory }), await openEmbeddedStore({ directory })];
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await rm(directory, { recursive: true });
  });

  it('never hides a stream that another began after it was asked for and not there', async () => {
    const [ours, theirs] = stores as [EmbeddedStore, EmbeddedStore];
    const ask = () => Promise.all([ours.head('record-a'), ours.head('record-b'), ours.read('record-a')]);
    expect(await ask()).toEqual([NO_STREAM, NO_STREAM, []]);
    await theirs.append('record-a', NO_STREAM, [event(1), event(2)]);
    expect(await ask()).toMatchObject([1, NO_STREAM, [event(1), event(2)]]);
    await theirs.append('record-b', NO_STREAM, [event(3)]);
    await expect(ours.append('record-b', NO_STREAM, [event(4)])).rejects.toMatchObject({ expected: NO_STREAM, actual: 0 });
  });

  it('never hides a stream that it began itself after it was asked for and not there', async () => {
    const [ours] = stores as [EmbeddedStore];
    expect(await ours.head('record-a')).toBe(NO_STREAM);
    await ours.append('record-a', NO_STREAM, [event(1)]);
    expect(await Promise.all([ours.head('record-a'), ours.read('record-a')])).toMatchObject([0, [event(1)]]);
  });

  it('is compared once for all that is asked together, and again for what is asked after an answer', async () => {
    let [version, looks, dropped] = [1, 0, 0];
    const get = () => ({ data_version: ((looks += 1), version) });
    const database = { prepare: () => ({ get }) } as unknown as Database;
    const foreign = new ForeignCommits(database, { timers: systemTimers, pollMs: 5, onForeignCommit: () => (dropped += 1) });
    const ask = async (): Promise<void> => foreign.lookOnce();
    await Promise.all([ask(), ask(), ask()]);
    expect([looks, dropped]).toEqual([1, 1]);
    version = 2;
    await ask();
    expect([looks, dropped]).toEqual([2, 2]);
  });
});
