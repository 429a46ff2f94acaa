import { hash } from 'node:crypto';
import type { EntryName } from './facts.js';

/** An identifier that a table read: a value, and who gave it where that is said. */
export interface Identifier {
  readonly value: string;
  readonly assigner?: string;
}

export const nameKey = (name: EntryName): string => name.join('\u0000');

/** The resource id of an entry: the same wherever and whenever it is mapped, and no number of the message or of a run is in it. */
export function resourceId(organisation: string, name: EntryName): string {
  return `v2-${hash('sha256', JSON.stringify([organisation, ...name])).slice(0, 40)}`;
}

/** Of an MRN as the index has it who gave it, and its value, in which anything may stand. */
export function mrnParts(mrn: string): readonly [authority: string, value: string] {
  const end = mrn.indexOf('|');
  return [mrn.slice(0, end), mrn.slice(end + 1)];
}

/** A number with its assigner first, where it has one. */
export const numbered = ({ value, assigner }: Identifier, otherwise?: string): readonly string[] => {
  const giver = assigner ?? otherwise;
  return giver === undefined ? [value] : [giver, value];
};
