import fc from 'fast-check';
import type { RecordedCareEvent } from './care-event.js';
import { emptyRecord, evolveRecord, type Entry } from './record.js';

interface Said {
  /** What it says; undefined of a retraction. */
  readonly value?: string;
  readonly version?: string;
  /** Day of March on which it was last updated. */
  readonly updated?: number;
  readonly inError?: true;
}

const says = (value: string, version?: string, updated?: number): Said => ({
  value,
  ...(version !== undefined && { version }),
  ...(updated !== undefined && { updated }),
});
const retracts = (version?: string, updated?: number): Said => {
  const { value: _, ...rest } = says('', version, updated);
  return rest;
};
const inError = (version?: string, updated?: number): Said => ({ ...says('', version, updated), inError: true });

function entryAfter(events: readonly Said[]): Entry {
  const record = emptyRecord();
  events.forEach((said, index) => evolveRecord(record, eventOf(said, index)));
  return record.entries.get('RX901/Observation/o1') as Entry;
}

function eventOf(said: Said, index: number): RecordedCareEvent {
  const { value, version, updated } = said;
  const meta = {
    ...(version !== undefined && { versionId: version }),
    ...(updated !== undefined && { lastUpdated: new Date(Date.UTC(2026, 2, updated)).toISOString() }),
  };
  return {
    type: value === undefined ? 'care-event-retracted-1' : 'care-event-recorded-1',
    id: `e${index}`,
    source: 'urn:ods:RX901',
    organisation: 'RX901',
    time: '2026-03-01T10:00:00Z',
    recordedAt: '2026-03-01T10:00:01Z',
    coordinates: { topic: 'weft.care-events.RX901', partition: 0, offset: index },
    digest: JSON.stringify(said),
    resource: {
      ...{ resourceType: 'Observation', id: 'o1', meta, valueString: value },
      status: said.inError ? 'entered-in-error' : 'final',
    },
  };
}

const NOTHING = 'nothing';
const shown = ({ retracted, resource }: Entry): unknown => (retracted ? NOTHING : resource?.['valueString']);

/** In each row: what arrives, in this order, and what a reader is shown after the last of it. */
const ORDER: readonly [string, readonly Said[], string][] = [
  ['versions in their order', [says('a', '1'), says('b', '2')], 'b'],
  ['an earlier version that comes late', [says('b', '2'), says('a', '1')], 'b'],
  ['an earlier version that comes late, by its date alone', [says('b', undefined, 2), says('a', undefined, 1)], 'b'],
  ['version 10 after version 9', [says('a', '9'), says('b', '10')], 'b'],
  ['version 9 after version 10', [says('b', '10'), says('a', '9')], 'b'],
  ['version ids that are no numbers: by date', [says('b', 'W/z', 1), says('a', 'W/a', 2)], 'a'],
  ['version ids that are no numbers, without dates: by arrival', [says('a', 'W/z'), says('b', 'W/a')], 'b'],
  ['what says nothing of its age: by arrival', [says('a'), says('b')], 'b'],
  ['what says nothing of its age returns to an earlier state', [says('a'), says('b'), says('a')], 'a'],
  ['one has a version id alone, the other a date alone: by arrival', [says('a', '7'), says('b', undefined, 1)], 'b'],

  ['a restored server numbers from 1 again: version 2 of a later day', [says('K 7.9', '7', 1), says('K 4.9', '2', 20)], 'K 4.9'],
  ['and goes on', [says('a', '7', 1), says('b', '1', 20), says('c', '2', 21)], 'c'],
  ['and what was before it comes late', [says('a', '7', 1), says('b', '1', 20), says('z', '6', 1)], 'b'],
  ['and what it replaced comes again', [says('a', '7', 1), says('b', '1', 20), says('a', '7', 1)], 'b'],
  ['a clock that went back: version 3 of an earlier day', [says('a', '2', 20), says('b', '3', 1)], 'b'],

  ['the same version again', [says('a', '2'), says('a', '2')], 'a'],
  ['a correction under the same version', [says('a', '2'), says('b', '2')], 'b'],
  ['another one', [says('a', '2'), says('b', '2'), says('c', '2')], 'c'],
  ['what was corrected under the same version, sent again', [says('a', '2'), says('b', '2'), says('a', '2')], 'b'],

  ['an unversioned correction', [says('a', '5'), says('b')], 'b'],
  ['then the version that it corrected, again', [says('a', '5'), says('b'), says('a', '5')], 'b'],
  ['or one before that, late', [says('a', '5'), says('b'), says('z', '4')], 'b'],
  ['or the next one', [says('a', '5'), says('b'), says('c', '6')], 'c'],

  ['a retraction without a version', [says('a', '5'), retracts()], NOTHING],
  ['then what it retracted, again', [says('a', '5'), retracts(), says('a', '5')], NOTHING],
  ['or a version before that, late', [says('a', '5', 5), retracts(), says('z', '4')], NOTHING],
  ['by its date too', [says('a', '5', 5), retracts(), says('z', undefined, 4)], NOTHING],
  ['or the next version', [says('a', '5'), retracts(), says('b', '6')], 'b'],
  ['or what says nothing of its age', [says('a', '5'), retracts(), says('b')], 'b'],
  ['a retraction of what has not arrived', [retracts(), says('a', '5')], 'a'],

  ['a retraction of version 5', [says('a', '5'), retracts('5')], NOTHING],
  ['of an earlier version than the one in force', [says('a', '5'), says('b', '6'), retracts('5')], 'b'],
  ['of a later one', [says('a', '5'), retracts('6')], NOTHING],
  ['of version 5, which then comes', [retracts('5'), says('a', '5')], NOTHING],
  ['of version 5, before which version 4 comes late', [retracts('5'), says('z', '4')], NOTHING],
  ['of version 5, after which version 6 comes', [retracts('5'), says('b', '6')], 'b'],
  ['of what a restored server has replaced', [says('a', '7', 1), says('b', '2', 20), retracts('7')], 'b'],
  ['of what was replaced without a version', [says('a', '5'), says('b'), retracts('5')], 'b'],

  ['entered in error', [says('a', '1'), inError('2')], NOTHING],
  ['entered in error by a restored server', [says('a', '7', 1), inError('2', 20)], NOTHING],
  ['entered in error, without a version', [says('a', '7', 1), inError(), says('z', '6', 1)], NOTHING],
  ['entered in error, and late', [says('b', '3'), inError('2')], 'b'],
];

describe('the order of versions', () => {
  it.each(ORDER)('%s', (_, events, expected) => expect(shown(entryAfter(events))).toBe(expected));

  it('counts what changed nothing, and where a version id and a date disagree', () => {
    const { versions, setAside, disagreeing } = entryAfter([says('a', '7', 1), says('b', '2', 20), says('z', '1', 1)]);
    expect({ versions, setAside, disagreeing }).toEqual({ versions: 3, setAside: 1, disagreeing: 1 });
    expect(entryAfter([says('a', '1'), says('b', '2')])).toMatchObject({ setAside: 0, disagreeing: 0 });
  });

  it('is that of an account that keeps everything, for up to five events in any order', () => {
    const version = fc.option(fc.constantFrom('1', '2', '3', 'x'), { nil: undefined });
    const updated = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
    const said = fc.oneof(
      fc.tuple(fc.constantFrom('a', 'b'), version, updated).map((all) => says(...all)),
      fc.tuple(version, updated).map((all) => retracts(...all)),
      fc.tuple(version, updated).map((all) => inError(...all)),
    );
    fc.assert(
      fc.property(fc.array(said, { minLength: 1, maxLength: 5 }), (events) => {
        const inOrders = permutations(events);
        for (const order of inOrders) expect(shown(entryAfter(order))).toBe(naivelyShown(order));
      }),
      { numRuns: 100 },
    );
  });

  it('keeps no more of many versions than it needs', () => {
    const events = Array.from({ length: 500 }, (_, index) => says(`${index}`, String(index), (index % 28) + 1));
    expect(entryAfter(events).seen.length).toBeLessThan(30);
    expect(entryAfter(events.map(({ value = '' }, index) => says(value, String(index)))).seen).toHaveLength(1);
  });
});

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((one, index) => permutations(all.toSpliced(index, 1)).map((rest) => [one, ...rest]));
}

/** All that arrived, and each time anew which of it is in force: nothing is summed up. */
function naivelyShown(events: readonly Said[]): string {
  const arrived: Said[] = [];
  const gone: Said[] = [];
  let inForce: Said | undefined;
  for (const next of events) {
    const isEarlier = arrived.some((one) => compare(next, one) === 'earlier');
    const comesBack = arrived.some((one) => compare(next, one) === 'same');
    const correctsItself = inForce !== undefined && !isGone(inForce) && compare(next, inForce) === 'same';
    const wasCorrected = gone.some((one) => JSON.stringify(one) === JSON.stringify(next));
    const saysWhenItWas = numberOf(next) !== undefined || next.updated !== undefined;
    arrived.push(next);
    if (isEarlier || (correctsItself ? wasCorrected && saysWhenItWas : comesBack)) continue;
    if (inForce !== undefined && JSON.stringify(inForce) !== JSON.stringify(next)) gone.push(inForce);
    inForce = next;
  }
  return inForce === undefined || isGone(inForce) ? NOTHING : (inForce.value as string);
}

const isGone = ({ value, inError: wrong }: Said): boolean => value === undefined || wrong === true;
const numberOf = ({ version }: Said): number | undefined =>
  version === undefined || version === 'x' ? undefined : Number(version);

function compare(one: Said, other: Said): 'earlier' | 'same' | 'neither' {
  const signs = [
    [numberOf(one), numberOf(other)],
    [one.updated, other.updated],
  ].flatMap(([a, b]) => (a === undefined || b === undefined ? [] : [Math.sign(a - b)]));
  if (signs.length > 0 && signs.every((sign) => sign === 0)) return 'same';
  return signs.includes(-1) && !signs.includes(1) ? 'earlier' : 'neither';
}
