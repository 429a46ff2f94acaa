import type { EntryName } from './facts.js';

/** Stands in a body for what only the filing knows: the id of another entry. */
export const refersTo = (name: EntryName): object => ({ '@entry': name });

/** Stands for the patient where a type names one among others. */
export const THE_PATIENT: object = { '@patient': true };
