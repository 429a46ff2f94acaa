import { SimKeys } from '@weft/testing';
import { BEGINNING, chained } from './chain.js';
import { bytesOf, encodeAfter, textOf } from './encoding.js';
import type { EventStore, NewEvent, StoredEvent } from './ports.js';
import { verifyChains } from './verify-chains.js';

const keys = new SimKeys();
const DAY = 'audit-20261128';
const NEXT = 'audit-20261129';

const event = (n: number): NewEvent => ({
  id: `id-${n}`,
  type: 'audited-1',
  data: bytesOf(JSON.stringify({ who: 'dr-smith', n })),
});
const stored = (stream: string, events: readonly NewEvent[]): StoredEvent[] =>
  events.map((one, revision) => ({ ...one, meta: {}, stream, revision, position: `${revision}` }));

function chainOf(stream: string, count: number): StoredEvent[] {
  return stored(
    stream,
    chained(
      keys,
      stream,
      BEGINNING,
      Array.from({ length: count }, (_, n) => event(n)),
    ).events,
  );
}

/** A store as somebody left it: streams by name, each with the revision at which it says it ends. */
function storeOf(streams: Readonly<Record<string, readonly StoredEvent[]>>, heads: Readonly<Record<string, number>> = {}) {
  return {
    head: async (stream: string) => heads[stream] ?? streams[stream]?.at(-1)?.revision ?? -1,
    read: async (stream: string, { from = 0, maxCount = 1_000 }: { from?: number; maxCount?: number } = {}) =>
      (streams[stream] ?? []).filter(({ revision }) => revision >= from).slice(0, maxCount),
    streams: async function* (prefix: string) {
      for (const stream of Object.keys(streams)) if (stream.startsWith(prefix)) yield { stream, position: '' };
    },
  } as unknown as EventStore;
}

const found = async (store: EventStore) => (await verifyChains({ store, keys })).damaged;

describe('the chain of audit and decisions', () => {
  it('is whole as it was written, over every stream that is chained', async () => {
    const streams = { [DAY]: chainOf(DAY, 5), 'auditOf-k': chainOf('auditOf-k', 2), 'consent-k': chainOf('consent-k', 3) };
    expect(await verifyChains({ store: storeOf(streams), keys })).toEqual({ streams: 3, events: 10, unchained: 0, damaged: [] });
  });

  it('names a hundred entries that were taken out, as one place', async () => {
    const rest = chainOf(DAY, 300).filter(({ revision }) => revision < 100 || revision >= 200);
    expect(await found(storeOf({ [DAY]: rest }))).toEqual([{ stream: DAY, from: 100, to: 199, damage: 'missing' }]);
  });

  it('names those taken out although what came behind was numbered anew', async () => {
    const rest = chainOf(DAY, 9).filter(({ revision }) => revision !== 4);
    const renumbered = rest.map((one, revision) => ({ ...one, revision }));
    expect(await found(storeOf({ [DAY]: renumbered }))).toMatchObject([{ stream: DAY, from: 4, damage: 'changed' }]);
  });

  it('names the first entries and the last ones that were taken out, where the store remembers how many there were', async () => {
    const rest = chainOf(DAY, 9).slice(2, 7);
    expect(await found(storeOf({ [DAY]: rest }, { [DAY]: 8 }))).toEqual([
      { stream: DAY, from: 0, to: 1, damage: 'missing' },
      { stream: DAY, from: 7, to: 8, damage: 'missing' },
    ]);
  });

  it.each([
    ['its content', (one: StoredEvent) => ({ ...one, data: bytesOf(textOf(one.data).replace('dr-smith', 'dr-jones')) })],
    ['its meta', (one: StoredEvent) => ({ ...one, meta: { n: 1 } })],
    ['its type', (one: StoredEvent) => ({ ...one, type: 'decision-recorded-2' })],
    ['its id', (one: StoredEvent) => ({ ...one, id: 'another' })],
  ])('names an event of which somebody changed %s', async (_, change) => {
    const events = chainOf('consent-k', 5).map((one) => (one.revision === 2 ? change(one) : one));
    expect(await found(storeOf({ 'consent-k': events }))).toEqual([{ stream: 'consent-k', from: 2, to: 2, damage: 'changed' }]);
  });

  it('names a forged event, whether it was given a hash, another’s hash, or none', async () => {
    const forged = event(99);
    const other = { chain: (text: string) => keys.chain(`another secret ${text}`) };
    const byOther = chained(other, 'consent-k', { revision: 2, chain: '' }, [forged]).events[0] as NewEvent;
    const copied = { ...forged, data: (chainOf('consent-x', 4)[3] as StoredEvent).data };
    for (const [one, damage] of [
      [byOther, 'changed'],
      [copied, 'changed'],
      [forged, 'unchained'],
    ] as const) {
      const events = stored('consent-k', [...chainOf('consent-k', 3), one]);
      expect(await found(storeOf({ 'consent-k': events }))).toEqual([{ stream: 'consent-k', from: 3, to: 3, damage }]);
    }
  });

  it('names the end of a day that was cut off once it was over, and a day that is gone', async () => {
    const day = chainOf(DAY, 5);
    const { end } = chained(
      keys,
      DAY,
      BEGINNING,
      Array.from({ length: 5 }, (_, n) => event(n)),
    );
    const first = encodeAfter(event(0), { stream: DAY, ...end });
    const next = stored(NEXT, chained(keys, NEXT, BEGINNING, [first, event(1)]).events);
    const severed = [{ stream: DAY, from: 4, to: 4, damage: 'severed' }];
    expect(await found(storeOf({ [DAY]: day, [NEXT]: next }))).toEqual([]);
    expect(await found(storeOf({ [DAY]: day.slice(0, 3), [NEXT]: next }))).toEqual(severed);
    expect(await found(storeOf({ [NEXT]: next }))).toEqual(severed);
  });

  it('counts what is older than the chain, and says nothing against it', async () => {
    const old = [event(0), event(1)];
    const { events } = chained(keys, DAY, { revision: 1, chain: '' }, [event(2)]);
    const streams = { [DAY]: stored(DAY, [...old, ...events]) };
    expect(await verifyChains({ store: storeOf(streams), keys })).toMatchObject({ events: 3, unchained: 2, damaged: [] });
  });
});
