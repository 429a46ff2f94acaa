import {
  isIncluded,
  openingsOf,
  PURPOSES,
  viewName,
  type Letter,
  type Policy,
  type PolicyPlan,
  type Purpose,
  type PurposePlan,
} from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { withMarks } from './consent-marks.js';
import { decideViews } from './decide-views.js';
import { unlessUnreadable } from './failures.js';
import { loadPerson } from './person.js';
import { patientKeys } from './patient-keys.js';
import { momentNow } from './region-time.js';
import { subscribersOf } from './subscribers.js';
import { projectionOf, timestamp, type Wiring } from './wiring.js';

export interface PlanOptions {
  /** How many people were looked at so far. */
  readonly onProgress?: (people: number) => void;
  /** Ends it: it then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

const WIDTH = 8;
const MAY_OPEN_UNREADABLE = 'somebody’s record cannot be read (weft verify names it), so it may open something there';

/**
 * What the adoption of a policy would open and close: judges everybody under it and under the one in force, by the functions that
 * views are derived by, and writes nothing.
 */
export async function planPolicy(wiring: Wiring, planned: Policy, options: PlanOptions = {}): Promise<PolicyPlan> {
  const inForce = await wiring.policies.current();
  const tallies = new Map<Purpose, Tally>(PURPOSES.map((purpose) => [purpose, { opened: none(), closed: none() }]));
  const unreadable = new Set<string>();
  let people = 0;
  await forEachConcurrently(patientKeys(wiring), WIDTH, async (key) => {
    options.signal?.throwIfAborted();
    const load = () => loadPerson(wiring.store, key);
    const found = await unlessUnreadable(
      withMarks(wiring.store, load, ({ members }) => members),
      (one) => unreadable.add(one.key),
    );
    if (found === null) return;
    const { loaded: person, marks } = found;
    // Numbers that were merged are one person.
    if (person.members[0]?.key !== key) return;
    const now = await momentNow(wiring);
    const projections = PURPOSES.map((purpose) => projectionOf(wiring, purpose));
    const was = decideViews(projections, person, inForce, now, marks).views;
    const is = decideViews(projections, person, { ...inForce, policy: planned }, now, marks).views;
    for (const projection of projections) {
      const { opened, closed } = differences(was.get(viewName(projection)), is.get(viewName(projection)));
      const tally = tallies.get(projection.purpose) as Tally;
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
    openings: [...openingsOf(planned, inForce.policy), ...(unreadable.size > 0 ? [MAY_OPEN_UNREADABLE] : [])],
  };
}

const none = () => ({ people: 0, entries: 0 });
type Tally = Record<'opened' | 'closed', ReturnType<typeof none>>;

function add(reach: { people: number; entries: number }, entries: number): void {
  if (entries > 0) reach.people += 1;
  reach.entries += entries;
}

type Letters = ReadonlyMap<string, Letter> | undefined;

/** How many entries of a person one purpose would be given under one policy and is not under another, and the other way. */
function differences(was: Letters, is: Letters): { readonly opened: number; readonly closed: number } {
  return { opened: more(is, was), closed: more(was, is) };
}

function more(some: Letters, others: Letters): number {
  let count = 0;
  for (const [id, letter] of some ?? []) if (isIncluded(letter) && !isIncluded(others?.get(id))) count += 1;
  return count;
}
