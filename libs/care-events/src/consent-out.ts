import { PURPOSES, purposeOfUse, WEFT_PURPOSE_SYSTEM } from '@weft/domain';
import type { Code, Decision, Limit, Provision, Resource } from '@weft/domain';
import { NHS_NUMBER_SYSTEM } from './patient-reference.js';

/** What a Consent is made of: a decision without what its event adds to it, and whom it concerns. */
export type ConsentParts = Pick<Decision, 'consentId' | 'authority' | 'status' | 'decidedAt' | 'decidedBy' | 'provision'> & {
  /** An NHS number. */
  readonly subject: string;
};

/** The FHIR R4 Consent that says a decision: valid R4, and read back by decisionsOfConsent as the same decision. */
export function consentOf(parts: ConsentParts): Resource {
  const patient = { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: parts.subject } };
  const performer = performerOf(parts.decidedBy, patient);
  return {
    resourceType: 'Consent',
    id: parts.consentId,
    status: parts.status === 'active' ? 'active' : 'inactive',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0', display: 'Consent Document' }] }],
    patient,
    ...(parts.decidedAt !== undefined && { dateTime: parts.decidedAt }),
    ...(performer !== null && { performer: [performer] }),
    policy: [{ uri: `urn:weft:authority:${parts.authority}` }],
    provision: provisionOut(parts.provision),
  };
}

function performerOf(decidedBy: Decision['decidedBy'], patient: object): object | null {
  if (decidedBy === 'patient') return patient;
  if (decidedBy === 'not-stated') return null;
  return decidedBy === 'proxy' ? { type: 'RelatedPerson', display: 'proxy' } : { type: 'Organization', display: 'organisation' };
}

function provisionOut({ effect, purposes, limits, from, until, provisions }: Provision): object {
  return {
    type: effect,
    ...((from ?? until) !== undefined && { period: periodOut(effect, { from, until }) }),
    purpose: PURPOSES.filter((purpose) => purposes.includes(purpose)).map((purpose) => ({
      system: WEFT_PURPOSE_SYSTEM,
      code: purposeOfUse[purpose],
    })),
    ...Object.assign({}, ...limits.map((limit) => limitOut(limit, effect))),
    ...(provisions.length > 0 && { provision: provisions.map(provisionOut) }),
  };
}

/** FHIR Period.end is part of the period: of a denial it is the last instant. Of a permission it is the first without. */
function periodOut(
  effect: Provision['effect'],
  { from, until }: { readonly from?: number | undefined; readonly until?: number | undefined },
): object {
  const end = until === undefined ? undefined : instant(effect === 'deny' ? until - 1 : until);
  return { ...(from !== undefined && { start: instant(from) }), ...(end !== undefined && { end }) };
}

/** A member that could not be read is said as something that cannot be. */
function limitOut(limit: Limit, effect: Provision['effect']): object {
  switch (limit.kind) {
    case 'recorded-by':
      return { actor: limit.organisations.map(actorOut) };
    case 'entries':
      return {
        data: limit.entries.map((named) => ({
          meaning: named?.reach ?? 'authoredby',
          reference: { reference: named?.entry ?? '#' },
        })),
      };
    case 'codes':
      return { code: limit.codes.map((code) => (code === null ? { text: 'not understood' } : { coding: [code] })) };
    case 'classes':
      return { class: limit.codes.map(codingOut) };
    case 'labels':
      return { securityLabel: limit.codes.map(codingOut) };
    case 'data-period':
      return { dataPeriod: periodOut(effect, limit) };
    case 'unread':
      return { action: [{ text: 'not understood' }] };
  }
}

const codingOut = (code: Code | null): object => code ?? { display: 'not understood' };

function actorOut(ods: string | null): object {
  const role = ods === null ? 'IRCP' : 'CST';
  return {
    role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: role }] },
    reference: {
      type: 'Organization',
      identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: ods ?? 'unknown' },
    },
  };
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
