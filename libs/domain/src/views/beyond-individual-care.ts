import type { Resource } from '../vocabulary.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import type { ViewEntry } from './view.js';
import { isObject } from '../is-object.js';

/**
 * What population health and research may see of a resource: an allow-list, field by field, each with the form it is
 * brought into. What is not listed does not exist for them: names, numbers, addresses, narrative, notes, display texts,
 * extensions, performers, devices. A new FHIR field is left out until somebody lists it.
 */
export interface Coarseness {
  /** Characters of a date that are kept: 7 for the month, 4 for the year. FHIR R4 dates may end there. */
  readonly dateDigits: 4 | 7;
  /** Birth years are rounded down to a multiple of this. */
  readonly birthYears: number;
  /** Whether the organisation is named by its ODS code; else by a pseudonym. */
  readonly organisation: boolean;
}

type Form =
  | 'code'
  | 'coding'
  | 'concept'
  | 'concepts'
  | 'codes'
  | 'date'
  | 'period'
  | 'quantity'
  | 'number'
  | 'boolean'
  | 'patient'
  | 'birth'
  | 'places'
  | 'components'
  | `reference:${string}`
  | `references:${string}`;

const MEASURED = {
  valueQuantity: 'quantity',
  valueCodeableConcept: 'concept',
  valueInteger: 'number',
  valueBoolean: 'boolean',
} as const;

const ALLOWED: Readonly<Record<string, Readonly<Record<string, Form>>>> = {
  Patient: { gender: 'code', birthDate: 'birth', deceasedBoolean: 'boolean', deceasedDateTime: 'date', address: 'places' },
  Observation: {
    status: 'code',
    category: 'concepts',
    code: 'concept',
    subject: 'patient',
    encounter: 'reference:Encounter',
    effectiveDateTime: 'date',
    effectivePeriod: 'period',
    ...MEASURED,
    interpretation: 'concepts',
    component: 'components',
  },
  Encounter: { status: 'code', class: 'coding', type: 'concepts', subject: 'patient', period: 'period', reasonCode: 'concepts' },
  Condition: {
    clinicalStatus: 'concept',
    verificationStatus: 'concept',
    category: 'concepts',
    severity: 'concept',
    code: 'concept',
    subject: 'patient',
    encounter: 'reference:Encounter',
    onsetDateTime: 'date',
    abatementDateTime: 'date',
    recordedDate: 'date',
  },
  MedicationRequest: {
    status: 'code',
    intent: 'code',
    medicationCodeableConcept: 'concept',
    subject: 'patient',
    encounter: 'reference:Encounter',
    authoredOn: 'date',
  },
  MedicationStatement: {
    status: 'code',
    medicationCodeableConcept: 'concept',
    subject: 'patient',
    effectiveDateTime: 'date',
    effectivePeriod: 'period',
  },
  Procedure: {
    status: 'code',
    category: 'concept',
    code: 'concept',
    subject: 'patient',
    encounter: 'reference:Encounter',
    performedDateTime: 'date',
    performedPeriod: 'period',
    reasonCode: 'concepts',
  },
  Immunization: {
    status: 'code',
    vaccineCode: 'concept',
    patient: 'patient',
    encounter: 'reference:Encounter',
    occurrenceDateTime: 'date',
    primarySource: 'boolean',
  },
  AllergyIntolerance: {
    clinicalStatus: 'concept',
    verificationStatus: 'concept',
    type: 'code',
    category: 'codes',
    criticality: 'code',
    code: 'concept',
    patient: 'patient',
    encounter: 'reference:Encounter',
    onsetDateTime: 'date',
    recordedDate: 'date',
  },
  DiagnosticReport: {
    status: 'code',
    category: 'concepts',
    code: 'concept',
    subject: 'patient',
    encounter: 'reference:Encounter',
    effectiveDateTime: 'date',
    result: 'references:Observation',
  },
  CarePlan: {
    status: 'code',
    intent: 'code',
    category: 'concepts',
    subject: 'patient',
    encounter: 'reference:Encounter',
    period: 'period',
  },
  Goal: { lifecycleStatus: 'code', achievementStatus: 'concept', category: 'concepts', subject: 'patient', startDate: 'date' },
};

const COMPONENT: Readonly<Record<string, Form>> = { code: 'concept', ...MEASURED, interpretation: 'concepts' };

export function isListed(resourceType: string): boolean {
  return Object.hasOwn(ALLOWED, resourceType);
}

/** The entry without identifiers, with dates and places coarsened. */
export function coarsened(entry: PresentEntry, pseudonyms: Pseudonyms, coarseness: Coarseness): ViewEntry {
  const allowed = ALLOWED[entry.resourceType] ?? {};
  const id = pseudonyms.of(entry.id);
  const resource: Record<string, unknown> = { resourceType: entry.resourceType, id };
  pick(entry.resource, allowed, { pseudonyms, coarseness, organisation: entry.organisation }, resource);
  return {
    id,
    organisation: coarseness.organisation ? entry.organisation : pseudonyms.of(entry.organisation),
    resourceType: entry.resourceType,
    occurredAt: coarseDate(entry.occurredAt, coarseness) ?? null,
    // What is fed live arrives within minutes of having happened: to the second it would undo the coarsening of dates.
    recordedAt: entry.recordedAt.slice(0, coarseness.dateDigits),
    resource: resource as unknown as Resource,
  };
}

interface Context {
  readonly pseudonyms: Pseudonyms;
  readonly coarseness: Coarseness;
  readonly organisation: string;
}

function pick(
  from: Readonly<Record<string, unknown>>,
  allowed: Readonly<Record<string, Form>>,
  context: Context,
  into: Record<string, unknown>,
): void {
  for (const field in allowed) {
    const value = from[field];
    if (value === undefined || value === null) continue;
    const brought = bring(value, allowed[field] as Form, context);
    if (brought !== undefined) into[field] = brought;
  }
}

/** The value in the form the list says, or undefined where it does not have that form. */
function bring(value: unknown, form: Form, context: Context): unknown {
  switch (form) {
    case 'code':
      return isCode(value) ? value : undefined;
    case 'codes':
      return list(value, (item) => (isCode(item) ? item : undefined));
    case 'coding':
      return coding(value);
    case 'concept':
      return concept(value);
    case 'concepts':
      return list(value, concept);
    case 'date':
      return coarseDate(value, context.coarseness);
    case 'period':
      return isObject(value)
        ? fields({ start: coarseDate(value['start'], context.coarseness), end: coarseDate(value['end'], context.coarseness) })
        : undefined;
    case 'quantity':
      return quantity(value);
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'patient':
      return { reference: `Patient/${context.pseudonyms.patient}` };
    case 'birth':
      return birthYear(value, context.coarseness);
    case 'places':
      return list(value, district);
    case 'components':
      return list(value, (item) => component(item, context));
    default:
      return form.startsWith('references:')
        ? list(value, (item) => reference(item, form.slice('references:'.length), context))
        : reference(value, form.slice('reference:'.length), context);
  }
}

/** Pseudonyms are longer than what they stand for: a bound keeps an entry of a thousand results within what a store takes. */
const LONGEST_LIST = 1_000;

function list(value: unknown, one: (item: unknown) => unknown): unknown[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const brought = value
    .slice(0, LONGEST_LIST)
    .map(one)
    .filter((item) => item !== undefined);
  return brought.length === 0 ? undefined : brought;
}

function fields(object: Record<string, unknown>): Record<string, unknown> | undefined {
  const kept = Object.entries(object).filter(([, value]) => value !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** FHIR's own statuses and kinds are short lower-case words: anything else is somebody's text. */
function isCode(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 40 && /^[a-z][a-z-]*$/.test(value);
}

function coding(value: unknown): unknown {
  if (!isObject(value)) return undefined;
  const { system, code } = value;
  if (typeof system !== 'string' || typeof code !== 'string') return undefined;
  // A code is a word of a code system; with white space or of great length it would be free text in disguise.
  if (!/^(https?:\/\/|urn:)[^\s]{1,200}$/.test(system) || !/^[^\s]{1,60}$/.test(code)) return undefined;
  return { system, code };
}

function concept(value: unknown): unknown {
  const codings = isObject(value) ? list(value['coding'], coding) : undefined;
  return codings === undefined ? undefined : { coding: codings };
}

function quantity(value: unknown): unknown {
  if (!isObject(value) || typeof value['value'] !== 'number') return undefined;
  const unit = coding({ system: value['system'], code: value['code'] });
  return { value: value['value'], ...(isObject(unit) ? unit : {}) };
}

function component(value: unknown, context: Context): unknown {
  if (!isObject(value)) return undefined;
  const into: Record<string, unknown> = {};
  pick(value, COMPONENT, context, into);
  return into['code'] === undefined ? undefined : into;
}

/** A reference to an entry of the same organisation, by the pseudonym which that entry has in the same view. */
function reference(value: unknown, type: string, context: Context): unknown {
  const target = isObject(value) && typeof value['reference'] === 'string' ? value['reference'] : '';
  const id = /^(?:urn:uuid:|[A-Za-z]+\/)([A-Za-z0-9\-.]{1,64})$/.exec(target)?.[1];
  return id === undefined
    ? undefined
    : { reference: `${type}/${context.pseudonyms.of(`${context.organisation}/${type}/${id}`)}` };
}

function coarseDate(value: unknown, coarseness: Coarseness): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}(-\d\d|$)/.test(value)) return undefined;
  return value.slice(0, coarseness.dateDigits);
}

function birthYear(value: unknown, coarseness: Coarseness): string | undefined {
  const year = typeof value === 'string' ? Number(/^\d{4}/.exec(value)?.[0] ?? Number.NaN) : Number.NaN;
  return Number.isNaN(year) ? undefined : String(year - (year % coarseness.birthYears)).padStart(4, '0');
}

/** Of an address the outward part of the postcode, which names a district of some thousands of households. */
function district(value: unknown): unknown {
  const postcode = isObject(value) && typeof value['postalCode'] === 'string' ? value['postalCode'].trim().toUpperCase() : '';
  const outward = /^([A-Z]{1,2}\d[A-Z\d]?)\s*\d[A-Z]{2}$/.exec(postcode)?.[1];
  return outward === undefined ? undefined : { postalCode: outward };
}
