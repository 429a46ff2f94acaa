import { absent, NHS_NUMBER_SYSTEM, type CareEvent, type CareEventType, type Resource } from '@weft/domain';
import type { Change } from './changes.js';
import type { Death, GeneralPractitioner, Person } from './person.js';

/** Of whom, and as whose word, changes are told. */
export interface About {
  readonly nhsNumber: string;
  /** Of the Patient, as Weft tells it apart: no NHS number. */
  readonly patientId: string;
  /** `urn:ods:X26:mns` */
  readonly source: string;
  readonly organisation: string;
  /** RFC 3339 */
  readonly time: string;
}

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const ODS_CODE = 'https://fhir.nhs.uk/Id/ods-organization-code';
const DEATH_STATUS = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus';
const DEATH_STATUSES = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus';

const TYPES: Readonly<Record<Change['is'], CareEventType>> = {
  merged: 'patient-merged-1',
  unmerged: 'patient-unmerged-1',
  died: 'patient-died-1',
  'death-retracted': 'patient-death-retracted-1',
  recorded: 'care-event-recorded-1',
};

/** The care event that tells a change. Names and addresses are not in it: nobody asked for them. */
export function careEventOf(change: Change, id: string, about: About): CareEvent {
  const { nhsNumber, source, organisation, time } = about;
  return { type: TYPES[change.is], id, source, organisation, subject: nhsNumber, time, resource: patientOf(change, about) };
}

function patientOf(change: Change, { nhsNumber, patientId }: About): Resource {
  const patient: Resource = { resourceType: 'Patient', id: patientId, identifier: [identifierOf(nhsNumber)] };
  switch (change.is) {
    case 'merged':
      return { ...patient, link: [replacedBy(change.into)] };
    case 'unmerged':
      return { ...patient, link: [replacedBy(change.from)] };
    case 'died':
      return { ...patient, ...diedOn(change.death) };
    case 'death-retracted':
      return patient;
    case 'recorded':
      return { ...patient, ...said(change.person) };
  }
}

const identifierOf = (value: string) => ({ system: NHS_NUMBER_SYSTEM, value });

const replacedBy = (nhsNumber: string) => ({
  other: { type: 'Patient', identifier: identifierOf(nhsNumber) },
  type: 'replaced-by',
});

function diedOn({ on, status }: Death): Partial<Resource> {
  const coding = [{ system: DEATH_STATUSES, code: status }];
  const extension = [{ url: 'deathNotificationStatus', valueCodeableConcept: { coding } }];
  return { ...(status !== null && { extension: [{ url: DEATH_STATUS, extension }] }), deceasedDateTime: on };
}

/** What PDS withholds of a restricted person is said to be withheld: left out it would be taken for deleted. */
function said({ version, restricted, generalPractitioner }: Person): Partial<Resource> {
  const meta = {
    versionId: String(version),
    ...(restricted !== null && { security: [{ system: CONFIDENTIALITY, code: restricted }] }),
  };
  return {
    meta,
    ...(restricted !== null && { telecom: [WITHHELD], address: [WITHHELD] }),
    ...(generalPractitioner !== null && { generalPractitioner: [practiceOf(generalPractitioner)] }),
  };
}

const WITHHELD = absent('masked');

function practiceOf(practice: GeneralPractitioner | 'withheld'): object {
  if (practice === 'withheld') return WITHHELD;
  const { ods, ...period } = practice;
  const identifier = { system: ODS_CODE, value: ods, ...(Object.keys(period).length > 0 && { period }) };
  return { type: 'Organization', identifier };
}
