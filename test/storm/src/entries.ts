import { checkDigitOf, type Prng } from '@weft/testing';

export const PURPOSES = ['direct-care', 'care-coordination', 'population-health', 'research'] as const;
export type Purpose = (typeof PURPOSES)[number];
/** The organisations that a region has as shipped; the first is the GP practice. */
export const GP = 'Y90001';
export const ORGANISATIONS = [GP, 'RX901', 'RX902', 'RX903'] as const;
export type Organisation = (typeof ORGANISATIONS)[number];

export interface Person {
  readonly index: number;
  readonly nhsNumber: string;
}

/** One fact that an organisation publishes: of the storm's own making, so that it is known wherever it turns up. */
export interface Entry {
  readonly number: number;
  readonly person: Person;
  readonly organisation: Organisation;
  readonly resourceType: 'Condition' | 'Encounter';
  /** A second code that decisions name; null for none. */
  readonly category: string | null;
  /** The version acknowledged; 0 for none yet. */
  version: number;
  /** A retraction was sent: until the end it may be seen or not. */
  isRetracted: boolean;
  /** One that everybody may count on: published before the storm, and never retracted. */
  readonly isBase: boolean;
  isBusy: boolean;
}

/** Of a person alone: each organisation has recorded both kinds. A category always has an entry, or a denial of it would mean all. */
export function baseEntries(person: Person, first: number): Entry[] {
  return ORGANISATIONS.flatMap((organisation, place) =>
    (['Condition', 'Encounter'] as const).map((resourceType, kind) => {
      const category = place < 2 ? `category-${place}` : null;
      return entryOf(person, first + place * 2 + kind, { organisation, resourceType, category, isBase: true });
    }),
  );
}

export function laterEntry(person: Person, number: number, organisation: Organisation, draw: Prng): Entry {
  const resourceType = draw.pick(['Condition', 'Encounter'] as const);
  const category = draw.pick([null, null, 'category-0', 'category-1']);
  return entryOf(person, number, { organisation, resourceType, category, isBase: false });
}

type Kind = Pick<Entry, 'organisation' | 'resourceType' | 'category' | 'isBase'>;

const entryOf = (person: Person, number: number, kind: Kind): Entry => ({
  ...kind,
  ...{ number, person, version: 0, isRetracted: false, isBusy: false },
});

/** Care coordination is about what is ahead: of these two an encounter that is under way. */
export const isOfConcern = ({ resourceType }: Entry, purpose: Purpose): boolean =>
  purpose !== 'care-coordination' || resourceType === 'Encounter';

/**
 * A code that every purpose is shown, so that an entry is known in any answer, whatever form the answer has: beyond individual care only
 * codes of SNOMED CT's form are told, here of the United Kingdom's namespace (item, namespace, partition, check digit), and of those
 * the ones that the region releases.
 */
export function markerOf({ number }: Pick<Entry, 'number'>, version: number): string {
  const digits = `1${String(number).padStart(4, '0')}${String(version).padStart(3, '0')}100000010`;
  return `${digits}${checkDigitOf(digits)}`;
}

/** As many entries, and versions of each, as a storm publishes at the most: each program reads all their codes when it starts. */
export const ENTRIES_MAX = 2_000;
export const VERSIONS_MAX = 25;

/** What WEFT_RELEASED_CODES names: the codes of every entry in every version. */
export function releasedCodes(): Record<string, string[]> {
  const numbers = Array.from({ length: ENTRIES_MAX }, (_, number) => ({ number }));
  const codes = numbers.flatMap((entry) => Array.from({ length: VERSIONS_MAX }, (_, index) => markerOf(entry, index + 1)));
  return { 'http://snomed.info/sct': codes };
}

export interface Seen {
  readonly number: number;
  readonly version: number;
}

/** Every entry that a text gives away. */
export function seenIn(text: string): Seen[] {
  const seen = new Map<string, Seen>();
  for (const [marker, number, version] of text.matchAll(/\b1(\d{4})(\d{3})100000010\d\b/g)) {
    seen.set(marker, { number: Number(number), version: Number(version) });
  }
  return [...seen.values()];
}

/** Numbers of the range that is kept for tests, with their check digit. */
export function peopleOf(count: number): Person[] {
  const people: Person[] = [];
  for (let nine = 999_200_000; people.length < count; nine += 1) {
    const sum = [...String(nine)].reduce((total, digit, place) => total + Number(digit) * (10 - place), 0);
    const check = (11 - (sum % 11)) % 11;
    if (check < 10) people.push({ index: people.length, nhsNumber: `${nine}${check}` });
  }
  return people;
}
