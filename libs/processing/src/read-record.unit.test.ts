import type { Footing } from './read-record.js';
import { stillStands } from './read-record.js';
import type { Wiring } from './wiring.js';

const VIEW = 'directCareView1-a';
const REST = { 'identity-a': 2, 'identity-b': 0, 'consent-a': -1, 'consent-b': 4, 'policy-region': 0 };
const NOW = Date.UTC(2026, 0, 1);

function wiringOf(moved: Readonly<Record<string, number>> = {}) {
  const asked: string[] = [];
  const heads: Readonly<Record<string, number>> = { [VIEW]: 7, ...REST, ...moved };
  const head = async (stream: string) => {
    asked.push(stream);
    return heads[stream] ?? -1;
  };
  return { wiring: { store: { head }, clock: { now: () => NOW } } as unknown as Wiring, asked };
}

const footing = (span: Footing['span']): Footing => ({
  view: { stream: VIEW, revision: 7 },
  others: new Map(Object.entries(REST)),
  span,
});
const ALWAYS = { since: null, until: null };

describe('an answer still stands', () => {
  it('while nothing was written to what it rests on, the view being asked about before what it was built under', async () => {
    const { wiring, asked } = wiringOf();
    expect(await stillStands(wiring, footing(ALWAYS))).toBe(true);
    expect(asked).toEqual([VIEW, ...Object.keys(REST)]);
  });

  it.each([VIEW, ...Object.keys(REST)])('not once %s has moved on', async (stream) => {
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
