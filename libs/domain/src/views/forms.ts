import { isObject } from '../is-object.js';
import type { Pseudonyms } from './present-entry.js';
import type { Release } from './release.js';
import { listedCode } from './release-codes.js';

export interface Coarseness {
  /** Characters of a date that are kept: 7 for the month, 4 for the year. FHIR R4 dates may end there. */
  readonly dateDigits: 4 | 7;
  /** Birth years are rounded down to a multiple of this. */
  readonly birthYears: number;
  /** Whether the organisation is named by its ODS code; else by a pseudonym. */
  readonly organisation: boolean;
}

/** What a field is brought into its form with. */
export interface Context {
  readonly release: Release;
  readonly coarseness: Coarseness;
  readonly pseudonyms: Pseudonyms;
  /** Within which the entry's references resolve, as it stands in its id. */
  readonly source: string;
  /** Of the event: no date of what has happened is later. When the entry arrived is chance, and no view may depend on it. */
  readonly year: number;
}

/** The value in a form that may be told, or undefined where it has none. */
export type Form = (value: unknown, context: Context) => unknown;

export const nothing: Form = () => undefined;
export const bool: Form = (value) => (typeof value === 'boolean' ? value : undefined);

/** One of FHIR's own codes. */
export function codeOf(codes: string): Form {
  const all = new Set(codes.split(' '));
  return (value) => (typeof value === 'string' && all.has(value) ? value : undefined);
}

/** A bound keeps an entry of a thousand results within what a store takes: pseudonyms are longer than what they stand for. */
const LONGEST_LIST = 1_000;

export function each(form: Form): Form {
  return (value, context) => {
    if (!Array.isArray(value)) return undefined;
    const told = value.slice(0, LONGEST_LIST).flatMap((item) => form(item, context) ?? []);
    return told.length === 0 ? undefined : told;
  };
}

export const coding: Form = (value, { release }) => {
  if (!isObject(value)) return undefined;
  const { system, code } = value;
  return listedCode(release.codeSystems, system, code) ? { system, code } : undefined;
};

const codings = each(coding);

export const concept: Form = (value, context) => {
  const told = isObject(value) ? codings(value['coding'], context) : undefined;
  return told === undefined ? undefined : { coding: told };
};

export const concepts = each(concept);

export const date: Form = (value, { coarseness, release, year }) => {
  if (typeof value !== 'string' || !/^\d{4}(-\d\d|$)/.test(value)) return undefined;
  const own = Number(value.slice(0, 4));
  return own > year || own < release.earliestYear ? undefined : value.slice(0, coarseness.dateDigits);
};

export const period: Form = (value, context) => {
  if (!isObject(value)) return undefined;
  const [start, end] = [date(value['start'], context), date(value['end'], context)];
  if (start === undefined && end === undefined) return undefined;
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
};

export const patient: Form = (_, { pseudonyms }) => ({ reference: `Patient/${pseudonyms.patient}` });

/** A reference to an entry of the same source, by the pseudonym which that entry has in the same view. */
export function reference(type: string): Form {
  return (value, { pseudonyms, source }) => {
    const target = isObject(value) && typeof value['reference'] === 'string' ? value['reference'] : '';
    const id = /^(?:urn:uuid:|[A-Za-z]+\/)([A-Za-z0-9\-.]{1,64})$/.exec(target)?.[1];
    return id === undefined ? undefined : { reference: `${type}/${entryPseudonym(`${source}/${type}/${id}`, pseudonyms)}` };
  };
}

/** The patient is part of what an entry's pseudonym stands for: one id that an organisation uses of two people tells of neither. */
export function entryPseudonym(id: string, pseudonyms: Pseudonyms): string {
  return pseudonyms.of(`${pseudonyms.patient} ${id}`);
}

export const birthYear: Form = (value, { coarseness, release, year }) => {
  const born = typeof value === 'string' ? Number(/^\d{4}/.exec(value)?.[0] ?? Number.NaN) : Number.NaN;
  if (Number.isNaN(born) || born > year) return undefined;
  const told = Math.max(born, year - release.oldestAge, release.earliestBirthYear);
  return String(told - (told % coarseness.birthYears)).padStart(4, '0');
};

/** https://www.ons.gov.uk, postcode areas of the United Kingdom: an outward code of another is none. */
const POSTCODE_AREAS = new Set(
  (
    'AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU HA HD ' +
    'HG HP HR HS HU HX IG IP IV KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM ' +
    'S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE'
  ).split(' '),
);

/**
 * Where the person lives now, by the outward part of the postcode, which names a district of some thousands of households. Where the
 * addresses do not agree on one, none is told.
 */
export const homeDistrict: Form = (value) => {
  const current = (Array.isArray(value) ? value : []).filter(isObject).filter(isCurrent);
  const homes = current.filter(({ use }) => use === 'home');
  const unstated = current.filter(({ use }) => use === undefined);
  const districts = new Set((homes.length > 0 ? homes : unstated).map(({ postalCode }) => districtOf(postalCode)));
  const [district] = districts;
  return districts.size === 1 && district !== undefined ? [{ use: 'home', postalCode: district }] : undefined;
};

const isCurrent = ({ type, period: during }: Record<string, unknown>): boolean =>
  type !== 'postal' && !(isObject(during) && during['end'] !== undefined);

function districtOf(postalCode: unknown): string | undefined {
  const postcode = typeof postalCode === 'string' ? postalCode.trim().toUpperCase() : '';
  const [, outward, area] = /^(([A-Z]{1,2})\d[A-Z\d]?)\s*\d[A-Z]{2}$/.exec(postcode) ?? [];
  return area !== undefined && POSTCODE_AREAS.has(area) ? outward : undefined;
}
