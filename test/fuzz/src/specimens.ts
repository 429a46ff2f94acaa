import { CARE_EVENT_TYPES, DECISION_TYPE, nhsNumberProblem } from '@weft/domain';
import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import type { Prng } from '@weft/testing';

/** Sound numbers of the series that is nobody's. */
const NUMBERS = Array.from({ length: 400 }, (_, index) => `99900${String(index).padStart(5, '0')}`).filter(
  (number) => nhsNumberProblem(number) === null,
);
/** Of those who are fuzzed; what is said of them may be anything. */
export const FUZZED: readonly string[] = NUMBERS.slice(0, 6);
/** Nothing odd is said of these, so what is said of them must arrive. Enough of them to stand in every partition. */
export const WITNESSES: readonly string[] = NUMBERS.slice(10, 22);
export const ORGANISATIONS = ['RX901', 'Y90001'] as const;

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Loose = { [name: string]: Json };

const about = (number: string): Loose => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } });
const concept = (code: string): Loose => ({ coding: [{ system: 'http://snomed.info/sct', code }], text: 'as recorded' });

/** A sound resource of a kind that Weft treats in a way of its own. */
function resource(prng: Prng, number: string, id: string): Loose {
  const meta: Loose = prng.chance(0.5)
    ? { meta: { versionId: String(prng.between(1, 3)), lastUpdated: '2026-01-01T10:00:00Z' } }
    : {};
  const base = { id, ...meta };
  const subject = about(number);
  return prng.pick<() => Loose>([
    () => ({ resourceType: 'Condition', ...base, subject, code: concept('195967001') }),
    () => ({
      resourceType: 'Observation',
      ...base,
      subject,
      status: 'final',
      code: concept('8302-2'),
      valueQuantity: { value: 1.72, unit: 'm' },
    }),
    () => ({ resourceType: 'AllergyIntolerance', ...base, patient: subject, code: concept('91936005') }),
    () => ({ resourceType: 'Appointment', ...base, status: 'booked', participant: [{ actor: subject, status: 'accepted' }] }),
    () => ({
      ...{ resourceType: 'DiagnosticReport', ...base, subject, status: 'final', code: concept('24331-1') },
      ...{ result: [{ reference: '#r' }, { reference: 'Observation/1' }] },
      contained: [{ resourceType: 'Observation', id: 'r', status: 'final', code: concept('8302-2') }],
    }),
    () => patient(number, id),
  ])();
}

function patient(number: string, id: string, more: Loose = {}): Loose {
  const identifier = [{ system: NHS_NUMBER_SYSTEM, value: number }];
  return { resourceType: 'Patient', id, identifier, name: [{ family: 'Test', given: ['A'] }], birthDate: '1970-05-05', ...more };
}

/** A sound Consent, with exceptions and dates. */
export function consent(prng: Prng, number: string, id: string): Loose {
  const day = (ahead: number): string => new Date(Date.UTC(2026, 5, 1) + ahead * 86_400_000).toISOString();
  const exception = (): Loose => ({
    type: prng.pick(['permit', 'deny']),
    period: { start: day(prng.between(-400, 400)), end: day(prng.between(401, 800)) },
    purpose: [{ system: 'urn:weft:purpose', code: prng.pick(['research', 'population-health', 'care-coordination']) }],
    class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
  });
  const authority = prng.pick(['national-data-opt-out', 'type-1', 'local-dissent', 'withheld-item', 'explicit-consent']);
  return {
    resourceType: 'Consent',
    id,
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: about(number),
    dateTime: '2026-01-01T10:00:00Z',
    performer: [about(number)],
    policy: [{ uri: `urn:weft:authority:${authority}` }],
    verification: [{ verified: true }],
    provision: {
      type: prng.pick(['permit', 'deny']),
      purpose: [
        { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: prng.pick(['HRESCH', 'POPHLTH', 'COC', 'TREAT']) },
      ],
      ...(prng.chance(0.5) && { provision: Array.from({ length: prng.between(1, 4) }, exception) }),
    },
  };
}

/** A sound CloudEvent, structured: its attributes beside its data. */
export function event(prng: Prng, id: string, type: string = prng.pick([...CARE_EVENT_TYPES, DECISION_TYPE])): Loose {
  const subject = prng.pick(FUZZED);
  const other = prng.pick(FUZZED);
  const name = `r${prng.below(6)}`;
  const organisation = prng.pick(ORGANISATIONS);
  const data = (): Loose => {
    if (type === DECISION_TYPE) return consent(prng, subject, name);
    const link = [{ type: 'replaced-by', other: about(other) }];
    if (type === 'patient-merged-1' || type === 'patient-unmerged-1') return patient(subject, 'p', { link });
    if (type === 'patient-died-1') return patient(subject, 'p', { deceasedDateTime: '2026-01-01' });
    return resource(prng, subject, name);
  };
  return {
    ...{ specversion: '1.0', id, source: `urn:ods:${organisation}`, type, subject, time: '2026-01-01T10:00:00Z' },
    datacontenttype: 'application/fhir+json',
    data: data(),
  };
}

/** A sound Bundle, now and then with a decision in it. */
export function bundle(prng: Prng): Loose {
  const number = prng.pick(FUZZED);
  const resources = Array.from({ length: prng.between(1, 5) }, (_, index) => resource(prng, number, `b${index}`));
  if (prng.chance(0.3)) resources.push(consent(prng, number, 'b-consent'));
  const entry = [patient(number, 'p'), ...resources].map((one): Loose => ({ fullUrl: `urn:uuid:${prng.uuid()}`, resource: one }));
  return { resourceType: 'Bundle', type: prng.pick(['collection', 'transaction', 'batch', 'message', 'searchset']), entry };
}

/** What a witness says, of whom nothing else is said. */
export function sound(number: string, organisation: string, id: string): Loose {
  const data = { resourceType: 'Condition', id, subject: about(number), code: concept('195967001') };
  return {
    ...{ specversion: '1.0', id, source: `urn:ods:${organisation}`, type: 'care-event-recorded-1', subject: number },
    ...{ time: '2026-01-01T10:00:00Z', datacontenttype: 'application/fhir+json', data },
  };
}
