import type { Organisation, Resource } from '@weft/domain';
import { acceptEvent } from './accept-event.js';
import { somebodyElseProblems } from './somebody-else.js';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const [SUBJECT, OTHER] = ['9990033471', '9990079196'];
const numbered = (value: string) => ({ identifier: { system: NHS, value } });
const patient = (value: string) => ({ resourceType: 'Patient', id: 'p', identifier: [{ system: NHS, value }] });
const elsewhere = (resource: object) => somebodyElseProblems(SUBJECT, resource as Resource).map(({ field }) => field);

describe('somebody else, in every place where R4 names the patient', () => {
  it.each<[string, object, string]>([
    ['an AppointmentResponse', { actor: numbered(OTHER) }, 'AppointmentResponse.actor'],
    ['a Provenance', { target: [{ reference: 'Observation/1' }, { reference: `Patient/${OTHER}` }] }, 'Provenance.target[1]'],
    ['a List', { subject: numbered(OTHER) }, 'List.subject'],
    ['a Composition', { subject: numbered(OTHER) }, 'Composition.subject'],
    ['a Coverage', { beneficiary: numbered(OTHER) }, 'Coverage.beneficiary'],
    ['a ResearchSubject', { individual: numbered(OTHER) }, 'ResearchSubject.individual'],
    ['an EnrollmentRequest', { candidate: numbered(OTHER) }, 'EnrollmentRequest.candidate'],
    ['a Task', { for: numbered(OTHER) }, 'Task.for'],
    ['a SupplyRequest', { deliverTo: numbered(OTHER) }, 'SupplyRequest.deliverTo'],
    ['an AuditEvent', { entity: [{ what: numbered(OTHER) }] }, 'AuditEvent.entity[0].what'],
    ['a Group', { member: [{ entity: numbered(OTHER) }] }, 'Group.member[0].entity'],
  ])('of %s', (name, more, field) => {
    const [, resourceType] = name.split(' ');
    expect(elsewhere({ resourceType, ...more })).toEqual([field]);
  });

  it.each([
    ['a conditional reference', `Patient?identifier=${NHS}|${OTHER}`],
    ['an encoded one', `Patient?identifier=${encodeURIComponent(`${NHS}|${OTHER}`)}`],
    ['one with more to it', `Patient?birthdate=1950-01-01&identifier=${NHS}|${OTHER}`],
    ['one with its address', `https://epr.example/fhir/Patient?identifier=${NHS}|${OTHER}`],
    ['one whose number is none', `Patient?identifier=${NHS}|12345`],
    ['PDS', `https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/${OTHER}`],
    ['a version', `Patient/${OTHER}/_history/2`],
  ])('by %s', (_, reference) => {
    expect(elsewhere({ resourceType: 'Observation', subject: { reference } })).toEqual(['Observation.subject']);
  });

  it('is nobody who took part in what happened to the subject, and whoever took part where nobody else is named', () => {
    const performer = [numbered(OTHER)];
    expect(elsewhere({ resourceType: 'Observation', subject: numbered(SUBJECT), performer })).toEqual([]);
    expect(elsewhere({ resourceType: 'Observation', performer })).toEqual(['Observation.performer[0]']);
  });
});

describe('somebody else within a resource', () => {
  it.each<[string, object, string]>([
    [
      'a contained Patient to whom nothing refers as the subject',
      { resourceType: 'Observation', contained: [patient(OTHER)], subject: numbered(SUBJECT) },
      'Observation.contained[0].identifier',
    ],
    [
      'a contained RelatedPerson of another patient',
      { resourceType: 'Appointment', contained: [{ resourceType: 'RelatedPerson', id: 'r', patient: numbered(OTHER) }] },
      'Appointment.contained[0].patient',
    ],
    [
      'an entry of a Bundle in Parameters',
      {
        resourceType: 'Parameters',
        parameter: [
          {
            part: [
              { resource: { resourceType: 'Bundle', entry: [{ resource: patient(SUBJECT) }, { resource: patient(OTHER) }] } },
            ],
          },
        ],
      },
      'Parameters.parameter[0].part[0].resource.entry[1].resource.identifier',
    ],
    [
      'an entry of a contained Bundle',
      {
        resourceType: 'Composition',
        subject: numbered(SUBJECT),
        contained: [
          {
            resourceType: 'Bundle',
            entry: [{ resource: { resourceType: 'Condition', subject: { reference: `Patient/${OTHER}` } } }],
          },
        ],
      },
      'Composition.contained[0].entry[0].resource.subject',
    ],
  ])('is told by its place: %s', (_, resource, field) => expect(elsewhere(resource)).toEqual([field]));

  it('may be the subject by a number of theirs', () => {
    const identifier = [SUBJECT, OTHER].map((value) => ({ system: NHS, value }));
    expect(elsewhere({ resourceType: 'Observation', contained: [{ resourceType: 'Patient', id: 'p', identifier }] })).toEqual([]);
  });

  it('is refused without repeating the number', () => {
    const organisations = new Map<string, Organisation>([['RX901', { ods: 'RX901', name: 'Acute', kind: 'acute' }]]);
    const attributes = {
      specversion: '1.0',
      id: 'a-1',
      source: 'urn:ods:RX901',
      type: 'care-event-recorded-1',
      subject: SUBJECT,
      time: '2026-03-01T11:59:00Z',
      datacontenttype: 'application/fhir+json',
    };
    const resource = { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, contained: [patient(OTHER)] };
    const received = { attributes, data: { ok: true as const, event: { ...resource, subject: { reference: '#p' } } } };
    const reading = acceptEvent(
      { ...received, bytes: new Uint8Array() },
      { organisations, now: Date.parse('2026-03-01T12:00:00Z') },
    );
    expect(reading.ok ? [] : reading.problems.map(({ field, code }) => `${field} ${code}`)).toEqual([
      'Observation.contained[0].identifier somebody-else',
    ]);
    expect(JSON.stringify(reading)).not.toContain(OTHER);
  });
});
