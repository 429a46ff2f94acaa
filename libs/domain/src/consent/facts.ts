import type { Resource } from '../vocabulary.js';
import type { Code } from './decision.js';
import { isObject } from '../is-object.js';

/** What decisions and rules look at in a resource. */
export interface Facts {
  /** Every code anywhere in it: in extensions, components, reasons and contained resources too. */
  readonly codes: readonly Code[];
  /** The same codes whatever their system, and each with its system (`codeKey`). */
  readonly texts: ReadonlySet<string>;
  readonly keys: ReadonlySet<string>;
  /** How confidential it says it is: meta.security and Composition.confidentiality. One in words alone has no code. */
  readonly labels: readonly Partial<Code>[];
  /** Names by which other resources may refer to it: `<type>/<id>`, its id, and its business identifiers. */
  readonly names: readonly string[];
  /** What it contains that other resources of its source may be named by, as `<type>/<id>`; null in place of an id that cannot be told. */
  readonly contained: readonly { readonly resourceType: string; readonly id: string | null }[];
  /** The names that it refers to, with the element that does. */
  readonly references: readonly { readonly field: string; readonly name: string }[];
}

export function factsOf(resource: Resource): Facts {
  const facts = { codes: [] as Code[], references: [] as { field: string; name: string }[] };
  walk(resource, '', facts);
  return {
    ...facts,
    texts: new Set(facts.codes.map(({ code }) => code)),
    keys: new Set(facts.codes.map(codeKey)),
    labels: [
      ...labelsOf(resource.meta?.['security']),
      ...codingsOf({ system: CONFIDENTIALITY_SYSTEM, code: resource['confidentiality'] }),
    ],
    contained: containedIn(resource),
    names: namesOf(resource),
  };
}

/**
 * Weft gives what is about nobody, and stands in the entries that refer to it, the id `<type>-<id>`; where there was no room for
 * that, a UUID of version 8.
 */
function containedIn({ contained }: Resource): Facts['contained'] {
  return (Array.isArray(contained) ? contained : []).filter(isObject).flatMap(({ resourceType, id }): Facts['contained'] => {
    if (typeof resourceType !== 'string' || typeof id !== 'string') return [];
    if (MADE_ID.test(id)) return [{ resourceType, id: null }];
    const own = id.startsWith(`${resourceType}-`) ? [{ resourceType, id: id.slice(resourceType.length + 1) }] : [];
    return [{ resourceType, id }, ...own];
  });
}

const MADE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What says which fact a resource is: its type with its id, and its business identifiers. */
export const ownNames = ({ resourceType, id, identifier }: Resource): string[] => [
  `${resourceType}/${id}`,
  ...identifiersOf(identifier),
];

/** Names by which other resources may refer to it. */
export const namesOf = (resource: Resource): string[] => [...ownNames(resource), `${resource.id}`];

/** A name in a record: an address means an entry of the same source, as does an identifier without a system; others mean the same everywhere. */
export const scopedName = (source: string, name: string): string =>
  name.includes('|') && !name.startsWith('|') ? name : `${source} ${name}`;

const CONFIDENTIALITY_SYSTEM = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
/** HL7 v3 Confidentiality has had these addresses. */
const CONFIDENTIALITY_SYSTEMS: readonly unknown[] = [
  CONFIDENTIALITY_SYSTEM,
  'http://hl7.org/fhir/v3/Confidentiality',
  'urn:oid:2.16.840.1.113883.5.25',
];
export const isOfConfidentiality = ({ system }: Partial<Code>): boolean => CONFIDENTIALITY_SYSTEMS.includes(system);

function labelsOf(security: unknown): Partial<Code>[] {
  return (Array.isArray(security) ? security : [security]).filter(isObject).map(({ system, code }) => ({
    ...(typeof system === 'string' && { system }),
    ...(typeof code === 'string' && { code }),
  }));
}

/** A code with its system as one text. */
export const codeKey = ({ system, code }: Code): string => `${system ?? ''}|${code}`;

type Collected = { readonly codes: Code[]; readonly references: { field: string; name: string }[] };

function walk(value: unknown, field: string, facts: Collected): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, field, facts);
  } else if (isObject(value)) {
    facts.codes.push(...codingsOf(value), ...codingsOf({ code: value['valueCode'] }));
    for (const name of namesReferredTo(value)) facts.references.push({ field, name });
    for (const [member, below] of Object.entries(value)) walk(below, member, facts);
  }
}

function codingsOf(value: unknown): Code[] {
  if (Array.isArray(value)) return value.flatMap(codingsOf);
  if (!isObject(value) || typeof value['code'] !== 'string') return [];
  const { system, code } = value;
  return [typeof system === 'string' ? { system, code: code as string } : { code: code as string }];
}

/** The names that a reference by address, by logical identifier, or by a search gives. One within the resource itself (`#…`) gives none. */
export function namesReferredTo(value: Readonly<Record<string, unknown>>): string[] {
  const { reference } = value;
  const names: string[] = [];
  if (typeof reference === 'string') {
    const name = nameOfReference(reference);
    if (name !== null) names.push(name);
  }
  if (typeof reference === 'string' || typeof value['type'] === 'string' || isLogical(value))
    names.push(...identifiersOf(value['identifier']));
  return names;
}

/** A reference by its identifier alone. A resource's own identifier is none. */
const isLogical = ({ identifier, resourceType }: Readonly<Record<string, unknown>>): boolean =>
  isObject(identifier) && resourceType === undefined;

function nameOfReference(reference: string): string | null {
  const searched = /^[A-Z][A-Za-z]+\?identifier=(.+)$/.exec(reference)?.[1];
  if (searched !== undefined) return decoded(searched);
  const uuid = /^urn:(?:uuid|oid):(.+)$/.exec(reference)?.[1];
  return uuid ?? /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]*)?$/.exec(reference)?.[1] ?? null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function identifiersOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value])
    .filter(isObject)
    .filter(({ value: text }) => typeof text === 'string')
    .map(({ system, value: text }) => `${typeof system === 'string' ? system : ''}|${text as string}`);
}
