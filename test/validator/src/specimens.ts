import type { Named } from './files.js';

type Resource = Readonly<Record<string, unknown>> & { readonly resourceType: string };

const DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Seen <b>today</b></p></div>';
const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
const patient = { reference: 'Patient/p1' };

/** Resources that are FHIR R4, and have between them most of what a resource can have. */
const RESOURCES: readonly Resource[] = [
  {
    resourceType: 'Patient',
    id: 'p1',
    meta: {
      versionId: '2',
      lastUpdated: '2026-01-05T10:11:12.345Z',
      source: 'urn:ods:RX901',
      tag: [{ system: 'urn:t', code: 'x' }],
    },
    implicitRules: 'https://example.org/rules',
    language: 'en-GB',
    text: { status: 'generated', div: DIV },
    extension: [
      { url: 'https://example.org/a', valueBoolean: true },
      { url: 'https://example.org/b', extension: [{ url: 'inner', valueDecimal: 1.5 }] },
    ],
    identifier: [
      {
        use: 'official',
        system: 'https://fhir.nhs.uk/Id/nhs-number',
        value: '9990000018',
        period: { start: '2020', end: '2021-02' },
      },
    ],
    active: true,
    name: [
      {
        use: 'official',
        family: 'Example',
        given: ['Ann', null, 'Bea'],
        _given: [null, { extension: [{ url: 'https://example.org/c', valueCode: 'masked' }] }, null],
      },
    ],
    telecom: [{ system: 'phone', value: '0', use: 'home', rank: 1 }],
    gender: 'female',
    birthDate: '1970-02-28',
    _birthDate: { extension: [{ url: 'https://example.org/t', valueDateTime: '1970-02-28T01:02:03Z' }] },
    deceasedDateTime: '2020-01-01T00:00:00+01:00',
    address: [{ use: 'home', type: 'both', line: ['1 Street'], postalCode: 'X1 1XX' }],
    multipleBirthInteger: 2,
    photo: [{ contentType: 'image/png', data: 'QUJDRA==', size: 4, hash: 'QUJD' }],
    contact: [{ relationship: [{ text: 'mother' }], name: { text: 'C' }, gender: 'other' }],
    communication: [{ language: coding('urn:ietf:bcp:47', 'en'), preferred: false }],
    generalPractitioner: [{ type: 'Organization', identifier: { system: 'urn:o', value: '1' } }],
    link: [{ other: { reference: 'Patient/p2' }, type: 'seealso' }],
  },
  {
    resourceType: 'Observation',
    id: 'o1',
    contained: [{ resourceType: 'Practitioner', id: 'who', name: [{ text: 'Dr' }] }],
    modifierExtension: [{ url: 'https://example.org/m', valueString: 'x' }],
    basedOn: [{ reference: 'ServiceRequest/s1' }],
    status: 'final',
    category: [coding(`${TERMINOLOGY}/observation-category`, 'vital-signs')],
    code: {
      coding: [{ system: 'http://loinc.org', version: '1', code: '85354-9', display: 'BP', userSelected: false }],
      text: 'BP',
    },
    subject: patient,
    focus: [{ reference: 'https://example.org/fhir/Device/d1' }],
    effectivePeriod: { start: '2024-02-29T10:00:00Z', end: '2024-02-29T10:05:00+00:00' },
    issued: '2024-02-29T10:06:00.000Z',
    performer: [{ reference: '#who' }],
    dataAbsentReason: coding(`${TERMINOLOGY}/data-absent-reason`, 'unknown'),
    note: [{ authorString: 'me', time: '2024', text: '*text*' }],
    referenceRange: [
      { low: { value: 1, unit: 'mm', system: 'http://unitsofmeasure.org', code: 'mm' }, age: { high: { value: 90 } } },
    ],
    component: [
      {
        code: { text: 'systolic' },
        valueQuantity: { value: 120.5, comparator: '<', unit: 'mmHg' },
        interpretation: [{ text: 'H' }],
      },
      { code: { text: 'wave' }, valueSampledData: { origin: { value: 0 }, period: 1, dimensions: 1, data: '1 2 E' } },
      { code: { text: 'ratio' }, valueRatio: { numerator: { value: 1 }, denominator: { value: 2 } } },
      { code: { text: 'when' }, valueTime: '23:59:60' },
    ],
  },
  {
    resourceType: 'MedicationRequest',
    id: 'm1',
    identifier: [{ system: 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7', value: 'x' }],
    status: 'active',
    intent: 'order',
    priority: 'routine',
    doNotPerform: false,
    medicationCodeableConcept: coding('http://snomed.info/sct', '322236009'),
    subject: patient,
    authoredOn: '2024-03-01',
    instantiatesUri: ['urn:oid:1.2.3'],
    dosageInstruction: [
      {
        sequence: 1,
        text: 'one a day',
        timing: {
          event: ['2024-01-01'],
          repeat: { boundsRange: { low: { value: 1 } }, frequency: 1, period: 1, periodUnit: 'd', dayOfWeek: ['mon'] },
        },
        asNeededBoolean: true,
        doseAndRate: [
          {
            type: { text: 'ordered' },
            doseQuantity: { value: 1 },
            rateRatio: { numerator: { value: 1 }, denominator: { value: 1 } },
          },
        ],
      },
    ],
    dispenseRequest: {
      validityPeriod: { start: '2024' },
      numberOfRepeatsAllowed: 3,
      expectedSupplyDuration: { value: 3, system: 'http://unitsofmeasure.org', code: 'd' },
    },
    substitution: { allowedBoolean: false },
  },
  {
    resourceType: 'Condition',
    id: 'c1',
    clinicalStatus: coding(`${TERMINOLOGY}/condition-clinical`, 'resolved'),
    verificationStatus: coding(`${TERMINOLOGY}/condition-ver-status`, 'confirmed'),
    code: { text: 'x' },
    subject: patient,
    onsetAge: { value: 30, system: 'http://unitsofmeasure.org', code: 'a' },
    abatementString: 'gone',
    stage: [{ summary: { text: 'I' } }],
    evidence: [{ code: [{ text: 'x' }] }],
  },
  {
    resourceType: 'AllergyIntolerance',
    id: 'a1',
    clinicalStatus: coding(`${TERMINOLOGY}/allergyintolerance-clinical`, 'active'),
    type: 'allergy',
    category: ['food', 'medication'],
    criticality: 'high',
    patient,
    reaction: [{ manifestation: [{ text: 'rash' }], severity: 'mild' }],
  },
  {
    resourceType: 'Encounter',
    id: 'e1',
    status: 'finished',
    statusHistory: [{ status: 'arrived', period: { start: '2024-01-01' } }],
    class: { system: `${TERMINOLOGY}/v3-ActCode`, code: 'AMB' },
    subject: patient,
    length: { value: 20, system: 'http://unitsofmeasure.org', code: 'min' },
    location: [{ location: { reference: 'Location/l1' }, status: 'completed' }],
  },
  {
    resourceType: 'DiagnosticReport',
    id: 'd1',
    status: 'final',
    code: { text: 'x' },
    result: [{ reference: 'Observation/o1', display: 'BP' }],
    presentedForm: [{ contentType: 'application/pdf', url: 'https://example.org/x.pdf', creation: '2024-01-01T00:00:00Z' }],
  },
  {
    resourceType: 'QuestionnaireResponse',
    id: 'q1',
    questionnaire: 'https://example.org/q|1.0',
    status: 'completed',
    item: [
      {
        linkId: '1',
        text: 'a',
        answer: [{ valueDate: '2024-01', item: [{ linkId: '1.1', answer: [{ valueCoding: { code: 'x' } }] }] }],
      },
      { linkId: '2', item: [{ linkId: '2.1', answer: [{ valueUri: 'urn:x' }, { valueInteger: -3 }] }] },
    ],
  },
  {
    resourceType: 'Composition',
    id: 'k1',
    status: 'final',
    type: { text: 'x' },
    date: '2024',
    author: [{ display: 'x' }],
    title: 'x',
    confidentiality: 'N',
    section: [{ title: 'a', text: { status: 'additional', div: DIV }, mode: 'snapshot', entry: [patient] }],
  },
  {
    resourceType: 'Consent',
    id: 'n1',
    status: 'active',
    scope: coding(`${TERMINOLOGY}/consentscope`, 'patient-privacy'),
    category: [{ text: 'x' }],
    patient,
    dateTime: '2024-01-02',
    organization: [{ identifier: { use: 'official', system: 'urn:ods', value: 'RX901' } }],
    policyRule: { text: 'x' },
    verification: [{ verified: true, verificationDate: '2024' }],
    provision: {
      type: 'deny',
      period: { start: '2024', end: '2025' },
      purpose: [{ system: 'urn:weft:purpose', code: 'research' }],
      actor: [{ role: { text: 'x' }, reference: { display: 'x' } }],
      data: [{ meaning: 'instance', reference: { reference: 'Observation/o1' } }],
      provision: [{ type: 'permit', code: [{ text: 'x' }] }],
    },
  },
  {
    resourceType: 'Bundle',
    id: 'b1',
    type: 'transaction',
    link: [{ relation: 'self', url: 'https://example.org' }],
    entry: [
      {
        fullUrl: 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7',
        resource: {
          resourceType: 'Immunization',
          id: 'i1',
          status: 'completed',
          vaccineCode: { text: 'x' },
          patient,
          occurrenceString: 'x',
          lotNumber: '1',
        },
        request: { method: 'PUT', url: 'Immunization/i1', ifModifiedSince: '2024-01-01T00:00:00Z' },
      },
      { request: { method: 'DELETE', url: 'Patient/p9' } },
    ],
  },
  {
    resourceType: 'Parameters',
    id: 'r1',
    parameter: [
      { name: 'a', valueCanonical: 'https://example.org|1' },
      { name: 'b', resource: { resourceType: 'Basic', id: 'x', code: { text: 'x' }, created: '2024-01-01' } },
      {
        name: 'c',
        part: [
          { name: 'd', valueUuid: 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7' },
          { name: 'e', valueOid: 'urn:oid:1.2' },
        ],
      },
      { name: 'f', valueUnsignedInt: 0 },
      { name: 'g', valuePositiveInt: 1 },
      { name: 'h', valueMarkdown: '# x' },
      { name: 'i', valueId: 'x-1' },
      { name: 'j', valueUrl: 'https://example.org' },
    ],
  },
];

export const SPECIMENS: readonly Named[] = RESOURCES.map((resource) => ({ name: resource.resourceType, resource }));
