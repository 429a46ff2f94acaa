import type { Footing } from './read-record.js';
import { stillStands } from './read-record.js';
import type { Wiring } from './wiring.js';

const STREAMS = { 'careRecord-a': 7, 'careRecord-b': -1, 'policy-region': 0 };
const NOW = Date.UTC(2026, 0, 1);

function wiringOf(moved: Readonly<Record<string, number>> = {}) {
  const asked: string[] = [];
  const heads: Readonly<Record<string, number>> = { ...STREAMS, ...moved };
  const head = async (stream: string) => {
    asked.push(stream);
    return heads[stream] ?? -1;
  };
  return {
    wiring: { store: { head, read: async () => [] }, bus: {}, clock: { now: () => NOW, steady: () => 0 } } as unknown as Wiring,
    asked,
  };
}

const footing = (span: Footing['span']): Footing => ({
  streams: new Map(Object.entries(STREAMS)),
  span,
});
const ALWAYS = { since: null, until: null };

describe('an answer still stands', () => {
  it('while nothing was written to any stream that it rests on', async () => {
    const { wiring, asked } = wiringOf();
    expect(await stillStands(wiring, footing(ALWAYS))).toBe(true);
    expect(asked).toEqual(Object.keys(STREAMS));
  });

  it.each(Object.keys(STREAMS))('not once %s has moved on', async (stream) => {
    expect(await stillStands(wiringOf({ [stream]: 8 }).wiring, footing(ALWAYS))).toBe(false);
  });

  it.each([
    [{ since: null, until: NOW + 1 }, true],
    [{ since: null, until: NOW }, false],
    [{ since: NOW, until: null }, true],
    [{ since: NOW + 1, until: null }, false],
  ])('only as long as no decision begins or ends: %j', async (span, stands) => {
    expect(await stillStands(wiringOf().wiring, footing(span))).toBe(stands);
  });
});
