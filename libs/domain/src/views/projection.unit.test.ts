import type { Resource } from '../vocabulary.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import { PROJECTIONS } from './projection.js';

const pseudonyms: Pseudonyms = { patient: 'PATIENT-KEY', of: (text) => `p(${text.length})` };
const NHS = '9990229546';

function present(resource: Resource): PresentEntry {
  return {
    id: `Y90001/${resource.resourceType}/${resource.id}`,
    organisation: 'Y90001',
    resourceType: resource.resourceType,
    occurredAt: '2021-05-17T10:11:12+01:00',
    recordedAt: '2026-01-01T00:00:00Z',
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
      id: 'p(21)',
      resource: { subject: { reference: 'Patient/PATIENT-KEY' }, encounter: { reference: 'Encounter/p(21)' } },
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
    expect(seen('research', observation)).toMatchObject({ organisation: 'p(6)', occurredAt: '2021', recordedAt: '2026' });
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
