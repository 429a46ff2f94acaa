import { isPresent } from '../views/letters.js';
import type { RecordedCareEvent } from './care-event.js';
import { evolvePlacement, isHere, isToReview, placesOf } from './placement.js';
import { emptyRecord, evolveRecord, type CareRecord } from './record.js';

const ID = 'RX901/Observation/x';
const DAY = 86_400_000;

interface Said {
  readonly of: 'A' | 'B';
  /** Number and day of the version; either may be unsaid. */
  readonly age: readonly [number | null, number | null];
  readonly takesBack?: true;
}

function eventOf({ of, age: [versionId, day], takesBack }: Said, nth: number): RecordedCareEvent {
  const meta = {
    ...(versionId !== null && { versionId: String(versionId) }),
    ...(day !== null && { lastUpdated: new Date(day * DAY).toISOString() }),
  };
  return {
    type: takesBack ? 'care-event-retracted-1' : 'care-event-recorded-1',
    ...{ id: `e${nth}`, source: 'urn:ods:RX901', organisation: 'RX901', subject: of, time: '2026-01-01T00:00:00Z' },
    ...{ recordedAt: '2026-01-01T00:00:00Z', coordinates: { topic: 't', partition: 0, offset: nth }, digest: `d${nth}` },
    resource: { resourceType: 'Observation', id: 'x', meta },
  };
}

/** What each record says once it is known where the entry is. */
function settled(said: readonly (readonly [Said, number])[]) {
  const records = new Map<string, CareRecord>();
  for (const [one, nth] of said) {
    const record = records.get(one.of) ?? emptyRecord();
    records.set(one.of, record);
    evolveRecord(record, eventOf(one, nth));
  }
  const holders = [...records].map(([key, { entries }]) => ({ ...entries.get(ID)!, key, person: key }));
  for (const [key, { place }] of placesOf(holders)) {
    const { entries, revision } = records.get(key)!;
    evolvePlacement(entries, { type: 'entry-placed-1', entry: ID, place, recordedAt: '' }, revision + 1);
  }
  return { records, places: new Map(placesOf(holders)) };
}

/** Whether each number shows the entry. */
const shown = (records: ReadonlyMap<string, CareRecord>) =>
  ['A', 'B'].map((key) => {
    const entry = records.get(key)?.entries.get(ID);
    return entry !== undefined && isPresent(entry);
  });

const permutations = <T>(list: readonly T[]): T[][] =>
  list.length === 0
    ? [[]]
    : list.flatMap((one, nth) => permutations([...list.slice(0, nth), ...list.slice(nth + 1)]).map((rest) => [one, ...rest]));

/** However two numbers' streams come: each number's events in the order in which they were sent. */
const inTheirOrder = (said: readonly Said[]) =>
  permutations(said.map((one, nth) => [one, nth] as const)).filter((order) =>
    ['A', 'B'].every((key) => {
      const places = order.flatMap(([{ of }, nth]) => (of === key ? [nth] : []));
      return places.every((nth, index) => index === 0 || nth > (places[index - 1] as number));
    }),
  );

const before = ([number, day]: Said['age'], [otherNumber, otherDay]: Said['age']): boolean => {
  const signs = [
    ...(number === null || otherNumber === null ? [] : [number < otherNumber]),
    ...(day === null || otherDay === null ? [] : [day < otherDay]),
  ];
  return signs.length > 0 && signs.every(Boolean);
};

/** Where an entry must be shown, from the set of what was said of it alone: said once more, as simply as can be. */
function expected(said: readonly Said[]): boolean[] {
  const of = (key: string) => said.filter((one) => one.of === key);
  const latest = (some: readonly Said[]) =>
    some.find((one) => some.every((other) => other === one || before(other.age, one.age)));
  const stands = (key: string): boolean => of(key).length > 0 && latest(of(key))?.takesBack !== true;
  const firstOf = (some: readonly Said[]) =>
    some.find((one) => some.every((other) => other === one || before(one.age, other.age)));
  const loses = (key: string, other: string): boolean => {
    const [mine, theirs] = [of(key), of(other)];
    if (mine.length === 0 || theirs.length === 0) return false;
    if (!stands(key) && stands(other)) return theirs.some(({ age }) => !mine.some((one) => before(age, one.age)));
    const [first, otherFirst] = [firstOf(mine)!, firstOf(theirs)!];
    const isOneSeries = before(first.age, otherFirst.age) || before(otherFirst.age, first.age);
    return isOneSeries && theirs.some(({ age }) => mine.every((one) => before(one.age, age)));
  };
  return [stands('A') && !loses('A', 'B'), stands('B') && !loses('B', 'A')];
}

describe('an entry of which two people have versions', () => {
  it.each([
    ['later', { of: 'A', age: [1, 1] }, { of: 'B', age: [2, 2] }, ['away', 'arrived']],
    ['later by its number alone', { of: 'A', age: [1, null] }, { of: 'B', age: [2, 2] }, ['away', 'arrived']],
    ['later by its date alone', { of: 'A', age: [null, 1] }, { of: 'B', age: [null, 2] }, ['away', 'arrived']],
    ['earlier', { of: 'A', age: [2, 2] }, { of: 'B', age: [1, 1] }, ['arrived', 'away']],
    ['of the same number', { of: 'A', age: [1, 1] }, { of: 'B', age: [1, 2] }, ['unclear', 'unclear']],
    ['later by one and earlier by the other', { of: 'A', age: [1, 2] }, { of: 'B', age: [2, 1] }, ['unclear', 'unclear']],
    ['of no age', { of: 'A', age: [1, 1] }, { of: 'B', age: [null, null] }, ['unclear', 'unclear']],
    ['not to be compared', { of: 'A', age: [1, null] }, { of: 'B', age: [null, 2] }, ['unclear', 'unclear']],
    ['a later retraction', { of: 'A', age: [1, 1] }, { of: 'B', age: [2, 2], takesBack: true }, ['away', 'arrived']],
    ['an earlier retraction', { of: 'A', age: [2, 2] }, { of: 'B', age: [1, 1], takesBack: true }, ['arrived', 'away']],
    [
      'no earlier, and taken back there',
      { of: 'A', age: [1, 1], takesBack: true },
      { of: 'B', age: [1, 1] },
      ['away', 'arrived'],
    ],
  ] satisfies [string, Said, Said, string[]][])('where the other’s is %s', (_, one, other, places) => {
    const found = settled([
      [one, 0],
      [other, 1],
    ]).places;
    expect(['A', 'B'].map((key) => found.get(key)?.place)).toEqual(places);
  });

  it('of one series of versions is shown where the set of them says, in whichever order they came', () => {
    const ages: Said['age'][] = [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ];
    let compared = 0;
    for (let length = 1; length <= 4; length += 1) {
      for (let draw = 0; draw < 4 ** length; draw += 1) {
        const said = ages.slice(0, length).map((age, nth): Said => {
          const kind = Math.floor(draw / 4 ** nth) % 4;
          return { of: kind % 2 === 0 ? 'A' : 'B', age, ...(kind > 1 && { takesBack: true }) };
        });
        for (const order of permutations(said.map((one, nth) => [one, nth] as const))) {
          expect([order, shown(settled(order).records)]).toEqual([order, expected(said)]);
          compared += 1;
        }
      }
    }
    expect(compared).toBe(4 + 16 * 2 + 64 * 6 + 256 * 24);
  });

  it('stays with both where a sender numbers for each patient, whatever versions follow', () => {
    const said: Said[] = [
      { of: 'A', age: [1, 1] },
      { of: 'B', age: [1, 2] },
      { of: 'B', age: [2, 3] },
      { of: 'A', age: [2, 4] },
    ];
    for (const order of inTheirOrder(said)) expect([order, shown(settled(order).records)]).toEqual([order, [true, true]]);
  });

  it('is not one of two people’s because a version came late that the other number had too', () => {
    const said: Said[] = [
      { of: 'A', age: [1, 1] },
      { of: 'B', age: [2, 2] },
      { of: 'A', age: [3, 3] },
      { of: 'B', age: [1, 1] },
    ];
    for (const order of inTheirOrder(said)) expect([order, shown(settled(order).records)]).toEqual([order, [true, false]]);
  });

  it('is the latest one’s of three, and no number of one person takes it from another', () => {
    const holder = (key: string, person: string, versionId: number) => {
      const record = emptyRecord();
      evolveRecord(record, eventOf({ of: 'A', age: [versionId, null] }, versionId));
      return { ...record.entries.get(ID)!, key, person };
    };
    const places = placesOf([holder('a', 'P', 1), holder('b', 'P', 2), holder('c', 'Q', 3), holder('d', 'R', 4)]);
    expect([...places].map(([key, { place }]) => `${key} ${place}`)).toEqual(['a away', 'b away', 'c away', 'd arrived']);
    expect(placesOf([holder('a', 'P', 1), holder('b', 'P', 2)]).get('a')).toEqual({ place: 'own', from: [] });
  });

  it('is to be looked at until its sender says a newer version of it where it is', () => {
    const { records } = settled([
      [{ of: 'A', age: [1, 1] }, 0],
      [{ of: 'B', age: [2, 2] }, 1],
    ]);
    const [there, record] = [records.get('A')!.entries.get(ID)!, records.get('B')!];
    const here = record.entries.get(ID)!;
    expect([isHere(there), isHere(here), isToReview(there), isToReview(here)]).toEqual([false, true, false, true]);
    record.revision += 1;
    evolveRecord(record, eventOf({ of: 'B', age: [3, 3] }, 2));
    expect(isToReview(here)).toBe(false);
  });
});
