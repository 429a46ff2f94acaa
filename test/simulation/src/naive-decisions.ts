import type { Decision, Maker, Policy, Provision, Purpose, Recorder, Rule } from '@weft/domain';
import { DEFAULT_AUTHORITIES } from '@weft/domain';
import { codesIn, lets, tellsDeath, type Around, type Facts } from './naive-limits.js';
import { meantBy } from './naive-time.js';
import { FoundOnce, foundOnce } from './once.js';

/** All provisions of a decision, at whatever depth. */
export const partsOf = foundOnce((provision: Provision): readonly Provision[] => [
  provision,
  ...provision.provisions.flatMap((one) => partsOf(one)),
]);

export const deniesAnything = ({ provision }: Pick<Decision, 'provision'>): boolean =>
  partsOf(provision).some(({ effect }) => effect === 'deny');
export const permitsAnything = ({ provision }: Pick<Decision, 'provision'>): boolean =>
  partsOf(provision).some(({ effect, limits }) => effect === 'permit' && !limits.some(({ kind }) => kind === 'unread'));

/** The instants at which one of the decisions begins or ends. */
export const boundariesIn = foundOnce((decisions: readonly Decision[]): readonly number[] =>
  decisions.flatMap(({ provision }) => boundariesOf(provision)),
);

const boundariesOf = foundOnce((provision: Provision): readonly number[] =>
  partsOf(provision).flatMap(({ from, until }) => [from, until].filter((at) => at !== undefined)),
);

/** Just before each of these instants, and at it. */
export const around = (instants: readonly number[]): number[] => instants.flatMap((at) => [at - 1, at]);

const holds = ({ from, until }: Provision, at: number): boolean => (from ?? -Infinity) <= at && at < (until ?? Infinity);

/** Whether what is decided of one entry may depend on others. */
export function looksAround({ provision, decidedBy, authority }: Decision): boolean {
  const kinds = partsOf(provision).flatMap(({ limits }) => limits.map(({ kind }) => kind));
  return (
    kinds.some((kind) => ['codes', 'classes', 'labels', 'entries'].includes(kind)) ||
    decidedBy === 'patient' ||
    authority === 'explicit-consent'
  );
}

/** A decision, with the number in whose stream it is. */
type Kept = Decision & { readonly key?: string };

/**
 * The rule by which an entry is judged: by what counts for the number that it is recorded of, unless a decision that counts for another
 * number of the person denies it, or one denies what it stands in the place of. Of several that refuse it the policy's first; none
 * where a decision could not be read.
 */
export function judgeOf(
  purpose: Purpose,
  decisions: readonly Kept[],
  policy: Policy,
  at: number,
  record: readonly Facts[],
  inPlaceOf: InPlaceOf = NOTHING_REPLACED,
): (entry: Facts) => Rule | undefined {
  // Between two instants at which a part of a decision begins or ends nothing changes.
  const since = boundariesIn(decisions).reduce((last, boundary) => (boundary <= at ? Math.max(last, boundary) : last), -Infinity);
  return judges.of(decisions, [purpose, policy, since, record, inPlaceOf], () =>
    foundOnce(judgeAnew(purpose, decisions, policy, at, record, inPlaceOf)),
  );
}

type InPlaceOf = (entry: Facts) => readonly Facts[];

const NOTHING_REPLACED: InPlaceOf = () => [];
const judges = new FoundOnce<(entry: Facts) => Rule | undefined>();

function judgeAnew(
  purpose: Purpose,
  decisions: readonly Kept[],
  policy: Policy,
  at: number,
  record: readonly Facts[],
  inPlaceOf: InPlaceOf,
): (entry: Facts) => Rule | undefined {
  const judges = new Map<string, (entry: Facts) => Ruled>();
  const judgeFor = (key = ''): ((entry: Facts) => Ruled) => {
    const known = judges.get(key) ?? judgeAlone(purpose, countingFor(key, decisions), policy, at, record);
    judges.set(key, known);
    return known;
  };
  return (entry) => {
    const own = judgeFor(entry.key)(entry);
    const about = [entry, ...inPlaceOf(entry)];
    const others = [...new Set(decisions.map(({ key }) => key))].flatMap((key) => about.map((one) => judgeFor(key)(one)));
    const refusals = [own, ...others.filter(({ isDecided }) => isDecided)].filter(({ rule }) => rule?.effect !== 'permit');
    if (refusals.length === 0) return own.rule;
    if (refusals.some(({ rule, isDecided }) => rule === undefined && isDecided)) return undefined;
    return policy.rules.find((one) => refusals.some(({ rule }) => rule === one));
  };
}

/** Its own, and those made of the person's other numbers while it was one with them; of a copy the original, where that is among them. */
function countingFor(key: string, decisions: readonly Kept[]): readonly Decision[] {
  if (decisions.every((decision) => (decision.key ?? '') === key)) return decisions;
  const others = decisions.filter((decision) => decision.key !== key && decision.alsoOf?.includes(key));
  const isDouble = (one: Kept): boolean =>
    one.saidOf !== undefined &&
    others.some(
      (other) =>
        other.source === one.source &&
        other.id === one.id &&
        other.authority === one.authority &&
        other.consentId === one.consentId,
    );
  const counting = decisions.filter((decision) => (decision.key ?? '') === key && !isDouble(decision));
  for (const other of others) {
    const last = counting.findLastIndex((one) => one.key === other.key);
    const next = counting.findIndex((one, place) => place > last && one.key === key && one.recordedAt > other.recordedAt);
    counting.splice(next < 0 ? counting.length : next, 0, other);
  }
  return counting;
}

interface Ruled {
  readonly rule: Rule | undefined;
  /** Whether a decision decided. */
  readonly isDecided: boolean;
}

/** The first rule that applies to an entry of a record; none where none does, or where a decision could not be read. */
function judgeAlone(
  purpose: Purpose,
  decisions: readonly Decision[],
  policy: Policy,
  at: number,
  record: readonly Facts[],
): (entry: Facts) => Ruled {
  const lists = new Set([...(policy.codes ?? []), ...policy.rules.flatMap(({ when }) => when.codes ?? [])]);
  const judging: Judging = { purpose, policy, at, around: { record, lists, found: new Map() } };
  const inForce = decisions.length === 0 ? [] : inForceFor(decisions, judging);
  const unread = inForce.filter((decision) => decision.unread);
  const read = inForce.filter((decision) => !decision.unread);
  return (entry) => {
    if (unread.some((decision) => forbids(decision.provision, decision, entry, judging)))
      return { rule: undefined, isDecided: true };
    const rule = policy.rules.find((one) => one.purposes.includes(purpose) && applies(one, entry, read, judging));
    return { rule, isDecided: rule?.when.decision !== undefined };
  };
}

interface Judging {
  readonly purpose: Purpose;
  readonly policy: Policy;
  readonly at: number;
  readonly around: Around;
}

function applies({ when, effect, authority }: Rule, entry: Facts, inForce: readonly Decision[], judging: Judging): boolean {
  const { decision, organisationKinds, resourceTypes, codes } = when;
  if (resourceTypes !== undefined && !resourceTypes.includes(entry.resource.resourceType)) return false;
  if (codes !== undefined && !codesIn(entry.resource).some(({ code }) => codes.includes(code))) return false;
  const kind = judging.policy.organisations[entry.organisation];
  if (organisationKinds !== undefined && kind === undefined && effect === 'permit') return false;
  if (organisationKinds !== undefined && kind !== undefined && !organisationKinds.includes(kind)) return false;
  if (decision === undefined) return true;
  const ground = inForce.filter((one) => one.authority === authority);
  const isForbidden = ground.some((one) => forbids(one.provision, one, entry, judging));
  if (decision === 'deny') return isForbidden;
  return !isForbidden && ground.some((one) => opens(one.provision, one, entry, judging));
}

/** A denial anywhere in a decision counts where it reaches the entry itself, unless an exception of its own opens it. */
function forbids(provision: Provision, decision: Decision, entry: Facts, judging: Judging): boolean {
  if (provision.provisions.some((exception) => forbids(exception, decision, entry, judging))) return true;
  if (provision.effect !== 'deny' || !reaches(provision, entry, judging, decision)) return false;
  return !provision.provisions.some((exception) => opens(exception, decision, entry, judging));
}

function opens(provision: Provision, decision: Decision, entry: Facts, judging: Judging): boolean {
  if (forbids(provision, decision, entry, judging) || !reaches(provision, entry, judging, decision, false)) return false;
  if (provision.effect === 'permit') return mayGive(decision, entry, judging);
  return provision.provisions.some((exception) => opens(exception, decision, entry, judging));
}

function reaches(
  provision: Provision,
  entry: Facts,
  { purpose, at, around }: Judging,
  { source }: Decision,
  unclear = provision.effect === 'deny',
): boolean {
  const { purposes, limits, effect } = provision;
  return (
    purposes.includes(purpose) &&
    holds(provision, at) &&
    limits.every((limit) => lets(limit, effect, entry, around, unclear, source))
  );
}

/** Whether whoever is said to have given a permission could give it, for this entry. */
function mayGive(decision: Decision, entry: Facts, judging: Judging): boolean {
  if (opensOwnOnly(decision, judging.policy) && decision.recorder.organisation !== entry.organisation) return false;
  return isGivers(decision, judging);
}

/** Whether a permission is that of somebody who may give it. */
function isGivers(decision: Decision, { policy, around }: Pick<Judging, 'policy' | 'around'>): boolean {
  const { recorder, decidedBy } = decision;
  if (lacksPerformer(decision, policy)) return false;
  const isOwn = decidedBy === 'patient' || decision.authority === 'explicit-consent';
  if (isOwn && around.record.filter(tellsDeath).some((death) => madeAt(decision).last >= diedBy(death))) return false;
  if (decidedBy !== 'patient') return true;
  const births = around.record.flatMap(({ resource }) => {
    const born = resource.resourceType === 'Patient' ? resource['birthDate'] : undefined;
    return typeof born === 'string' ? [born] : [];
  });
  if (births.length === 0) return recorder.as === 'governance';
  return births.every((born) => wasOldEnough(born, madeAt(decision).first, policy.ages?.own ?? 13));
}

/** The first instant at which the person may have been dead. */
function diedBy({ resource, time = '' }: Facts): number {
  return meantBy(resource['deceasedDateTime'] as string | undefined)?.first ?? Date.parse(time);
}

/** A birth date of a year or a month may mean its very last day. */
function wasOldEnough(born: string, at: number, years: number): boolean {
  const [year, ...rest] = born.split('-');
  const text = [String(Number(year) + years), ...rest].join('-');
  const birthday = meantBy(text) ?? meantBy(text.replace('-02-29', '-03-01'));
  if (birthday === null) return false;
  return rest.length === 2 ? at >= birthday.first : at >= birthday.last;
}

export function lacksPerformer(
  { recorder, authority, decidedBy }: Pick<Decision, 'recorder' | 'authority' | 'decidedBy'>,
  policy: Policy,
): boolean {
  const isNeeded = recorder.as === 'organisation' && rulesOf(policy)[authority].needs?.includes('performer') === true;
  return isNeeded && decidedBy !== 'patient' && decidedBy !== 'proxy';
}

const rulesOf = (policy: Policy) => policy.authorities ?? DEFAULT_AUTHORITIES;

/** Whether one of the makers is meant; `same-source` is for the caller to say. */
export function isOneOf(makers: readonly Maker[], { as, organisation }: Recorder, policy: Policy): boolean {
  if (makers.includes('any')) return true;
  if (as !== 'organisation') return makers.includes(as);
  if (organisation === null) return false;
  const kind = policy.organisations[organisation];
  return makers.includes('entry-organisation') || (kind !== undefined && makers.includes(`kind:${kind}`));
}

/** An organisation that may not open everybody's entries opens those that it recorded itself. */
function opensOwnOnly({ recorder, authority }: Decision, policy: Policy): boolean {
  const ofAll = rulesOf(policy)[authority].recordedBy.filter((maker) => maker !== 'entry-organisation');
  return recorder.as === 'organisation' && !isOneOf(ofAll, recorder, policy);
}

/** The first and the last instant at which a decision can have been made: never after it was received. */
function madeAt({ decidedAt, receivedAt }: Decision): { readonly first: number; readonly last: number } {
  const { first, last } = meantBy(decidedAt) ?? { first: receivedAt, last: receivedAt };
  return { first: Math.min(first, receivedAt), last: Math.min(last, receivedAt) };
}

/** Decisions that nothing has replaced, taken back or mended, and of which some part is about the purpose and holds. */
function inForceFor(decisions: readonly Decision[], judging: Judging): Decision[] {
  const { purpose, at } = judging;
  const standing = decisions.filter((decision) => !decision.unread || !isMended(decision, decisions));
  const places = inOrderOfVersions(standing);
  const alive = standing.filter((decision) => {
    if (decision.status !== 'active') return false;
    if (!partsOf(decision.provision).some((part) => part.purposes.includes(purpose) && holds(part, at))) return false;
    return !standing.some((newer) => isNextVersion(newer, decision, places, judging));
  });
  return alive.filter((older, arrival) => {
    return !alive.some((newer, other) => {
      if (newer === older || !newer.provision.purposes.includes(purpose) || !holds(newer.provision, at)) return false;
      return isSameScope(newer, older) && isLater(newer, older, other > arrival) && mayReplace(newer, older, judging);
    });
  });
}

function isMended(unread: Decision, decisions: readonly Decision[]): boolean {
  return decisions.some(
    (other) => !other.unread && ((other.source === unread.source && other.id === unread.id) || other.mends === unread.consentId),
  );
}

/** A later version of a Consent ends what an earlier one permits; what it denies, only under the same authority and by who may lift it. */
function isNextVersion(newer: Decision, older: Decision, places: readonly Decision[], judging: Judging): boolean {
  if (newer.source !== older.source || newer.consentId !== older.consentId || newer.id === older.id) return false;
  if (newer.status === 'active' && (newer.provision.from ?? -Infinity) > judging.at) return false;
  if (places.indexOf(newer) < places.indexOf(older)) return false;
  return !deniesAnything(older) || (newer.authority === older.authority && mayEnd(newer, older, judging));
}

/** An objection dated ahead of its receipt is as old as its receipt makes it; of anything else such a date says nothing. */
function asReceived(decision: Decision): Decision {
  const { version, receivedAt, status } = decision;
  const isAhead = version?.lastUpdated !== undefined && version.lastUpdated > receivedAt;
  if (!isAhead || status !== 'active' || permitsAnything(decision) || !deniesAnything(decision)) return decision;
  return { ...decision, version: { ...version, lastUpdated: receivedAt } };
}

/** As they came, but each before the first that is clearly younger: what the versions of a Consent say of their age need make no order. */
function inOrderOfVersions(decisions: readonly Decision[]): Decision[] {
  const ordered: Decision[] = [];
  for (const decision of decisions) {
    const younger = ordered.findIndex(
      (one) =>
        one.source === decision.source &&
        one.consentId === decision.consentId &&
        !isVersionLater(asReceived(decision), asReceived(one), true),
    );
    ordered.splice(younger < 0 ? ordered.length : younger, 0, decision);
  }
  return ordered;
}

type Version = Pick<Decision, 'version' | 'receivedAt'>;

/** By all that both say of their age, a date ahead of its receipt left out; where that says nothing, or contradicts itself, by which came later. */
export function isVersionLater(newer: Version, older: Version, cameLater: boolean): boolean {
  const said = ({ version, receivedAt }: Version, field: 'versionId' | 'lastUpdated'): number | undefined =>
    field === 'lastUpdated' && (version?.lastUpdated ?? 0) > receivedAt ? undefined : version?.[field];
  const signs = (['versionId', 'lastUpdated'] as const).map((field) => {
    const [one, other] = [said(newer, field), said(older, field)];
    return one === undefined || other === undefined ? 0 : Math.sign(one - other);
  });
  const isClear = signs.some((sign) => sign !== 0) && !(signs.includes(1) && signs.includes(-1));
  return isClear ? signs.includes(1) : cameLater;
}

/** To replace, what permits counts from its first possible instant; to be replaced, what denies from its last. Of equals the denial is later. */
function isLater(newer: Decision, older: Decision, cameLater: boolean): boolean {
  const [permits, denies] = [permitsAnything(newer), deniesAnything(older)];
  const one = permits ? madeAt(newer).first : madeAt(newer).last;
  const other = denies ? madeAt(older).last : madeAt(older).first;
  if (one !== other) return one > other;
  return permits === denies ? !permits : cameLater;
}

/** A denial ends with its Consent, and by nothing that permits without being its giver's, or that nobody understood. */
function mayEnd(newer: Decision, older: Decision, judging: Judging): boolean {
  const { effect, limits } = newer.provision;
  const isUnclear = limits.some((limit) => !isClear(JSON.stringify(limit)));
  if (newer.liftsNothing === true || newer.unread === true) return false;
  if (newer.status === 'withdrawn') return mayLift(newer.recorder, older, judging.policy);
  if (permitsAnything(newer) && (!isGivers(newer, judging) || (effect === 'deny' && isUnclear))) return false;
  return mayLift(newer.recorder, older, judging.policy);
}

const isClear = (limit: string): boolean => !limit.includes('null') && !limit.includes('"unread"');

function mayReplace(newer: Decision, older: Decision, judging: Judging): boolean {
  const { policy } = judging;
  if (deniesAnything(older)) return mayEnd(newer, older, judging);
  if (!permitsAnything(newer)) return true;
  if (!isGivers(newer, judging)) return false;
  if (!opensOwnOnly(newer, policy)) return true;
  return opensOwnOnly(older, policy) && older.recorder.organisation === newer.recorder.organisation;
}

function mayLift(recorder: Recorder, { authority, recorder: by }: Decision, policy: Policy): boolean {
  const { liftedBy } = rulesOf(policy)[authority];
  if (isOneOf(liftedBy, recorder, policy)) return true;
  const isSame =
    recorder.as === 'organisation'
      ? by.as === 'organisation' && recorder.organisation !== null && recorder.organisation === by.organisation
      : recorder.as === by.as;
  return liftedBy.includes('same-source') && isSame;
}

/** What limits a denial and cannot be read does not narrow it. */
function isSameScope(one: Decision, other: Decision): boolean {
  return scopeOf(one) === scopeOf(other);
}

function scopeOf({ authority, unread, provision: { effect, limits } }: Decision): string {
  const texts = limits.map((limit) => {
    const sorted = Object.entries(limit).map(([field, value]) => [
      field,
      Array.isArray(value) ? value.map((one) => JSON.stringify(one)).toSorted() : value,
    ]);
    return JSON.stringify(sorted);
  });
  const about = effect === 'deny' ? texts.filter(isClear) : texts;
  return [authority, unread === true, ...about.toSorted()].join(' / ');
}
