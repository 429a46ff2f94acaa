import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { DEFAULT_RULES, NOTICE } from '@weft/domain';

/** What the record API is sent and answers, whole, as /docs shows it. Everything here is about nobody. */

const subject = { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: '9990000018' } };
const resource = {
  resourceType: 'Condition',
  id: 'c-17',
  code: { coding: [{ system: 'http://snomed.info/sct', code: '38341003', display: 'Hypertension' }] },
  subject,
  onsetDateTime: '2019-03-14',
};
const named = { resourceType: 'Condition', organisation: 'RX901', occurredAt: '2019-03-14' };
const entry = { id: 'RX901/Condition/c-17', ...named, recordedAt: '2026-03-04T09:30:00.412Z', nhsNumber: '9990000018', resource };
const lead = { subject: 'a.lead@region.example', organisation: null };
const second = { subject: 'another.lead@region.example', organisation: null };
const KEY = 'b6b1e1f6a7c84d0c9f1e2d3c4b5a6978';
const digest = '5f0c1c7e0b6f4e4b9b1d2c3f4a5b6c7d5f0c1c7e0b6f4e4b9b1d2c3f4a5b6c7d';

export const RECORD = {
  answer: {
    ...{ purpose: 'direct-care', policyVersion: 1, version: '5f0c1c7e0b6f4e4b9b1d2c3f4a5b6c7d', entries: [entry] },
    notice: NOTICE,
  },
};

const decision = {
  ...{ id: '2026-000027', authority: 'local-dissent', effect: 'deny', decidedAt: '2026-03-05T10:00:00.000Z' },
  ...{ decidedBy: 'patient', recordedBy: { as: 'organisation', organisation: 'RX901', subject: 'ehr' } },
  recordedAt: '2026-03-05T10:00:01.120Z',
};
const known = {
  ...{ id: decision.id, source: 'urn:ods:RX901', consentId: 'c-9', authority: decision.authority, status: 'active' },
  ...{ decidedAt: decision.decidedAt, receivedAt: Date.parse(decision.recordedAt), decidedBy: decision.decidedBy, digest },
  ...{ recorder: decision.recordedBy, recordedAt: decision.recordedAt, standsFor: ['care-coordination'] },
  provision: { effect: 'deny', purposes: ['care-coordination'], limits: [], provisions: [] },
};
const aside = {
  ...{
    entry: entry.id,
    organisation: 'RX901',
    source: 'urn:ods:RX901',
    event: '2026-000026',
    recordedAt: '2026-03-05T09:30:00.000Z',
  },
  ...{ versionId: '2', lastUpdated: '2026-03-01T08:00:00Z', retracts: false, why: 'earlier' },
  plainEnglish: 'Version 2 of 2026-03-01T08:00:00Z from RX901 is earlier than one that had already come, so it changed nothing.',
};
export const EXPLAINED = {
  answer: {
    ...{ setAside: [aside], corrected: [] },
    ...{ at: '2026-03-06T00:00:00.000Z', policyVersion: 1, policyName: 'As shipped', decisions: [known], movedTo: null },
    entries: [
      {
        ...{ id: entry.id, ...named, recordedAt: entry.recordedAt, about: 'Hypertension' },
        purposes: [
          {
            ...{ purpose: 'care-coordination', included: false, rule: 'local-dissent', decision },
            plainEnglish: 'You asked that this is not shared for the co-ordination of your care.',
          },
        ],
      },
    ],
  },
};

/** Bytes have no form of their own in JSON. */
export const ATTACHED = { answer: '%PDF-1.7 …' };

export const EVERYTHING = {
  answer: {
    ...{ resourceType: 'Bundle', type: 'searchset', total: 1 },
    link: [{ relation: 'self', url: 'https://weft.example/fhir/Patient/9990000018/$everything?purpose=direct-care' }],
    entry: [{ fullUrl: 'https://weft.example/fhir/Condition/c-17', resource, search: { mode: 'match' } }],
  },
};
export const SUMMARY = {
  answer: {
    ...{ resourceType: 'Bundle', type: 'document', timestamp: '2026-03-06T08:00:00.000Z' },
    identifier: { system: 'urn:ietf:rfc:3986', value: 'urn:uuid:8d3f1b52-4b5e-4f0f-9c55-8a4a3f6f1e0c' },
    entry: [{ fullUrl: 'urn:uuid:6f1c2f0e-6f0a-4f5e-9f6e-0f5a5b8f3b01', resource: { resourceType: 'Composition' } }],
  },
};
export const METADATA = {
  answer: { resourceType: 'CapabilityStatement', status: 'active', kind: 'instance', fhirVersion: '4.0.1' },
};

const audited = {
  ...{
    time: '2026-03-06T08:00:00.000Z',
    request: '6671ecdc-05b5-4e88-ac96-5c99acc03f7b',
    who: 'dr.weaver',
    organisation: 'RX901',
  },
  ...{ roles: ['clinician'], action: 'record', purpose: 'direct-care', patient: KEY, outcome: 'given' },
  ...{ policyVersion: 1, consentRevision: 0 },
};
export const AUDIT = { answer: { entries: [audited], next: null } };
export const AUDIT_OF_PERSON = { answer: { from: '2026-02-04', to: '2026-03-06', entries: [audited], next: null, note: null } };

const change = {
  ...{ key: 'Q0m5c2l0', kind: 'included', entryId: entry.id, subject: KEY, viewRevision: 4711, entry },
  cursor: 'direct-care.q2fJ0mX7cN5vQ1b8Lr3TzkEw9dA4hUo6',
};
export const CHANGES = { answer: `${JSON.stringify(change)}\n\n` };

const document = { name: 'Our region’s', rules: DEFAULT_RULES };
const reason = 'Agreed by the information governance board on 2 March';
const JSON_TYPE = 'application/json';
const reach = (people: number, entries: number) => ({ people, entries });
const plan = {
  ...{ inForce: 1, plannedAt: '2026-03-06T08:00:00.000Z', people: 40, openings: [], opens: false },
  purposes: {
    research: {
      ...{ opened: reach(0, 0), closed: reach(2, 31) },
      subscribers: [
        {
          subject: 'project 12',
          organisation: 'RX902',
          lastBegan: '2026-03-01T00:00:00.000Z',
          opened: reach(0, 0),
          closed: reach(2, 31),
        },
      ],
    },
  },
};
const policy = {
  ...{ version: 1, name: 'As shipped', adoptedAt: '2026-03-01T08:00:00.000Z', rules: DEFAULT_RULES },
  authorities: { 'type-1': { record: ['patient', 'gp'], lift: ['gp'] } },
  identity: { demographics: [], merges: ['demographics', 'recorded'] },
  ...{ ages: { own: 13 }, codes: [], notices: { withheld: ['clinician', 'governance'], silent: [] } },
  waits: { individualCareMinutes: 15 },
  organisations: { RX901: 'acute', Y90001: 'gp' },
};
const proposal = {
  ...{ id: '8d3f1b52-4b5e-4f0f-9c55-8a4a3f6f1e0c', state: 'waiting', name: document.name, reason, opens: true },
  ...{ proposedBy: lead, proposedAt: '2026-03-06T08:00:00.000Z', authorisedBy: null, version: null, plan },
};
export const POLICY = { answer: policy };
export const POLICY_IN_FORCE = { answer: { ...policy, settingsDiffer: false, organisationsDiffer: [], codesDiffer: false } };
export const PLAN = { request: { [JSON_TYPE]: { 'a policy': { document } } }, answer: plan };
export const PROPOSE = { request: { [JSON_TYPE]: { 'a policy': { document, reason } } }, answer: proposal };
export const PROPOSAL = { answer: { ...proposal, document } };
export const PROPOSALS = { answer: [proposal] };
export const AUTHORISED = { answer: { ...proposal, state: 'adopted', authorisedBy: second, version: 2 } };
export const VERSIONS = {
  answer: [
    {
      ...{ version: 2, name: document.name, adoptedAt: '2026-03-06T09:00:00.000Z', applied: true, by: 'governance' },
      ...{ proposal: proposal.id, reason, proposedBy: lead, proposedAt: proposal.proposedAt, authorisedBy: second, plan },
    },
  ],
};

const organisation = {
  ...{ ods: 'RX904', name: 'Ambulance trust', kind: null, sends: true, reads: false },
  ...{ added: { by: lead, reason, at: '2026-03-06T08:00:00.000Z' }, suspended: null, reinstatement: null },
};
const suspended = {
  ...{ ...organisation, kind: 'acute', sends: false, reads: true },
  suspended: { by: lead, reason: 'Its interface sends everybody’s results under one number', at: '2026-03-07T08:00:00.000Z' },
};
const whySuspended = { [JSON_TYPE]: { 'a reason': { reason: suspended.suspended.reason } } };
export const ORGANISATIONS = { answer: [suspended] };
export const ADD_ORGANISATION = {
  request: {
    [JSON_TYPE]: { 'an organisation': { ods: 'RX904', name: organisation.name, kind: 'acute', reason } },
  },
  answer: { ...organisation, proposal },
};
export const SUSPEND_ORGANISATION = { request: whySuspended, answer: suspended };
export const REINSTATE_ORGANISATION = {
  request: { [JSON_TYPE]: { 'a reason': { reason: 'Its interface is mended' } } },
  answer: {
    ...suspended,
    reinstatement: { by: second, reason: 'Its interface is mended', at: '2026-03-08T08:00:00.000Z' },
  },
};

const codes = { 'http://snomed.info/sct': ['44054006'] };
const codesProposal = {
  ...{ id: '8d3f1b52-4b5e-4f0f-9c55-8a4a3f6f1e0c', codes, by: lead, reason },
  at: '2026-03-06T08:00:00.000Z',
};
const codesInForce = { codes: {}, proposal: null, authorisedBy: null, waiting: codesProposal };
export const RELEASED_CODES = { answer: codesInForce };
export const PROPOSE_CODES = { request: { [JSON_TYPE]: { 'lists of codes': { codes, reason } } }, answer: codesInForce };
export const AUTHORISE_CODES = { answer: { codes, proposal: codesProposal, authorisedBy: second, waiting: null } };

const from = { topic: 'weft.care-events.RX901', partition: 1, offset: 17 };
const proposed = {
  digest,
  proposedBy: lead,
  proposedAt: '2026-03-06T08:00:00.000Z',
  reason: 'The practice sent a wrong check digit',
};
const quarantined = {
  ...{ id: 'weft.care-events.RX901/1/17', quarantinedAt: '2026-03-04T09:30:01.000Z', from, bytes: 412 },
  problems: [{ field: 'Condition.code', code: 'structure', message: 'Invalid type: expected CodeableConcept' }],
};
export const QUARANTINE = { answer: [quarantined] };
export const QUARANTINED = {
  answer: {
    ...quarantined,
    key: '9990000018',
    headers: { ce_type: 'care-event-recorded-1' },
    text: '{"resourceType":"Condition"}',
  },
};
export const MEND = {
  request: { [JSON_TYPE]: { 'another value': { text: JSON.stringify(resource), reason: proposed.reason } } },
  answer: proposed,
};
export const APPROVE = { request: { [JSON_TYPE]: { 'what was looked at': { digest } } }, answer: from };
export const REDRIVEN = { answer: from };

const why = 'A finding that the participant has to be told of; approved by the ethics committee on 2 March';
const asked = {
  ...{ id: '2f6d9f5e-6c3b-4a57-8a52-0f3a1c9d7e21', state: 'waiting', purpose: 'research', known: 'pseudonym', reason: why },
  ...{ proposedBy: lead, proposedAt: '2026-03-06T08:00:00.000Z', authorisedBy: null, authorisedAt: null },
  ...{ disclosedTo: null, disclosedAt: null, expiresAt: '2026-03-13T08:00:00.000Z' },
};
const agreed = {
  ...{ ...asked, state: 'authorised', authorisedBy: second, authorisedAt: '2026-03-06T09:00:00.000Z' },
  expiresAt: '2026-03-07T09:00:00.000Z',
};
const byPseudonym = { pseudonym: KEY };
const byNumber = { nhsNumber: '9990000018' };
const meant = { [JSON_TYPE]: { 'whom research calls so': byPseudonym, 'what research calls a person': byNumber } };
export const RE_IDENTIFY = {
  request: {
    [JSON_TYPE]: {
      'whom research calls so': { purpose: 'research', reason: why, ...byPseudonym },
      'what research calls a person': { purpose: 'research', reason: 'They asked to leave the study', ...byNumber },
    },
  },
  answer: asked,
};
export const RE_IDENTIFICATION = { answer: asked };
export const RE_IDENTIFICATIONS = { answer: [agreed] };
export const RE_IDENTIFICATION_AUTHORISED = { request: meant, answer: agreed };
export const DISCLOSURE = {
  request: meant,
  answer: { id: asked.id, state: 'disclosed', purpose: 'research', ...byNumber, ...byPseudonym, formerPseudonyms: [] },
};

const manifestHead = {
  ...{ kind: 'events', organisation: 'RX901', from: '2026-03-04T00:00:00Z', until: '2026-03-05T00:00:00Z' },
};
const EMPTY_DIGEST = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const signedStatement = {
  statement: {
    ...{
      statement: 1,
      id: '0d3f6a52-7a10-4b0e-9a57-52a8f37d1c11',
      region: '7d0c1c52-5b77-4f0f-9c55-8a4a3f6f1e0c',
      ...manifestHead,
    },
    manifest: { digest: '9f2f3c1f6c1b0a7c5f7a2c9be1d1f04a0a7a4c8b7c2d1e6f5a4b3c2d1e0f9a8b', items: 2 },
    comparedAt: '2026-03-05T02:00:00.000Z',
    counts: { sent: 2, arrived: 1, missing: 1, doubled: 0, refused: 0, waiting: 0, unlisted: 0 },
    digests: {
      missing: '1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014',
      ...{ doubled: EMPTY_DIGEST, refused: EMPTY_DIGEST, waiting: EMPTY_DIGEST },
    },
  },
  signature: 'eyJhbGciOiJFZERTQSIsImtpZCI6InA3ZlNvYUVuIn0..c2lnbmF0dXJl',
};
const manifestItems = [{ id: 'e1' }, { source: 'urn:ods:RX901:lab', id: 'e2' }];
const counted = { type: 'ADT^A01', hour: '2026-03-04T09:00:00Z', count: 140 };
const linesOf = (...parts: object[]): string => parts.map((part) => `${JSON.stringify(part)}\n`).join('');
export const RECONCILED = {
  request: {
    'application/x-ndjson': { 'events by their ids': linesOf({ manifest: 1, ...manifestHead }, ...manifestItems) },
    'text/csv': {
      'HL7 v2 by MSH-10':
        'manifest,kind,organisation,from,until\n1,hl7v2,RX901,2026-03-04T00:00:00Z,2026-03-05T00:00:00Z\nid\nMSG00001\nMSG00002\n',
    },
    [JSON_TYPE]: { 'counts by type and hour': { manifest: 1, ...manifestHead, kind: 'hl7v2-counts', items: [counted] } },
  },
  answer: {
    ...signedStatement,
    findings: [{ what: 'missing', at: 3, times: 1, source: 'urn:ods:RX901:lab', id: 'e2' }],
    more: 0,
  },
};
export const STATEMENTS = { answer: [signedStatement] };
export const STATEMENT_KEYS = {
  answer: {
    keys: [
      {
        ...{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
        ...{ kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', use: 'sig', alg: 'EdDSA' },
      },
    ],
  },
};

export const STATUS = {
  answer: {
    ...{
      version: '0.1.0',
      region: '7d0c1c52-5b77-4f0f-9c55-8a4a3f6f1e0c',
      findings: [
        {
          code: 'decisions-in-quarantine',
          text: '1 message in quarantine may be an objection: the people they are about are closed until they are mended',
          mend: 'weft quarantine list says why each is there',
        },
      ],
      policyVersion: 1,
      policyApplied: 1,
      settingsDiffer: false,
      organisationsDiffer: [],
      codesDiffer: false,
      projections: [{ purpose: 'research', version: 1 }],
      lag: 0,
      published: true,
      ...{ epoch: 0, messagesLost: 0, toldAnew: null },
      recordsUnreadable: {},
      decisionsUnreadSeconds: 0,
      clocksApartSeconds: { receipts: 0, brokers: null, leap: 0, publishers: {} },
    },
    groups: [
      {
        ...{ group: 'weft.record-projector', topic: 'weft.care-events.RX901', lag: 0, waitSeconds: 0 },
        partitions: [{ partition: 0, committed: 18, high: 18 }],
      },
    ],
    topics: [{ topic: 'weft.care-events.RX901', partitions: [{ partition: 0, low: 0, high: 18 }] }],
    ...{
      decisionsInQuarantine: 1,
      recordsToReview: { people: 1, organisations: { RX901: 1, Y90001: 1 } },
      versions: { RX901: { setAside: 3, disagreeing: 1 } },
      hl7v2Waiting: { RX901: { messages: 2, reasons: { 'person-unknown': 2 }, since: '2026-01-01T10:00:00.000Z' } },
      counts: { records: 40, views: 160, quarantined: 1 },
    },
  },
};
export const CONSOLE_PAGE = { answer: '<!doctype html>…' };
