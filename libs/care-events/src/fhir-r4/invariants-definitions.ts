import type { Loose } from '../patient-reference.js';
import { any, areDistinct, areUnique, each, either, exists, has, must, needs, notBoth, only, unique, where } from './rules.js';
import type { Invariants } from './rules.js';

/** Items that offer answers to choose from. */
const CHOSEN = ['choice', 'open-choice', 'decimal', 'integer', 'date', 'dateTime', 'time', 'string', 'quantity'];
/** Items whose answers have a length. */
const SIMPLE = ['boolean', 'decimal', 'integer', 'string', 'text', 'url', 'open-choice'];

const hasFixed = exists('fixed[x]');
const hasPattern = exists('pattern[x]');
const count = (value: Loose, name: string): number => each(value, name).length;
const haveAll =
  (...names: readonly string[]) =>
  (value: Loose): boolean =>
    each(value, 'element').every((one) => names.every((name) => has(one, name)));
const hasEnableBehavior = (value: Loose): boolean => count(value, 'enableWhen') < 2 || has(value, 'enableBehavior');

/** What FHIR asks of forms, terminologies, profiles, tests and whatever else defines how records are made. */
export const OF_DEFINITIONS: Invariants = [
  ['que-1', 'Questionnaire.item', where('type', ['group'], 'item')],
  ['que-1', 'Questionnaire.item', where('type', ['display'], 'not item')],
  ['que-2', 'Questionnaire', must('not have one linkId twice', (value) => areDistinct(linkIds(value)))],
  ['que-3', 'Questionnaire.item', where('type', ['display'], 'not code')],
  ['que-4', 'Questionnaire.item', notBoth('answerOption', 'answerValueSet')],
  ['que-5', 'Questionnaire.item', only('type', CHOSEN, 'answerOption', 'answerValueSet')],
  ['que-6', 'Questionnaire.item', where('type', ['display'], 'not required', 'not repeats')],
  ['que-7', 'Questionnaire.item.enableWhen', where('operator', ['exists'], 'answerBoolean')],
  ['que-8', 'Questionnaire.item', where('type', ['group', 'display'], 'not initial')],
  ['que-9', 'Questionnaire.item', where('type', ['display'], 'not readOnly')],
  ['que-10', 'Questionnaire.item', only('type', SIMPLE, 'maxLength')],
  ['que-11', 'Questionnaire.item', notBoth('answerOption', 'initial')],
  ['que-12', 'Questionnaire.item', must('have enableBehavior where it has several enableWhen', hasEnableBehavior)],
  [
    'que-13',
    'Questionnaire.item',
    must('repeat where it has several initial', (value) => value['repeats'] === true || count(value, 'initial') < 2),
  ],
  ['csd-1', 'CodeSystem', must('not have one code twice', (value) => areDistinct(conceptCodes(value)))],
  ['vsd-1', 'ValueSet.compose.include', any('valueSet', 'system')],
  ['vsd-2', 'ValueSet.compose.include', needs('concept', 'system')],
  ['vsd-2', 'ValueSet.compose.include', needs('filter', 'system')],
  ['vsd-3', 'ValueSet.compose.include', notBoth('concept', 'filter')],
  ['vsd-6', 'ValueSet.expansion.contains', any('code', 'display')],
  [
    'vsd-9',
    'ValueSet.expansion.contains',
    must('have a code unless it is abstract', (value) => has(value, 'code') || value['abstract'] === true),
  ],
  ['vsd-10', 'ValueSet.expansion.contains', needs('code', 'system')],
  ['cmd-1', 'ConceptMap.group.element.target', where('equivalence', ['narrower', 'inexact'], 'comment')],
  ['cmd-2', 'ConceptMap.group.unmapped', where('mode', ['fixed'], 'code')],
  ['cmd-3', 'ConceptMap.group.unmapped', where('mode', ['other-map'], 'url')],
  ['cpb-1', 'CapabilityStatement', any('rest', 'messaging', 'document')],
  ['cpb-2', 'CapabilityStatement', any('description', 'software', 'implementation')],
  ['cpb-7', 'CapabilityStatement', unique('document', 'profile', 'mode')],
  ['cpb-9', 'CapabilityStatement.rest', unique('resource', 'type')],
  ['cpb-12', 'CapabilityStatement.rest.resource', unique('searchParam', 'name')],
  ['cpb-14', 'CapabilityStatement', where('kind', ['instance'], 'implementation')],
  ['cpb-15', 'CapabilityStatement', where('kind', ['capability'], 'software', 'not implementation')],
  ['cpb-16', 'CapabilityStatement', where('kind', ['requirements'], 'not software', 'not implementation')],
  ['tcp-2', 'TerminologyCapabilities', any('description', 'software', 'implementation')],
  ['tcp-3', 'TerminologyCapabilities', where('kind', ['instance'], 'implementation')],
  ['tcp-4', 'TerminologyCapabilities', where('kind', ['capability'], 'software', 'not implementation')],
  ['tcp-5', 'TerminologyCapabilities', where('kind', ['requirements'], 'not software', 'not implementation')],
  [
    'mea-1',
    'Measure.group.stratifier',
    must(
      'have either criteria or components',
      (value) => has(value, 'code', 'description', 'criteria') !== has(value, 'component'),
    ),
  ],
  ['mrp-1', 'MeasureReport', where('type', ['data-collection'], 'not group')],
  ['mrp-2', 'MeasureReport.group.stratifier.stratum', either('value', 'component')],
  [
    'md-1',
    'MessageDefinition.focus',
    must('have a max of * or above 0', ({ max }) => typeof max !== 'string' || max === '*' || Number(max) > 0),
  ],
  [
    'nsd-1',
    'NamingSystem',
    must(
      'not have a uuid where it is a root',
      (value) => value['kind'] !== 'root' || each(value, 'uniqueId').every(({ type }) => type !== 'uuid'),
    ),
  ],
  [
    'nsd-2',
    'NamingSystem',
    must('not prefer two identifiers of one type', (value) =>
      areUnique(
        each(value, 'uniqueId').filter(({ preferred }) => preferred === true),
        'type',
      ),
    ),
  ],
  ['opd-1', 'OperationDefinition.parameter', any('type', 'part')],
  ['opd-2', 'OperationDefinition.parameter', only('type', ['string'], 'searchType')],
  ['opd-3', 'OperationDefinition.parameter', only('type', ['Reference', 'canonical'], 'targetProfile')],
  ['spd-1', 'SearchParameter', needs('xpath', 'xpathUsage')],
  ['spd-2', 'SearchParameter', only('type', ['reference'], 'chain')],
  ['smp-1', 'StructureMap.group.rule.target', needs('element', 'context')],
  ['smp-2', 'StructureMap.group.rule.target', needs('context', 'contextType')],
  ['eld-1', 'ElementDefinition.slicing', any('discriminator', 'description')],
  [
    'eld-2',
    'ElementDefinition',
    must(
      'not have a min above its max',
      ({ min, max }) => !(typeof min === 'number' && typeof max === 'string' && min > Number(max)),
    ),
  ],
  [
    'eld-3',
    'ElementDefinition',
    must('have a max of * or a number', ({ max }) => typeof max !== 'string' || /^(?:\*|\d+)$/.test(max)),
  ],
  ['eld-4', 'ElementDefinition.type', only('code', ['Reference', 'canonical'], 'aggregation')],
  [
    'eld-5',
    'ElementDefinition',
    must(
      'have nothing of its own where it has contentReference',
      (value) =>
        !has(value, 'contentReference') ||
        !(hasFixed(value) || hasPattern(value) || has(value, 'type', 'example', 'maxLength', 'binding')),
    ),
  ],
  [
    'eld-6',
    'ElementDefinition',
    must('have one type where it has a fixed value', (value) => !hasFixed(value) || count(value, 'type') < 2),
  ],
  [
    'eld-7',
    'ElementDefinition',
    must('have one type where it has a pattern', (value) => !hasPattern(value) || count(value, 'type') < 2),
  ],
  ['eld-8', 'ElementDefinition', notBoth('pattern[x]', 'fixed[x]')],
  [
    'eld-12',
    'ElementDefinition.binding',
    must(
      'have a valueSet that begins with http or urn',
      ({ valueSet }) => typeof valueSet !== 'string' || /^(?:http:|https|urn:)/.test(valueSet),
    ),
  ],
  ['eld-13', 'ElementDefinition', unique('type', 'code')],
  ['eld-14', 'ElementDefinition', unique('constraint', 'key')],
  ['eld-15', 'ElementDefinition', notBoth('defaultValue[x]', 'meaningWhenMissing')],
  [
    'eld-16',
    'ElementDefinition',
    must(
      'have a sliceName of letters, digits and / - _ [ ] @',
      ({ sliceName }) => typeof sliceName !== 'string' || /^[a-zA-Z0-9/\-_[\]@]+$/.test(sliceName),
    ),
  ],
  ['eld-17', 'ElementDefinition.type', only('code', ['Reference', 'canonical'], 'targetProfile')],
  [
    'eld-18',
    'ElementDefinition',
    must(
      'have isModifierReason where it is a modifier',
      (value) => value['isModifier'] !== true || has(value, 'isModifierReason'),
    ),
  ],
  ['eld-22', 'ElementDefinition', needs('sliceIsConstraining', 'sliceName')],
  [
    'sdf-1',
    'StructureDefinition',
    must(
      'not have a path twice in its snapshot unless it is a constraint',
      (value) => value['derivation'] === 'constraint' || areUnique(elements(value, 'snapshot'), 'path'),
    ),
  ],
  ['sdf-2', 'StructureDefinition.mapping', any('name', 'uri')],
  [
    'sdf-4',
    'StructureDefinition',
    must('have a baseDefinition unless it is abstract', (value) => value['abstract'] === true || has(value, 'baseDefinition')),
  ],
  [
    'sdf-5',
    'StructureDefinition',
    must(
      'have a context where it defines an extension',
      (value) => value['type'] !== 'Extension' || value['derivation'] === 'specialization' || has(value, 'context'),
    ),
  ],
  ['sdf-6', 'StructureDefinition', any('snapshot', 'differential')],
  [
    'sdf-3',
    'StructureDefinition.snapshot',
    must('have definition, min and max in each element', haveAll('definition', 'min', 'max')),
  ],
  [
    'sdf-8',
    'StructureDefinition',
    must('have a snapshot of elements below its type', (value) => areBelowType(value, 'snapshot')),
  ],
  [
    'sdf-8a',
    'StructureDefinition',
    must('have a differential of elements below its type', (value) => areBelowType(value, 'differential')),
  ],
  ['sdf-8b', 'StructureDefinition.snapshot', must('have a base in each element', haveAll('base'))],
  ['sdf-10', 'StructureDefinition.snapshot', must('have a value set or a description in each binding', describeBindings)],
  [
    'sdf-11',
    'StructureDefinition',
    must(
      'have a snapshot that begins with its type',
      (value) =>
        value['kind'] === 'logical' || !has(value, 'snapshot') || elements(value, 'snapshot')[0]?.['path'] === value['type'],
    ),
  ],
  [
    'sdf-14',
    'StructureDefinition',
    must('have an id in each element', (value) => everyElement(value).every(({ id }) => id !== undefined)),
  ],
  ['sdf-16', 'StructureDefinition.snapshot', unique('element', 'id')],
  ['sdf-17', 'StructureDefinition.differential', unique('element', 'id')],
  ['sdf-18', 'StructureDefinition', only('type', ['Extension'], 'contextInvariant')],
  [
    'sdf-20',
    'StructureDefinition.differential',
    must('not slice its root', (value) => each(value, 'element').every((one) => !isRoot(one) || !has(one, 'slicing'))),
  ],
  [
    'sdf-21',
    'StructureDefinition',
    must(
      'not have default values unless it is a specialization',
      (value) => value['derivation'] === 'specialization' || !elements(value, 'differential').some(exists('defaultValue[x]')),
    ),
  ],
  [
    'sdf-23',
    'StructureDefinition',
    must('not have a sliceName at its root', (value) =>
      everyElement(value).every((one) => !isRoot(one) || !has(one, 'sliceName')),
    ),
  ],
  ['tst-1', 'TestScript.setup.action', either('operation', 'assert')],
  ['tst-2', 'TestScript.test.action', either('operation', 'assert')],
  ['inv-1', 'TestReport.setup.action', either('operation', 'assert')],
  ['inv-2', 'TestReport.test.action', either('operation', 'assert')],
];

function describeBindings(value: Loose): boolean {
  const bindings = each(value, 'element').flatMap((one) => each(one, 'binding'));
  return bindings.every((binding) => has(binding, 'valueSet', 'description'));
}

/** A differential may begin below the type itself. */
function areBelowType(value: Loose, view: 'snapshot' | 'differential'): boolean {
  const [first, ...rest] = elements(value, view).map(({ path }) => (typeof path === 'string' ? path : ''));
  if (first === undefined) return true;
  const root = view === 'snapshot' ? first : first.replace(/\..*/, '');
  const type = typeof value['type'] === 'string' ? value['type'] : '';
  const isOfType = value['kind'] === 'logical' || (view === 'snapshot' ? first === type : first.startsWith(type));
  return isOfType && rest.every((path) => path.startsWith(`${root}.`));
}

function linkIds(value: Loose): unknown[] {
  return each(value, 'item').flatMap((item) => [item['linkId'], ...linkIds(item)]);
}

function conceptCodes(value: Loose): unknown[] {
  return each(value, 'concept').flatMap((concept) => [concept['code'], ...conceptCodes(concept)]);
}

const elements = (value: Loose, view: string): Loose[] => each(value, view).flatMap((one) => each(one, 'element'));
const everyElement = (value: Loose): Loose[] => [...elements(value, 'snapshot'), ...elements(value, 'differential')];
const isRoot = ({ path }: Loose): boolean => typeof path === 'string' && !path.includes('.');
