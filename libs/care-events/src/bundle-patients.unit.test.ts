import type { Resource } from '@weft/domain';
import type { BundleEntry } from './bundle-names.js';
import { indexPatients, subjectsOf } from './bundle-patients.js';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const [ANNE, BEN] = ['9990033471', '9990079196'];
const [URN_ANNE, URN_BEN] = ['urn:uuid:11111111-1111-4111-8111-111111111111', 'urn:uuid:22222222-2222-4222-8222-222222222222'];
const patient = (value: string, more: object = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system: NHS, value }],
  ...more,
});

type Given = Readonly<Record<string, unknown>>;
const entryOf = (resource: Given, index: number, fullUrl?: string): BundleEntry => ({
  index,
  resource: resource as unknown as Resource,
  ...(fullUrl !== undefined && { fullUrl }),
});
/** Whose the resource is, or what is wrong, in a Bundle of Anne and Ben by urn:uuid and of what else is given. */
function whose(resource: Given, ...others: BundleEntry[]): string {
  const entries = [entryOf(patient(ANNE), 0, URN_ANNE), entryOf(patient(BEN), 1, URN_BEN), ...others];
  const found = subjectsOf(resource as unknown as Resource, indexPatients([...entries, entryOf(resource, 9)]));
  return found.ok ? found.subject : `${found.problem.field} ${found.problem.code}`;
}
const ben = { reference: URN_BEN };

describe('whose a resource of a Bundle is', () => {
  it.each<[string, object]>([
    ['Appointment', { participant: [{ actor: { reference: 'Practitioner/1' } }, { actor: ben }] }],
    ['AppointmentResponse', { actor: ben }],
    ['Provenance', { target: [ben] }],
    ['List', { subject: ben }],
    ['List', { source: ben }],
    ['Composition', { subject: ben, author: [{ reference: URN_ANNE }] }],
    ['Composition', { author: [ben] }],
    ['Task', { for: ben }],
    ['Basic', { subject: ben }],
    ['SupplyRequest', { deliverTo: ben }],
    ['Group', { member: [{ entity: ben }] }],
    ['Observation', { performer: [ben] }],
    ['Coverage', { beneficiary: ben, subscriber: { reference: URN_ANNE } }],
  ])('is told by urn:uuid in the places of a %s: %j', (resourceType, more) => {
    expect(whose({ resourceType, ...more })).toBe(BEN);
  });

  it.each([
    ['a conditional reference', `Patient?identifier=${NHS}|${BEN}`],
    ['one with its address', `https://epr.example/fhir/Patient?identifier=${encodeURIComponent(`${NHS}|${BEN}`)}`],
    ['PDS', `https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/${BEN}`],
    ['a version on PDS', `https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/${BEN}/_history/4`],
    ['the sandbox of PDS', `https://sandbox.api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/${BEN}`],
    ['the integration environment of PDS', `https://int.api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/${BEN}`],
    ['an NHS number as the id', `Patient/${BEN}`],
    ['a version of it', `Patient/${BEN}/_history/1`],
    ['a urn:uuid with a version', `${URN_BEN}/_history/1`],
  ])('is told by %s', (_, reference) => {
    expect(whose({ resourceType: 'Observation', subject: { reference } })).toBe(BEN);
  });

  it.each<[string, object]>([
    ['another server’s Patient, whatever its id', { reference: `https://epr.example/fhir/Patient/${BEN}` }],
    [
      'a server that only looks like PDS',
      { reference: `https://api.service.nhs.uk.example/personal-demographics/FHIR/R4/Patient/${BEN}` },
    ],
    ['a Patient who is not there', { reference: 'Patient/elsewhere' }],
    ['a urn:uuid that is not there', { reference: 'urn:uuid:33333333-3333-4333-8333-333333333333' }],
    ['nothing but a name', { display: 'Ben' }],
  ])('is not told by %s', (_, subject) => {
    expect(whose({ resourceType: 'Observation', subject })).toBe('Observation.subject.reference unknown-patient');
  });

  it('is told by an identifier of the sender’s that a Patient of the Bundle has, and by no other', () => {
    const mrn = { system: 'https://trust.example/mrn', value: 'M1' };
    const known = entryOf({ ...patient(BEN, { id: 'b' }), identifier: [{ system: NHS, value: BEN }, mrn] }, 2);
    const subject = { reference: 'Patient?identifier=https://trust.example/mrn|M1' };
    expect(whose({ resourceType: 'Observation', subject }, known)).toBe(BEN);
    expect(whose({ resourceType: 'Observation', subject: { type: 'Patient', identifier: mrn } }, known)).toBe(BEN);
    expect(
      whose({ resourceType: 'Observation', subject: { reference: 'Patient?identifier=https://trust.example/mrn|M2' } }, known),
    ).toBe('Observation.subject.reference unknown-patient');
  });

  it('is told by an address with or without its version, in the fullUrl and in the reference', () => {
    const versioned = entryOf(patient(BEN), 2, 'https://epr.example/fhir/Patient/7/_history/3');
    for (const reference of ['https://epr.example/fhir/Patient/7', 'https://epr.example/fhir/Patient/7/_history/9'])
      expect(whose({ resourceType: 'Observation', subject: { reference } }, versioned)).toBe(BEN);
  });

  it('is not told by another server’s resource of the same id', () => {
    const there = entryOf(patient(BEN, { id: '7' }), 2, 'https://epr.example/fhir/Patient/7');
    const subject = { reference: 'https://pas.example/fhir/Patient/7' };
    expect(whose({ resourceType: 'Observation', subject }, there)).toBe('Observation.subject.reference unknown-patient');
  });

  it('is told by what it refers to, where it names nobody itself', () => {
    const observation = entryOf({ resourceType: 'Observation', id: 'o', subject: ben }, 2);
    const target = [{ reference: 'Observation/o' }];
    expect(whose({ resourceType: 'Provenance', target }, observation)).toBe(BEN);
    expect(whose({ resourceType: 'Specimen', request: target }, observation)).toBe(BEN);
    expect(whose({ resourceType: 'Provenance', target: [...target, { reference: URN_ANNE }] }, observation)).toBe(
      'Provenance ambiguous',
    );
  });

  it('is nobody’s where nothing of a patient is referred to', () => {
    expect(whose({ resourceType: 'Practitioner', id: 'x' })).toBe('Practitioner no-patient');
    expect(whose({ resourceType: 'Specimen', id: 'x', subject: { reference: 'Location/1' } })).toBe('Specimen no-patient');
  });
});
