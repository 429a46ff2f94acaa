import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { containedIn, isObject, type Loose, objectsOf, textOf } from './patient-reference.js';
import { sourceOf } from './summary-latest.js';
import { stableUuid } from './stable-uuid.js';
import { type Find, spokenType } from './summary-words.js';

/** Where entries stand in a document, and where their references lead in it. */

export const urlOf = ({ id }: Pick<RecordEntry, 'id'>): string => `urn:uuid:${stableUuid(id)}`;

const RELATIVE = /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]*)?$/;

/** Under what a reference of a source finds its entry: `<source>/<type>/<id>`, or `<source> <uuid>`. */
function nameInRecord(source: string, reference: string): string | undefined {
  const uuid = /^urn:uuid:(.+)$/.exec(reference)?.[1];
  if (uuid !== undefined) return `${source} ${uuid}`;
  const relative = RELATIVE.exec(reference)?.[1];
  return relative === undefined ? undefined : `${source}/${relative}`;
}

/** The entries of a record by all names that a reference of their source may have for them. */
export class References {
  private readonly byName: ReadonlyMap<string, RecordEntry>;

  constructor(entries: readonly RecordEntry[]) {
    this.byName = new Map(
      entries.flatMap((entry): [string, RecordEntry][] => [
        [entry.id, entry],
        [`${sourceOf(entry)} ${entry.resource.id}`, entry],
      ]),
    );
  }

  entryAt(source: string, reference: unknown): RecordEntry | undefined {
    const name = nameInRecord(source, textOf(reference) ?? '');
    return name === undefined ? undefined : this.byName.get(name);
  }

  /** For the references of one entry: what it contains, or an entry of the same source. */
  findFor(entry: RecordEntry): Find {
    const contained = containedIn(entry.resource);
    return (reference) => {
      const text = textOf(reference);
      if (text?.startsWith('#')) return contained.get(text.slice(1));
      return this.entryAt(sourceOf(entry), reference)?.resource;
    };
  }

  /** What entries cannot be read without, and theirs, in the record. */
  neededBy(shown: readonly RecordEntry[]): RecordEntry[] {
    const needed = new Set(shown);
    for (const entry of needed) {
      for (const reference of neededReferences(entry.resource)) {
        const found = this.entryAt(sourceOf(entry), reference['reference']);
        if (found !== undefined && found.resourceType !== 'Patient') needed.add(found);
      }
    }
    return [...needed].slice(shown.length);
  }
}

const NEEDED = ['result', 'medicationReference', 'specimen', 'hasMember'];

function neededReferences(resource: Loose): Loose[] {
  return [resource, ...objectsOf(resource['contained'])].flatMap((one) => NEEDED.flatMap((member) => objectsOf(one[member])));
}

/** The resource of an entry as it stands in the document: each reference leads to its place there, or says that it leads to none. */
export function placed(
  entry: RecordEntry,
  places: ReadonlyMap<RecordEntry, string>,
  references: References,
  patientUrl: string,
): Resource {
  const placeOf = (reference: string): string | undefined => {
    const found = references.entryAt(sourceOf(entry), reference);
    return found && places.get(found);
  };
  const inside = withReferences(entry.resource, placeOf) as Resource;
  return { ...inside, ...aboutThePatient(entry.resource, patientUrl) };
}

/** Whatever is in a record is about its patient, also where the organisation's own Patient is not in the record. */
function aboutThePatient(resource: Resource, patientUrl: string): Partial<Resource> {
  return Object.fromEntries(
    ['subject', 'patient'].flatMap((field) => {
      const reference = resource[field];
      if (!isObject(reference) || /(?:^|\/)(?!Patient\/)[A-Z][A-Za-z]+\/[^/]+$/.test(textOf(reference['reference']) ?? ''))
        return [];
      return [[field, { ...reference, reference: patientUrl }]];
    }),
  );
}

function withReferences(value: unknown, placeOf: (reference: string) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, placeOf));
  if (!isObject(value)) return value;
  const inside = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withReferences(item, placeOf)]));
  const { reference } = value;
  if (typeof reference !== 'string' || reference.startsWith('#')) return inside;
  const place = placeOf(reference);
  if (place !== undefined) return { ...inside, reference: place };
  return /^https?:/.test(reference) ? inside : leadingNowhere(inside, reference);
}

/** A document stands by itself: within it an address of some server that it does not name leads nowhere, or to another thing. */
function leadingNowhere({ reference: _, ...rest }: Loose, reference: string): Loose {
  const type = textOf(rest['type']) ?? /^([A-Z][A-Za-z]+)[/?]/.exec(reference)?.[1];
  const display =
    textOf(rest['display']) ?? `${type === undefined ? 'something' : spokenType(type)} that is not in this document`;
  return { ...rest, ...(type !== undefined && { type }), display };
}
