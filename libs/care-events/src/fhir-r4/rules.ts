import { isObject } from '../patient-reference.js';
import type { Loose } from '../patient-reference.js';

/** What must hold of an object, whatever else is wrong with it, and the sentence where it does not. Never throws. */
export interface Rule {
  readonly says: string;
  readonly holds: (value: Loose) => boolean;
}

/** An invariant by FHIR's name for it, the type that it is about, and the rule. */
export type Invariants = readonly (readonly [id: string, type: string, rule: Rule])[];

/** Whether an element is there, as a value or as what extends one. `value[x]` is any of its types. */
export function exists(name: string): (value: Loose) => boolean {
  const extended = `_${name}`;
  if (!name.endsWith('[x]')) return (value) => value[name] !== undefined || value[extended] !== undefined;
  const choice = new RegExp(`^_?${name.slice(0, -3)}[A-Z]`);
  return (value) => {
    for (const key in value) if (choice.test(key)) return true;
    return false;
  };
}

export const must = (says: string, holds: (value: Loose) => boolean): Rule => ({ says: `must ${says}`, holds });

/** At least one. */
export function any(...names: string[]): Rule {
  const all = names.map(exists);
  return must(`have ${listed(names, 'or')}`, (value) => all.some((there) => there(value)));
}

/** One, and not the other. */
export function either(a: string, b: string): Rule {
  const [hasA, hasB] = [exists(a), exists(b)];
  return must(`have either ${a} or ${b}, and not both`, (value) => hasA(value) !== hasB(value));
}

export function notBoth(a: string, b: string): Rule {
  const [hasA, hasB] = [exists(a), exists(b)];
  return must(`not have both ${a} and ${b}`, (value) => !hasA(value) || !hasB(value));
}

/** The one only with the other. */
export function needs(a: string, b: string): Rule {
  const [hasA, hasB] = [exists(a), exists(b)];
  return must(`have ${b} where it has ${a}`, (value) => !hasA(value) || hasB(value));
}

/** Where an element has one of these values, it must have the others; `not` before a name: must not. */
export function where(name: string, values: readonly string[], ...names: readonly string[]): Rule {
  return must(
    `have ${conditions(names)} where its ${name} is ${listed(values, 'or')}`,
    (value) => !isOne(value[name], ...values) || meets(value, names),
  );
}

/** Only where an element has one of these values may it have the others. */
export function only(name: string, values: readonly string[], ...names: readonly string[]): Rule {
  return must(
    `have ${listed(names, 'or')} only where its ${name} is ${listed(values, 'or')}`,
    (value) => isOne(value[name], ...values) || !has(value, ...names),
  );
}

/** Of the elements of a list, no two have the same of these. */
export function unique(list: string, ...names: readonly string[]): Rule {
  return must(`not have the same ${names.join(' and ')} in two of ${list}`, (value) => areUnique(each(value, list), ...names));
}

/** The elements of a list, or of a single object; of what is neither, none. */
export function each(value: Loose, name: string): Loose[] {
  const list = value[name];
  if (Array.isArray(list)) return list.filter(isObject);
  return isObject(list) ? [list] : [];
}

export function has(value: Loose, ...names: readonly string[]): boolean {
  return names.some((name) => value[name] !== undefined || value[`_${name}`] !== undefined);
}

export const isOne = (value: unknown, ...of: readonly unknown[]): boolean => of.includes(value);

/** Whether a CodeableConcept has one of these codes of a system. */
export function hasCode(concept: unknown, system: string, ...codes: readonly string[]): boolean {
  return isObject(concept) && each(concept, 'coding').some((one) => one['system'] === system && isOne(one['code'], ...codes));
}

export const areDistinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

export function areUnique(list: readonly Loose[], ...names: readonly string[]): boolean {
  const keys = list.map((one) => JSON.stringify(names.map((name) => one[name])));
  return new Set(keys).size === keys.length;
}

const meets = (value: Loose, names: readonly string[]): boolean =>
  names.every((name) => (name.startsWith('not ') ? !has(value, name.slice(4)) : has(value, name)));

const conditions = (names: readonly string[]): string =>
  listed(
    names.map((name) => name.replace('not ', 'no ')),
    'and',
  );

function listed(names: readonly string[], word: string): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1)}`;
}
