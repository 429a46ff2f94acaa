import type { Awaiting } from '../consent/marks.js';
import { NHS_NUMBER_SYSTEM } from '../identity/nhs-number.js';
import { markedId } from './entry-id.js';
import type { Entry } from './entry.js';
import type { PatientLink, PersonKnown } from '../views/present-entry.js';
import { isHere } from './placement.js';
import type { CareRecord } from './record.js';

/** A number of a person, and what is recorded of it. */
export interface NumberRecord {
  readonly key: string;
  readonly record: CareRecord;
}

/** Which number of the person an entry lives with; null where none has it, and none is about to. */
export type Home = string | null;

/**
 * Where what is said of an entry belongs, sent under one number of a person. An entry lives with the number that it was first recorded
 * under. Where several have it, each its own since before they were one person, the number that is named is meant; one that
 * has none of them means the first, as the record shows it by its plain id.
 * @param members the person's numbers, the surviving one first.
 */
export function homeOf(entry: string, named: string, members: readonly NumberRecord[]): Home {
  const holders = members.filter(({ record }) => hasHere(record, entry)).map(({ key }) => key);
  if (holders.length > 0) return holders.includes(named) ? named : (holders[0] as string);
  for (const { record } of members) {
    const home = record.claims.get(entry);
    if (members.some(({ key }) => key === home)) return home as string;
  }
  return null;
}

function hasHere({ entries }: CareRecord, id: string): boolean {
  const entry = entries.get(id);
  return entry !== undefined && isHere(entry);
}

/** What is recorded of all numbers of a person. */
export interface Together {
  readonly record: Pick<CareRecord, 'revision' | 'entries' | 'awaiting'>;
  /** By entry the place of its number among the members, where that is not the first. */
  readonly homes: ReadonlyMap<string, number>;
  readonly person: PersonKnown;
}

/**
 * The records of a person's numbers as one, the surviving number's first. Nothing of one number changes what another has: of an entry
 * that several have each is there, those behind the first under a marked id. What is somebody else's by now comes behind all of these: a denial
 * of a document may hold by one that is no more.
 */
export function together(members: readonly NumberRecord[]): Together {
  const homes = new Map<string, number>();
  const person = personOf(
    members.map(({ record }) => record.nhsNumber),
    homes,
  );
  const [first] = members as readonly [NumberRecord, ...NumberRecord[]];
  if (members.length === 1) return { record: first.record, homes, person };
  const entries = new Map<string, Entry>();
  const awaiting = new Map<string, Awaiting>();
  for (const isOfThese of [isHere, (entry: Entry) => !isHere(entry)]) {
    for (const [number, { key, record }] of members.entries()) {
      for (const entry of record.entries.values()) {
        if (!isOfThese(entry)) continue;
        const id = entries.has(entry.id) ? markedId(entry.id, key) : entry.id;
        entries.set(id, id === entry.id ? entry : { ...entry, id });
        if (number > 0) homes.set(id, number);
        const awaited = record.awaiting.get(entry.id);
        if (awaited !== undefined) awaiting.set(id, awaited);
      }
    }
  }
  const revision = members.slice(1).reduce((sum, { record }) => sum + record.revision + 1, first.record.revision);
  return { record: { revision, entries, awaiting }, homes, person };
}

/** R4: a Patient under a number that gave way is replaced by the surviving number's, and that replaces all the others. */
function personOf(numbers: readonly (string | null)[], homes: ReadonlyMap<string, number>): PersonKnown {
  const [survivor = null, ...others] = numbers;
  const linkTo = (type: PatientLink['type'], number: string | null): PatientLink[] =>
    number === null ? [] : [{ other: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } }, type }];
  return {
    nhsNumber: survivor,
    linksOf: ({ id }) =>
      homes.has(id) ? linkTo('replaced-by', survivor) : others.flatMap((number) => linkTo('replaces', number)),
  };
}
