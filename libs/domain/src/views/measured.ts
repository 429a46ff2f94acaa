import { isObject } from '../is-object.js';
import { bool, concept, concepts, type Context, type Form } from './forms.js';
import { toldNumber, type UnitRange } from './release-measures.js';

const UCUM = 'http://unitsofmeasure.org';
const ABSENT = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';
const MASKED = { coding: [{ system: ABSENT, code: 'masked' }] };

/** The value of an Observation or of a component, in the forms that are told; of any other it is said that it is masked. */
export function measured(from: Readonly<Record<string, unknown>>, context: Context): Readonly<Record<string, unknown>> {
  const codes = codingsOf(from['code']);
  for (const field in from) {
    if (!field.startsWith('value') || from[field] === undefined) continue;
    const told = Object.hasOwn(VALUES, field) ? VALUES[field]?.(from[field], context, codes) : undefined;
    return told === undefined ? { dataAbsentReason: MASKED } : { [field]: told };
  }
  const reason = from['dataAbsentReason'];
  return reason === undefined ? {} : { dataAbsentReason: concept(reason, context) ?? MASKED };
}

type Coded = { readonly system?: unknown; readonly code?: unknown };

function codingsOf(code: unknown): Coded[] {
  const codings = isObject(code) ? code['coding'] : undefined;
  return Array.isArray(codings) ? codings.filter(isObject) : [];
}

const VALUES: Readonly<Record<string, (value: unknown, context: Context, codes: readonly Coded[]) => unknown>> = {
  valueQuantity: quantity,
  valueInteger: integer,
  valueCodeableConcept: concept,
  valueBoolean: bool,
};

function quantity(value: unknown, context: Context, codes: readonly Coded[]): unknown {
  if (!isObject(value) || typeof value['value'] !== 'number') return undefined;
  const unit = unitOf(value, context);
  const numbers = rangeOf(unit ?? undefined, context, codes);
  if (unit === undefined || numbers === undefined) return undefined;
  const told = toldNumber(value['value'], value['comparator'], numbers);
  if (told === undefined) return undefined;
  return { ...told, ...(unit !== null && { system: UCUM, code: unit }) };
}

/** The UCUM unit; null of a bare number, undefined where a unit is said and it is not known which. */
function unitOf({ system, code, unit }: Readonly<Record<string, unknown>>, { release }: Context): string | null | undefined {
  if (system === UCUM && typeof code === 'string') return code;
  if (system !== undefined || code !== undefined) return undefined;
  if (unit === undefined) return null;
  if (typeof unit !== 'string') return undefined;
  return Object.hasOwn(release.unitTexts, unit) ? release.unitTexts[unit] : unit;
}

function integer(value: unknown, context: Context, codes: readonly Coded[]): unknown {
  const numbers = rangeOf(undefined, context, codes);
  const told = typeof value === 'number' && numbers !== undefined ? toldNumber(value, undefined, numbers) : undefined;
  // An integer has no comparator to say that it is a bound.
  return told === undefined || told.comparator !== undefined ? undefined : told.value;
}

function rangeOf(unit: string | undefined, { release }: Context, codes: readonly Coded[]): UnitRange | undefined {
  const name = unit ?? '1';
  const narrower = release.measures.find(
    (measure) =>
      measure.unit === name &&
      codes.some(({ system, code }) => measure.system === system && measure.codes.includes(code as string)),
  );
  return narrower ?? (Object.hasOwn(release.units, name) ? release.units[name] : undefined);
}

/** A part of an Observation, where the code says what it measures. */
export const component: Form = (value, context) => {
  if (!isObject(value)) return undefined;
  const code = concept(value['code'], context);
  if (code === undefined) return undefined;
  const interpretation = concepts(value['interpretation'], context);
  return { code, ...measured(value, context), ...(interpretation !== undefined && { interpretation }) };
};
