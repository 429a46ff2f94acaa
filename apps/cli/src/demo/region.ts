import type { Organisation, Resource } from '@weft/domain';
import { EXIT, Failure } from '../failure.js';
import { Chance } from './chance.js';
import { type DemoEvent, Journey, liveThrough, type Parts } from './journey.js';
import { PEOPLE_MAX, personOf, syntheticNumbers, type Person } from './people.js';
import { decisionsOf, STORIES } from './stories.js';

export interface RegionOptions {
  readonly seed: number;
  readonly people: number;
  /** Now, as the demo has it; milliseconds since 1970. The same one gives the same events. */
  readonly now: number;
  readonly parts: Parts;
}

/** Everything that is published about one person. */
export interface Life {
  readonly person: Person;
  /** Those of one organisation are in the order in which it sends them. */
  readonly events: readonly { readonly ods: string; readonly event: DemoEvent }[];
  /** FHIR Consents. */
  readonly decisions: readonly Resource[];
}

/** A region of people who do not exist, one at a time: person 7 is the same in a region of ten and of ten thousand. */
export function* generateRegion({ seed, people, now, parts }: RegionOptions): Generator<Life> {
  const numbers = syntheticNumbers();
  for (let index = 0; index < people; index += 1) {
    const { value: nhsNumber } = numbers.next() as IteratorYieldResult<string>;
    const person = personOf(seed, index, nhsNumber, new Date(now).getUTCFullYear());
    const journey = new Journey(person, parts, new Chance(seed, index, 2), now);
    liveThrough(journey);
    const decisions = (STORIES[index] ?? decisionsOf)(journey);
    yield { person, events: journey.events, decisions };
  }
}

const PARTS = ['gp', 'acute', 'mental-health', 'community'] as const;

/** Who plays which part: the first organisation of each kind. Throws Failure where a kind is missing. */
export function partsOf(organisations: readonly Organisation[]): Parts {
  const found = PARTS.map((kind) => [kind, organisations.find((organisation) => organisation.kind === kind)?.ods] as const);
  const missing = found.filter(([, ods]) => ods === undefined).map(([kind]) => kind);
  if (missing.length > 0) {
    throw new Failure(
      EXIT.usage,
      `the demo needs an organisation of each kind, and there is none of: ${missing.join(', ')}`,
      'add one to WEFT_ORGANISATIONS, or leave that unset',
    );
  }
  return Object.fromEntries(found) as Parts;
}

/** Throws Failure for a region that the synthetic range cannot number. */
export function checkedPeople(people: number): number {
  if (people >= 1 && people <= PEOPLE_MAX) return people;
  throw new Failure(EXIT.usage, `a demo is of 1 to ${PEOPLE_MAX} people`);
}
