import { sourceIn } from '../care-record/entry-id.js';
import type { Resource } from '../vocabulary.js';
import { isObject } from '../is-object.js';
import { absent } from './absent.js';
import { date, each, entryPseudonym, type Coarseness, type Context } from './forms.js';
import { LISTED, type Field } from './listed-fields.js';
import { component, measured } from './measured.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import type { Release } from './release.js';
import type { ViewEntry } from './view-entry.js';

export function isListed(resourceType: string): boolean {
  return Object.hasOwn(LISTED, resourceType);
}

/** Nobody is named where it is only asked whether a form can be told. */
const NOBODY: Pseudonyms = { patient: '', of: () => '' };

/**
 * Whether what is told of a resource means what the resource means: nothing is left out that turns the rest into something else. FHIR
 * calls it a modifier, or rules under which alone the resource is understood.
 */
export function isToldTruly(resource: Resource, release: Release, coarseness: Coarseness): boolean {
  const fields = LISTED[resource.resourceType];
  if (fields === undefined || resource['implicitRules'] !== undefined || isModified(resource)) return false;
  const context: Context = { release, coarseness, pseudonyms: NOBODY, source: '', year: 0 };
  return Object.entries(fields).every(
    ([name, { form, unless }]) =>
      unless !== 'leave-out' || isAbsent(resource, name) || form(resource[name], context) !== undefined,
  );
}

/** Of a primitive an extension alone may say why there is none: it is there, and not understood. */
const isAbsent = (from: Readonly<Record<string, unknown>>, name: string): boolean =>
  from[name] === undefined && from[`_${name}`] === undefined;

/** Every purpose beyond individual care asks it of the same resource. */
const modified = new WeakMap<Resource, boolean>();

function isModified(resource: Resource): boolean {
  const found = modified.get(resource) ?? hasModifierExtension(resource);
  modified.set(resource, found);
  return found;
}

function hasModifierExtension(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasModifierExtension);
  if (!isObject(value)) return false;
  return value['modifierExtension'] !== undefined || Object.values(value).some(hasModifierExtension);
}

/** The entry without identifiers, with numbers, dates and places coarsened: valid FHIR R4 where the resource is. */
export function coarsened(
  { id, organisation, resourceType, occurredAt, recordedAt, resource, eventTime }: PresentEntry,
  pseudonyms: Pseudonyms,
  release: Release,
  coarseness: Coarseness,
): ViewEntry {
  const name = entryPseudonym(id, pseudonyms);
  const year = new Date(eventTime).getUTCFullYear();
  const context: Context = { release, coarseness, pseudonyms, source: sourceIn(id), year };
  const told: Record<string, unknown> = { resourceType, id: name, ...fieldsOf(resource, LISTED[resourceType] ?? {}, context) };
  if (resourceType === 'Observation') {
    const components = each(component)(resource['component'], context);
    Object.assign(told, measured(resource, context), components !== undefined && { component: components });
  }
  // When is left out, that the person died is not.
  if (resource['deceasedDateTime'] !== undefined && told['deceasedDateTime'] === undefined) told['deceasedBoolean'] = true;
  return {
    id: name,
    // By one name for all people an organisation that knows how much it published would find its own, and whom it knows in it.
    organisation: coarseness.organisation ? organisation : entryPseudonym(organisation, pseudonyms),
    resourceType,
    occurredAt: (date(occurredAt, context) as string | undefined) ?? null,
    // What is fed live arrives within minutes of having happened: to the second it would undo the coarsening of dates.
    recordedAt: recordedAt.slice(0, coarseness.dateDigits),
    resource: told as unknown as Resource,
  };
}

const MASKED = absent('masked');
/** Required fields of a primitive type: what extends them stands under a name of its own. */
const PRIMITIVE = new Set(['occurrenceDateTime']);

function fieldsOf(
  from: Readonly<Record<string, unknown>>,
  listed: Readonly<Record<string, Field>>,
  context: Context,
): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const [name, { form, unless }] of Object.entries(listed)) {
    const value = from[name] === undefined || from[name] === null ? undefined : form(from[name], context);
    if (value !== undefined) told[name] = value;
    else if (unless === 'masked') told[PRIMITIVE.has(name) ? `_${name}` : name] = MASKED;
  }
  return told;
}
