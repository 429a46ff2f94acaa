import {
  openingsOf,
  outcomeOf,
  PURPOSES,
  type AdoptedPolicy,
  type Entry,
  type Policy,
  type PolicyPlan,
  type Projection,
  type Purpose,
  type PurposePlan,
} from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { rulingsAt, type Rulings } from './judges.js';
import { loadPerson, survivorOf, type Person } from './load.js';
import { patientKeys } from './replay-views.js';
import { careRecordStream, consentStream } from './streams.js';
import { subscribersOf } from './subscribers.js';
import { projectionOf, timestamp, type Wiring } from './wiring.js';

export interface PlanOptions {
  /** How many people were looked at so far. */
  readonly onProgress?: (people: number) => void;
  /** Ends it: it then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

const WIDTH = 8;

/**
 * What the adoption of a policy would open and close: judges everybody under it and under the one in force, by the functions that
 * views are derived by, and writes nothing.
 */
export async function planPolicy(wiring: Wiring, planned: Policy, options: PlanOptions = {}): Promise<PolicyPlan> {
  const inForce = await wiring.policies.current();
  const tallies = new Map(PURPOSES.map((purpose) => [purpose, { opened: none(), closed: none() }]));
  const counted = new Set<string>();
  let people = 0;
  await forEachConcurrently(patientKeys(wiring), WIDTH, async (key) => {
    options.signal?.throwIfAborted();
    const person = await personBehind(wiring, key, counted);
    if (person === null) return;
    const now = wiring.clock.now();
    const under = (adopted: AdoptedPolicy): Rulings => rulingsAt(now, person, adopted, person.record.entries);
    const [was, is] = [under(inForce), under({ ...inForce, policy: planned })];
    for (const [purpose, tally] of tallies) {
      const { opened, closed } = differences(person, projectionOf(wiring, purpose), was, is);
      add(tally.opened, opened);
      add(tally.closed, closed);
    }
    people += 1;
    options.onProgress?.(people);
  });
  const purposes: [Purpose, PurposePlan][] = [];
  for (const [purpose, tally] of tallies) {
    const subscribers = (await subscribersOf(wiring, purpose)).map((subscriber) => ({ ...subscriber, ...tally }));
    purposes.push([purpose, { ...tally, subscribers }]);
  }
  return {
    inForce: inForce.version,
    plannedAt: timestamp(wiring.clock),
    people,
    purposes: Object.fromEntries(purposes) as PolicyPlan['purposes'],
    openings: openingsOf(planned, inForce.policy),
  };
}

const none = () => ({ people: 0, entries: 0 });

function add(reach: { people: number; entries: number }, entries: number): void {
  if (entries > 0) reach.people += 1;
  reach.entries += entries;
}

/** How many entries of a person one purpose would be given under some rulings and is not under others, and the other way. */
function differences(
  { record }: Person,
  projection: Projection,
  was: Rulings,
  is: Rulings,
): { readonly opened: number; readonly closed: number } {
  const [includedBefore, includedAfter] = [includes(projection, was), includes(projection, is)];
  let [opened, closed] = [0, 0];
  for (const entry of record.entries.values()) {
    const [before, after] = [includedBefore(entry), includedAfter(entry)];
    if (after && !before) opened += 1;
    if (before && !after) closed += 1;
  }
  return { opened, closed };
}

function includes(projection: Projection, rulings: Rulings): (entry: Entry) => boolean {
  const judge = rulings.of(projection);
  return (entry) => outcomeOf(entry, projection, judge, rulings.silent) === 'included';
}

/**
 * The person behind a key; null where another key stands for them. Numbers that were merged are one person, also where the
 * surviving number has no stream of its own. `counted` takes the survivors met by their other numbers.
 */
async function personBehind(wiring: Wiring, key: string, counted: Set<string>): Promise<Person | null> {
  const { store } = wiring;
  const survivor = (await survivorOf(store, key)).key;
  if (survivor === key) return loadPerson(store, key);
  if (counted.has(survivor)) return null;
  counted.add(survivor);
  const own = await Promise.all([store.head(careRecordStream(survivor)), store.head(consentStream(survivor))]);
  return own.some((head) => head >= 0) ? null : loadPerson(store, survivor);
}
