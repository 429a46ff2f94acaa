import type { Act, Matter, Scope } from './decisions.js';
import { type Entry, markerOf, type Person, type Purpose } from './entries.js';

/** What is sent, as FHIR R4 and CloudEvents have it: written out here, so that no mistake is made with the product's own writer. */

const CODES: Readonly<Record<Purpose, string>> = {
  'direct-care': 'TREAT',
  'care-coordination': 'COC',
  'population-health': 'POPHLTH',
  research: 'HRESCH',
};
const CATEGORIES = 'urn:storm:category';

const patientOf = ({ nhsNumber }: Person): object => ({
  type: 'Patient',
  identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber },
});

export const resourceIdOf = ({ number }: Entry): string => `storm-entry-${number}`;

export function resourceOf(entry: Entry, version: number): object {
  const { person, resourceType, category } = entry;
  const marker = { system: 'http://snomed.info/sct', code: markerOf(entry, version) };
  const concept = { coding: [marker, ...(category === null ? [] : [{ system: CATEGORIES, code: category }])] };
  const about = { resourceType, id: resourceIdOf(entry), meta: { versionId: String(version) }, subject: patientOf(person) };
  if (resourceType === 'Condition') return { ...about, code: concept };
  const ambulatory = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' };
  return { ...about, status: 'in-progress', class: ambulatory, type: [concept] };
}

export function consentOf({ id, person, authority, scope }: Matter, { effect, purposes, from, until, sentAt }: Act): object {
  const period = { ...(from !== undefined && { start: instant(from) }), ...(until !== undefined && { end: instant(until - 1) }) };
  return {
    resourceType: 'Consent',
    id,
    status: effect === 'none' ? 'inactive' : 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: patientOf(person),
    dateTime: instant(sentAt),
    performer: [patientOf(person)],
    policy: [{ uri: `urn:weft:authority:${authority}` }],
    provision: {
      type: effect === 'permit' ? 'permit' : 'deny',
      ...(from !== undefined && { period }),
      purpose: purposes.map((purpose) => ({ system: 'urn:weft:purpose', code: CODES[purpose] })),
      ...limitsOf(scope),
    },
  };
}

function limitsOf({ organisations, category, entry }: Scope): object {
  return {
    ...(organisations !== undefined && { actor: organisations.map(recorder) }),
    ...(category !== undefined && { code: [{ coding: [{ system: CATEGORIES, code: category }] }] }),
    ...(entry !== undefined && { data: [{ meaning: 'instance', reference: { reference: entryIdOf(entry) } }] }),
  };
}

const recorder = (ods: string): object => ({
  role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'CST' }] },
  reference: { type: 'Organization', identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: ods } },
});

export const entryIdOf = (entry: Entry): string => `${entry.organisation}/${entry.resourceType}/${resourceIdOf(entry)}`;

export const bundleOf = (resources: readonly object[]): object => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map((resource) => ({ resource })),
});

export function cloudEventOf(
  type: 'care-event-recorded-1' | 'care-event-retracted-1' | 'consent-decision-recorded-1',
  about: { readonly id: string; readonly organisation: string; readonly person: Person; readonly sentAt: number },
  data: object,
): object {
  return {
    specversion: '1.0',
    type,
    id: about.id,
    source: `urn:ods:${about.organisation}`,
    subject: about.person.nhsNumber,
    time: instant(about.sentAt),
    datacontenttype: 'application/fhir+json',
    data,
  };
}

const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();
