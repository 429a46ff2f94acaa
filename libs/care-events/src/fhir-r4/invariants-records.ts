import { isObject } from '../patient-reference.js';
import type { Loose } from '../patient-reference.js';
import { referredAt } from './literal.js';
import { any, areDistinct, each, either, exists, has, hasCode, isOne, must, needs, notBoth, only, where } from './rules.js';
import type { Invariants } from './rules.js';
import { isAfter } from './times.js';

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem/';
const hasValue = exists('value[x]');
const hasAbatement = exists('abatement[x]');

const isMistakenAllergy = ({ verificationStatus }: Loose): boolean =>
  hasCode(verificationStatus, `${TERMINOLOGY}allergyintolerance-verification`, 'entered-in-error');
const isMistakenCondition = ({ verificationStatus }: Loose): boolean =>
  hasCode(verificationStatus, `${TERMINOLOGY}condition-ver-status`, 'entered-in-error');
const isOver = ({ clinicalStatus }: Loose): boolean =>
  hasCode(clinicalStatus, `${TERMINOLOGY}condition-clinical`, 'resolved', 'remission', 'inactive');

/** What FHIR asks of the resources that a record is made of, and of those that carry them. */
export const OF_RECORDS: Invariants = [
  [
    'ait-1',
    'AllergyIntolerance',
    must(
      'have clinicalStatus unless it was entered in error',
      (value) => has(value, 'clinicalStatus') || isMistakenAllergy(value),
    ),
  ],
  [
    'ait-2',
    'AllergyIntolerance',
    must(
      'not have clinicalStatus where it was entered in error',
      (value) => !has(value, 'clinicalStatus') || !isMistakenAllergy(value),
    ),
  ],
  ['app-1', 'Appointment.participant', any('type', 'actor')],
  ['app-2', 'Appointment', must('have both start and end, or neither', (value) => has(value, 'start') === has(value, 'end'))],
  [
    'app-3',
    'Appointment',
    must(
      'have start and end unless it is proposed, cancelled or on a waitlist',
      (value) => (has(value, 'start') && has(value, 'end')) || isOne(value['status'], 'proposed', 'cancelled', 'waitlist'),
    ),
  ],
  ['app-4', 'Appointment', only('status', ['noshow', 'no-show', 'cancelled'], 'cancelationReason')],
  ['apr-1', 'AppointmentResponse', any('participantType', 'actor')],
  ['sev-1', 'AuditEvent.entity', notBoth('name', 'query')],
  ['cpl-3', 'CarePlan.activity', notBoth('detail', 'reference')],
  ['cmp-1', 'Composition.section', any('text', 'entry', 'section')],
  ['cmp-2', 'Composition.section', notBoth('emptyReason', 'entry')],
  ['con-1', 'Condition.stage', any('summary', 'assessment')],
  ['con-2', 'Condition.evidence', any('code', 'detail')],
  [
    'con-4',
    'Condition',
    must(
      'have the clinicalStatus inactive, resolved or remission where it abated',
      (value) => !hasAbatement(value) || isOver(value),
    ),
  ],
  [
    'con-5',
    'Condition',
    must(
      'not have clinicalStatus where it was entered in error',
      (value) => !has(value, 'clinicalStatus') || !isMistakenCondition(value),
    ),
  ],
  ['ces-1', 'CoverageEligibilityResponse.insurance.item', either('category', 'productOrService')],
  ['fhs-1', 'FamilyMemberHistory', notBoth('age[x]', 'born[x]')],
  ['fhs-2', 'FamilyMemberHistory', needs('estimatedAge', 'age[x]')],
  ['gol-1', 'Goal.target', needs('detail[x]', 'measure')],
  ['grp-1', 'Group', must('be actual where it has members', (value) => !has(value, 'member') || value['actual'] === true)],
  ['imm-1', 'Immunization.education', any('documentType', 'reference')],
  ['imr-1', 'ImmunizationRecommendation.recommendation', any('vaccineCode', 'targetDisease')],
  ['ipn-1', 'InsurancePlan', any('identifier', 'name')],
  ['lnk-1', 'Linkage', must('have at least two items', (value) => each(value, 'item').length > 1)],
  ['lst-1', 'List', notBoth('emptyReason', 'entry')],
  [
    'lst-2',
    'List',
    must(
      'not have entry.deleted unless its mode is changes',
      (value) => value['mode'] === 'changes' || each(value, 'entry').every((one) => !has(one, 'deleted')),
    ),
  ],
  [
    'lst-3',
    'List',
    must(
      'not have entry.date unless its mode is working',
      (value) => value['mode'] === 'working' || each(value, 'entry').every((one) => !has(one, 'date')),
    ),
  ],
  ['mad-1', 'MedicationAdministration.dosage', any('dose', 'rate[x]')],
  [
    'mdd-1',
    'MedicationDispense',
    must(
      'not be handed over before it is prepared',
      ({ whenPrepared, whenHandedOver }) => !isAfter(whenPrepared, whenHandedOver),
    ),
  ],
  [
    'msq-3',
    'MolecularSequence',
    must('have the coordinateSystem 0 or 1', ({ coordinateSystem }) => isOne(coordinateSystem, 0, 1)),
  ],
  [
    'msq-5',
    'MolecularSequence.referenceSeq',
    must('have both chromosome and genomeBuild, or neither', (value) => has(value, 'chromosome') === has(value, 'genomeBuild')),
  ],
  [
    'msq-6',
    'MolecularSequence.referenceSeq',
    must(
      'have one of genomeBuild, referenceSeqId, referenceSeqPointer and referenceSeqString',
      (value) => count(value, 'genomeBuild', 'referenceSeqId', 'referenceSeqPointer', 'referenceSeqString') === 1,
    ),
  ],
  ['obs-3', 'Observation.referenceRange', any('low', 'high', 'text')],
  ['obs-6', 'Observation', notBoth('dataAbsentReason', 'value[x]')],
  ['obs-7', 'Observation', must('not have a value where a component has its code', hasNoComponentOfItsCode)],
  ['org-1', 'Organization', any('identifier', 'name')],
  [
    'org-2',
    'Organization',
    must('not have an address of use home', (value) => each(value, 'address').every(({ use }) => use !== 'home')),
  ],
  [
    'org-3',
    'Organization',
    must('not have a telecom of use home', (value) => each(value, 'telecom').every(({ use }) => use !== 'home')),
  ],
  ['pat-1', 'Patient.contact', any('name', 'telecom', 'address', 'organization')],
  ['qrs-1', 'QuestionnaireResponse.item', notBoth('answer', 'item')],
  ['rqg-1', 'RequestGroup.action', either('resource', 'action')],
  [
    'ras-1',
    'RiskAssessment.prediction',
    must(
      'have a probability in %, of UCUM, where it is a range',
      ({ probabilityRange }) =>
        !isObject(probabilityRange) ||
        ['low', 'high'].every((end) =>
          each(probabilityRange, end).every(({ code, system }) => code === '%' && system === 'http://unitsofmeasure.org'),
        ),
    ),
  ],
  [
    'ras-2',
    'RiskAssessment.prediction',
    must(
      'not have a probability above 100',
      ({ probabilityDecimal }) => !(typeof probabilityDecimal === 'number' && probabilityDecimal > 100),
    ),
  ],
  ['prr-1', 'ServiceRequest', needs('orderDetail', 'code')],
  [
    'inv-1',
    'Task',
    must('not be modified before it was authored', ({ authoredOn, lastModified }) => !isAfter(authoredOn, lastModified)),
  ],
  ['inv-1', 'Parameters.parameter', must('have one of value, resource and part', hasOneContent)],
  ['bdl-1', 'Bundle', only('type', ['searchset', 'history'], 'total')],
  [
    'bdl-2',
    'Bundle',
    must(
      'not have entry.search unless it is a searchset',
      (value) => value['type'] === 'searchset' || each(value, 'entry').every((one) => !has(one, 'search')),
    ),
  ],
  [
    'bdl-3',
    'Bundle',
    must('have an entry.request in each entry of a batch, transaction or history, and in no other', (value) =>
      haveAll(value, 'request', 'batch', 'transaction', 'history'),
    ),
  ],
  [
    'bdl-4',
    'Bundle',
    must('have an entry.response in each entry of a response or history, and in no other', (value) =>
      haveAll(value, 'response', 'batch-response', 'transaction-response', 'history'),
    ),
  ],
  // Of these two, FHIR's text says what no invariant of its own does.
  ['fullUrl', 'Bundle.entry', must('have an absolute fullUrl', isAbsolute)],
  ['fullUrl', 'Bundle.entry', must('have a fullUrl with the id of its resource, where it is that of a server', isOfResource)],
  ['bdl-5', 'Bundle.entry', any('resource', 'request', 'response')],
  ['bdl-7', 'Bundle', must('not have one fullUrl twice, save for versions', hasDistinctEntries)],
  [
    'bdl-8',
    'Bundle.entry',
    must('not have a fullUrl of one version', ({ fullUrl }) => typeof fullUrl !== 'string' || !fullUrl.includes('/_history/')),
  ],
  [
    'bdl-9',
    'Bundle',
    must(
      'have an identifier with system and value where it is a document',
      (value) => value['type'] !== 'document' || each(value, 'identifier').some((one) => has(one, 'system') && has(one, 'value')),
    ),
  ],
  ['bdl-10', 'Bundle', where('type', ['document'], 'timestamp')],
  [
    'bdl-11',
    'Bundle',
    must(
      'begin with a Composition where it is a document',
      (value) => value['type'] !== 'document' || firstType(value) === 'Composition',
    ),
  ],
  [
    'bdl-12',
    'Bundle',
    must(
      'begin with a MessageHeader where it is a message',
      (value) => value['type'] !== 'message' || firstType(value) === 'MessageHeader',
    ),
  ],
];

const count = (value: Loose, ...names: readonly string[]): number => names.filter((name) => has(value, name)).length;

function hasOneContent(value: Loose): boolean {
  return [has(value, 'part'), hasValue(value), has(value, 'resource')].filter(Boolean).length === 1;
}

const haveAll = (value: Loose, name: string, ...types: readonly string[]): boolean =>
  each(value, 'entry').every((one) => has(one, name) === isOne(value['type'], ...types));

const firstType = (value: Loose): unknown =>
  each(value, 'entry')
    .slice(0, 1)
    .flatMap((one) => each(one, 'resource'))[0]?.['resourceType'];

function isAbsolute({ fullUrl }: Loose): boolean {
  return typeof fullUrl !== 'string' || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(fullUrl);
}

function isOfResource({ fullUrl, resource }: Loose): boolean {
  const at = typeof fullUrl === 'string' ? referredAt(fullUrl) : null;
  if (at === null || !isObject(resource) || typeof resource['id'] !== 'string') return true;
  return at.type !== resource['resourceType'] || at.id === resource['id'];
}

function hasDistinctEntries(value: Loose): boolean {
  if (value['type'] === 'history') return true;
  const entries = each(value, 'entry').filter(({ fullUrl }) => typeof fullUrl === 'string');
  return areDistinct(entries.map((one) => `${one['fullUrl'] as string} ${versionOf(one)}`));
}

function versionOf(entry: Loose): string {
  const [meta] = each(entry, 'resource').flatMap((resource) => each(resource, 'meta'));
  return typeof meta?.['versionId'] === 'string' ? meta['versionId'] : '';
}

/** By whole codings, as FHIRPath compares them. */
function hasNoComponentOfItsCode(value: Loose): boolean {
  if (!has(value, 'component') || !hasValue(value)) return true;
  const codings = (of: Loose): string[] =>
    each(of, 'code')
      .flatMap((code) => each(code, 'coding'))
      .map(canonical);
  const own = new Set(codings(value));
  return !each(value, 'component').some((one) => codings(one).some((coding) => own.has(coding)));
}

const canonical = (coding: Loose): string => JSON.stringify(Object.entries(coding).sort(([a], [b]) => (a < b ? -1 : 1)));
