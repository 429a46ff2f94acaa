import { sourceIn } from '../care-record/entry-id.js';
import { namesOf, namesReferredTo, ownNames, scopedName } from '../consent/facts.js';
import { isObject } from '../is-object.js';
import type { Resource } from '../vocabulary.js';
import { absent, type Absence } from './absent.js';
import type { PresentEntry } from './present-entry.js';

/** How an entry is held back by decision or policy; `unsaid`: without a sign. */
export type Refusal = 'withheld' | 'unsaid';

/** An entry, as far as it is looked at who names it. */
export type NamedEntry = Pick<PresentEntry, 'id' | 'resourceType' | 'resource'>;

type Loose = Readonly<Record<string, unknown>>;
type AbsenceOf = (names: readonly string[]) => Absence | undefined;

/**
 * What a purpose is refused of a record, by the names that other entries have for it. A withheld fact takes with it what names it: what
 * the others say of it stands masked. Patients are none of this: everything refers to its patient.
 */
export class Withheld {
  private readonly names = new Map<string, Absence>();

  /** @param refusal of an entry withheld without a sign its place says nothing of why it is empty. */
  add(entry: NamedEntry, refusal: Refusal): void {
    for (const name of namesInRecord(entry)) {
      if (refusal === 'withheld' || !this.names.has(name)) this.names.set(name, refusal === 'withheld' ? 'masked' : 'unknown');
    }
  }

  /** The entry as it is told beside what is withheld; itself where it names nothing of that. */
  masked<E extends NamedEntry>(entry: E): E {
    if (this.names.size === 0) return entry;
    const source = sourceIn(entry.id);
    const resource = withoutNamed(entry.resource, (names) => this.absenceOf(source, names));
    return resource === entry.resource ? entry : { ...entry, resource };
  }

  private absenceOf(source: string, names: readonly string[]): Absence | undefined {
    const absences = names.flatMap((name) => this.names.get(scopedName(source, name)) ?? []);
    return absences.includes('masked') ? 'masked' : absences[0];
  }
}

/** The names under which entries of the record may refer to one; none of a Patient. */
export function namesInRecord({ id, resourceType, resource }: NamedEntry): string[] {
  return resourceType === 'Patient' ? [] : namesOf(resource).map((name) => scopedName(sourceIn(id), name));
}

/** The names in a record by which an entry speaks of others. */
export function namedBy({ id, resource }: NamedEntry): string[] {
  const named: string[] = [];
  withoutNamed(resource, (names) => {
    for (const name of names) named.push(scopedName(sourceIn(id), name));
    return undefined;
  });
  return named;
}

/** The resource without what speaks of what is absent: references, copies that it contains, and the narrative around either. */
function withoutNamed(resource: Resource, absenceOf: AbsenceOf): Resource {
  const contained: unknown = resource['contained'];
  const copies = new Map<string, Absence>();
  for (const one of Array.isArray(contained) ? contained : []) {
    const absence = isResource(one) ? absenceOf(ownNames(one)) : undefined;
    if (absence !== undefined) copies.set(`#${(one as Resource).id}`, absence);
  }
  const absenceAt = (value: Loose): Absence | undefined =>
    isResource(value) ? absenceOf(ownNames(value)) : absenceOfReference(value, copies, absenceOf);
  if (copies.size === 0) return inside(resource, absenceAt) as Resource;
  const kept = (contained as unknown[]).filter((one) => !(isResource(one) && copies.has(`#${one.id}`)));
  return referredTo(inside(mute({ ...resource, contained: kept }), absenceAt) as Resource, resource);
}

const isResource = (value: unknown): value is Resource => isObject(value) && typeof value['resourceType'] === 'string';

/** FHIR R4, Reference. */
const OF_REFERENCES = new Set([
  'id',
  'extension',
  'reference',
  '_reference',
  'type',
  '_type',
  'identifier',
  'display',
  '_display',
]);

function absenceOfReference(value: Loose, copies: ReadonlyMap<string, Absence>, absenceOf: AbsenceOf): Absence | undefined {
  const { reference, identifier } = value;
  if (typeof reference === 'string') return copies.get(reference) ?? absenceOf(namesReferredTo(value));
  // Other elements may have an identifier of their own.
  if (!isObject(identifier) || !Object.keys(value).every((name) => OF_REFERENCES.has(name))) return undefined;
  return absenceOf(namesReferredTo(value));
}

/** What a resource or an element holds, itself where nothing in it is absent. */
function inside(value: Loose, absenceAt: (value: Loose) => Absence | undefined): Loose {
  let changed: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (member === null || typeof member !== 'object') continue;
    const told = below(member, absenceAt);
    if (told !== member) (changed ??= { ...value })[name] = told;
  }
  return changed === undefined ? value : mute(changed);
}

/** In words a resource says again what it says in references and copies. */
function mute(changed: Record<string, unknown>): Loose {
  if (isObject(changed['text']) && 'div' in changed['text']) delete changed['text'];
  return changed;
}

function below(value: unknown, absenceAt: (value: Loose) => Absence | undefined): unknown {
  if (Array.isArray(value)) {
    const told = value.map((item) => below(item, absenceAt));
    return told.some((item, index) => item !== value[index]) ? told : value;
  }
  if (!isObject(value)) return value;
  const absence = absenceAt(value);
  if (absence === undefined) return inside(value, absenceAt);
  return isResource(value) ? absentResource(absence) : absent(absence);
}

/** https://hl7.org/fhir/R4/valueset-issue-type.html. Where a resource has to be, as in a Bundle, this one may. */
const absentResource = (absence: Absence): Resource => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'information', code: absence === 'masked' ? 'suppressed' : 'not-found' }],
});

/** What an entry contains must be referred to within it (R4, dom-3): what only an absent reference or copy referred to goes too. */
function referredTo(told: Resource, before: Resource): Resource {
  const were = referencesWithin(before);
  const { contained, ...rest } = told;
  let kept = contained as readonly Resource[];
  for (let left = Infinity; kept.length < left;) {
    left = kept.length;
    const references = kept.map((one) => [one, referencesWithin(one)] as const);
    const own = referencesWithin(rest);
    const isReferredTo = (one: Resource): boolean =>
      own.has(`#${one.id}`) || references.some(([other, of]) => other !== one && of.has(`#${one.id}`));
    kept = kept.filter((one) => !were.has(`#${one.id}`) || isReferredTo(one));
  }
  return (kept.length === 0 ? rest : { ...told, contained: kept }) as Resource;
}

function referencesWithin(value: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(value)) for (const item of value) referencesWithin(item, found);
  else if (isObject(value)) {
    if (typeof value['reference'] === 'string' && value['reference'].startsWith('#')) found.add(value['reference']);
    for (const member of Object.values(value)) referencesWithin(member, found);
  }
  return found;
}
