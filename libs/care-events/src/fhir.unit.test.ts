import type { Resource } from '@weft/domain';
import { fhirProblems, loadFhirDefinitions } from './fhir.js';

const observation = { resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Body height' } };
const patient = { resourceType: 'Patient', id: 'p1' };
const found = (resource: unknown) => fhirProblems(resource as Resource).map(({ field, code }) => `${field} ${code}`);

beforeAll(() => loadFhirDefinitions());

describe('a resource that is FHIR R4', () => {
  it.each([
    ['a bare Observation', observation],
    ['a bare Patient', patient],
    [
      'dates of every precision',
      { ...observation, effectivePeriod: { start: '2024', end: '2024-02-29' }, issued: '2024-02-29T10:00:00.5+01:00' },
    ],
    [
      'an extension on a primitive',
      { ...patient, birthDate: '1970-01', _birthDate: { extension: [{ url: 'urn:x', valueCode: 'y' }] } },
    ],
    ['gaps in a list of primitives', { ...patient, name: [{ given: ['A', null], _given: [null, { id: 'x' }] }] }],
    ['a contained resource', { ...observation, contained: [{ ...patient, gender: 'other' }], subject: { reference: '#p1' } }],
    [
      'a harmless narrative',
      { ...patient, text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">once = 1</div>' } },
    ],
    ['a large attachment', { resourceType: 'Binary', id: 'b', contentType: 'application/pdf', data: 'QUJD'.repeat(200_000) }],
  ])('passes: %s', (_, resource) => expect(found(resource)).toEqual([]));
});

describe('a resource that is not', () => {
  it.each([
    [
      'lacks what is required',
      { resourceType: 'Observation', id: 'o1' },
      ['Observation.status structure', 'Observation.code structure'],
    ],
    ['is of no known type', { resourceType: 'Banana', id: 'b' }, ['Resource.resourceType structure']],
    ['is a mere data type', { resourceType: 'HumanName', family: 'x' }, ['Resource.resourceType structure']],
    ['is of an abstract type', { resourceType: 'DomainResource', id: 'x' }, ['Resource.resourceType structure']],
    ['is named like one of Object’s own', { resourceType: 'constructor' }, ['Resource.resourceType structure']],
    ['has a member that FHIR does not know', { ...patient, favouriteColour: 'red' }, ['Patient.favouriteColour structure']],
    ['has a member named like one of Object’s own', { ...patient, constructor: 'x' }, ['Patient.constructor structure']],
    ['has a code outside its value set', { ...patient, gender: 'M' }, ['Patient.gender code-invalid']],
    [
      'has a code outside its value set, inside',
      { ...patient, link: [{ other: { display: 'x' }, type: 'same' }] },
      ['Patient.link[0].type code-invalid'],
    ],
    ['has a number where an object belongs', { ...observation, code: 3 }, ['Observation.code structure']],
    ['has a text where an object belongs', { ...observation, subject: 'Patient/1' }, ['Observation.subject structure']],
    ['has a number among its contained resources', { ...patient, contained: [3] }, ['Patient.contained[0] structure']],
    [
      'contains what is no resource',
      { ...patient, contained: [{ resourceType: 'Nope' }] },
      ['Patient.contained[0].resourceType structure'],
    ],
    ['says a day that never was', { ...patient, birthDate: '2023-02-29' }, ['Patient.birthDate value']],
    [
      'says a time without its zone',
      { ...observation, effectiveDateTime: '2024-01-01T10:00:00' },
      ['Observation.effectiveDateTime value'],
    ],
    [
      'has script in its narrative',
      { ...patient, text: { status: 'generated', div: '<div><script>x</script></div>' } },
      ['Patient.text.div value'],
    ],
    [
      'has an event handler in its narrative',
      { ...patient, text: { status: 'generated', div: '<div><img src="x" onerror="x"/></div>' } },
      ['Patient.text.div value'],
    ],
    ['has two values of one choice', { ...observation, valueString: 'x', valueInteger: 1 }, ['valueInteger structure']],
    ['has a null', { ...patient, gender: null }, ['Patient.gender structure']],
  ])('is refused because it %s', (_, resource, problems) => {
    expect(found(resource)).toEqual(expect.arrayContaining(problems));
  });

  it('is refused with a problem for each issue', () => {
    const resource = {
      ...observation,
      status: 'done',
      valueQuantity: { value: '3' },
      colour: 'red',
      effectiveDateTime: 'yesterday',
    };
    expect(found(resource).sort()).toEqual([
      'Observation.colour structure',
      'Observation.effective[x] structure',
      'Observation.status code-invalid',
      'Observation.value[x].value structure',
    ]);
  });

  it('is not refused twice for one fault', () => {
    expect(found({ ...observation, code: 'text' })).toEqual(['Observation.code structure']);
  });
});

describe('a Consent', () => {
  it('may carry codes that nobody understands: it counts as deny, and a refusal would leave it unheeded', () => {
    const consent = {
      resourceType: 'Consent',
      id: 'c1',
      status: 'perhaps',
      scope: { text: 'privacy' },
      category: [{ text: 'x' }],
      policy: [{ uri: 'urn:x' }],
      patient: { display: 'x' },
      provision: { type: 'maybe' },
    };
    expect(found(consent)).toEqual([]);
  });
});
