import {
  allProvisions,
  coverageOf,
  denies,
  effectOn,
  grants,
  inForce,
  isOldEnough,
  isPresent,
  judge,
  judgingBy,
  knownCodes,
  Looking,
  madeBetween,
  Surroundings,
  type Coordinates,
  type Decision,
  type Entry,
  type Policy,
  type Projection,
  type Purpose,
} from '@weft/domain';
import type { RecordedDecision } from './encoding.js';
import { loadConsent, loadPerson, survivorOf, type Person } from './load.js';
import { serves, type Wiring } from './wiring.js';

/** Where a decision of the consent topic is in the person's own stream. */
export type Recorded =
  /** It, or an equal one under the same id, is recorded. */
  | { readonly state: 'recorded'; readonly decisions: readonly RecordedDecision[] }
  /** The id is another decision's. */
  | { readonly state: 'conflict' }
  /** It could not be read: what it may deny is closed. */
  | { readonly state: 'closed' }
  | { readonly state: 'absent' };

export async function findRecorded(
  { store }: Pick<Wiring, 'store'>,
  key: string,
  event: { readonly source: string; readonly id: string; readonly digest: string; readonly at?: Coordinates },
): Promise<Recorded> {
  const { decisions } = await loadConsent(store, key);
  const { at } = event;
  const place = at === undefined ? undefined : `${at.topic}/${at.partition}/${at.offset}`;
  const isConflict = (one: RecordedDecision): boolean => one.unread === true && one.consentId === place;
  const same = decisions.filter(({ source, id, unread }) => unread !== true && source === event.source && id === event.id);
  if (same.length > 0 && same.every(({ digest }) => digest === event.digest)) return { state: 'recorded', decisions: same };
  if (same.length > 0) return { state: 'conflict' };
  return { state: decisions.some(isConflict) ? 'closed' : 'absent' };
}

/** What a recorded decision does, as far as it can be told at an instant. */
export interface DecisionEffect {
  /** Whether it decides anything, or will from `since` on. */
  readonly standing: boolean;
  /** RFC 3339; null: from whenever it was made. */
  readonly since: string | null;
  /** RFC 3339; null: for good. */
  readonly until: string | null;
  /** The later decision that is current in its place, for every purpose that it names. */
  readonly supersededBy: RecordedDecision | null;
  /** Of a withdrawal: whether there is a Consent that it withdraws. */
  readonly withdraws: boolean;
}

/** By the decisions about the person alone: what it costs does not grow with the record. */
export function effectOf(
  mine: readonly RecordedDecision[],
  all: readonly RecordedDecision[],
  policy: Policy,
  now: number,
): DecisionEffect {
  const [first] = mine as readonly [RecordedDecision, ...RecordedDecision[]];
  const { from, until } = first.provision;
  const at = Math.max(now, from ?? now);
  const replaced = mine.map((decision) => replacementOf(decision, all, policy, at));
  const isActive = first.status === 'active';
  const isOver = until !== undefined && until <= at;
  return {
    standing: isActive && !isOver && replaced.some((by) => by === null),
    since: isoOf(from ?? madeBetween(first).latest),
    until: until === undefined ? null : isoOf(until),
    supersededBy: isActive ? (replaced.every((by) => by !== null) ? (replaced[0] as RecordedDecision) : null) : null,
    withdraws: !isActive && all.some((other) => isVersionOf(other, first)),
  };
}

const isoOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

function isVersionOf(other: Decision, { source, consentId, authority, id }: Decision): boolean {
  const isSameConsent = other.id !== id && other.source === source && other.consentId === consentId;
  return isSameConsent && other.status === 'active' && (other.authority === authority || !denies(other.provision));
}

/** As if all who permitted were of age: whether they are is in the record, and so for its readers alone (`lacksAge`). */
const OF_AGE = (): readonly string[] => ['1900'];

/** The decision that is current instead of this one, where there is one for each of its purposes. */
function replacementOf(
  decision: RecordedDecision,
  all: readonly RecordedDecision[],
  policy: Policy,
  at: number,
): RecordedDecision | null {
  const by = decision.provision.purposes.map((purpose) => inForce(all, purpose, policy, at, OF_AGE).replacedBy.get(decision));
  return by.length > 0 && by.every((one) => one !== undefined) ? (by[0] as RecordedDecision) : null;
}

/** What a decision covers in a record. */
export interface CoverageInRecord {
  /** By purpose, how many entries are shared, or withheld, because of it. */
  readonly covers: Readonly<Record<Purpose, number>>;
  /** Whether it names entries, kinds or organisations of which the record holds none. */
  readonly coversNothing: boolean;
  /** Whether it names what neither an entry nor a list of the policy knows, and so may mean anything. */
  readonly cannotTell: boolean;
  /** Whether, by the birth dates in the record, it is a permission of somebody too young to give it. */
  readonly lacksAge: boolean;
}

export async function coverageInRecord(
  wiring: Wiring,
  key: string,
  mine: readonly RecordedDecision[],
): Promise<CoverageInRecord> {
  const person = await loadPerson(wiring.store, (await survivorOf(wiring.store, key)).key);
  const { policy } = await wiring.policies.current();
  const [first] = mine as readonly [RecordedDecision, ...RecordedDecision[]];
  const at = Math.max(wiring.clock.now(), first.provision.from ?? 0);
  const projections = wiring.projections.filter((projection) => serves(wiring, projection));
  const changes = projections.map((projection) => [projection.purpose, changedBy(mine, person, projection, policy, at)] as const);
  const changesNothing = changes.every(([, entries]) => entries === 0);
  const isUnmet = projections.every((projection) => !coversAny(mine, person, projection, policy, at));
  return {
    covers: Object.fromEntries(changes) as CoverageInRecord['covers'],
    coversNothing: isNamed(first) && changesNothing && isUnmet,
    cannotTell: person !== null && isUnclear(first, person, policy),
    lacksAge:
      person !== null &&
      grants(first.provision) &&
      isOldEnough(first, () => surroundingsOf(person).birthDates(), policy) !== 'covers',
  };
}

const isNamed = ({ provision }: Decision): boolean => provision.limits.length > 0;

/** Entries that would be decided otherwise without these decisions. */
function changedBy(mine: readonly Decision[], person: Person | null, projection: Projection, policy: Policy, at: number): number {
  if (person === null) return 0;
  const around = surroundingsOf(person);
  const isMine = (one: RecordedDecision): boolean => mine.some(({ source, id }) => one.source === source && one.id === id);
  const withMine = judge(projection.purpose, person.decisions, policy, at, around);
  const without = judge(
    projection.purpose,
    person.decisions.filter((one) => !isMine(one)),
    policy,
    at,
    around,
  );
  return seenBy(projection, person).filter((entry) => withMine(entry).permitted !== without(entry).permitted).length;
}

function coversAny(
  mine: readonly Decision[],
  person: Person | null,
  projection: Projection,
  policy: Policy,
  at: number,
): boolean {
  if (person === null) return false;
  const judging = judgingBy(projection.purpose, policy, at, surroundingsOf(person));
  return seenBy(projection, person).some((entry) => mine.some((decision) => effectOn(decision, entry, judging) !== null));
}

function isUnclear({ provision }: Decision, person: Person, policy: Policy): boolean {
  const looking = new Looking(surroundingsOf(person), knownCodes(policy));
  return allProvisions(provision).some(({ limits, effect }) =>
    limits.some((limit) =>
      [...person.record.entries.values()].some((entry) => coverageOf(limit, entry, effect, looking) === 'cannot-tell'),
    ),
  );
}

function seenBy(projection: Projection, { record }: Person): Entry[] {
  return [...record.entries.values()].filter((entry) => isPresent(entry) && projection.sees(entry.resource));
}

const surroundingsOf = ({ record }: Person): Surroundings =>
  new Surroundings(() => [...record.entries.values()].filter(({ retracted }) => !retracted));

/** Whether no rule of the policy looks at decisions of this authority for any of the purposes that it names. */
export function isWithoutRule({ authority, provision }: Decision, { rules }: Policy): boolean {
  return !rules.some(
    (rule) => rule.authority === authority && rule.purposes.some((purpose) => provision.purposes.includes(purpose)),
  );
}
