import { clinicalInterval, intervalOf } from '@weft/domain';
import type { Resource } from '@weft/domain';
import { isObject, type Loose, objectsOf, textOf } from './patient-reference.js';
import { codesIn } from './summary-codes.js';
import { conceptText, conceptTexts, dateText, quantityText, spoken, valueText } from './summary-words.js';

/**
 * All that changes what the name of an entry means: a problem that is only considered, a medicine on hold. Whoever reads the
 * name alone would be misled, so each is said; what the sender added and Weft does not know is said to be there.
 */
export function modifiersOf(resource: Resource, now: number): string[] {
  return [
    ...(resource['doNotPerform'] === true ? [isMedicine(resource) ? 'DO NOT GIVE' : 'DO NOT DO'] : []),
    ...statusOf(resource),
    ...intentOf(resource),
    ...clinicalStatusOf(resource),
    ...verificationOf(resource),
    ...ofItsKind(resource, now),
    ...(isInFuture(resource, now) ? ['date in the future'] : []),
    ...(isChangedByTheUnknown(resource) ? ['changed by something that is not understood here: ask who recorded it'] : []),
  ];
}

const isMedicine = ({ resourceType }: Resource): boolean => resourceType.startsWith('Medication');

/** The statuses in which an entry of a section is what its reader takes it for. */
const USUAL = ['active', 'final', 'completed'];

function statusOf({ status, statusReason }: Resource & { readonly status?: unknown }): string[] {
  const text = textOf(status);
  if (text === undefined || USUAL.includes(text)) return [];
  const reasons = conceptTexts(statusReason).join(', ');
  return [(text === 'unknown' ? 'status unknown' : spoken(text)) + (reasons === '' ? '' : ` (${reasons})`)];
}

const PROPOSED = ['proposal', 'plan', 'option'];

function intentOf({ resourceType, intent }: Resource & { readonly intent?: unknown }): string[] {
  const text = textOf(intent);
  if (text === undefined || !PROPOSED.includes(text) || (resourceType === 'CarePlan' && text === 'plan')) return [];
  return [`${text} only`];
}

function clinicalStatusOf(resource: Resource): string[] {
  return codesIn(resource['clinicalStatus']).filter((code) => code !== 'active');
}

function verificationOf(resource: Resource): string[] {
  return codesIn(resource['verificationStatus'])
    .filter((code) => code !== 'confirmed')
    .map((code) => (code === 'differential' ? 'differential: one of several possible' : spoken(code)));
}

function ofItsKind(resource: Resource, now: number): string[] {
  switch (resource.resourceType) {
    case 'Condition':
      return [...conceptTexts(resource['severity']), ...abatementOf(resource), ...conceptTexts(resource['bodySite'])];
    case 'AllergyIntolerance':
      return ofAllergy(resource);
    case 'MedicationRequest':
    case 'MedicationStatement':
      return ofMedicine(resource, now);
    case 'Immunization':
      return resource['isSubpotent'] === true ? ['subpotent dose'] : [];
    case 'Observation':
    case 'DiagnosticReport':
      return ofResult(resource);
    case 'Procedure':
      return [...conceptTexts(resource['bodySite']), ...conceptTexts(resource['outcome'])];
    case 'CarePlan':
      return notToBeDone(resource);
    default:
      return [];
  }
}

function abatementOf(resource: Resource): string[] {
  const [, value] = Object.entries(resource).find(([key]) => /^abatement[A-Z]/.test(key)) ?? [];
  if (value === undefined) return [];
  const said = isObject(value)
    ? (quantityText(value) ?? dateText(value['end']) ?? quantityText(value['high']))
    : (dateText(value) ?? textOf(value));
  return [said === undefined ? 'has ended' : `ended: ${said}`];
}

function ofAllergy({ type, criticality }: Resource & { readonly type?: unknown; readonly criticality?: unknown }): string[] {
  const risk = textOf(criticality);
  return [
    ...(type === 'intolerance' ? ['intolerance'] : []),
    ...(risk === undefined ? [] : [risk === 'unable-to-assess' ? 'risk not assessed' : `${risk} risk`]),
  ];
}

function ofMedicine({ dispenseRequest }: Resource & { readonly dispenseRequest?: unknown }, now: number): string[] {
  const period = isObject(dispenseRequest) ? dispenseRequest['validityPeriod'] : undefined;
  const until = isObject(period) && hasPassed(period['end'], now) ? dateText(period['end']) : undefined;
  return until === undefined ? [] : [`prescription valid until ${until}`];
}

function ofResult(resource: Resource): string[] {
  const focus = objectsOf(resource['focus']).length > 0 ? ['about somebody or something else than the patient'] : [];
  const absent = conceptText(resource['dataAbsentReason']);
  return [
    ...conceptTexts(resource['interpretation']),
    ...(absent === undefined ? [] : [`no value: ${absent}`]),
    ...conceptTexts(resource['bodySite']),
    ...focus,
  ];
}

function notToBeDone(resource: Resource): string[] {
  return objectsOf(resource['activity']).flatMap(({ detail }) =>
    isObject(detail) && detail['doNotPerform'] === true
      ? [`DO NOT DO: ${conceptText(detail['code']) ?? textOf(detail['description']) ?? 'an activity without a name'}`]
      : [],
  );
}

/** Whether a date is over, by all that it may mean: "2025" is over on 1 January 2026. */
export function hasPassed(date: unknown, now: number): boolean {
  const interval = intervalOf(date);
  return interval !== null && interval.until <= now;
}

function isInFuture(resource: Resource, now: number): boolean {
  const when = clinicalInterval(resource);
  return when !== null && when.from > now;
}

/** FHIR R4: who does not understand a modifier extension, or rules that the content is under, cannot say what an entry means. */
export function isChangedByTheUnknown(resource: Loose): boolean {
  return objectsOf(resource['modifierExtension']).length > 0 || textOf(resource['implicitRules']) !== undefined;
}

/** What an entry says beside its name: the value of a result, what a report concludes, a dose, how an allergy shows itself. */
export function findingsOf(resource: Resource): string[] {
  const own = valueText(resource);
  const components = objectsOf(resource['component']).map((component) => {
    const value = valueText(component) ?? conceptText(component['dataAbsentReason']) ?? 'no value';
    return `${conceptText(component['code']) ?? 'part without a name'} ${value}`;
  });
  const conclusion = textOf(resource['conclusion']);
  const manifestations = objectsOf(resource['reaction']).flatMap(({ manifestation, severity }) =>
    conceptTexts(manifestation).map((text) => (textOf(severity) === undefined ? text : `${text} (${String(severity)})`)),
  );
  return [
    ...(own === undefined ? [] : [own]),
    ...components,
    ...(conclusion === undefined ? [] : [conclusion]),
    ...conceptTexts(resource['conclusionCode']),
    ...new Set(manifestations),
    ...objectsOf(resource['dosageInstruction'] ?? resource['dosage']).map(
      ({ text }) => textOf(text) ?? 'dose not given in words, see the entry',
    ),
  ];
}

/** What somebody added in their own words. */
export const remarksOf = ({ note }: Loose): string[] =>
  objectsOf(note).flatMap(({ text }) => (textOf(text) === undefined ? [] : [`remark: ${String(text)}`]));
