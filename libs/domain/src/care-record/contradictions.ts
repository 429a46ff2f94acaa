import { isObject } from '../is-object.js';
import { intervalOf, type Interval } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';
import type { Entry } from './entry.js';
import { isToReview } from './placement.js';

/** An entry of which somebody should look whose it is. */
export interface ToReview {
  readonly entry: string;
  /**
   * What cannot be true of one person, as another entry of the record says otherwise: a family name alone may change. `nhsNumber`: its versions
   * name several people.
   */
  readonly fields: readonly ('birthDate' | 'family' | 'nhsNumber')[];
}

interface Demographics {
  readonly entry: string;
  readonly born: Interval | null;
  readonly families: ReadonlySet<string>;
}

/** A record of more Patients is looked at no further: each is compared with each. */
const COMPARED_MAX = 200;

type Shown = { readonly id: string; readonly resource: Resource };

/** @param misplaced ids of those whose versions name several people. */
export function toReview(entries: Iterable<Shown>, misplaced: readonly string[]): ToReview[] {
  return [...contradictionsIn(entries), ...misplaced.map((entry): ToReview => ({ entry, fields: ['nhsNumber'] }))];
}

/** Of the entries that somebody is shown, by their ids, those that came from another person, or may be one's. */
export function misplacedIn(
  { entries }: { readonly entries: ReadonlyMap<string, Entry> },
  shown: ReadonlyMap<string, unknown>,
): string[] {
  return [...shown.keys()].filter((id) => {
    const entry = entries.get(id);
    return entry !== undefined && isToReview(entry);
  });
}

/**
 * The entries that somebody should look at, because the Patients that they are or contain were born on different days: perhaps one is
 * filed under somebody else's number. What is not said, or said less precisely, contradicts nothing.
 */
export function contradictionsIn(entries: Iterable<Shown>): ToReview[] {
  const known: Demographics[] = [];
  for (const { id, resource } of entries) {
    for (const patient of patientsIn(resource)) if (known.length < COMPARED_MAX) known.push(demographicsOf(id, patient));
  }
  return known.flatMap((one) => {
    const others = known.filter((other) => other.entry !== one.entry && areApart(one.born, other.born));
    if (others.length === 0) return [];
    const isRenamed = others.some(({ families }) => isOther(one.families, families));
    return [{ entry: one.entry, fields: isRenamed ? (['birthDate', 'family'] as const) : (['birthDate'] as const) }];
  });
}

function patientsIn(resource: Resource): readonly Readonly<Record<string, unknown>>[] {
  const contained: readonly unknown[] = Array.isArray(resource['contained']) ? resource['contained'] : [];
  return [resource, ...contained].filter(isObject).filter(({ resourceType }) => resourceType === 'Patient');
}

function demographicsOf(entry: string, { birthDate, name }: Readonly<Record<string, unknown>>): Demographics {
  const names: readonly unknown[] = Array.isArray(name) ? name : [];
  const families = names
    .filter(isObject)
    .flatMap(({ family }) => (typeof family === 'string' ? [family.trim().toLowerCase()] : []));
  return { entry, born: intervalOf(birthDate), families: new Set(families) };
}

const areApart = (one: Interval | null, other: Interval | null): boolean =>
  one !== null && other !== null && (one.until <= other.from || other.until <= one.from);

const isOther = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size > 0 && other.size > 0 && ![...one].some((family) => other.has(family));
