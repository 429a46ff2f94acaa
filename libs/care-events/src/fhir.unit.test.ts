import fc from 'fast-check';
import { parseWithDigits } from '@weft/domain';
import { validate } from './fhir-r4/validate.js';
import { fhirProblems } from './fhir.js';

const observation = { resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Body height' } };
const patient = { resourceType: 'Patient', id: 'p1' };
const found = (resource: unknown) => fhirProblems(resource).map(({ field, code }) => `${field} ${code}`);
const told = (resource: unknown) => fhirProblems(resource).map(({ field, message }) => `${field} ${message}`);
const extension = [{ url: 'urn:x', valueCode: 'y' }];

describe('a resource that is FHIR R4', () => {
  it.each([
    ['a bare Observation', observation],
    ['a bare Patient', patient],
    ['no element at all but its type', { resourceType: 'Patient', active: true }],
    [
      'dates of every precision',
      { ...observation, effectivePeriod: { start: '2024', end: '2024-02-29' }, issued: '2024-02-29T10:00:00.5+01:00' },
    ],
    ['a leap second', { ...observation, issued: '2016-12-31T23:59:60Z', valueTime: '23:59:60' }],
    ['an extension on a primitive', { ...patient, birthDate: '1970-01', _birthDate: { extension } }],
    ['an extension in place of a primitive', { ...patient, _birthDate: { extension } }],
    ['gaps in a list of primitives', { ...patient, name: [{ given: ['A', null, 'B'], _given: [null, { extension }] }] }],
    ['an id on a primitive that has a value', { ...patient, birthDate: '1970', _birthDate: { id: 'x' } }],
    ['a contained resource', { ...observation, contained: [{ ...patient, gender: 'other' }], subject: { reference: '#p1' } }],
    [
      'a contained resource that refers to its container',
      {
        resourceType: 'Patient',
        contained: [
          {
            resourceType: 'Provenance',
            id: 'v',
            target: [{ reference: '#' }],
            recorded: '2024-01-01T00:00:00Z',
            agent: [{ who: { display: 'x' } }],
          },
        ],
      },
    ],
    [
      'a harmless narrative',
      { ...patient, text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">once = 1</div>' } },
    ],
    ['a large attachment', { resourceType: 'Binary', id: 'b', contentType: 'application/pdf', data: 'QUJD'.repeat(200_000) }],
    [
      'references to types that the element may refer to',
      { ...observation, subject: { reference: 'https://example.org/fhir/Patient/1/_history/2' } },
    ],
    [
      'references that do not say a type',
      { ...observation, subject: { reference: 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7' } },
    ],
  ])('passes: %s', (_, resource) => expect(found(resource)).toEqual([]));

  it('passes with resources inside that are FHIR R4, each by its own type', () => {
    const inside = (resource: unknown) => ({ resourceType: 'Bundle', type: 'collection', entry: [{ resource }] });
    expect(found(inside(observation))).toEqual([]);
    expect(found(inside({ ...observation, status: 'done' }))).toEqual(['Bundle.entry[0].resource.status code-invalid']);
    expect(found({ resourceType: 'Parameters', parameter: [{ name: 'x', resource: { ...patient, gender: 'M' } }] })).toEqual([
      'Parameters.parameter[0].resource.gender code-invalid',
    ]);
  });
});

describe('a resource that is not', () => {
  it.each([
    [
      'lacks what is required',
      { resourceType: 'Observation', id: 'o1' },
      ['Observation.status required', 'Observation.code required'],
    ],
    [
      'lacks a required choice',
      { resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject: { display: 'x' } },
      ['MedicationRequest.medication required'],
    ],
    [
      'lacks what is required at least once',
      { resourceType: 'Provenance', recorded: '2024-01-01T00:00:00Z' },
      ['Provenance.target required', 'Provenance.agent required'],
    ],
    ['extends an id', { ...patient, _id: { extension } }, ['Patient._id structure']],
    ['is of no known type', { resourceType: 'Banana', id: 'b' }, ['Resource.resourceType structure']],
    ['is a mere data type', { resourceType: 'HumanName', family: 'x' }, ['Resource.resourceType structure']],
    ['is of an abstract type', { resourceType: 'DomainResource', id: 'x' }, ['Resource.resourceType structure']],
    ['is named like one of Object’s own', { resourceType: 'constructor' }, ['Resource.resourceType structure']],
    ['is no object', null, ['Resource structure']],
    ['is a list', [observation], ['Resource structure']],
    ['has a member that FHIR does not know', { ...patient, favouriteColour: 'red' }, ['Patient.favouriteColour structure']],
    ['has a member of a later FHIR', { ...patient, meta: { project: 'x' } }, ['Patient.meta.project structure']],
    ['has a member named like one of Object’s own', { ...patient, constructor: 'x' }, ['Patient.constructor structure']],
    [
      'has the type of a resource where there is none',
      { ...patient, name: [{ text: 'x', resourceType: 'Patient' }] },
      ['Patient.name[0].resourceType structure'],
    ],
    ['extends what has extensions of its own', { ...patient, _name: { extension } }, ['Patient._name structure']],
    ['has a code outside its value set', { ...patient, gender: 'M' }, ['Patient.gender code-invalid']],
    [
      'has a code outside its value set, inside',
      { ...patient, link: [{ other: { display: 'x' }, type: 'same' }] },
      ['Patient.link[0].type code-invalid'],
    ],
    ['extends a code that it does not have', { ...patient, _gender: { extension } }, ['Patient.gender code-invalid']],
    [
      'has text alone where a code is required',
      { resourceType: 'Condition', subject: { display: 'x' }, clinicalStatus: { text: 'active' } },
      ['Condition.clinicalStatus code-invalid'],
    ],
    [
      'has the right code of another system',
      { resourceType: 'Condition', subject: { display: 'x' }, clinicalStatus: { coding: [{ system: 'urn:x', code: 'active' }] } },
      ['Condition.clinicalStatus code-invalid'],
    ],
    ['has a number where an object belongs', { ...observation, code: 3 }, ['Observation.code structure']],
    ['has a text where an object belongs', { ...observation, subject: 'Patient/1' }, ['Observation.subject structure']],
    ['has an object where a text belongs', { ...patient, birthDate: { extension } }, ['Patient.birthDate structure']],
    ['has one where a list belongs', { ...patient, name: { text: 'x' } }, ['Patient.name structure']],
    ['has a list where one belongs', { ...patient, birthDate: ['1970'] }, ['Patient.birthDate structure']],
    ['has a number among its contained resources', { ...patient, contained: [3] }, ['Patient.contained[0] structure']],
    [
      'contains what is no resource',
      { ...patient, contained: [{ resourceType: 'Nope' }] },
      ['Patient.contained[0].resourceType structure'],
    ],
    ['contains what has no id', { ...patient, contained: [{ resourceType: 'Patient' }] }, ['Patient.contained[0].id required']],
    [
      'contains what nothing refers to',
      { ...patient, contained: [{ ...patient, active: true }] },
      ['Patient.contained[0] invariant'],
    ],
    [
      'refers to what it does not contain',
      { ...observation, subject: { reference: '#p1' } },
      ['Observation.subject.reference invariant'],
    ],
    [
      'refers to a type that it may not refer to',
      { ...observation, subject: { reference: 'Medication/1' } },
      ['Observation.subject.reference invariant'],
    ],
    [
      'refers to one that it contains and may not refer to',
      { ...observation, contained: [{ resourceType: 'Medication', id: 'm' }], subject: { reference: '#m' } },
      ['Observation.subject.reference invariant'],
    ],
    ['says a day that never was', { ...patient, birthDate: '2023-02-29' }, ['Patient.birthDate value']],
    [
      'says a time without its zone',
      { ...observation, effectiveDateTime: '2024-01-01T10:00:00' },
      ['Observation.effective.ofType(dateTime) value'],
    ],
    [
      'has script in its narrative',
      { ...patient, text: { status: 'generated', div: '<div><script>x</script></div>' } },
      ['Patient.text.div value'],
    ],
    ['has two values of one choice', { ...observation, valueString: 'x', valueInteger: 1 }, ['Observation.value structure']],
    [
      'extends another choice than it has',
      { ...observation, valueString: 'x', _valueDateTime: { extension } },
      ['Observation.value structure'],
    ],
    ['has a null', { ...patient, gender: null }, ['Patient.gender structure']],
    [
      'has a null in a list that nothing extends',
      { ...patient, name: [{ given: [null] }] },
      ['Patient.name[0].given[0] structure'],
    ],
    [
      'has nothing at a place of a list',
      { ...patient, name: [{ given: [null], _given: [null] }] },
      ['Patient.name[0].given[0] structure'],
    ],
    ['has an empty text', { ...patient, name: [{ family: '' }] }, ['Patient.name[0].family empty']],
    ['has an empty object', { ...patient, maritalStatus: {} }, ['Patient.maritalStatus empty']],
    ['has an object of an id alone', { ...patient, maritalStatus: { id: 'x' } }, ['Patient.maritalStatus empty']],
    ['has an empty list', { ...patient, name: [] }, ['Patient.name empty']],
    [
      'has an extension with value and extensions',
      { ...patient, extension: [{ url: 'urn:x', valueCode: 'y', extension }] },
      ['Patient.extension[0] invariant'],
    ],
    [
      'ends before it begins',
      { ...observation, effectivePeriod: { start: '2025', end: '2024' } },
      ['Observation.effective.ofType(Period) invariant'],
    ],
  ])('is refused because it %s', (_, resource, problems) => {
    expect(found(resource)).toEqual(problems);
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
      'Observation.effective.ofType(dateTime) value',
      'Observation.status code-invalid',
      'Observation.value.ofType(Quantity).value structure',
    ]);
  });

  it('is not refused twice for one fault', () => {
    expect(found({ ...observation, code: 'text' })).toEqual(['Observation.code structure']);
  });

  it('is told what would be right: few codes by name, many by their value set', () => {
    expect(told({ ...patient, gender: 'M' })).toEqual(['Patient.gender must be one of male, female, other, unknown']);
    expect(
      told({
        resourceType: 'CompartmentDefinition',
        url: 'urn:x',
        name: 'X',
        status: 'draft',
        code: 'Patient',
        search: true,
        resource: [{ code: 'X' }],
      }),
    ).toEqual(['CompartmentDefinition.resource[0].code must be one of the codes of resource-types']);
  });

  it('is not told its own values, which may name somebody, nor names of members that are none of FHIR’s', () => {
    const secret = 'Jane Doe 9990000018';
    const resources = [
      ...['status', 'id', 'issued', 'code', 'subject', 'note', 'text', 'contained', 'extension', 'meta'].map((name) => ({
        ...observation,
        [name]: secret,
      })),
      { ...observation, [secret]: 1, JaneDoe: 1, subject: { reference: `#${secret}` }, [`_${secret}`]: {} },
      { resourceType: secret },
    ];
    for (const resource of resources) {
      expect(fhirProblems(resource).length).toBeGreaterThan(0);
      expect(JSON.stringify(fhirProblems(resource))).not.toMatch(/Jane|Doe|999/);
    }
  });

  it('is refused with 50 problems and no more', () => {
    const problems = fhirProblems({ ...patient, extension: Array<number>(9_000).fill(1) });
    expect(problems).toHaveLength(50);
    expect(problems[48]!.field).toBe('Patient.extension[48]');
    expect(problems[49]).toEqual({ field: 'Patient', code: 'more', message: 'has more problems than these 49' });
  });
});

describe('a number', () => {
  const told = (text: string) =>
    fhirProblems(parseWithDigits(`{"resourceType":"Observation","status":"final","code":{"text":"x"},${text}}`)).map(
      ({ field, code }) => `${field} ${code}`,
    );

  it.each(['5.00', '0.010', '1.0e2', '-0', '1E-7', '12345678901234567890.10'])('may be the decimal %s', (digits) =>
    expect(told(`"valueQuantity":{"value":${digits}},"extension":[{"url":"urn:x","valueDecimal":${digits}}]`)).toEqual([]),
  );

  it('may be one of several decimals', () => {
    const roc = '"roc":{"score":[1],"precision":[1.0,0.90],"sensitivity":[1,1e0]}';
    const text = `{"resourceType":"MolecularSequence","coordinateSystem":0,"quality":[{"type":"snp",${roc}}]}`;
    expect(found(parseWithDigits(text))).toEqual([]);
  });

  it.each(['1.0', '1e2', '-0', '1E0', '5.00'])('is no whole number as %s, with a fraction or an exponent', (digits) => {
    const field = 'Observation.value.ofType(integer)';
    expect(told(`"valueInteger":${digits}`)).toEqual([`${field} value`]);
    expect(told(`"valueSampledData":{"origin":{},"period":1,"dimensions":${digits}}`)).toContain(
      'Observation.value.ofType(SampledData).dimensions value',
    );
  });

  it('is refused in a list of whole numbers where one is written as none', () => {
    const item = '{"sequence":1,"careTeamSequence":[1,2.0],"productOrService":{"text":"x"}}';
    expect(found(parseWithDigits(`{"resourceType":"Claim","item":[${item}]}`))).toContain('Claim.item[0].careTeamSequence value');
  });

  it.each([
    ['valueInteger', 'integer', ['2147483648', '-2147483649', '12345678901234567890', '1.5']],
    ['valueUnsignedInt', 'unsignedInt', ['2147483648', '-1']],
    ['valuePositiveInt', 'positiveInt', ['2147483648', '0']],
  ])('is refused as %s beyond the range that R4 has', (name, type, wrong) => {
    for (const digits of wrong) {
      const [problem] = told(`"extension":[{"url":"urn:x","${name}":${digits}}]`);
      expect(problem).toBe(`Observation.extension[0].value.ofType(${type}) value`);
    }
    expect(told(`"extension":[{"url":"urn:x","${name}":2147483647}]`)).toEqual([]);
  });

  it.each(['"5.00"', '"#5.00"', '["5.00"]', 'true', 'null'])('is not %s', (other) =>
    expect(told(`"valueQuantity":{"value":${other}}`)).toEqual(['Observation.value.ofType(Quantity).value structure']),
  );

  it('is in no list of anything else', () => {
    expect(told('"note":[{"text":"x"},1.0]')).toContain('Observation.note[1] structure');
    expect(told('"identifier":[[1.0]]')).toContain('Observation.identifier[0] structure');
  });
});

describe('a validation', () => {
  it('ends at the 50th problem: what is behind it is not even read', () => {
    const members = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x${index}`, 1]));
    const resource = {
      ...patient,
      ...members,
      get name(): never {
        throw new Error('read');
      },
    };
    expect(validate(resource)).toHaveLength(50);
  });
});

describe('what is too large', () => {
  const nested = (levels: number): unknown => (levels === 0 ? { valueCode: 'x' } : { extension: [nested(levels - 1)] });
  it.each([
    ['has too many characters', { ...patient, name: [{ text: 'x'.repeat(21 * 1_048_576) }] }, 'has more than 1048576 characters'],
    ['has too many characters in its names', { ...patient, ['x'.repeat(2_000_000)]: 1 }, 'has more than 1048576 characters'],
    [
      'has a list that is too long',
      { ...patient, extension: Array<unknown>(125_000).fill({}) },
      'has a list of more than 20000 items',
    ],
    [
      'has too many values',
      { ...patient, contact: Array<unknown>(20).fill({ telecom: Array<unknown>(16_500).fill({}) }) },
      'has more than 100000 values',
    ],
    ['is nested too deep', { ...patient, ...(nested(40) as object) }, 'is nested deeper than 64 levels'],
  ])('is refused for that alone, and not validated: %s', (_, resource, message) => {
    expect(fhirProblems(resource)).toEqual([{ field: '', code: 'too-costly', message }]);
  });

  it('is measured against the limits that are given', () => {
    const resource = { ...patient, name: [{ text: 'abc' }] };
    expect(found(resource)).toEqual([]);
    const limits = { characters: 100, depth: 9, items: 9, values: 5 };
    expect(fhirProblems(resource, limits)[0]?.message).toBe('has more than 5 values');
    expect(fhirProblems(resource, { ...limits, values: 6 })).toEqual([]);
  });
});

describe('whatever JSON there is', () => {
  const names = fc.constantFrom(
    'resourceType',
    'id',
    'extension',
    'contained',
    'name',
    '_given',
    'valueString',
    'reference',
    'text',
    'div',
    'coding',
    '__proto__',
    'toString',
    'valueOf',
  );
  const { resource } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('Patient', 'Observation', 'Bundle', '#', '', '<div>', '2024'),
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('resource'),
    ),
    resource: fc.array(fc.tuple(names, tie('value')), { maxLength: 6 }).map((members) => Object.fromEntries(members) as unknown),
  }));

  it('is answered with problems, and never thrown at', () => {
    const types = fc.constantFrom(
      'Patient',
      'Observation',
      'Questionnaire',
      'StructureDefinition',
      'Bundle',
      'Parameters',
      'Consent',
      'CodeSystem',
    );
    fc.assert(
      fc.property(fc.anything(), (value) => expect(fhirProblems(value).length).toBeLessThanOrEqual(50)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(types, resource, (resourceType, members) => {
        const problems = fhirProblems({ ...(members as object), resourceType });
        expect(problems.length).toBeLessThanOrEqual(50);
        for (const { field, code, message } of problems)
          expect([typeof field, typeof code, typeof message]).toEqual(['string', 'string', 'string']);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a Consent', () => {
  const consent = {
    resourceType: 'Consent',
    id: 'c1',
    status: 'active',
    scope: { text: 'privacy' },
    category: [{ text: 'x' }],
    patient: { display: 'x' },
  };

  it('may carry what nobody understands: it counts as deny, and a refusal would leave it unheeded', () => {
    expect(found({ ...consent, status: 'perhaps', provision: { type: 'maybe' } })).toEqual([]);
    expect(found({ ...consent, provision: { period: { start: '2025', end: '2024' }, code: [{}], purpose: [] } })).toEqual([]);
    expect(found({ ...consent, text: {}, provision: { actor: [{}], data: [{}] } })).toEqual([]);
    expect(found({ ...consent, patient: { identifier: { use: 'mine', system: 'urn:uuid:X' } } })).toEqual([]);
    expect(found({ ...consent, organization: [{ reference: 'Patient/1' }, { reference: '#nobody' }] })).toEqual([]);
  });

  it('is refused where it is no resource of FHIR, as any other', () => {
    const { scope: _, ...rest } = consent;
    expect(found({ ...rest, colour: 'red', dateTime: 'yesterday' })).toEqual([
      'Consent.colour structure',
      'Consent.dateTime value',
      'Consent.scope required',
    ]);
  });

  it('spares nobody around it', () => {
    const entry = [{ resource: consent }, { resource: { ...patient, gender: 'M' } }];
    expect(found({ resourceType: 'Bundle', type: 'collection', entry })).toEqual([
      'Bundle.entry[1].resource.gender code-invalid',
    ]);
  });
});
