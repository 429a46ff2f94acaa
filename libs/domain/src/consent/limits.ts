import { withoutDeath } from '../care-record/death.js';
import { entryId, namesOfEntry, spelt, withoutSource } from '../care-record/entry-id.js';
import { isResourceType } from '../resource-types.js';
import { anyOf, covered, type Coverage } from './coverage.js';
import { spellingsOf } from './code-spellings.js';
import type { Code, Limit, NamedEntry, Provision } from './decision.js';
import { codeKey, isOfConfidentiality } from './facts.js';
import type { JudgedEntry } from './judged-entry.js';
import type { Surroundings } from './surroundings.js';

type Effect = Provision['effect'];

/** Codes that a locality's lists know, so that a decision about one that no entry carries yet is understood. */
export type KnownCodes = ReadonlySet<string>;

/** What limits are judged by, save for the entry. What is found for a limit is kept: it is asked about every entry. */
export class Looking {
  private readonly kept = { permit: new WeakMap<object, unknown>(), deny: new WeakMap<object, unknown>() };

  constructor(
    readonly around: Surroundings,
    readonly known: KnownCodes,
  ) {}

  once<T>(limit: object, effect: Effect, find: () => T): T {
    const kept = this.kept[effect];
    if (!kept.has(limit)) kept.set(limit, find());
    return kept.get(limit) as T;
  }
}

/** `source`: of the decision. */
type Answer<L extends Limit> = (limit: L, entry: JudgedEntry, effect: Effect, looking: Looking, source: string) => Coverage;

/** What each kind of limit answers. A kind that is missing here does not compile. */
const ANSWERS: { readonly [K in Limit['kind']]: Answer<Extract<Limit, { kind: K }>> } = {
  'recorded-by': ({ organisations }, entry) =>
    anyOf(organisations.map((ods) => (ods === null ? 'cannot-tell' : covered(ods === entry.organisation)))),
  entries: coversNamed,
  codes: ({ codes }, entry, effect, looking) => coversCodes(codes, entry, effect, looking),
  classes: coversClasses,
  labels: coversLabels,
  'data-period': coversPeriod,
  unread: () => 'cannot-tell',
};

export function coverageOf(limit: Limit, entry: JudgedEntry, effect: Effect, looking: Looking, source: string): Coverage {
  return (ANSWERS[limit.kind] as Answer<Limit>)(limit, entry, effect, looking, source);
}

/** Whether judging by the limit needs the rest of the record, so that one more entry may change what it says of the others. */
export function looksAround(limit: Limit, effect: Effect): boolean {
  if (limit.kind === 'entries') {
    return limit.entries.some(
      (named) => named !== null && (named.reach !== 'instance' || (effect === 'permit' && isBare(named.entry))),
    );
  }
  return limit.kind === 'codes' || limit.kind === 'classes' || limit.kind === 'labels';
}

/** A name without its source, which several may use. */
const isBare = (name: string): boolean => name.split('/').length < 3;
const isOrganisations = (source: string): boolean => source.startsWith('urn:ods:');

/**
 * A denial covers every entry that may be meant, and of a resource that stands in entries alone, those that contain it. A permission covers the one that is named: without a source, that of the source which
 * recorded the permission, and where this records no entries, the only one of that name.
 */
function coversNamed(
  limit: Extract<Limit, { kind: 'entries' }>,
  entry: JudgedEntry,
  effect: Effect,
  looking: Looking,
  source: string,
): Coverage {
  const { around } = looking;
  const { names, reached, hasUnread } = looking.once(limit, effect, () => readNames(limit.entries, effect, around, source));
  if (reached.has(entry.id)) return 'covers';
  const id = withoutDeath(entry.id);
  if (effect === 'deny' && namesOfEntry(id).some((name) => names.has(name))) return 'covers';
  if (effect === 'permit' && names.has(id)) return 'covers';
  const contains = effect === 'deny' ? containsNamed(around.namesContained(entry), names) : 'does-not-cover';
  if (contains === 'covers') return contains;
  const bare = withoutSource(id);
  if (effect === 'deny' || !names.has(bare)) return hasUnread ? 'cannot-tell' : contains;
  return around.entriesNamed(bare).length > 1 ? 'cannot-tell' : 'covers';
}

/** What is contained under an id that cannot be told may be any of its type. */
function containsNamed(contained: readonly string[], names: ReadonlySet<string>): Coverage {
  if (contained.some((name) => names.has(name))) return 'covers';
  const types = contained.filter((name) => name.endsWith('/'));
  return types.some((type) => [...names].some((name) => name.startsWith(type))) ? 'cannot-tell' : 'does-not-cover';
}

/** What a denial goes out from. */
const mayBeMeant = (name: string, around: Surroundings): readonly JudgedEntry[] => [
  ...around.entriesNamed(name),
  ...around.entriesContaining(name),
  ...around.entriesContaining(name.slice(0, name.lastIndexOf('/') + 1)),
];

function readNames(entries: readonly (NamedEntry | null)[], effect: Effect, around: Surroundings, source: string) {
  const nameOf = ({ entry }: NamedEntry): string => (effect === 'deny' ? spelt(entry) : permittedName(entry, source));
  const read = entries.filter((named) => named !== null);
  const starts = read
    .filter(({ reach }) => reach !== 'instance')
    .map(nameOf)
    .flatMap((name) => (effect === 'deny' ? mayBeMeant(name, around) : onlyOne(name, around)));
  return {
    names: new Set(read.map(nameOf)),
    reached: starts.length === 0 ? new Set<string>() : around.reach(starts, effect),
    hasUnread: read.length < entries.length,
  };
}

/** A name without a source means that of the decision's own. */
function permittedName(name: string, source: string): string {
  if (!isBare(name) || !isOrganisations(source)) return name;
  const [resourceType, id] = name.split('/') as [string, string];
  return entryId(source, { resourceType, id });
}

/** What a permission goes out from: what is named whole, or is the only one of its name. */
function onlyOne(name: string, around: Surroundings): readonly JudgedEntry[] {
  const named = around.entriesNamed(name);
  if (!isBare(name)) return named.filter(({ id }) => id === name);
  return named.length === 1 ? named : [];
}

/**
 * A denied code is found wherever it is in the entry, and in what the entry refers to, whatever its system and in every spelling
 * that may be meant. A permitted one must be the entry's own, of the system named and as it is written. A code that nobody knows
 * may be a group of codes: it cannot be told.
 */
function coversCodes(codes: readonly (Code | null)[], entry: JudgedEntry, effect: Effect, looking: Looking): Coverage {
  const { around, known } = looking;
  const wanted = looking.once(codes, effect, () => ({
    spellings: new Set(codes.flatMap((code) => (code === null ? [] : spellingsOf(code.code)))),
    keys: new Set(codes.map((code) => (code === null ? null : codeKey(code)))),
    isUnclear: effect === 'deny' && codes.some((code) => code === null || !(known.has(code.code) || around.hasCode(code))),
  }));
  if (effect === 'permit') {
    if (hasAny(around.factsOf(entry).keys, wanted.keys)) return 'covers';
    return codes.includes(null) ? 'cannot-tell' : 'does-not-cover';
  }
  const carries = (one: JudgedEntry): boolean => hasAny(around.spellingsIn(one), wanted.spellings);
  if (carries(entry) || around.referredTo(entry).some(carries)) return 'covers';
  return wanted.isUnclear ? 'cannot-tell' : 'does-not-cover';
}

function hasAny(own: ReadonlySet<string>, wanted: ReadonlySet<unknown>): boolean {
  for (const one of own) if (wanted.has(one)) return true;
  return false;
}

const coversAny = (codes: readonly (Code | null)[], entry: JudgedEntry, effect: Effect, looking: Looking): Coverage =>
  codes.length === 0 ? 'does-not-cover' : coversCodes(codes, entry, effect, looking);

const RESOURCE_TYPES_SYSTEM = 'http://hl7.org/fhir/resource-types';

function coversClasses(
  limit: Extract<Limit, { kind: 'classes' }>,
  entry: JudgedEntry,
  effect: Effect,
  looking: Looking,
): Coverage {
  const { types, others } = looking.once(limit, effect, () => ({
    types: limit.codes.flatMap((code) => (code !== null && isType(code, effect) ? [code.code] : [])),
    others: limit.codes.filter((code) => code === null || !isType(code, effect)),
  }));
  return anyOf([covered(types.includes(entry.resourceType)), coversAny(others, entry, effect, looking)]);
}

/** A denied resource type is understood whatever its system. */
function isType({ system, code }: Code, effect: Effect): boolean {
  return isResourceType(code) && (effect === 'deny' || system === undefined || system === RESOURCE_TYPES_SYSTEM);
}

/** HL7 v3 Confidentiality, least first. An entry without a label is N. */
const CONFIDENTIALITY = ['U', 'L', 'M', 'N', 'R', 'V'];

/** A denied level of confidentiality covers those above it, a permitted one those below. Other labels are codes. */
function coversLabels(limit: Extract<Limit, { kind: 'labels' }>, entry: JudgedEntry, effect: Effect, looking: Looking): Coverage {
  const { levels, others } = looking.once(limit, effect, () => ({
    levels: limit.codes.flatMap((code) => (code === null ? [] : (levelOf(code, effect) ?? []))),
    // A level of somebody else's system may mean something else besides.
    others: limit.codes.filter((code) => code === null || levelOf(code, 'permit') === null),
  }));
  const own = levels.length === 0 ? null : ownLevel(entry, effect, looking.around);
  return anyOf([
    ...levels.map((level) => (own === null ? 'cannot-tell' : covered(effect === 'deny' ? own >= level : own <= level))),
    coversAny(others, entry, effect, looking),
  ]);
}

/** The highest level that an entry says anywhere, as a DocumentReference does beside its own label; null for one of no known name. */
function ownLevel(entry: JudgedEntry, effect: Effect, around: Surroundings): number | null {
  const { labels, codes } = around.factsOf(entry);
  const own = labels.filter((label) => isOfConfidentiality(label) || isLevel(label.code) || isInWords(label));
  const elsewhere = codes.filter(isOfConfidentiality);
  const levels = [...(own.length === 0 ? [{ code: 'N' }] : own), ...elsewhere].map((label) => levelOf(label, effect));
  return levels.includes(null) ? null : Math.max(...(levels as number[]));
}

const isLevel = (code: string | undefined): boolean => code !== undefined && CONFIDENTIALITY.includes(code);

/** A label that says no code may be any level. */
const isInWords = ({ system, code }: Partial<Code>): boolean => code === undefined && system === undefined;

/** A denial takes a level for one whatever its system; in a permission that of another system than HL7's is unknown. */
function levelOf(label: Partial<Code>, effect: Effect): number | null {
  if (effect === 'permit' && label.system !== undefined && !isOfConfidentiality(label)) return null;
  return isLevel(label.code) ? CONFIDENTIALITY.indexOf(label.code as string) : null;
}

/** FHIR Consent.provision.dataPeriod: when the fact happened. One that lies partly within cannot be told. */
function coversPeriod(
  { from = -Infinity, until = Infinity }: Extract<Limit, { kind: 'data-period' }>,
  entry: JudgedEntry,
  _effect: Effect,
  { around }: Looking,
): Coverage {
  const happened = around.happened(entry);
  if (happened === null) return 'cannot-tell';
  const last = Math.max(happened.from, happened.until - 1);
  if (last < from || happened.from >= until) return 'does-not-cover';
  // What goes on without an end lies within a period that has none.
  return happened.from >= from && (last < until || until === Infinity) ? 'covers' : 'cannot-tell';
}
