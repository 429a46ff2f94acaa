import { InvalidCall } from './errors.js';
import type { Meta, MetaValue } from './ports.js';

/** What lies deeper is refused, and with it a value that contains itself. */
const DEPTH_MAX = 32;
const NONE: Meta = Object.freeze({});

/**
 * A meta as engines keep it: its JSON, empty for {}. `where` stands in the error. Throws InvalidCall for what would not come
 * back as the same value; the error names the member, never what is in it.
 */
export function metaText(meta: Meta | undefined, where: string): string {
  if (meta === undefined) return '';
  if (!isPlain(meta)) throw new InvalidCall(`${where}: its meta is no plain object`);
  const members = Object.entries(meta);
  for (const [name, value] of members) {
    if (name.startsWith('$')) throw new InvalidCall(`${where}: meta.${name} is a name that belongs to the engines`);
    const unfit = unfitIn(value, DEPTH_MAX);
    if (unfit !== null) throw new InvalidCall(`${where}: meta.${name} holds ${unfit}`);
  }
  return members.length === 0 ? '' : JSON.stringify(meta);
}

export const metaOf = (text: string): Meta => (text === '' ? NONE : (JSON.parse(text) as Meta));

function unfitIn(value: MetaValue, depth: number): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? null : 'a number that is not whole';
  if (!isList(value) && !isPlain(value)) return 'what is no value of JSON';
  if (depth === 0) return 'too many values within one another';
  // By index: where nothing is in an array, JSON has null.
  const parts = isList(value) ? Array.from({ length: value.length }, (_, index) => value[index]!) : Object.values(value);
  for (const part of parts) {
    const unfit = unfitIn(part, depth - 1);
    if (unfit !== null) return unfit;
  }
  return null;
}

const isList = (value: unknown): value is readonly MetaValue[] => Array.isArray(value);

function isPlain(value: unknown): value is Meta {
  if (typeof value !== 'object' || value === null || isList(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
