import type { Resource } from '../vocabulary.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import { PROJECTIONS } from './projection.js';

const NHS = '9990229546';
const pseudonyms: Pseudonyms = { patient: 'PATIENT-KEY', of: (text) => `p(${text.replace(NHS, 'NUMBER')})` };

function present(resource: Resource): PresentEntry {
  return {
    id: `Y90001/${resource.resourceType}/${resource.id}`,
    organisation: 'Y90001',
    resourceType: resource.resourceType,
    occurredAt: '2021-05-17T10:11:12+01:00',
    recordedAt: '2026-01-01T00:00:00Z',
    eventTime: Date.parse('2026-01-01T00:00:00Z'),
    resource,
  };
}

const seen = (purpose: string, resource: Resource) => {
  const projection = PROJECTIONS.find((candidate) => candidate.purpose === purpose);
  return projection?.sees(resource) ? projection.project(present(resource), pseudonyms) : null;
};

const patient: Resource = {
  resourceType: 'Patient',
  id: NHS,
  identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: NHS }],
  name: [{ family: 'Runte', given: ['Isabel'] }],
  telecom: [{ value: '0113 496 0000' }],
  text: { status: 'generated', div: '<div>Isabel Runte</div>' },
  gender: 'female',
  birthDate: '1953-11-17',
  address: [{ line: ['1 High Street'], city: 'Leeds', postalCode: 'ls1 4ap' }],
  extension: [{ url: 'http://x', valueString: 'Isabel' }],
};

const observation: Resource = {
  resourceType: 'Observation',
  id: 'o1',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8480-6', display: 'said by Isabel' }], text: 'Isabel said' },
  subject: { reference: `Patient/${NHS}`, display: 'Isabel Runte' },
  encounter: { reference: 'urn:uuid:6f9e', display: 'Visit of Isabel' },
  performer: [{ display: 'Dr Jones' }],
  effectiveDateTime: '2021-05-17T10:11:12+01:00',
  valueQuantity: { value: 120, unit: 'Isabel', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
  note: [{ text: 'Isabel was upset' }],
};

describe.each(['population-health', 'research'])('what %s sees', (purpose) => {
  it.each([patient, observation])('has no name, number, address, narrative or free text in it ($resourceType)', (resource) => {
    expect(JSON.stringify(seen(purpose, resource))).not.toMatch(/Isabel|Runte|9990229546|0113|High Street|Leeds|4AP|Jones/i);
  });

  it('has keys of its own for the patient, the entry and what it refers to', () => {
    expect(seen(purpose, observation)).toMatchObject({
      id: 'p(PATIENT-KEY Y90001/Observation/o1)',
      resource: {
        subject: { reference: 'Patient/PATIENT-KEY' },
        encounter: { reference: 'Encounter/p(PATIENT-KEY Y90001/Encounter/6f9e)' },
      },
    });
  });

  it('leaves out resource types and fields that nobody listed', () => {
    expect(seen(purpose, { resourceType: 'DocumentReference', id: 'd', description: 'Isabel' })).toBeNull();
    expect(seen(purpose, { ...observation, valueString: 'Isabel', somethingNew: 'Isabel' })?.resource).not.toHaveProperty(
      'somethingNew',
    );
  });

  it('takes no text in disguise for a code', () => {
    const disguised = {
      ...observation,
      status: 'Isabel was upset',
      code: { coding: [{ system: 'http://x', code: 'Isabel was upset' }] },
    };
    expect(JSON.stringify(seen(purpose, disguised))).not.toContain('Isabel');
  });
});

describe('dates and places', () => {
  it('are known to population health by month, birth year and postcode district', () => {
    expect(seen('population-health', observation)?.resource).toMatchObject({ effectiveDateTime: '2021-05' });
    expect(seen('population-health', patient)?.resource).toMatchObject({ birthDate: '1953', address: [{ postalCode: 'LS1' }] });
    expect(seen('population-health', observation)).toMatchObject({
      organisation: 'Y90001',
      occurredAt: '2021-05',
      recordedAt: '2026-01',
    });
  });

  it('are known to research by year, five-year birth band, and no organisation', () => {
    expect(seen('research', observation)?.resource).toMatchObject({ effectiveDateTime: '2021' });
    expect(seen('research', patient)?.resource).toMatchObject({ birthDate: '1950' });
    expect(seen('research', observation)).toMatchObject({
      organisation: 'p(PATIENT-KEY Y90001)',
      occurredAt: '2021',
      recordedAt: '2026',
    });
  });
});

const kept = (resource: Resource) => seen('research', resource)?.resource;
const weighed = (valueQuantity: object) => kept({ ...observation, valueQuantity });
const MASKED_VALUE = { dataAbsentReason: { coding: [{ code: 'masked' }] } };
const SNOMED = 'http://snomed.info/sct';
const HL7 = 'http://terminology.hl7.org/CodeSystem';
const coded = (system: string, code: string) => ({ coding: [{ system, code }] });
const condition: Resource = {
  resourceType: 'Condition',
  id: 'c',
  clinicalStatus: coded(`${HL7}/condition-clinical`, 'active'),
  verificationStatus: coded(`${HL7}/condition-ver-status`, 'refuted'),
  code: coded(SNOMED, '44054006'),
};
const request: Resource = {
  resourceType: 'MedicationRequest',
  id: 'm',
  status: 'active',
  intent: 'order',
  doNotPerform: true,
  medicationCodeableConcept: coded(SNOMED, '322236009'),
};

describe('what changes the meaning of an entry', () => {
  it.each<[string, Resource, object]>([
    [
      'that it is less than a number',
      { ...observation, valueQuantity: { value: 70, comparator: '<' } },
      { valueQuantity: { comparator: '<' } },
    ],
    ['that a medicine is not to be given', request, { doNotPerform: true }],
    ['that a diagnosis is refuted', condition, { verificationStatus: { coding: [{ code: 'refuted' }] } }],
    [
      'that a dose was weaker',
      { resourceType: 'Immunization', id: 'i', status: 'completed', isSubpotent: true },
      { isSubpotent: true },
    ],
    [
      'why there is no value',
      { ...observation, valueQuantity: undefined, dataAbsentReason: coded(`${HL7}/data-absent-reason`, 'error') },
      { dataAbsentReason: { coding: [{ code: 'error' }] } },
    ],
    ['that somebody died, at a time that is not told', { ...patient, deceasedDateTime: '1907-03-11' }, { deceasedBoolean: true }],
    ['that a Patient is not in use', { ...patient, active: false }, { active: false }],
  ])('is kept: %s', (_, resource, expected) => expect(kept(resource)).toMatchObject(expected));

  it.each<[string, Resource]>([
    ['an extension that says so', { ...observation, modifierExtension: [{ url: 'urn:not', valueBoolean: true }] }],
    [
      'an extension of a part that says so',
      { ...observation, component: [{ code: {}, modifierExtension: [{ url: 'urn:not' }] }] },
    ],
    ['rules of its own', { ...observation, implicitRules: 'urn:rules' }],
    ['that it is measured of somebody else', { ...observation, focus: [{ reference: 'RelatedPerson/r' }] }],
    ['a verification status in words', { ...condition, verificationStatus: { text: 'not at all' } }],
    ['a status that FHIR does not have', { ...observation, status: 'isabel-was-upset' }],
    ['a status with an extension for a value', { ...observation, status: undefined, _status: { extension: [] } }],
    ['another Patient that replaces it', { ...patient, link: [{ type: 'replaced-by', other: { reference: 'Patient/2' } }] }],
  ])('leaves the entry out where it cannot be told: %s', (_, resource) => expect(kept(resource)).toBeUndefined());
});

describe('numbers', () => {
  const UCUM = { system: 'http://unitsofmeasure.org' };
  it.each([
    ['by what the unit needs', { value: 71.00418833, ...UCUM, code: 'kg' }, { value: 71, ...UCUM, code: 'kg' }],
    [
      'by what the code measures',
      { value: 251, ...UCUM, code: 'mm[Hg]' },
      { value: 220, comparator: '>=', ...UCUM, code: 'mm[Hg]' },
    ],
    ['in a unit that is given as text', { value: 71.004, unit: 'kg' }, { value: 71, ...UCUM, code: 'kg' }],
    ['in a unit with a name of old', { value: 120, unit: 'mmHg' }, { value: 120, ...UCUM, code: 'mm[Hg]' }],
  ])('are rounded %s', (_, quantity, told) => expect(weighed(quantity)).toMatchObject({ valueQuantity: told }));

  it.each([
    ['in a unit that is not known', { value: 71.004, unit: 'Isabels' }],
    ['in a unit that is made up', { value: 71.004, ...UCUM, code: 'kg{Isabel}' }],
    ['in a unit of a sender’s own', { value: 71.004, system: 'https://trust.example', code: 'kg' }],
    ['of which it is not known how they compare', { value: 71, comparator: '~', ...UCUM, code: 'kg' }],
  ])('are masked %s', (_, quantity) => {
    expect(weighed(quantity)).toMatchObject(MASKED_VALUE);
    expect(weighed(quantity)).not.toHaveProperty('valueQuantity');
  });

  it('are said to be masked where the value is text', () => {
    expect(kept({ ...observation, valueQuantity: undefined, valueString: 'Isabel' })).toMatchObject(MASKED_VALUE);
  });
});

describe('what R4 requires and may not be told', () => {
  it.each([
    ['Goal', 'description', { resourceType: 'Goal', id: 'g', lifecycleStatus: 'active', description: { text: 'Isabel walks' } }],
    ['Observation', 'code', { ...observation, code: { text: 'Isabel' } }],
    [
      'MedicationRequest',
      'medicationCodeableConcept',
      { ...request, medicationCodeableConcept: undefined, medicationReference: { display: 'x' } },
    ],
    [
      'Immunization',
      '_occurrenceDateTime',
      { resourceType: 'Immunization', id: 'i', status: 'completed', occurrenceString: 'Isabel' },
    ],
  ])('stands masked: %s.%s', (_, field, resource) => {
    expect(kept(resource)?.[field]).toEqual({
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
    });
  });
});

describe('times by which a person could be found', () => {
  it.each([
    ['long ago', '1951-05-17', undefined],
    ['to come', '2093-05-17', undefined],
    ['of late', '2019-05-17', '2019'],
  ])('%s', (_, effectiveDateTime, told) => expect(kept({ ...observation, effectiveDateTime })?.['effectiveDateTime']).toBe(told));

  it.each([
    ['population-health', '1911-02-03', '1936'],
    ['population-health', '1937-02-03', '1937'],
    ['research', '1911-02-03', '1935'],
  ])('are no births more than ninety years before: %s', (purpose, birthDate, told) =>
    expect(seen(purpose, { ...patient, birthDate })?.resource).toMatchObject({ birthDate: told }),
  );
});

describe('where somebody lives', () => {
  const home = { use: 'home', postalCode: 'LS1 4AP' };
  it.each([
    ['the home, not where post goes or a holiday is spent', [{ use: 'temp', postalCode: 'ZE1 0AA' }, home], 'LS1'],
    ['the present home', [{ ...home, postalCode: 'ZE1 0AA', period: { end: '2020' } }, home], 'LS1'],
    ['nowhere, of two homes', [home, { ...home, postalCode: 'ZE1 0AA' }], undefined],
    ['nowhere, of an old home', [{ ...home, use: 'old' }], undefined],
    ['nowhere, of a district that there is not', [{ ...home, postalCode: 'QX7 4AP' }], undefined],
  ])('%s', (_, address, district) => {
    const told = kept({ ...patient, address })?.['address'] as { postalCode: string }[] | undefined;
    expect(told?.map(({ postalCode }) => postalCode)).toEqual(district === undefined ? undefined : [district]);
  });
});

describe('care coordination', () => {
  it.each([
    ['Encounter', 'in-progress', true],
    ['Encounter', 'finished', false],
    ['CarePlan', 'active', true],
    ['CarePlan', 'completed', false],
    ['Appointment', 'booked', true],
    ['Appointment', 'fulfilled', false],
    ['ServiceRequest', 'active', true],
    ['Flag', 'inactive', false],
    ['Observation', 'final', false],
  ])('%s %s: %s', (resourceType, status, expected) => {
    expect(seen('care-coordination', { resourceType, id: 'x', status }) !== null).toBe(expected);
  });

  it('follows a goal by its lifecycle status', () => {
    expect(seen('care-coordination', { resourceType: 'Goal', id: 'g', lifecycleStatus: 'accepted' })).not.toBeNull();
    expect(seen('care-coordination', { resourceType: 'Goal', id: 'g', lifecycleStatus: 'completed' })).toBeNull();
  });
});

describe('direct care', () => {
  it('carries the resource whole', () => {
    expect(seen('direct-care', patient)?.resource).toBe(patient);
  });
});
