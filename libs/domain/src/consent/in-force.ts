import { canonicalJson } from '../canonical-json.js';
import type { Purpose } from '../vocabulary.js';
import { isEarlierByAll, type Age } from '../care-record/version.js';
import { mayLift, opensOnly } from './authorities.js';
import { takesEffect } from './coverage.js';
import {
  allProvisions,
  denies,
  grants,
  madeBetween,
  versionSaid,
  type Decision,
  type Limit,
  type Provision,
} from './decision.js';
import { giversBy, type Lifetime } from './giver.js';
import type { Moment } from './moment.js';
import type { Policy } from './policy.js';

/** The decisions that are current at an instant, for one purpose, and what each of the others gave way to. */
export interface InForce {
  readonly current: readonly Decision[];
  readonly replacedBy: ReadonlyMap<Decision, Decision>;
}

/**
 * The later decision of the same scope and authority replaces the earlier from the moment it takes effect; when it expires, what
 * it had replaced is current again. A later version of a FHIR Consent replaces that Consent whatever its scope, and a withdrawn
 * one takes all its versions away. Nothing replaces a denial that may not lift it.
 *
 * @param lifetime when the person was born and died: a child's own permission lifts nothing, nor does one after death.
 */
export function inForce(
  decisions: readonly Decision[],
  purpose: Purpose,
  policy: Policy,
  at: number,
  lifetime: Lifetime,
): InForce {
  const standing = withoutMended(decisions);
  const lifting = liftingBy(policy, lifetime);
  const replacedBy = new Map<Decision, Decision>();
  for (const versions of groupsOf(standing, (decision) => `${decision.source} ${decision.consentId}`)) {
    if (versions.length > 1) replaceEarlierVersions(versions, at, lifting, replacedBy);
  }
  const concerned = standing.filter(
    (decision) => decision.status === 'active' && !replacedBy.has(decision) && concerns(decision, purpose, at),
  );
  for (const scope of groupsOf(concerned, scopeOf)) {
    if (scope.length > 1) replaceEarlier(scope, purpose, at, lifting, replacedBy);
  }
  return { current: concerned.filter((decision) => !replacedBy.has(decision)).sort(byTimeMade), replacedBy };
}

/** What may end what, by the policy and the ages of those who permit. */
interface Lifting {
  readonly policy: Policy;
  readonly mayPermit: (decision: Decision) => boolean;
}

function liftingBy(policy: Policy, lifetime: Lifetime): Lifting {
  const giver = giversBy(lifetime, policy);
  return { policy, mayPermit: (decision) => takesEffect('permit', giver(decision)) };
}

/**
 * Whether a decision may end any denial. A Consent that is withdrawn ends whatever its last version says. One that permits must be somebody's to give; one that is not in force, or not understood
 * as a permission, ends none. A denial of something unclear covers more than it says, and its exceptions must not. A message in
 * quarantine ends no other one: each closes until it is mended itself.
 */
function mayEndDenials(newer: Decision, { mayPermit }: Lifting): boolean {
  if (newer.liftsNothing === true || newer.unread === true) return false;
  if (newer.status === 'withdrawn') return true;
  const { effect, limits } = newer.provision;
  return !grants(newer.provision) || (mayPermit(newer) && !(effect === 'deny' && limits.some(isUnclear)));
}

/** A message in quarantine closes until it is mended: by the same event, or by one that says which place it mends. */
function withoutMended(decisions: readonly Decision[]): readonly Decision[] {
  if (!decisions.some(({ unread }) => unread)) return decisions;
  const read = decisions.filter(({ unread }) => unread !== true);
  const mended = new Set(
    read.flatMap(({ id, source, mends }) => (mends === undefined ? [`${source} ${id}`] : [`${source} ${id}`, mends])),
  );
  return decisions.filter(
    ({ unread, id, source, consentId }) => unread !== true || !(mended.has(`${source} ${id}`) || mended.has(consentId)),
  );
}

function concerns({ provision }: Decision, purpose: Purpose, at: number): boolean {
  return allProvisions(provision).some((one) => one.purposes.includes(purpose) && isWithin(one, at));
}

/** Of the versions of one Consent each gives way to the latest that has begun and may replace it. */
function replaceEarlierVersions(
  versions: readonly Decision[],
  at: number,
  lifting: Lifting,
  replacedBy: Map<Decision, Decision>,
): void {
  // The latest of each kind, latest first: whether it may replace a denial rests on its kind alone.
  const later = new Map<string, Decision>();
  for (const older of inOrderOfAge(versions).reverse()) {
    const newer = [...later.values()].find(
      // One message under several authorities is one version, of which each takes its own part.
      (one) => one.id !== older.id && mayReplaceVersion(one, older, lifting),
    );
    if (newer !== undefined) replacedBy.set(older, newer);
    const kind = `${older.authority} ${sourceOf(older)} ${mayEndDenials(older, lifting)}`;
    if (isStarted(older, at) && !later.has(kind)) later.set(kind, older);
  }
}

function isStarted({ status, provision: { from = -Infinity } }: Decision, at: number): boolean {
  return status === 'withdrawn' || from <= at;
}

/** By what versions say of their age; where they say nothing, or disagree, as they came. */
function inOrderOfAge(versions: readonly Decision[]): Decision[] {
  const ordered: { readonly version: Decision; readonly age: Age }[] = [];
  const latest = { versionId: -Infinity, lastUpdated: -Infinity };
  for (const version of versions) {
    const { versionId = null, lastUpdated = aheadOf(version) } = versionSaid(version);
    const age = { versionId, lastUpdated };
    const mayBeEarlier = (versionId ?? Infinity) < latest.versionId || (lastUpdated ?? Infinity) < latest.lastUpdated;
    const place = mayBeEarlier ? ordered.findIndex((other) => isEarlierByAll(age, other.age)) : -1;
    ordered.splice(place < 0 ? ordered.length : place, 0, { version, age });
    latest.versionId = Math.max(latest.versionId, versionId ?? -Infinity);
    latest.lastUpdated = Math.max(latest.lastUpdated, lastUpdated ?? -Infinity);
  }
  return ordered.map(({ version }) => version);
}

/** What is dated ahead of its receipt counts by its arrival; an objection alone from its receipt, so that it does not give way the sooner. */
function aheadOf({ version, receivedAt, status, provision }: Decision): number | null {
  const isObjection = status === 'active' && denies(provision) && !grants(provision);
  return version?.lastUpdated !== undefined && isObjection ? receivedAt : null;
}

/** A permission ends with any later version of its Consent; a denial only with one of the same authority that may lift it. */
function mayReplaceVersion(newer: Decision, older: Decision, lifting: Lifting): boolean {
  if (!denies(older.provision)) return true;
  return newer.authority === older.authority && mayEndDenials(newer, lifting) && mayLift(newer, older, lifting.policy);
}

/**
 * Of decisions of one scope, what gives way to what. To replace, a decision that permits counts from its earliest possible
 * instant; to be replaced, one that denies from its latest. The latest of each source and kind is found once, so that many
 * decisions cost no more each than few: what an organisation permits of its own must not hide what it denied before.
 */
function replaceEarlier(
  scope: readonly Decision[],
  purpose: Purpose,
  at: number,
  lifting: Lifting,
  replacedBy: Map<Decision, Decision>,
): void {
  const latest = new Map<string, Ranked>();
  for (const [arrival, decision] of scope.entries()) {
    if (!decision.provision.purposes.includes(purpose) || !isWithin(decision.provision, at)) continue;
    const ranked = { decision, rank: rankOf(decision, arrival, !grants(decision.provision)) };
    const kind = `${sourceOf(decision)} ${mayEndDenials(decision, lifting)} ${grants(decision.provision)}`;
    const best = latest.get(kind);
    if (best === undefined || isLater(ranked.rank, best.rank)) latest.set(kind, ranked);
  }
  for (const [arrival, older] of scope.entries()) {
    const rank = rankOf(older, arrival, denies(older.provision));
    let newest: Ranked | undefined;
    for (const newer of latest.values()) {
      if (newer.decision === older || !isLater(newer.rank, rank) || !mayReplace(newer.decision, older, lifting)) continue;
      if (newest === undefined || isLater(newer.rank, newest.rank)) newest = newer;
    }
    if (newest !== undefined) replacedBy.set(older, newest.decision);
  }
}

/** A permission that opens less than another one, or is nobody's to give, leaves that one as it is. */
function mayReplace(newer: Decision, older: Decision, lifting: Lifting): boolean {
  if (denies(older.provision)) return mayEndDenials(newer, lifting) && mayLift(newer, older, lifting.policy);
  if (!grants(newer.provision)) return true;
  const opens = opensOnly(newer, lifting.policy);
  return lifting.mayPermit(newer) && (opens === null || opens === opensOnly(older, lifting.policy));
}

const sourceOf = ({ recorder }: Decision): string => `${recorder.as} ${recorder.organisation ?? ''}`;

interface Ranked {
  readonly decision: Decision;
  readonly rank: Rank;
}

/** Instant, whether it denies, arrival: of equals the denial is the later. */
type Rank = readonly [at: number, denies: number, arrival: number];

function rankOf(decision: Decision, arrival: number, asDenial: boolean): Rank {
  const { earliest, latest } = madeBetween(decision);
  return asDenial ? [latest, 1, arrival] : [earliest, 0, arrival];
}

function isLater(a: Rank, b: Rank): boolean {
  const place = a.findIndex((value, index) => value !== b[index]);
  return place >= 0 && (a[place] as number) > (b[place] as number);
}

function byTimeMade(a: Decision, b: Decision): number {
  return madeBetween(a).latest - madeBetween(b).latest;
}

const scopes = new WeakMap<Decision, string>();

/** What a decision is about. A limit of a denial that cannot be read narrows it by nothing, so it is no part of its scope. */
function scopeOf(decision: Decision): string {
  let scope = scopes.get(decision);
  if (scope === undefined) {
    const { effect, limits } = decision.provision;
    const read = effect === 'deny' ? limits.filter((limit) => !isUnclear(limit)) : limits;
    scope = JSON.stringify([decision.authority, decision.unread === true, read.map(textOfLimit).sort()]);
    scopes.set(decision, scope);
  }
  return scope;
}

function isUnclear(limit: Limit): boolean {
  return limit.kind === 'unread' || Object.values(limit).some((value: unknown) => Array.isArray(value) && value.includes(null));
}

/** The order of a limit's members says nothing. */
function textOfLimit(limit: Limit): string {
  const members = Object.entries(limit).map(([name, value]: [string, unknown]) => [
    name,
    Array.isArray(value) ? value.map((one) => canonicalJson(one)).sort() : value,
  ]);
  return canonicalJson(members);
}

function* groupsOf(decisions: readonly Decision[], keyOf: (decision: Decision) => string): Generator<readonly Decision[]> {
  const groups = new Map<string, Decision[]>();
  for (const decision of decisions) {
    const key = keyOf(decision);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [decision]);
    else group.push(decision);
  }
  yield* groups.values();
}

/** From when until when the decisions that are current are those that are current; null for always and for good. */
export interface Span {
  readonly since: number | null;
  readonly until: number | null;
  /** The first and the last instant at which a decision begins or ends of which it was not sure whether they had come; absent where none was. */
  readonly unsure?: readonly [first: number, last: number];
}

/** The span around a moment in which no decision begins or ends to be in force, save for what the moment itself leaves unsure. */
export function spanAt(decisions: readonly Decision[], at: Moment): Span {
  let since: number | null = null;
  let until: number | null = null;
  const unsure = unsureIn(decisions, at);
  for (const boundary of boundariesOf(decisions)) {
    if (boundary <= at.earliest) since = Math.max(since ?? boundary, boundary);
    else if (boundary > at.latest) until = Math.min(until ?? boundary, boundary);
  }
  const [first, last] = [unsure[0], unsure.at(-1)];
  return { since, until, ...(first !== undefined && last !== undefined && { unsure: [first, last] }) };
}

/** Whether what was judged for the span holds at a moment: it may be all that it may have been then, and nothing else. */
export function holdsAt({ since, until, unsure }: Span, { earliest, latest }: Moment): boolean {
  if (unsure !== undefined && (earliest >= unsure[0] || latest < unsure[1])) return false;
  return (since === null || since <= earliest) && (until === null || latest < until);
}

/** When decisions begin or end of which it is not sure at a moment whether they have, in order, each once. */
function unsureIn(decisions: readonly Decision[], { earliest, latest }: Moment): number[] {
  if (earliest === latest) return [];
  const within = boundariesOf(decisions).filter((boundary) => boundary > earliest && boundary <= latest);
  return [...new Set(within)].sort((a, b) => a - b);
}

/** An instant for each set of decisions that may be current at a moment, the latest first. */
export function instantsIn(decisions: readonly Decision[], at: Moment): readonly number[] {
  return [at.earliest, ...unsureIn(decisions, at)].reverse();
}

const boundariesOf = (decisions: readonly Decision[]): number[] =>
  decisions.flatMap(({ provision }) =>
    allProvisions(provision).flatMap(({ from, until }) => [from, until].filter((one) => one !== undefined)),
  );

export function isWithin(provision: Pick<Provision, 'from' | 'until'>, at: number): boolean {
  return (provision.from === undefined || provision.from <= at) && (provision.until === undefined || at < provision.until);
}
