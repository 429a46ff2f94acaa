import { markedBy } from '@weft/domain';
import type { Problem } from '@weft/domain';
import { isObject } from '../patient-reference.js';
import type { Loose } from '../patient-reference.js';
import { nameShown } from '../problems.js';
import { checkContained, checkReference, containerOf, noteFragment } from './references.js';
import { isResourceType, typeOf } from './types.js';
import type { Codes, Element, Member, Type } from './types.js';
import { isFull, report } from './walk.js';
import type { Walk } from './walk.js';

/** So many codes are named; of more, their value set. */
const CODES_NAMED_MAX = 20;

/** Everything in which a resource is not FHIR R4, as far as one walk finds it. The resource's size is bounded before. */
export function validate(resource: unknown): Problem[] {
  const isKnown = isObject(resource) && isResourceType(resource['resourceType']);
  const path = [isKnown ? (resource['resourceType'] as string) : 'Resource'];
  const walk: Walk = { found: [], path, container: containerOf({}, 1), isInConsent: false };
  checkResource(resource, false, walk);
  return walk.found;
}

function checkResource(value: unknown, isContained: boolean, walk: Walk): void {
  if (!isObject(value)) return report(walk, 'structure', 'must be a resource, a JSON object');
  const name = value['resourceType'];
  if (!isResourceType(name)) return report(walk, 'structure', 'is no resource type of FHIR R4', 'resourceType');
  const { container, isInConsent } = walk;
  walk.isInConsent ||= name === 'Consent';
  if (isContained) {
    if (value['id'] === undefined) report(walk, 'required', 'is required: what is contained is referred to by it', 'id');
    checkObject(value, typeOf(name), false, walk);
  } else {
    walk.container = containerOf(value, walk.path.length);
    checkObject(value, typeOf(name), false, walk);
    checkContained(value, walk);
  }
  walk.container = container;
  walk.isInConsent = isInConsent;
}

/** An object of a type. `isValued` where it extends a primitive that has a value. */
function checkObject(value: Loose, type: Type, isValued: boolean, walk: Walk): void {
  let content = 0;
  let choices = 0;
  for (const key in value) {
    if (isFull(walk)) return;
    if (key !== 'id') content += 1;
    const member = type.members.get(key);
    if (member === undefined) {
      const marked = markedBy(key);
      if (marked !== undefined) checkDigits(value, marked, type, walk);
      else if (key !== 'resourceType' || !type.isResource) reportUnknown(key, walk);
      continue;
    }
    const { choice } = member.element;
    if (choice !== 0) {
      if ((choices & choice) !== 0) checkChoice(value, member.element, walk);
      choices |= choice;
    }
    checkMember(value, key, member, walk);
  }
  if (content === 0 && !isValued) {
    report(walk, 'empty', 'must not be empty');
    // What a Consent is spared for being empty, it is spared for all that is missing there.
    if (walk.isInConsent) return;
  }
  for (const element of type.required) {
    if (!isPresent(value, element.names)) report(walk, 'required', 'is required', element.name);
  }
  for (const { id, says, holds } of type.invariants) {
    if (!holds(value)) report(walk, 'invariant', `${says} (${id})`);
  }
}

function isPresent(value: Loose, names: readonly string[]): boolean {
  for (const name of names) if (value[name] !== undefined) return true;
  return false;
}

/** A number's own digits, which are marked where JavaScript writes others. Of any other type it is said that it is no number. */
function checkDigits(value: Loose, name: string, type: Type, walk: Walk): void {
  if (value[name] === undefined) return reportUnknown(`#${name}`, walk);
  const member = type.members.get(name);
  if (member?.primitive?.isWhole === true) {
    report(walk, 'value', 'must be written as a whole number, without fraction or exponent', member.step);
  }
}

function reportUnknown(key: string, walk: Walk): void {
  if (nameShown(key) === key) report(walk, 'structure', 'is no element of this type', key);
  else report(walk, 'structure', 'has a member whose name is none of FHIR’s');
}

/** `value` and `_value` are one; `valueString` and `valueInteger` are two. */
function checkChoice(value: Loose, { name, names }: Element, walk: Walk): void {
  const chosen = new Set(names.filter((one) => value[one] !== undefined).map((one) => one.replace('_', '')));
  if (chosen.size > 1) report(walk, 'structure', 'must have one value, of one type', name);
}

function checkMember(owner: Loose, key: string, member: Member, walk: Walk): void {
  const value = owner[key];
  const { step, isList } = member;
  walk.path.push(step);
  if (!isList) {
    if (Array.isArray(value)) report(walk, 'structure', 'must not be a list');
    else checkItem(value, member, member.partner === null ? undefined : owner[member.partner], walk);
  } else if (!Array.isArray(value)) report(walk, 'structure', 'must be a list');
  else checkList(value, member, member.partner === null ? undefined : owner[member.partner], walk);
  walk.path.pop();
}

function checkList(list: readonly unknown[], member: Member, partners: unknown, walk: Walk): void {
  if (list.length === 0) report(walk, 'empty', 'must not be an empty list');
  const depth = walk.path.push(0) - 1;
  for (let index = 0; index < list.length && !isFull(walk); index += 1) {
    walk.path[depth] = index;
    const partner: unknown = Array.isArray(partners) ? partners[index] : undefined;
    const item = list[index];
    // In a list, null keeps the place of a value or of what extends it, where the other of the two has something. Of two nulls
    // the value's is reported.
    if (item === null && member.partner !== null && (member.primitive === null ? partner !== undefined : isThere(partner)))
      continue;
    checkItem(item, member, partner, walk);
  }
  walk.path.pop();
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null;

function checkItem(value: unknown, member: Member, partner: unknown, walk: Walk): void {
  if (member.primitive !== null) return checkPrimitive(value, member, walk);
  if (member.isResource) return checkResource(value, member.step === 'contained', walk);
  if (!isObject(value)) return report(walk, 'structure', 'must be an object');
  const isValued = isThere(partner);
  if (member.partner !== null && member.codes !== null && !isValued) {
    report(walk, 'code-invalid', codesProblem(member.codes, 'must have a code'));
  }
  checkObject(value, typeOf(member.type), isValued, walk);
  if (member.codes !== null && member.partner === null) checkConcept(value, member, walk);
  if (member.type === 'Reference') checkReference(value, member, walk);
}

function checkPrimitive(value: unknown, member: Member, walk: Walk): void {
  const { json, problem: problemOf, rule } = member.primitive!;
  if (typeof value !== json) return report(walk, 'structure', value === null ? 'must not be null' : `must be a ${json}`);
  const wrong = problemOf(value as never);
  if (wrong !== null) return report(walk, value === '' ? 'empty' : 'value', wrong);
  const broken = rule?.(value as string) ?? null;
  if (broken !== null) report(walk, 'invariant', broken);
  if (member.codes !== null && !member.codes.all.has(value as string)) {
    report(walk, 'code-invalid', codesProblem(member.codes, 'must be'));
  }
  if (json === 'string' && (value as string).charCodeAt(0) === 0x23) noteFragment(value as string, member, walk);
}

/** A CodeableConcept of a required binding: one of its codings must be in the value set. */
function checkConcept(value: Loose, { codes }: Member, walk: Walk): void {
  const codings = Array.isArray(value['coding']) ? value['coding'].filter(isObject) : [];
  const isOne = ({ system, code }: Loose): boolean => codes!.systems.get(system as string)?.has(code as string) === true;
  if (!codings.some(isOne)) report(walk, 'code-invalid', codesProblem(codes!, 'must have a coding with its system and'));
}

/** The sentence for a value that is none of the codes. */
function codesProblem({ name, all }: Codes, must: string): string {
  return `${must} one of ${all.size > CODES_NAMED_MAX ? `the codes of ${name}` : [...all].join(', ')}`;
}
