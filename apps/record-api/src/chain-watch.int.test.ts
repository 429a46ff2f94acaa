import { bytesOf, CONSENT_PREFIX, type EventStore, type StoredEvent, textOf, type Timers } from '@weft/processing';
import { systemTimers } from '@weft/service';
import { ANNE, BERT, observation, openRegion, type Region } from './region.fixture.js';

const PASS_MS = 60 * 60_000;

describe('the chains of audit and decisions', () => {
  let region: Region;
  let store: EventStore;
  /** Lets the next pass begin. */
  let next = (): void => {};
  let passes = 0;
  const timers: Timers = {
    sleep(ms, signal) {
      if (ms !== PASS_MS || signal?.aborted === true) return systemTimers.sleep(Math.min(ms, 5), signal);
      passes += 1;
      return new Promise((wake) => {
        next = wake;
        signal?.addEventListener('abort', () => wake());
      });
    },
  };
  const ended = async (count: number): Promise<void> => {
    while (passes < count) await new Promise(setImmediate);
  };
  const metric = async (name: string): Promise<number> => {
    const { text } = await region.ask('/metrics', { roles: ['operations'] });
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)![1]);
  };

  beforeAll(async () => {
    region = await openRegion({ service: { timers } });
    ({ store } = region.wiring);
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    for (const number of [ANNE, BERT]) await region.decide(number, {});
  });
  afterAll(() => region.close());

  it('are followed while the record API runs, and a broken one is a metric', async () => {
    await ended(1);
    next();
    await ended(2);
    expect(await metric('weft_chain_damages')).toBe(0);
    expect(await metric('weft_chain_verified_timestamp_seconds')).toBeGreaterThan(Date.now() / 1_000 - 60);

    // Somebody changes a decision where it is stored.
    const read = store.read.bind(store);
    const forged = (event: StoredEvent): StoredEvent => ({
      ...event,
      data: bytesOf(textOf(event.data).replace('local-dissent', 'type-1')),
    });
    store.read = async (stream, options) => {
      const page = await read(stream, options);
      return stream.startsWith(CONSENT_PREFIX) ? page.map(forged) : page;
    };
    next();
    await ended(3);
    expect(await metric('weft_chain_damages')).toBe(2);

    store.read = read;
    next();
    await ended(4);
    expect(await metric('weft_chain_damages')).toBe(0);
  });

  it('cost a scrape nothing', async () => {
    const read = store.read.bind(store);
    let reads = 0;
    store.read = (...args) => {
      reads += args[0].startsWith(CONSENT_PREFIX) ? 1 : 0;
      return read(...args);
    };
    await metric('weft_chain_damages');
    store.read = read;
    expect(reads).toBe(0);
  });
});
