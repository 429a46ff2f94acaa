import type { Code, Limit, NamedEntry, Resource } from '@weft/domain';
import { occurredAt } from '@weft/domain';
import { meantBy } from './naive-time.js';

/** What a decision or a rule sees of an entry. */
export interface Facts {
  readonly organisation: string;
  readonly source: string;
  readonly resource: Resource;
  readonly type?: string;
  readonly time?: string;
  /** The number that it is recorded of; absent where there is one alone. */
  readonly key?: string;
  /** What the entry is called among those of all numbers of the person. */
  readonly called?: string;
}

export const tellsDeath = ({ type }: Facts): boolean => type === 'patient-died-1';
/** What an entry is called where one number alone has it. */
export const ownIdOf = (facts: Facts): string => {
  const { source, resource } = facts;
  return `${source.replace('urn:ods:', '')}/${tellsDeath(facts) ? 'death' : resource.resourceType}/${resource.id}`;
};
export const idOf = (facts: Facts): string => facts.called ?? ownIdOf(facts);
/** What it is called where another number of the person has one of that name. */
export const markedIdOf = (facts: Facts): string => `${ownIdOf(facts)}~${facts.key?.slice(0, 12)}`;

type Effect = 'permit' | 'deny';

/** A person's record, and the codes that the locality's lists have. */
export interface Around {
  readonly record: readonly Facts[];
  readonly lists: ReadonlySet<string>;
  /** What was found before, by what was asked. */
  readonly found: Map<string, ReadonlySet<string>>;
}

/**
 * Whether a limit lets the decision reach an entry. Where nobody can tell, `unclear` says: it lets a denial and does not let a
 * permission, and an exception to a denial is sure of what the denial reaches. `by` is the source of the decision.
 */
export function lets(limit: Limit, effect: Effect, entry: Facts, around: Around, unclear: boolean, by: string): boolean {
  const any = <T>(members: readonly (T | null)[], is: (member: T) => boolean): boolean =>
    members.some((member) => (member === null ? unclear : is(member)));
  switch (limit.kind) {
    case 'unread':
      return unclear;
    case 'recorded-by':
      return any(limit.organisations, (ods) => ods === entry.organisation);
    case 'entries':
      return any(limit.entries, (named) => reaches(named, effect, entry, around, by));
    case 'codes':
      return any(limit.codes, (code) => bears(code, effect, entry, around, unclear));
    case 'classes':
      return any(limit.codes, (code) => isOfClass(code, effect, entry, around, unclear));
    case 'labels':
      return any(limit.codes, (label) => isOfLabel(label, effect, entry, around, unclear));
    case 'data-period':
      return happenedWithin(limit, unclear, entry);
  }
}

/** A permission is for the entry's own code of the system named; a denial for whatever may be meant. */
function bears(code: Code, effect: Effect, entry: Facts, around: Around, unclear: boolean): boolean {
  const has = ({ resource }: Facts): boolean => codesIn(resource).some((one) => one.code === code.code);
  if (effect === 'permit') return codesIn(entry.resource).some((one) => one.code === code.code && one.system === code.system);
  const isKnown = around.lists.has(code.code) || around.record.some(has);
  return (!isKnown && unclear) || has(entry) || around.record.some((other) => refersTo(entry, other) && has(other));
}

/** Resource types among the codes that are drawn: those mean no group of codes. */
const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';
const TYPES = ['Encounter', 'Condition', 'Observation', 'CarePlan', 'Appointment', 'DocumentReference'];

function isOfClass(code: Code, effect: Effect, entry: Facts, around: Around, unclear: boolean): boolean {
  const isType = TYPES.includes(code.code) && (effect === 'deny' || [undefined, RESOURCE_TYPES].includes(code.system));
  return isType ? entry.resource.resourceType === code.code : bears(code, effect, entry, around, unclear);
}

const FROM_LEAST = 'ULMNRV';
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const isOfHl7 = ({ system }: Code): boolean => system === undefined || system === CONFIDENTIALITY;

/** What is denied by a level is denied by whoever's level of that name; what is permitted by one is meant as HL7 means it. */
function isOfLabel(label: Code, effect: Effect, entry: Facts, around: Around, unclear: boolean): boolean {
  const levelOf = (one: Code): number => (effect === 'deny' || isOfHl7(one) ? FROM_LEAST.indexOf(one.code) : -1);
  const level = levelOf(label);
  const isBorne = !isOfHl7(label) || level === -1 ? bears(label, effect, entry, around, unclear) : false;
  if (level === -1 || isBorne) return isBorne;
  const labels = (entry.resource.meta?.['security'] ?? []) as readonly Code[];
  const own = labels.filter((one) => one.system === CONFIDENTIALITY || FROM_LEAST.includes(one.code));
  const elsewhere = codesIn(entry.resource).filter(({ system }) => system === CONFIDENTIALITY);
  const levels = [...(own.length === 0 ? [{ code: 'N' }] : own), ...elsewhere].map(levelOf);
  if (levels.includes(-1)) return unclear;
  const highest = Math.max(...levels);
  return effect === 'deny' ? level <= highest : level >= highest;
}

function happenedWithin(
  { from, until }: { readonly from?: number; readonly until?: number },
  unclear: boolean,
  { resource }: Facts,
) {
  const when = whenOf(resource);
  if (when === null) return unclear;
  const isIn = (at: number): boolean => (from ?? -Infinity) <= at && (at < (until ?? Infinity) || until === undefined);
  if (!unclear) return isIn(when.first) && isIn(when.last);
  return when.last >= (from ?? -Infinity) && when.first < (until ?? Infinity);
}

/** A period without an end goes on. */
function whenOf(resource: Resource): { readonly first: number; readonly last: number } | null {
  const { period } = resource as { period?: { start?: string; end?: string } };
  if (period === undefined) return meantBy(occurredAt(resource));
  return { first: meantBy(period.start)?.first ?? -Infinity, last: meantBy(period.end)?.last ?? Infinity };
}

const LINKS = ['encounter', 'basedOn', 'partOf', 'derivedFrom', 'hasMember', 'result', 'focus', 'context'];

function reaches(named: NamedEntry, effect: Effect, entry: Facts, around: Around, by: string): boolean {
  const name = effect === 'permit' ? ownName(named.entry, by) : named.entry;
  if (named.reach === 'instance') return isNamed(entry, name, effect) && isMeant(name, effect, around.record);
  const asked = `${effect} ${name}`;
  const found = around.found.get(asked) ?? hangingOn(name, effect, around.record);
  around.found.set(asked, found);
  // One that is no more, and so in no record, is named still.
  return found.has(idOf(entry)) || (effect === 'deny' && isNamed(entry, name, effect));
}

/**
 * A permission goes on from the entry to what refers to it, step by step; a denial also to what it refers to, and in the end to
 * whatever else names anything of that.
 */
function hangingOn(name: string, effect: Effect, record: readonly Facts[]): ReadonlySet<string> {
  const found = new Set(record.filter((one) => isNamed(one, name, effect) && isMeant(name, effect, record)));
  const isLinked = (one: Facts, other: Facts): boolean => refersTo(one, other, LINKS);
  for (let before = -1; before < found.size;) {
    before = found.size;
    for (const one of record) {
      for (const other of record) {
        if (!isLinked(one, other)) continue;
        if (found.has(other)) found.add(one);
        if (effect === 'deny' && found.has(one)) found.add(other);
      }
    }
  }
  if (effect === 'deny') {
    const whole = [...found];
    for (const one of record) if (whole.some((other) => refersTo(one, other))) found.add(one);
  }
  return new Set([...found].map(idOf));
}

/** A type and an id alone mean an entry of the source that permits it. */
const ownName = (name: string, by: string): string =>
  name.split('/').length === 2 && by.startsWith('urn:ods:') ? `${by.replace('urn:ods:', '')}/${name}` : name;

/** A permission that names an entry of several sources alike means none of them. */
function isMeant(name: string, effect: Effect, record: readonly Facts[]): boolean {
  return effect === 'deny' || name.split('/').length === 3 || record.filter((one) => isNamed(one, name, effect)).length < 2;
}

function isNamed(entry: Facts, name: string, effect: Effect): boolean {
  const [last, before, whose] = name.split('/').reverse();
  if (`${entry.resource.resourceType}/${entry.resource.id}` !== `${before}/${last}`) return false;
  const source = entry.source.replace('urn:ods:', '');
  if (whose === undefined) return true;
  // A permission is for the entry that goes by the plain name.
  if (whose === source) return effect === 'deny' || idOf(entry) === ownIdOf(entry);
  // A denial that names an organisation means all of its systems, however it writes their names.
  return effect === 'deny' && [source, entry.organisation].some((one) => one.toLowerCase() === whose.toLowerCase());
}

/** Whether one entry names another; nobody but a patient is named by everything. */
function refersTo(one: Facts, other: Facts, fields?: readonly string[]): boolean {
  if (idOf(one) === idOf(other)) return false;
  return referencesIn(one.resource).some(({ field, names }) => {
    if (fields !== undefined && !fields.includes(field)) return false;
    return names.some((name) => namedBy(other, one).includes(name));
  });
}

/** All by which an entry may be referred to from another; a patient is referred to by everything. */
export function namedBy(entry: Facts, from: Facts): string[] {
  return entry.resource.resourceType === 'Patient' ? [] : [...identifiersOf(entry), ...addressesOf(entry, from)];
}

function identifiersOf({ resource }: Facts): string[] {
  return ((resource['identifier'] ?? []) as { system: string; value: string }[]).map(({ system, value }) => `${system}|${value}`);
}

/** An address means an entry of the same source. */
function addressesOf({ source, resource }: Facts, from: Facts): string[] {
  return source === from.source ? [`${resource.resourceType}/${resource.id}`, `urn:uuid:${resource.id}`] : [];
}

interface Reference {
  readonly field: string;
  readonly names: readonly string[];
}

const references = new WeakMap<Resource, Reference[]>();

/** Every reference anywhere in a resource, with the element that holds it. */
function referencesIn(resource: Resource): Reference[] {
  const known = references.get(resource);
  if (known !== undefined) return known;
  const all: Reference[] = [];
  everyObjectIn(resource, (object, field) => {
    const { reference, type, identifier, resourceType } = object as Record<string, unknown>;
    const names: string[] = [];
    if (typeof reference === 'string') names.push(nameOf(reference));
    const { system, value } = (identifier ?? {}) as { system?: string; value?: string };
    const isReference = typeof reference === 'string' || typeof type === 'string' || resourceType === undefined;
    if (isReference && value !== undefined) names.push(`${system}|${value}`);
    if (names.length > 0) all.push({ field, names });
  });
  references.set(resource, all);
  return all;
}

export function nameOf(reference: string): string {
  const [, searched] = reference.split('?identifier=');
  if (searched !== undefined) return decodeURIComponent(searched);
  if (reference.startsWith('urn:')) return reference;
  const [id, type] = reference
    .replace(/\/_history\/.*/, '')
    .split('/')
    .reverse();
  return `${type}/${id}`;
}

const codes = new WeakMap<Resource, Code[]>();

/** Every code anywhere in a resource: what it contains, its extensions and labels too. */
export function codesIn(resource: Resource): Code[] {
  const known = codes.get(resource);
  if (known !== undefined) return known;
  const all: Code[] = [];
  everyObjectIn(resource, ({ code, system, valueCode }) => {
    if (typeof code === 'string') all.push(typeof system === 'string' ? { system, code } : { code });
    if (typeof valueCode === 'string') all.push({ code: valueCode });
  });
  codes.set(resource, all);
  return all;
}

function everyObjectIn(value: unknown, tell: (object: Record<string, unknown>, field: string) => void, field = ''): void {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) tell(value as Record<string, unknown>, field);
  for (const [name, inner] of Object.entries(value)) everyObjectIn(inner, tell, Array.isArray(value) ? field : name);
}
