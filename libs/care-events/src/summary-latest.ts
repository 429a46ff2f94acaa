import { type Interval, intervalOf, sourceIn } from '@weft/domain';
import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { isObject, type Loose, objectsOf, textOf } from './patient-reference.js';
import { distinctionOf, meaningOf } from './summary-codes.js';
import { isChangedByTheUnknown } from './summary-modifiers.js';
import type { Find } from './summary-words.js';

/** An entry as one measurement of something, and when it was made. */
interface Measurement {
  /** Equal for what is measured alike; null where that cannot be told. */
  readonly what: string | null;
  /** Null where it cannot be told. */
  readonly when: Interval | null;
  /** Whether it can take the place of an earlier one. */
  readonly hasValue: boolean;
  /** Whether a later one of its kind says all that it says. */
  readonly canBeHidden: boolean;
}

/**
 * The ids of those entries of which a later one of the same kind is there. The kind is the code with its system, and all that tells
 * two measurements of one code apart. Hidden is only what is surely earlier, and only by what surely took place and says something:
 * a date in the future, none, or one that may be the same time hides nothing, nor does a result without a value.
 */
export function superseded(
  entries: readonly RecordEntry[],
  findFor: (entry: RecordEntry) => Find,
  now: number,
): ReadonlySet<string> {
  const measured = entries.map((entry) => ({ id: entry.id, ...measurementOf(entry, findFor(entry)) }));
  const latest = new Map<string, number>();
  for (const { what, when, hasValue } of measured) {
    if (what === null || when === null || !hasValue || when.from > now) continue;
    latest.set(what, Math.max(latest.get(what) ?? -Infinity, when.from));
  }
  const isEarlier = ({ what, when, canBeHidden }: Measurement): boolean => {
    const from = what === null || !canBeHidden ? undefined : latest.get(what);
    return when !== null && from !== undefined && when.until <= from && when.from < from;
  };
  return new Set(measured.filter(isEarlier).map(({ id }) => id));
}

function measurementOf(entry: RecordEntry, find: Find): Measurement {
  const { resource } = entry;
  const canBeHidden = REMARKS.every((member) => resource[member] === undefined);
  return { what: kindOf(entry, find), when: whenOf(resource), hasValue: hasValue(resource), canBeHidden };
}

function kindOf(entry: RecordEntry, find: Find): string | null {
  const { resource, resourceType } = entry;
  const source = sourceOf(entry);
  const code = meaningOf(resource['code'], source);
  if (code === null || speaks(resource) || isChangedByTheUnknown(resource)) return null;
  const parts = resourceType === 'DiagnosticReport' ? resultsOf(resource, source, find) : componentsOf(resource, source);
  if (parts === null) return null;
  const { bodySite, method, focus, specimen } = resource as Loose;
  if ([...objectsOf(focus), ...objectsOf(specimen)].some(isUntold)) return null;
  const apart = [
    distinctionOf(bodySite, source),
    distinctionOf(method, source),
    specimenOf(resource, source, find),
    JSON.stringify(focus ?? ''),
  ];
  return [resourceType, code, parts, ...apart].join('\n');
}

/** The source within which an entry's references resolve. */
export const sourceOf = ({ id }: Pick<RecordEntry, 'id'>): string => sourceIn(id);

/** What an entry says besides its value; a later value does not say it. */
const REMARKS = ['note', 'hasMember'];

/** Where a resource speaks in words. */
const WORDS = ['valueString', 'conclusion', 'conclusionCode', 'presentedForm', 'media', 'imagingStudy'];

/** The words of one result are not the words of another: "adenocarcinoma" is not behind "FBC normal", whatever their codes. */
function speaks(resource: Resource): boolean {
  return (
    WORDS.some((member) => resource[member] !== undefined) ||
    objectsOf(resource['component']).some((component) => component['valueString'] !== undefined)
  );
}

/** A report that gathers results is the same kind as one of the same results; of one without, or whose results are not there, nobody can tell. */
function resultsOf(resource: Resource, source: string, find: Find): string | null {
  const results = objectsOf(resource['result']).map(({ reference }) => {
    const found = find(reference);
    return found === undefined ? null : meaningOf(found['code'], source);
  });
  return results.length === 0 || results.includes(null) ? null : results.sort().join(', ');
}

/** A reading of both pressures is not behind one of a single pressure. */
function componentsOf(resource: Resource, source: string): string | null {
  const components = objectsOf(resource['component'])
    .filter(holdsValue)
    .map(({ code }) => meaningOf(code, source));
  return components.includes(null) ? null : components.sort().join(', ');
}

/** What is masked may be another one each time. */
const isUntold = ({ reference, identifier, display }: Loose): boolean =>
  [reference, identifier, display].every((member) => member === undefined);

/** By what it is and where it was taken; one that is not in the record is like no other. */
function specimenOf(resource: Resource, source: string, find: Find): string {
  return objectsOf(resource['specimen'])
    .map((reference) => {
      const specimen = find(reference['reference']);
      if (specimen === undefined) return textOf(reference['display']) ?? JSON.stringify(reference);
      const { collection } = specimen;
      const site = isObject(collection) ? distinctionOf(collection['bodySite'], source) : '';
      const type = distinctionOf(specimen['type'], source);
      return type === '' ? JSON.stringify(reference) : `${type} ${site}`;
    })
    .sort()
    .join(', ');
}

/** When it was measured. When it was issued, or recorded, is another matter. */
function whenOf(resource: Resource): Interval | null {
  const { effectivePeriod: period } = resource as Loose;
  if (!isObject(period)) return intervalOf(resource['effectiveDateTime'] ?? resource['effectiveInstant']);
  const [start, end] = [intervalOf(period['start']), intervalOf(period['end'])];
  return start === null || end === null ? null : { from: start.from, until: Math.max(start.from, end.until) };
}

function hasValue(resource: Resource): boolean {
  if (resource.resourceType === 'DiagnosticReport') return objectsOf(resource['result']).length > 0;
  return holdsValue(resource) || objectsOf(resource['component']).some(holdsValue);
}

const holdsValue = (of: Loose): boolean => Object.keys(of).some((key) => /^value[A-Z]/.test(key));
