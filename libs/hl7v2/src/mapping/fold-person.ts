import { NHS_NUMBER_SYSTEM } from '@weft/domain';
import type { Body, Fact, Filing } from './facts.js';
import { type Folded, laidOver } from './folded.js';

const UK_CORE = 'https://fhir.hl7.org.uk';

/** A person at the organisation after one more message. A deletion and a replacement last until somebody says anew who it is. */
export function evolvePerson(state: Folded, { action, members }: Fact): Folded {
  const before = state.members;
  switch (action) {
    case 'delete':
      return { ...state, retracted: true };
    case 'replaced':
      return { ...state, members: { ...before, replacedBy: members['by'] } };
    case 'replaces': {
      const old = (before['old'] ?? []) as readonly object[];
      return { ...state, members: { ...before, old: [...old, members['identifier'] as object] } };
    }
    default:
      return { known: true, retracted: false, members: laidOver(before, members) };
  }
}

export function evolveDeath(state: Folded, { members }: Fact): Folded {
  if (members['died'] === true) return { known: true, retracted: false, members };
  return { ...state, retracted: true };
}

interface Birth {
  readonly date: string;
  readonly time?: string;
}

export function patientOf({ members }: Folded, { number, status }: Filing): Body {
  const birth = members['birth'] as Birth | undefined;
  return {
    resourceType: 'Patient',
    extension: members['ethnicity'] && [
      { url: `${UK_CORE}/StructureDefinition/Extension-UKCore-EthnicCategory`, valueCodeableConcept: members['ethnicity'] },
    ],
    identifier: [members['identifier'], ...((members['old'] ?? []) as object[]), nhsNumber(number, status)],
    name: members['names'],
    telecom: [...list(members['telecoms']), ...list(members['workTelecoms'])],
    gender: members['gender'],
    birthDate: birth?.date,
    _birthDate: birth?.time && {
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime: birth.time }],
    },
    address: members['addresses'],
    maritalStatus: members['maritalStatus'],
    contact: members['contacts'],
    communication: members['language'] && [{ language: members['language'] }],
    generalPractitioner: [...list(members['practice']), ...list(members['doctors'])],
  };
}

const list = (value: unknown): object[] => (Array.isArray(value) ? (value as object[]) : value ? [value] : []);

/** UK Core says with a number how far it was traced. */
function nhsNumber(value: string, status: string): object {
  const code = status.startsWith('0') ? status : '02';
  const verification = {
    url: `${UK_CORE}/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus`,
    valueCodeableConcept: { coding: [{ system: `${UK_CORE}/CodeSystem/UKCore-NHSNumberVerificationStatus`, code }] },
  };
  return { extension: status === 'stated' ? undefined : [verification], system: NHS_NUMBER_SYSTEM, value };
}

/** The Patient by whom a death is told. */
export const deathOf = ({ members }: Folded, { number }: Filing): Body => ({
  resourceType: 'Patient',
  identifier: [{ system: NHS_NUMBER_SYSTEM, value: number }],
  ...(typeof members['time'] === 'string' ? { deceasedDateTime: members['time'] } : { deceasedBoolean: true }),
});
