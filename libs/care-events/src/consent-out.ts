import { purposeOfUse } from '@weft/domain';
import type { Decision, Provision, Resource } from '@weft/domain';
import { NHS_NUMBER_SYSTEM } from './patient-reference.js';

/** What a Consent is made of: a decision without what its event adds to it, and whom it concerns. */
export type ConsentParts = Pick<
  Decision,
  'consentId' | 'authority' | 'status' | 'decidedAt' | 'decidedBy' | 'provision' | 'exceptions'
> & {
  /** An NHS number. */
  readonly subject: string;
};

const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

/** The FHIR R4 Consent that says a decision: valid R4, and read back by decisionOfConsent as the same decision. */
export function consentOf(parts: ConsentParts): Resource {
  const patient = { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: parts.subject } };
  return {
    resourceType: 'Consent',
    id: parts.consentId,
    status: parts.status === 'active' ? 'active' : 'inactive',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0', display: 'Consent Document' }] }],
    patient,
    dateTime: parts.decidedAt,
    performer: [performerOf(parts.decidedBy, patient)],
    policy: [{ uri: `urn:weft:authority:${parts.authority}` }],
    provision: {
      ...provisionOf(parts.provision),
      ...(parts.exceptions.length > 0 && { provision: parts.exceptions.map(provisionOf) }),
    },
  };
}

function performerOf(decidedBy: string, patient: object): object {
  if (decidedBy === 'patient') return patient;
  return decidedBy === 'proxy' ? { type: 'RelatedPerson', display: 'proxy' } : { type: 'Organization', display: 'organisation' };
}

function provisionOf({ effect, purposes, organisations, entries, categories, from, until }: Provision): object {
  const period = { ...(from !== undefined && { start: instant(from) }), ...(until !== undefined && { end: instant(until) }) };
  return {
    type: effect,
    ...((from ?? until) !== undefined && { period }),
    ...(organisations && { actor: organisations.map(actorOf) }),
    purpose: purposes.map((purpose) => ({ system: ACT_REASON, code: purposeOfUse[purpose] })),
    ...(categories && { class: categories.map((code) => ({ code })) }),
    ...(entries && { data: entries.map((reference) => ({ meaning: 'instance', reference: { reference } })) }),
  };
}

function actorOf(ods: string): object {
  return {
    role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleClass', code: 'PROV' }] },
    reference: { type: 'Organization', identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: ods } },
  };
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
