import fc from 'fast-check';
import { A, adt, B, fields, obx, oru, pv1 } from '../../hl7v2/src/mapping/messages.fixture.js';
import { openRegion } from './region.fixture.js';

const PEOPLE = [A, B, '9990000034', '9990000042'];

/** A person's messages, whose order matters: known late, admitted, moved, discharged, taken back, and twice in one second. */
function storyOf(number: string): readonly string[] {
  const [mrn, visit, filler] = [`M${number}`, `V${number}`, `F${number}`];
  const at = (hour: number) => `202406100${hour}0000`;
  const said = (hour: number) => ({ mrn, number: '', at: at(hour) });
  const stay = { visit, start: at(2) };
  const hb = (value: string, hour: number) => oru(said(hour), filler, 'FBC', { at: at(hour) }, obx('NM', 'HB', value));
  return [
    hb('140', 1),
    hb('141', 1),
    adt('A01', { mrn, number, at: at(2) }, pv1(stay)),
    adt('A02', said(3), pv1({ ...stay, place: 'W2^B1' })),
    hb('142', 2),
    adt('A03', said(4), pv1({ ...stay, end: at(4) })),
    adt('A13', said(5), pv1({ ...stay, end: at(4) })),
    adt('A40', { mrn: `N${number}`, number: '', at: at(6) }, fields('MRG', { 1: `${mrn}^^^RX901^MR` })),
    hb('143', 7),
  ];
}
const STORIES = new Map(PEOPLE.map((number) => [number, storyOf(number)]));

/** Of each number what was told, in the order in which it was. */
async function toldOf(arrival: readonly string[], maxBatch: number): Promise<Record<string, readonly unknown[]>> {
  const region = await openRegion();
  const next = new Map<string, number>();
  for (const number of arrival) {
    await region.send(STORIES.get(number)![next.get(number) ?? 0]!);
    next.set(number, (next.get(number) ?? 0) + 1);
  }
  await region.project(region.projector(), maxBatch);
  const { events, refused } = await region.told();
  expect(refused).toEqual([]);
  return Object.fromEntries(PEOPLE.map((number) => [number, events.filter(({ subject }) => subject === number)]));
}

describe('messages of several people', () => {
  it('lead to the same, in the same order of each, however they come among each other and in whatever batches', async () => {
    const one = PEOPLE.flatMap((number) => STORIES.get(number)!.map(() => number));
    const expected = await toldOf(one, 500);
    for (const number of PEOPLE) expect(expected[number]!.length).toBeGreaterThan(8);
    const arrivals = fc.shuffledSubarray(one, { minLength: one.length });
    await fc.assert(
      fc.asyncProperty(arrivals, fc.integer({ min: 1, max: 20 }), async (arrival, maxBatch) => {
        expect(await toldOf(arrival, maxBatch)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});
