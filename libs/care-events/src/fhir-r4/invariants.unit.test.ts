import fc from 'fast-check';
import { OF_DATA_TYPES } from './invariants-data-types.js';
import { OF_DEFINITIONS } from './invariants-definitions.js';
import { OF_RECORDS } from './invariants-records.js';
import { invariantsOf } from './invariants.js';
import { isResourceType, typeOf } from './types.js';

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';
const coding = (system: string, code: string) => ({ coding: [{ system: `${TERMINOLOGY}/${system}`, code }] });
const UCUM = 'http://unitsofmeasure.org';
const entry = { resource: { resourceType: 'Patient' } };

/** What breaks each of them, and does not if it is changed as it says. */
const BROKEN: readonly [id: string, type: string, broken: object, mended: object][] = [
  ['ext-1', 'Extension', { url: 'x' }, { valueCode: 'y' }],
  ['ext-1', 'Extension', { url: 'x', valueCode: 'y', extension: [] }, { extension: undefined }],
  ['per-1', 'Period', { start: '2024-02', end: '2024-01' }, { end: '2024' }],
  ['per-1', 'Period', { start: '2024-01-02T00:00:00Z', end: '2024-01-01T23:00:00Z' }, { end: '2024-01-01T23:00:00-02:00' }],
  ['per-1', 'Period', { start: '2024-01-03', end: '2024-01-01T09:00:00Z' }, { end: '2024-01-02T23:00:00Z' }],
  ['rng-2', 'Range', { low: { value: 2 }, high: { value: 1 } }, { high: { value: 1, code: 'kg' } }],
  ['qty-3', 'Quantity', { code: 'x' }, { system: 'y' }],
  ['sqty-1', 'SimpleQuantity', { comparator: '<' }, { comparator: undefined }],
  ['age-1', 'Age', { value: 1 }, { code: 'a' }],
  ['age-1', 'Age', { value: 0, code: 'a', system: UCUM }, { value: 1 }],
  ['cnt-3', 'Count', { value: 1.5, code: '1' }, { value: 1 }],
  ['dis-1', 'Distance', { value: 1, code: 'm', system: 'x' }, { system: UCUM }],
  ['drt-1', 'Duration', { code: 'd' }, { value: 1, system: UCUM }],
  ['rat-1', 'Ratio', { numerator: {} }, { denominator: {} }],
  ['att-1', 'Attachment', { data: 'QUJD' }, { contentType: 'x/y' }],
  ['size', 'Attachment', { data: 'QUI=', size: 3 }, { size: 2 }],
  ['cpt-2', 'ContactPoint', { value: '0' }, { system: 'phone' }],
  ['exp-1', 'Expression', { language: 'x' }, { reference: 'x' }],
  ['drq-1', 'DataRequirement.codeFilter', { path: 'x', searchParam: 'y' }, { path: undefined }],
  ['drq-2', 'DataRequirement.dateFilter', {}, { path: 'x' }],
  ['trd-1', 'TriggerDefinition', { data: [{}], timingDate: '2024' }, { data: undefined }],
  ['trd-2', 'TriggerDefinition', { condition: {} }, { data: [{}] }],
  ['trd-3', 'TriggerDefinition', { type: 'periodic' }, { timingDate: '2024' }],
  ['trd-3', 'TriggerDefinition', { type: 'named-event' }, { name: 'x' }],
  ['trd-3', 'TriggerDefinition', { type: 'data-added' }, { data: [{}] }],
  ['tim-1', 'Timing.repeat', { duration: 1 }, { durationUnit: 'd' }],
  ['tim-2', 'Timing.repeat', { period: 1 }, { periodUnit: 'd' }],
  ['tim-4', 'Timing.repeat', { duration: -1 }, { duration: 0 }],
  ['tim-5', 'Timing.repeat', { period: -1 }, { period: 0 }],
  ['tim-6', 'Timing.repeat', { periodMax: 1 }, { period: 1 }],
  ['tim-7', 'Timing.repeat', { durationMax: 1 }, { duration: 1 }],
  ['tim-8', 'Timing.repeat', { countMax: 1 }, { count: 1 }],
  ['tim-9', 'Timing.repeat', { offset: 1, when: ['C'] }, { when: ['AC'] }],
  ['tim-10', 'Timing.repeat', { timeOfDay: ['10:00:00'], when: ['AC'] }, { when: undefined }],
  ['dom-2', 'DomainResource', { contained: [{ contained: [{}] }] }, { contained: [{}] }],
  ['dom-4', 'DomainResource', { contained: [{ meta: { versionId: '1' } }] }, { contained: [{ meta: { source: 'x' } }] }],
  ['dom-5', 'DomainResource', { contained: [{ meta: { security: [{}] } }] }, { contained: [{ meta: {} }] }],
  ['ait-1', 'AllergyIntolerance', {}, { verificationStatus: coding('allergyintolerance-verification', 'entered-in-error') }],
  [
    'ait-2',
    'AllergyIntolerance',
    { clinicalStatus: {}, verificationStatus: coding('allergyintolerance-verification', 'entered-in-error') },
    { clinicalStatus: undefined },
  ],
  ['app-1', 'Appointment.participant', {}, { actor: {} }],
  ['app-2', 'Appointment', { start: 'x' }, { end: 'x' }],
  ['app-3', 'Appointment', { status: 'booked' }, { status: 'proposed' }],
  ['app-4', 'Appointment', { status: 'booked', cancelationReason: {} }, { status: 'noshow' }],
  ['apr-1', 'AppointmentResponse', {}, { actor: {} }],
  ['sev-1', 'AuditEvent.entity', { name: 'x', query: 'x' }, { name: undefined }],
  ['cpl-3', 'CarePlan.activity', { detail: {}, reference: {} }, { detail: undefined }],
  ['cmp-1', 'Composition.section', {}, { entry: [{}] }],
  ['cmp-2', 'Composition.section', { emptyReason: {}, entry: [{}] }, { entry: undefined }],
  ['con-1', 'Condition.stage', {}, { summary: {} }],
  ['con-2', 'Condition.evidence', {}, { code: [{}] }],
  [
    'con-4',
    'Condition',
    { abatementString: 'x', clinicalStatus: coding('condition-clinical', 'active') },
    { clinicalStatus: coding('condition-clinical', 'resolved') },
  ],
  [
    'con-5',
    'Condition',
    { clinicalStatus: {}, verificationStatus: coding('condition-ver-status', 'entered-in-error') },
    { clinicalStatus: undefined },
  ],
  ['ces-1', 'CoverageEligibilityResponse.insurance.item', {}, { category: {} }],
  ['fhs-1', 'FamilyMemberHistory', { ageString: 'x', bornDate: '2024' }, { bornDate: undefined }],
  ['fhs-2', 'FamilyMemberHistory', { estimatedAge: true }, { ageString: 'x' }],
  ['gol-1', 'Goal.target', { detailString: 'x' }, { measure: {} }],
  ['grp-1', 'Group', { member: [{}] }, { actual: true }],
  ['imm-1', 'Immunization.education', {}, { reference: 'x' }],
  ['imr-1', 'ImmunizationRecommendation.recommendation', {}, { targetDisease: {} }],
  ['ipn-1', 'InsurancePlan', {}, { name: 'x' }],
  ['lnk-1', 'Linkage', { item: [{}] }, { item: [{}, {}] }],
  ['lst-1', 'List', { emptyReason: {}, entry: [{}] }, { entry: undefined }],
  ['lst-2', 'List', { mode: 'working', entry: [{ deleted: true }] }, { mode: 'changes' }],
  ['lst-3', 'List', { mode: 'changes', entry: [{ date: '2024' }] }, { mode: 'working' }],
  ['mad-1', 'MedicationAdministration.dosage', {}, { rateQuantity: {} }],
  ['mdd-1', 'MedicationDispense', { whenPrepared: '2024-01-02', whenHandedOver: '2024-01-01' }, { whenHandedOver: '2024-01' }],
  ['msq-3', 'MolecularSequence', { coordinateSystem: 2 }, { coordinateSystem: 1 }],
  ['msq-5', 'MolecularSequence.referenceSeq', { chromosome: {} }, { genomeBuild: 'x' }],
  ['msq-6', 'MolecularSequence.referenceSeq', { genomeBuild: 'x', referenceSeqString: 'x' }, { genomeBuild: undefined }],
  ['obs-3', 'Observation.referenceRange', {}, { text: 'x' }],
  ['obs-6', 'Observation', { dataAbsentReason: {}, valueString: 'x' }, { valueString: undefined, effectiveDateTime: '2024' }],
  [
    'obs-7',
    'Observation',
    {
      valueString: 'x',
      code: { coding: [{ code: 'a', system: 's' }] },
      component: [{ code: { coding: [{ system: 's', code: 'a' }] } }],
    },
    { component: [{ code: { coding: [{ system: 's', code: 'b' }] } }] },
  ],
  ['org-1', 'Organization', {}, { name: 'x' }],
  ['org-2', 'Organization', { address: [{ use: 'home' }] }, { address: [{ use: 'work' }] }],
  ['org-3', 'Organization', { telecom: [{ use: 'home' }] }, { telecom: [{ use: 'work' }] }],
  ['pat-1', 'Patient.contact', {}, { name: {} }],
  ['qrs-1', 'QuestionnaireResponse.item', { answer: [{}], item: [{}] }, { item: undefined }],
  ['rqg-1', 'RequestGroup.action', { resource: {}, action: [{}] }, { action: undefined }],
  [
    'ras-1',
    'RiskAssessment.prediction',
    { probabilityRange: { low: { value: 1 } } },
    { probabilityRange: { low: { code: '%', system: UCUM } } },
  ],
  ['ras-2', 'RiskAssessment.prediction', { probabilityDecimal: 101 }, { probabilityDecimal: 100 }],
  ['prr-1', 'ServiceRequest', { orderDetail: [{}] }, { code: {} }],
  ['inv-1', 'Task', { authoredOn: '2024', lastModified: '2023' }, { lastModified: '2024' }],
  ['inv-1', 'Parameters.parameter', { name: 'x' }, { valueString: 'x' }],
  ['inv-1', 'Parameters.parameter', { valueString: 'x', part: [{}] }, { part: undefined }],
  ['bdl-1', 'Bundle', { type: 'batch', total: 1 }, { type: 'history' }],
  ['bdl-2', 'Bundle', { type: 'batch', entry: [{ search: {} }] }, { type: 'searchset' }],
  ['bdl-3', 'Bundle', { type: 'batch', entry: [entry] }, { entry: [{ request: {} }] }],
  ['bdl-3', 'Bundle', { type: 'collection', entry: [{ request: {} }] }, { entry: [entry] }],
  ['bdl-4', 'Bundle', { type: 'batch-response', entry: [entry] }, { entry: [{ response: {} }] }],
  ['bdl-5', 'Bundle.entry', {}, entry],
  ['bdl-7', 'Bundle', { type: 'collection', entry: [{ fullUrl: 'x' }, { fullUrl: 'x' }] }, { type: 'history' }],
  [
    'bdl-7',
    'Bundle',
    { entry: [{ fullUrl: 'x' }, { fullUrl: 'x' }] },
    { entry: [{ fullUrl: 'x' }, { fullUrl: 'x', resource: { meta: { versionId: '1' } } }] },
  ],
  ['bdl-8', 'Bundle.entry', { fullUrl: 'https://x/Patient/1/_history/1' }, { fullUrl: 'https://x/Patient/1' }],
  ['bdl-9', 'Bundle', { type: 'document', identifier: { system: 'x' } }, { identifier: { system: 'x', value: 'y' } }],
  ['bdl-10', 'Bundle', { type: 'document' }, { timestamp: 'x' }],
  ['bdl-11', 'Bundle', { type: 'document', entry: [entry] }, { entry: [{ resource: { resourceType: 'Composition' } }] }],
  ['bdl-12', 'Bundle', { type: 'message', entry: [entry] }, { entry: [{ resource: { resourceType: 'MessageHeader' } }] }],
  ['fullUrl', 'Bundle.entry', { fullUrl: 'Patient/1' }, { fullUrl: 'urn:x:y' }],
  [
    'fullUrl',
    'Bundle.entry',
    { fullUrl: 'https://x/Patient/1', resource: { resourceType: 'Patient', id: '2' } },
    { fullUrl: 'https://x/Patient/2' },
  ],
  ['que-1', 'Questionnaire.item', { type: 'group' }, { item: [{}] }],
  ['que-1', 'Questionnaire.item', { type: 'display', item: [{}] }, { item: undefined }],
  ['que-2', 'Questionnaire', { item: [{ linkId: 'x', item: [{ linkId: 'x' }] }] }, { item: [{ linkId: 'x' }] }],
  ['que-3', 'Questionnaire.item', { type: 'display', code: [{}] }, { type: 'string' }],
  ['que-4', 'Questionnaire.item', { answerOption: [{}], answerValueSet: 'x' }, { answerOption: undefined }],
  ['que-5', 'Questionnaire.item', { type: 'boolean', answerOption: [{}] }, { type: 'choice' }],
  ['que-6', 'Questionnaire.item', { type: 'display', repeats: true }, { type: 'string' }],
  ['que-7', 'Questionnaire.item.enableWhen', { operator: 'exists', answerString: 'x' }, { answerBoolean: true }],
  ['que-8', 'Questionnaire.item', { type: 'group', initial: [{}] }, { type: 'string' }],
  ['que-9', 'Questionnaire.item', { type: 'display', readOnly: true }, { type: 'string' }],
  ['que-10', 'Questionnaire.item', { type: 'date', maxLength: 1 }, { type: 'text' }],
  ['que-11', 'Questionnaire.item', { answerOption: [{}], initial: [{}] }, { initial: undefined }],
  ['que-12', 'Questionnaire.item', { enableWhen: [{}, {}] }, { enableBehavior: 'all' }],
  ['que-13', 'Questionnaire.item', { initial: [{}, {}] }, { repeats: true }],
  ['csd-1', 'CodeSystem', { concept: [{ code: 'x', concept: [{ code: 'x' }] }] }, { concept: [{ code: 'x' }] }],
  ['vsd-1', 'ValueSet.compose.include', {}, { system: 'x' }],
  ['vsd-2', 'ValueSet.compose.include', { concept: [{}] }, { system: 'x' }],
  ['vsd-2', 'ValueSet.compose.include', { filter: [{}] }, { system: 'x' }],
  ['vsd-3', 'ValueSet.compose.include', { concept: [{}], filter: [{}] }, { filter: undefined }],
  ['vsd-6', 'ValueSet.expansion.contains', {}, { display: 'x' }],
  ['vsd-9', 'ValueSet.expansion.contains', {}, { abstract: true }],
  ['vsd-10', 'ValueSet.expansion.contains', { code: 'x' }, { system: 'x' }],
  ['cmd-1', 'ConceptMap.group.element.target', { equivalence: 'inexact' }, { comment: 'x' }],
  ['cmd-2', 'ConceptMap.group.unmapped', { mode: 'fixed' }, { code: 'x' }],
  ['cmd-3', 'ConceptMap.group.unmapped', { mode: 'other-map' }, { url: 'x' }],
  ['cpb-1', 'CapabilityStatement', {}, { rest: [{}] }],
  ['cpb-2', 'CapabilityStatement', {}, { software: {} }],
  [
    'cpb-7',
    'CapabilityStatement',
    {
      document: [
        { profile: 'x', mode: 'y' },
        { mode: 'y', profile: 'x' },
      ],
    },
    { document: [{ profile: 'x' }, { profile: 'y' }] },
  ],
  [
    'cpb-9',
    'CapabilityStatement.rest',
    { resource: [{ type: 'x' }, { type: 'x' }] },
    { resource: [{ type: 'x' }, { type: 'y' }] },
  ],
  [
    'cpb-12',
    'CapabilityStatement.rest.resource',
    { searchParam: [{ name: 'x' }, { name: 'x' }] },
    { searchParam: [{ name: 'x' }] },
  ],
  ['cpb-14', 'CapabilityStatement', { kind: 'instance' }, { implementation: {} }],
  ['cpb-15', 'CapabilityStatement', { kind: 'capability', software: {}, implementation: {} }, { implementation: undefined }],
  ['cpb-16', 'CapabilityStatement', { kind: 'requirements', software: {} }, { software: undefined }],
  ['tcp-2', 'TerminologyCapabilities', {}, { description: 'x' }],
  ['tcp-3', 'TerminologyCapabilities', { kind: 'instance' }, { implementation: {} }],
  ['tcp-4', 'TerminologyCapabilities', { kind: 'capability' }, { software: {} }],
  ['tcp-5', 'TerminologyCapabilities', { kind: 'requirements', implementation: {} }, { implementation: undefined }],
  ['mea-1', 'Measure.group.stratifier', { code: {}, component: [{}] }, { code: undefined }],
  ['mrp-1', 'MeasureReport', { type: 'data-collection', group: [{}] }, { group: undefined }],
  ['mrp-2', 'MeasureReport.group.stratifier.stratum', {}, { value: {} }],
  ['md-1', 'MessageDefinition.focus', { max: '0' }, { max: '*' }],
  ['nsd-1', 'NamingSystem', { kind: 'root', uniqueId: [{ type: 'uuid' }] }, { kind: 'codesystem' }],
  [
    'nsd-2',
    'NamingSystem',
    {
      uniqueId: [
        { type: 'oid', preferred: true },
        { type: 'oid', preferred: true },
      ],
    },
    { uniqueId: [{ type: 'oid', preferred: true }, { type: 'oid' }] },
  ],
  ['opd-1', 'OperationDefinition.parameter', {}, { type: 'string' }],
  ['opd-2', 'OperationDefinition.parameter', { type: 'code', searchType: 'x' }, { type: 'string' }],
  ['opd-3', 'OperationDefinition.parameter', { type: 'code', targetProfile: ['x'] }, { type: 'Reference' }],
  ['spd-1', 'SearchParameter', { xpath: 'x' }, { xpathUsage: 'normal' }],
  ['spd-2', 'SearchParameter', { type: 'token', chain: ['x'] }, { type: 'reference' }],
  ['smp-1', 'StructureMap.group.rule.target', { element: 'x' }, { context: 'x' }],
  ['smp-2', 'StructureMap.group.rule.target', { context: 'x' }, { contextType: 'type' }],
  ['eld-1', 'ElementDefinition.slicing', {}, { description: 'x' }],
  ['eld-2', 'ElementDefinition', { min: 2, max: '1' }, { max: '*' }],
  ['eld-3', 'ElementDefinition', { max: 'x' }, { max: '*' }],
  ['eld-4', 'ElementDefinition.type', { code: 'code', aggregation: ['x'] }, { code: 'Reference' }],
  ['eld-5', 'ElementDefinition', { contentReference: '#x', type: [{}] }, { type: undefined }],
  ['eld-6', 'ElementDefinition', { fixedCode: 'x', type: [{}, {}] }, { type: [{}] }],
  ['eld-7', 'ElementDefinition', { patternCode: 'x', type: [{}, {}] }, { type: [{}] }],
  ['eld-8', 'ElementDefinition', { patternCode: 'x', fixedCode: 'x' }, { fixedCode: undefined }],
  ['eld-12', 'ElementDefinition.binding', { valueSet: 'x' }, { valueSet: 'https://x' }],
  ['eld-13', 'ElementDefinition', { type: [{ code: 'x' }, { code: 'x' }] }, { type: [{ code: 'x' }] }],
  ['eld-14', 'ElementDefinition', { constraint: [{ key: 'x' }, { key: 'x' }] }, { constraint: [{ key: 'x' }] }],
  ['eld-15', 'ElementDefinition', { defaultValueCode: 'x', meaningWhenMissing: 'x' }, { meaningWhenMissing: undefined }],
  ['eld-16', 'ElementDefinition', { sliceName: 'a b' }, { sliceName: 'a/b' }],
  ['eld-17', 'ElementDefinition.type', { code: 'code', targetProfile: ['x'] }, { code: 'canonical' }],
  ['eld-18', 'ElementDefinition', { isModifier: true }, { isModifierReason: 'x' }],
  ['eld-22', 'ElementDefinition', { sliceIsConstraining: true }, { sliceName: 'x' }],
  ['sdf-1', 'StructureDefinition', { snapshot: { element: [{ path: 'x' }, { path: 'x' }] } }, { derivation: 'constraint' }],
  ['sdf-2', 'StructureDefinition.mapping', {}, { uri: 'x' }],
  [
    'sdf-3',
    'StructureDefinition.snapshot',
    { element: [{ definition: 'x', min: 0 }] },
    { element: [{ definition: 'x', min: 0, max: '1' }] },
  ],
  [
    'sdf-8',
    'StructureDefinition',
    { type: 'A', snapshot: { element: [{ path: 'A' }, { path: 'B.c' }] } },
    { snapshot: { element: [{ path: 'A' }, { path: 'A.c' }] } },
  ],
  ['sdf-8', 'StructureDefinition', { type: 'A', snapshot: { element: [{ path: 'B' }] } }, { kind: 'logical' }],
  [
    'sdf-8a',
    'StructureDefinition',
    { type: 'A', differential: { element: [{ path: 'A.b' }, { path: 'B.c' }] } },
    { differential: { element: [{ path: 'A.b' }, { path: 'A.c' }] } },
  ],
  ['sdf-8b', 'StructureDefinition.snapshot', { element: [{}] }, { element: [{ base: {} }] }],
  ['sdf-10', 'StructureDefinition.snapshot', { element: [{ binding: {} }] }, { element: [{ binding: { valueSet: 'x' } }] }],
  ['sdf-4', 'StructureDefinition', { abstract: false }, { baseDefinition: 'x' }],
  ['sdf-5', 'StructureDefinition', { type: 'Extension' }, { context: [{}] }],
  ['sdf-6', 'StructureDefinition', {}, { differential: {} }],
  ['sdf-11', 'StructureDefinition', { kind: 'resource', type: 'A', snapshot: { element: [{ path: 'B' }] } }, { type: 'B' }],
  ['sdf-14', 'StructureDefinition', { differential: { element: [{}] } }, { differential: { element: [{ id: 'x' }] } }],
  ['sdf-16', 'StructureDefinition.snapshot', { element: [{ id: 'x' }, { id: 'x' }] }, { element: [{ id: 'x' }] }],
  ['sdf-17', 'StructureDefinition.differential', { element: [{ id: 'x' }, { id: 'x' }] }, { element: [{ id: 'x' }] }],
  ['sdf-18', 'StructureDefinition', { contextInvariant: ['x'] }, { type: 'Extension' }],
  [
    'sdf-20',
    'StructureDefinition.differential',
    { element: [{ path: 'A', slicing: {} }] },
    { element: [{ path: 'A.b', slicing: {} }] },
  ],
  ['sdf-21', 'StructureDefinition', { differential: { element: [{ defaultValueCode: 'x' }] } }, { derivation: 'specialization' }],
  [
    'sdf-23',
    'StructureDefinition',
    { snapshot: { element: [{ path: 'A', sliceName: 'x' }] } },
    { snapshot: { element: [{ path: 'A.b', sliceName: 'x' }] } },
  ],
  ['tst-1', 'TestScript.setup.action', {}, { assert: {} }],
  ['tst-2', 'TestScript.test.action', {}, { operation: {} }],
  ['inv-1', 'TestReport.setup.action', {}, { operation: {} }],
  ['inv-2', 'TestReport.test.action', {}, { assert: {} }],
];

const ALL = [...OF_DATA_TYPES, ...OF_RECORDS, ...OF_DEFINITIONS];
const isBroken = (id: string, type: string, value: object): boolean =>
  invariantsOf(type).some((one) => one.id === id && !one.holds(JSON.parse(JSON.stringify(value)) as Record<string, unknown>));

describe('an invariant', () => {
  it.each(BROKEN)('%s of %s is broken by %j, and no longer with %j', (id, type, broken, mended) => {
    expect(isBroken(id, type, broken)).toBe(true);
    expect(isBroken(id, type, { ...broken, ...mended })).toBe(false);
  });

  it('has what breaks it above', () => {
    const shown = new Set(BROKEN.map(([id, type]) => `${id} ${type}`));
    expect(ALL.map(([id, type]) => `${id} ${type}`).filter((one) => !shown.has(one))).toEqual([]);
  });

  it('is of a type that there is', () => {
    for (const [, type] of ALL) expect(typeOf(type).name).toBe(type);
    expect(isResourceType('Observation')).toBe(true);
  });

  it('reads as a sentence behind the element, and repeats no value', () => {
    for (const [, , { says }] of ALL) expect(says).toMatch(/^must [a-z]/);
  });

  it('answers whatever it is given', () => {
    const names = [
      'toString',
      'valueOf',
      'toJSON',
      ...new Set(BROKEN.flatMap(([, , broken, mended]) => [...Object.keys(broken), ...Object.keys(mended)])),
    ];
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.array(fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 1 }))),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (object) => {
        expect(new Set(ALL.map(([, , { holds }]) => typeof holds(object)))).toEqual(new Set(['boolean']));
      }),
      { numRuns: 300 },
    );
  });
});
