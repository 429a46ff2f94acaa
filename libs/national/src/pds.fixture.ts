import type { Resource } from '@weft/domain';
import type { PersonAsKept } from '@weft/testing';
import { type Answer, type Demographics, NoAnswer } from './ports.js';

type Fault = { readonly status: number; readonly retryAfter: number };

/** PDS in memory. */
export class FakePds implements Demographics {
  /** Whom it was asked for. */
  readonly asked: string[] = [];
  private readonly people = new Map<string, PersonAsKept & { readonly version: number }>();
  private readonly faults = new Map<string, Fault>();

  put(person: PersonAsKept): void {
    const version = person.version ?? (this.people.get(person.nhsNumber)?.version ?? 0) + 1;
    this.people.set(person.nhsNumber, { ...person, version });
  }

  fail({ nhsNumber = '*', status, retryAfter = 0 }: { nhsNumber?: string; status?: number; retryAfter?: number }): void {
    if (status === undefined) this.faults.delete(nhsNumber);
    else this.faults.set(nhsNumber, { status, retryAfter });
  }

  async patient(nhsNumber: string): Promise<Answer> {
    this.asked.push(nhsNumber);
    const fault = this.faults.get(nhsNumber) ?? this.faults.get('*');
    if (fault !== undefined) {
      const { status, retryAfter } = fault;
      throw new NoAnswer(`answers nothing of a person (HTTP ${status})`, status === 408 || status >= 500, retryAfter * 1_000);
    }
    let found = this.people.get(nhsNumber);
    while (found?.supersededBy !== undefined) found = this.people.get(found.supersededBy);
    if (found === undefined) return { says: 'not-found' };
    if (found.invalidated === true) return { says: 'invalidated' };
    return { says: 'patient', nhsNumber: found.nhsNumber, version: found.version, patient: patientOf(found) };
  }
}

function patientOf(person: Omit<PersonAsKept, 'supersededBy' | 'invalidated'>): Resource {
  const { nhsNumber, security = 'U', deceasedDateTime, deathNotificationStatus: code, generalPractitioner: value } = person;
  const status = { url: 'deathNotificationStatus', valueCodeableConcept: { coding: [{ code }] } };
  const url = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus';
  const identifier = { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value, period: { start: '2020-01-01' } };
  return {
    ...{ resourceType: 'Patient', id: nhsNumber, meta: { security: [{ code: security }] } },
    name: [{ family: 'Somebody' }],
    ...(deceasedDateTime !== undefined && { deceasedDateTime }),
    ...(code !== undefined && { extension: [{ url, extension: [status] }] }),
    ...(value !== undefined && security === 'U' && { generalPractitioner: [{ type: 'Organization', identifier }] }),
    ...(security === 'U' && { address: [{ postalCode: 'ZZ99 9ZZ' }], telecom: [{ value: '01632 960000' }] }),
  };
}
