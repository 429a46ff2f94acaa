import { digitsOf, intervalOf } from '@weft/domain';
import type { Resource } from '@weft/domain';
import { isObject, type Loose, objectsOf, textOf } from './patient-reference.js';

/** What the entries of a record say, in the words that a clinician reads. */

const SYSTEMS: Readonly<Record<string, string>> = {
  'http://snomed.info/sct': 'SNOMED CT',
  'http://loinc.org': 'LOINC',
  'http://hl7.org/fhir/sid/icd-10': 'ICD-10',
  'https://dmd.nhs.uk': 'dm+d',
};

/** `not-done` as `not done`. */
export const spoken = (code: string): string => code.replaceAll('-', ' ');

/** `DiagnosticReport` as `diagnostic report`. */
export const spokenType = (resourceType: string): string =>
  resourceType === 'AllergyIntolerance'
    ? 'allergy'
    : resourceType.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();

/** Of a CodeableConcept its text, else the first display, else the first code with its system. */
export function conceptText(concept: unknown): string | undefined {
  if (!isObject(concept)) return undefined;
  const codings = objectsOf(concept['coding']);
  return textOf(concept['text']) ?? firstOf(codings, ({ display }) => textOf(display)) ?? firstOf(codings, codeText);
}

function codeText({ system, code }: Loose): string | undefined {
  const text = textOf(code);
  const known = textOf(system);
  return text === undefined || known === undefined ? text : `${text} (${SYSTEMS[known] ?? known})`;
}

export function conceptTexts(value: unknown): string[] {
  return objectsOf(value).flatMap((concept) => conceptText(concept) ?? []);
}

function firstOf<T, Found>(items: readonly T[], find: (item: T) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Finds what a reference of an entry leads to, contained or in the record; undefined where it leads nowhere. */
export type Find = (reference: unknown) => Loose | undefined;

/** What an entry is about. Never the type of a resource: "AllergyIntolerance" is no allergen. */
export function nameOf(resource: Resource, find: Find): string {
  switch (resource.resourceType) {
    case 'AllergyIntolerance':
      return allergyName(resource);
    case 'MedicationRequest':
    case 'MedicationStatement':
      return medicineName(resource, find);
    case 'Immunization':
      return conceptText(resource['vaccineCode']) ?? 'Vaccine without a name';
    case 'CarePlan':
      return textOf(resource['title']) ?? joined(conceptTexts(resource['category'])) ?? 'Care plan without a title';
    default:
      return conceptText(resource['code']) ?? textOf(resource['title']) ?? NAMELESS[resource.resourceType] ?? 'Without a name';
  }
}

const NAMELESS: Readonly<Record<string, string>> = {
  Condition: 'Problem without a name',
  Observation: 'Result without a name',
  DiagnosticReport: 'Report without a name',
  Procedure: 'Procedure without a name',
  Flag: 'Alert without a name',
};

/** By its code, and by the substances of its reactions: "Drug allergy" alone says nothing to who prescribes. */
function allergyName(resource: Resource): string {
  const code = conceptText(resource['code']);
  const substances = new Set(objectsOf(resource['reaction']).flatMap(({ substance }) => conceptTexts(substance)));
  if (code !== undefined) substances.delete(code);
  return joined([...(code === undefined ? [] : [code]), ...substances]) ?? 'Allergy to a substance that is not named';
}

function medicineName(resource: Resource, find: Find): string {
  const reference = resource['medicationReference'];
  return (
    conceptText(resource['medicationCodeableConcept']) ??
    (isObject(reference) ? referredMedicine(reference, find) : undefined) ??
    'Medicine that is not named here'
  );
}

function referredMedicine(reference: Loose, find: Find): string | undefined {
  const medicine = find(reference['reference']);
  const identifier = isObject(reference['identifier']) ? codeOfIdentifier(reference['identifier']) : undefined;
  return (
    (medicine && conceptText(medicine['code'])) ??
    (medicine && ingredientsOf(medicine)) ??
    textOf(reference['display']) ??
    identifier
  );
}

function ingredientsOf(medicine: Loose): string | undefined {
  return joined(objectsOf(medicine['ingredient']).flatMap((one) => conceptTexts(one['itemCodeableConcept'])));
}

const codeOfIdentifier = ({ system, value }: Loose): string | undefined => codeText({ system, code: value });

const joined = (texts: readonly string[]): string | undefined => (texts.length === 0 ? undefined : texts.join(', '));

/** The value of an Observation or of one of its components; undefined where it has none. */
export function valueText(of: Loose): string | undefined {
  const [name, value] = Object.entries(of).find(([key]) => /^value[A-Z]/.test(key)) ?? [];
  if (name === undefined || value === undefined) return undefined;
  if (!isObject(value))
    return typeof value === 'string' && /^\d{4}-/.test(value)
      ? (dateText(value) ?? value)
      : (digitsOf(of, name) ?? String(value));
  return (
    conceptText(value) ??
    quantityText(value) ??
    rangeText(value) ??
    ratioText(value) ??
    periodText(value) ??
    'a value that words cannot give: see the entry'
  );
}

export function quantityText(quantity: unknown): string | undefined {
  if (!isObject(quantity)) return undefined;
  const { comparator, value, unit, code } = quantity;
  const said = digitsOf(quantity, 'value') ?? textOf(value);
  if (said === undefined) return undefined;
  return [textOf(comparator), said, textOf(unit) ?? textOf(code)].filter((part) => part !== undefined).join(' ');
}

function rangeText({ low, high }: Loose): string | undefined {
  const [from, to] = [quantityText(low), quantityText(high)];
  if (from !== undefined && to !== undefined) return `${from} to ${to}`;
  return from !== undefined ? `${from} or more` : to !== undefined ? `${to} or less` : undefined;
}

function ratioText({ numerator, denominator }: Loose): string | undefined {
  const [over, under] = [quantityText(numerator), quantityText(denominator)];
  return over === undefined || under === undefined ? undefined : `${over} : ${under}`;
}

function periodText({ start, end }: Loose): string | undefined {
  const [from, to] = [dateText(start), dateText(end)];
  if (from === undefined) return to === undefined ? undefined : `until ${to}`;
  return to === undefined ? `from ${from}` : `${from} to ${to}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const LONDON = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  hourCycle: 'h23',
});

/** A FHIR date as NHS screens write it, `03-Feb-2026`, as precisely as it was said; an instant by England's clock. */
export function dateText(text: unknown): string | undefined {
  const interval = intervalOf(text);
  if (typeof text !== 'string' || interval === null) return undefined;
  if (!text.includes('T')) return dayText(text);
  const part = new Map(LONDON.formatToParts(interval.from).map(({ type, value }) => [type, value]));
  return `${dayText(`${part.get('year')}-${part.get('month')}-${part.get('day')}`)} ${part.get('hour')}:${part.get('minute')}`;
}

function dayText(date: string): string {
  const [year, month, day] = date.split('-');
  return [day, month && MONTHS[Number(month) - 1], year].filter((part) => part !== undefined).join('-');
}
