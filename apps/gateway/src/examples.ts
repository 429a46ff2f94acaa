import { CLOUD_EVENT_JSON, CLOUD_EVENTS_BATCH_JSON, FHIR_JSON, NHS_NUMBER_SYSTEM } from '@weft/care-events';

/** What the gateway is sent and answers, whole, as /docs shows it. Everything here is about nobody: numbers of the range kept for tests. */

const ADA = '9990000018';
const BERT = '9990000026';
const numberOf = (value: string) => ({ system: NHS_NUMBER_SYSTEM, value });
const person = (value: string) => ({ type: 'Patient', identifier: numberOf(value) });
const concept = (code: string, display: string) => ({ coding: [{ system: 'http://snomed.info/sct', code, display }] });

const condition = {
  resourceType: 'Condition',
  id: 'c-17',
  meta: { versionId: '1' },
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
  code: concept('38341003', 'Hypertension'),
  subject: person(ADA),
  onsetDateTime: '2019-03-14',
};

const CONSENT = {
  resourceType: 'Consent',
  id: 'consent-1',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: person(ADA),
  dateTime: '2026-03-05T10:00:00Z',
  performer: [person(ADA)],
  policy: [{ uri: 'urn:weft:authority:local-dissent' }],
  provision: { type: 'deny', purpose: [{ system: 'urn:weft:purpose', code: 'care-coordination' }] },
};

const merged = {
  resourceType: 'Patient',
  id: 'p-26',
  identifier: [numberOf(BERT)],
  link: [{ type: 'replaced-by', other: person(ADA) }],
};

let made = 17;
const event = (type: string, subject: string, data: object) => ({
  ...{ specversion: '1.0', id: `2026-0000${made++}`, source: 'urn:ods:RX901:ehr', type, subject },
  ...{ time: '2026-03-04T09:30:00Z', datacontenttype: FHIR_JSON, data },
});

/** One of each type. */
const EVENTS = {
  'care-event-recorded-1': event('care-event-recorded-1', ADA, condition),
  'care-event-retracted-1': event('care-event-retracted-1', ADA, { resourceType: 'Condition', id: 'c-17' }),
  'patient-merged-1': event('patient-merged-1', BERT, merged),
  'patient-unmerged-1': event('patient-unmerged-1', BERT, merged),
  'patient-died-1': event('patient-died-1', ADA, {
    ...{ resourceType: 'Patient', id: 'p-18', identifier: [numberOf(ADA)], deceasedDateTime: '2026-03-05' },
  }),
  'patient-death-retracted-1': event('patient-death-retracted-1', ADA, { resourceType: 'Patient', id: 'p-18' }),
  'consent-decision-recorded-1': event('consent-decision-recorded-1', ADA, CONSENT),
};

const place = { topic: 'weft.care-events.RX901', partition: 1, offset: 17 };
const refused = { field: 'entry[1].resource.code', code: 'structure', message: 'Invalid type: expected CodeableConcept' };

export const PUBLISHED = {
  request: {
    [CLOUD_EVENT_JSON]: EVENTS,
    [FHIR_JSON]: { 'the resource, with the attributes in ce- headers': condition },
    [CLOUD_EVENTS_BATCH_JSON]: { 'several events': Object.values(EVENTS) },
  },
  answer: { id: '2026-000017', ...place },
};

const allergy = {
  resourceType: 'AllergyIntolerance',
  id: 'a-1',
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
  code: concept('91936005', 'Allergy to penicillin'),
  patient: { reference: 'urn:uuid:6f1c2f0e-6f0a-4f5e-9f6e-0f5a5b8f3b01' },
};
const patient = { resourceType: 'Patient', id: 'p-18', identifier: [numberOf(ADA)], birthDate: '1948-06-21' };
const bundle = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [{ fullUrl: 'urn:uuid:6f1c2f0e-6f0a-4f5e-9f6e-0f5a5b8f3b01', resource: patient }, { resource: allergy }],
};

const ETAG = '0f343b0931126a20f133d67c2b018a3b';
const outcome = {
  resourceType: 'OperationOutcome',
  issue: [
    {
      ...{ severity: 'error', code: 'processing', diagnostics: `${refused.field}: ${refused.message}` },
      details: { coding: [{ system: 'urn:weft:problem', code: refused.code }], text: refused.message },
      expression: [refused.field],
    },
  ],
};

export const PUBLISHED_BUNDLE = {
  request: { [FHIR_JSON]: { 'a Bundle': bundle, 'one resource': condition }, 'application/json': { 'a Bundle': bundle } },
  answer: {
    ...{ resourceType: 'Bundle', type: 'batch-response' },
    entry: [
      { response: { status: '201 Created', location: `Patient/p-18/_history/${ETAG}`, etag: `W/"${ETAG}"` } },
      { response: { status: '422 Unprocessable Entity', outcome } },
    ],
  },
};

const accepted = {
  resourceType: 'OperationOutcome',
  issue: [
    {
      ...{
        severity: 'information',
        code: 'informational',
        diagnostics: 'event 8d3f1b52-4b5e-4f0f-9c55-8a4a3f6f1e0c of urn:ods:RX901',
      },
      details: { coding: [{ system: 'urn:weft:outcome', code: 'accepted' }], text: 'is durable, and on its way to the record' },
    },
  ],
};

const { id: _, ...unnamed } = condition;
const oneOf = (name: string, resource: object) => ({
  [FHIR_JSON]: { [name]: resource },
  'application/json': { [name]: resource },
});
export const CREATED = { request: oneOf('a Condition', condition), answer: condition };
export const UPDATED = { request: oneOf('a Condition', condition), answer: condition };
export const UPDATED_FOUND = {
  request: oneOf('a Condition', { ...unnamed, identifier: [{ system: 'https://rx901.example/problems', value: '17' }] }),
  answer: accepted,
};
export const DELETED = { answer: accepted };

const header = { resourceType: 'MessageHeader', eventUri: 'https://rx901.example/events/noted' };
const message = (id: string, response?: object) => ({
  fullUrl: `urn:uuid:${id}`,
  resource: { ...header, id, source: { endpoint: 'https://rx901.example/fhir' }, ...(response !== undefined && { response }) },
});
const [ASKED, ANSWERED, DETAILS] = [
  'e1d83c0b-7c43-4d8f-a5f3-8b4a1c8c9a01',
  'e1d83c0b-7c43-4d8f-a5f3-8b4a1c8c9a02',
  'e1d83c0b-7c43-4d8f-a5f3-8b4a1c8c9a03',
];
const noted = { resourceType: 'Bundle', type: 'message', entry: [message(ASKED), { resource: condition }] };
export const MESSAGE = {
  request: oneOf('a message', noted),
  answer: {
    ...{ resourceType: 'Bundle', type: 'message' },
    entry: [
      message(ANSWERED, { identifier: ASKED, code: 'ok', details: { reference: `urn:uuid:${DETAILS}` } }),
      { fullUrl: `urn:uuid:${DETAILS}`, resource: { ...accepted, id: DETAILS } },
    ],
  },
};

export const DECIDED = {
  request: { [FHIR_JSON]: { 'an objection': CONSENT }, 'application/json': { 'an objection': CONSENT } },
  answer: {
    ...{ id: '0-17', state: 'obeyed', standing: true, since: '2026-03-05T10:00:00.000Z', until: null },
    covers: { 'direct-care': 0, 'care-coordination': 12, 'population-health': 0, research: 0 },
    ...{ warnings: [], event: '2026-000027', source: 'urn:ods:RX901' },
  },
};
