import {
  allOf,
  allProvisions,
  coverageOf,
  denies,
  effectOn,
  grants,
  inForce,
  isAlive,
  isOldEnough,
  isPresent,
  judgeByNumber,
  judgingBy,
  knownCodes,
  Looking,
  madeBetween,
  placeOf,
  type Coordinates,
  type Decision,
  type Entry,
  type NewDecision,
  type Policy,
  type Projection,
  type Provision,
  type Purpose,
  type Surroundings,
} from '@weft/domain';
import type { RecordedDecision } from './encoding.js';
import { surroundingsOf } from './judges.js';
import { loadNumber } from './number.js';
import { loadPerson, type Person } from './person.js';
import { PERMISSIONS_MAX, permissionsIn } from './sift-decisions.js';
import { serves, type Wiring } from './wiring.js';

/** Where a decision of the consent topic is in the person's own stream. */
export type Recorded =
  /** It, or an equal one under the same id, is recorded. `all`: what is decided about the number, these among it as the same objects. */
  | {
      readonly state: 'recorded';
      readonly decisions: readonly RecordedDecision[];
      readonly all: readonly RecordedDecision[];
    }
  /** The id is another decision's. */
  | { readonly state: 'conflict' }
  /** It could not be read: what it may deny is closed. */
  | { readonly state: 'closed' }
  | { readonly state: 'absent' };

interface Sent {
  readonly source: string;
  readonly id: string;
  readonly digest: string;
  readonly at?: Coordinates;
}

export async function findRecorded({ store }: Pick<Wiring, 'store'>, key: string, event: Sent): Promise<Recorded> {
  return recordedIn((await loadNumber(store, key)).decisions, event);
}

/** `findRecorded`, where everything decided about the number is at hand. */
export function recordedIn(all: readonly RecordedDecision[], event: Sent): Recorded {
  const { at } = event;
  const place = at === undefined ? undefined : placeOf(at);
  const isConflict = (one: RecordedDecision): boolean => one.unread === true && one.consentId === place;
  const same = all.filter(({ source, id, unread }) => unread !== true && source === event.source && id === event.id);
  const alike = same.filter(({ digest }) => digest === event.digest);
  if (same.some((one) => !alike.includes(one))) return { state: 'conflict' };
  if (same.length > 0) return { state: 'recorded', decisions: same, all };
  return { state: all.some(isConflict) ? 'closed' : 'absent' };
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

/** By the decisions about the person alone: what it costs does not grow with the record. `mine` are some of `all`, the same objects. */
export function effectOf(
  mine: readonly RecordedDecision[],
  all: readonly RecordedDecision[],
  policy: Policy,
  now: number,
): DecisionEffect {
  const [first] = mine as readonly [RecordedDecision, ...RecordedDecision[]];
  const isActive = first.status === 'active';
  // A withdrawal counts from when it was made, whatever it says besides.
  const { from, until }: Pick<Provision, 'from' | 'until'> = isActive ? first.provision : {};
  const at = Math.max(now, from ?? now);
  const replaced = mine.map((decision) => replacementOf(decision, all, policy, at));
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
const OF_AGE = { birthDates: (): readonly string[] => ['1900'], deaths: () => [] };

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
  /** Whether, by the dates in the record, it is a permission of somebody too young to give it, or dead. */
  readonly lacksAge: boolean;
}

export async function coverageInRecord(
  wiring: Wiring,
  key: string,
  mine: readonly RecordedDecision[],
): Promise<CoverageInRecord> {
  const person = await loadPerson(wiring.store, key);
  const { policy } = await wiring.policies.current();
  const [first] = mine as readonly [RecordedDecision, ...RecordedDecision[]];
  const at = Math.max(wiring.clock.now(), first.provision.from ?? 0);
  const projections = wiring.projections.filter((projection) => serves(wiring, projection));
  const within = { person, policy, at, around: surroundingsOf(person.record.entries) };
  const changes = projections.map((projection) => [projection.purpose, changedBy(mine, projection, within)] as const);
  const changesNothing = changes.every(([, entries]) => entries === 0);
  const isUnmet = projections.every((projection) => !coversAny(mine, projection, within));
  return {
    covers: Object.fromEntries(changes) as CoverageInRecord['covers'],
    coversNothing: isNamed(first) && changesNothing && isUnmet,
    cannotTell: first.status === 'active' && isUnclear(first, within),
    lacksAge:
      first.status === 'active' &&
      grants(first.provision) &&
      allOf([isOldEnough(first, () => within.around.birthDates(), policy), isAlive(first, within.around)]) !== 'covers',
  };
}

const isNamed = ({ status, provision }: Decision): boolean => status === 'active' && provision.limits.length > 0;

/** The record in which it is looked what decisions cover, under which policy and when. */
interface Within {
  readonly person: Person;
  readonly policy: Policy;
  readonly at: number;
  readonly around: Surroundings;
}

/** Entries that would be decided otherwise without these decisions. */
function changedBy(mine: readonly Decision[], projection: Projection, { person, policy, at, around }: Within): number {
  const isMine = (one: RecordedDecision): boolean => mine.some(({ source, id }) => one.source === source && one.id === id);
  const others = { ...person, numbers: person.numbers.map((decisions) => decisions.filter((one) => !isMine(one))) };
  const withMine = judgeByNumber(projection.purpose, person, policy, at, around);
  const without = judgeByNumber(projection.purpose, others, policy, at, around);
  return seenBy(projection, person).filter((entry) => {
    const { permitted, replacedBy } = withMine(entry);
    return replacedBy === undefined && permitted !== without(entry).permitted;
  }).length;
}

function coversAny(mine: readonly Decision[], projection: Projection, { person, policy, at, around }: Within): boolean {
  const judging = judgingBy(projection.purpose, policy, at, around);
  return seenBy(projection, person).some((entry) => mine.some((decision) => effectOn(decision, entry, judging) !== null));
}

function isUnclear({ provision, source }: Decision, { person, policy, around }: Within): boolean {
  const looking = new Looking(around, knownCodes(policy));
  return allProvisions(provision).some(({ limits, effect }) =>
    limits.some((limit) =>
      [...person.record.entries.values()].some((entry) => coverageOf(limit, entry, effect, looking, source) === 'cannot-tell'),
    ),
  );
}

function seenBy(projection: Projection, { record }: Person): Entry[] {
  return [...record.entries.values()].filter((entry) => isPresent(entry) && projection.sees(entry.resource));
}

/** Whether no rule of the policy looks at decisions of this authority for any of the purposes that it names. Of a withdrawal none need. */
export function isWithoutRule({ authority, status, provision }: Decision, { rules }: Policy): boolean {
  if (status === 'withdrawn') return false;
  return !rules.some(
    (rule) => rule.authority === authority && rule.purposes.some((purpose) => provision.purposes.includes(purpose)),
  );
}

/** Whether a decision permits something that there was no room for (`PERMISSIONS_MAX`): only what it denies was recorded. */
export function permissionLeftOut(
  said: readonly NewDecision[],
  mine: readonly RecordedDecision[],
  all: readonly RecordedDecision[],
): boolean {
  const isBeyond = mine.every(
    (one) => !grants(one.provision) && permissionsIn(all.slice(0, all.indexOf(one))) >= PERMISSIONS_MAX,
  );
  return isBeyond && said.some(({ status, provision }) => status === 'active' && grants(provision));
}
