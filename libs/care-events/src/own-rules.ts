import { nhsNumberProblem } from '@weft/domain';
import type { Problem, Resource } from '@weft/domain';
import { isPrivacyConsent } from './consent-in.js';
import { decisionWithinProblem } from './decision-within.js';
import { isEventType } from './envelope.js';
import type { EventType } from './envelope.js';
import { isResourceType } from './fhir-r4/types.js';
import { isObject, nhsNumberOfReference, nhsNumbersOf, objectsOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem, typeShown } from './problems.js';
import { somebodyElseProblems } from './somebody-else.js';

/** https://hl7.org/fhir/R4/datatypes.html#id */
const FHIR_ID = /^[A-Za-z0-9.-]{1,64}$/;

/**
 * What Weft asks of a resource beyond FHIR: that it can be told apart, is about the subject, and fits the event's type. Where
 * the envelope gives no sound type or subject there is nothing to hold the resource against.
 */
export function ownRuleProblems(type: unknown, subject: unknown, resource: Resource): Problem[] {
  const problems = identityProblems(type, resource);
  if (typeof subject !== 'string' || nhsNumberProblem(subject) !== null) return problems;
  problems.push(...somebodyElseProblems(subject, resource));
  return isEventType(type) ? [...problems, ...typeProblems(type, subject, resource)] : problems;
}

/** A merge makes no entry in the record and needs no id. */
const WITHOUT_ENTRY: readonly unknown[] = ['patient-merged-1', 'patient-unmerged-1'];

function identityProblems(type: unknown, resource: Resource): Problem[] {
  const { id } = resource;
  const field = `${typeShown(resource)}.id`;
  if (id === undefined && WITHOUT_ENTRY.includes(type)) return [];
  if (id === undefined) return [problem(field, 'required', 'is required: an entry is told apart by it')];
  if (typeof id === 'string' && FHIR_ID.test(id)) return [];
  return [problem(field, 'malformed', 'must be 1 to 64 letters, digits, hyphens and dots')];
}

function typeProblems(type: EventType, subject: string, resource: Resource): Problem[] {
  switch (type) {
    case 'patient-merged-1':
    case 'patient-unmerged-1': {
      const survivor = survivorOf(subject, resource);
      return survivor.ok ? [] : [survivor.problem];
    }
    case 'patient-died-1':
      return diedProblems(resource);
    case 'patient-death-retracted-1':
      return resource.resourceType === 'Patient' ? [] : [NOT_BY_THE_PATIENT];
    case 'consent-decision-recorded-1':
      return [];
    case 'care-event-recorded-1':
      return isPrivacyConsent(resource)
        ? [
            problem(
              'type',
              'wrong-type',
              'a privacy Consent is a decision: send it as consent-decision-recorded-1, or it would not be obeyed',
            ),
          ]
        : [decisionWithinProblem(resource) ?? []].flat();
    case 'care-event-retracted-1':
      if (isPrivacyConsent(resource)) return [TAKEN_BACK_AS_A_DECISION];
      return isResourceType(resource.resourceType)
        ? []
        : [problem('Resource.resourceType', 'structure', 'is no resource type of FHIR R4')];
  }
}

const TAKEN_BACK_AS_A_DECISION = problem(
  'type',
  'wrong-type',
  'a privacy Consent is taken back as a decision: send it as consent-decision-recorded-1 with status entered-in-error; of a Consent about something else, say its scope',
);

const NOT_BY_THE_PATIENT = problem('data', 'wrong-resource', 'a death is told, and taken back, by the Patient');

function diedProblems(resource: Resource): Problem[] {
  if (resource.resourceType !== 'Patient') return [NOT_BY_THE_PATIENT];
  if (resource['deceasedBoolean'] === true || typeof resource['deceasedDateTime'] === 'string') return [];
  return [problem('Patient.deceased[x]', 'required', 'a death needs deceasedDateTime, or deceasedBoolean true')];
}

/** The surviving NHS number of a merge or an unmerge: what the Patient's link of type `replaced-by` names. */
export function survivorOf(
  subject: string,
  resource: Resource,
): { readonly ok: true; readonly survivor: string } | { readonly ok: false; readonly problem: Problem } {
  const refuse = (field: string, code: string, message: string) => ({
    ok: false as const,
    problem: problem(field, code, message),
  });
  if (resource.resourceType !== 'Patient')
    return refuse('data', 'wrong-resource', 'a merge is told by the Patient that gave way');
  const named = objectsOf(resource['link'])
    .filter(({ type }) => type === 'replaced-by')
    .flatMap(({ other }) => (isObject(other) ? survivorsNamed(other) : []));
  const survivors = [...new Set(named)];
  const [survivor] = survivors;
  if (survivor === undefined) {
    return refuse('Patient.link', 'required', 'a link of type replaced-by must carry the surviving NHS number');
  }
  if (survivors.length > 1) return refuse('Patient.link', 'ambiguous', 'more than one number is named as the surviving one');
  const wrong = nhsNumberProblem(survivor);
  if (wrong !== null) return refuse('Patient.link.other', 'nhs-number', wrong);
  if (survivor === subject) return refuse('Patient.link.other', 'same-number', 'the surviving number is the subject itself');
  return { ok: true, survivor };
}

function survivorsNamed(other: Loose): string[] {
  const identified = nhsNumbersOf(other['identifier']).map(({ number }) => number);
  if (identified.length > 0) return identified;
  const referenced = nhsNumberOfReference(other['reference']);
  return referenced === null ? [] : [referenced];
}
