import type { Resource } from '@weft/domain';
import { identifierOfConditional, isObject, objectsOf, textOf, unversioned } from './patient-reference.js';
import type { Loose } from './patient-reference.js';

export interface BundleEntry {
  readonly index: number;
  readonly resource: Resource;
  readonly fullUrl?: string;
  /** The id that it came with, where that was made for the message alone. */
  readonly sentId?: string;
}

/** Identifiers by which a resource may be referred to; who has more is not looked for by the rest. */
const IDENTIFIERS_MAX = 8;

/** Everything by which references may name an entry: its fullUrl, `urn:uuid:<id>`, `<type>/<id>`, and its business identifiers. */
export function namesOf({ resource, fullUrl, sentId }: BundleEntry): string[] {
  const address = fullUrl === undefined ? undefined : unversioned(fullUrl);
  const id = textOf(resource.id);
  const names = address === undefined ? [] : [address];
  if (id !== undefined) {
    names.push(`${resource.resourceType}/${id}`, `urn:uuid:${id}`);
    // Another server's resource of that id is another one; where the entry says of no server, any may be meant.
    if (address === undefined || !/^https?:/.test(address)) names.push(`*/${resource.resourceType}/${id}`);
  }
  if (sentId !== undefined) names.push(`${resource.resourceType}/${sentId}`, `urn:uuid:${sentId}`);
  for (const { system, value } of objectsOf(resource['identifier']).slice(0, IDENTIFIERS_MAX)) {
    const [one, other] = [textOf(system), textOf(value)];
    if (one !== undefined && other !== undefined) names.push(byIdentifier(resource.resourceType, one, other));
  }
  return [...new Set(names)];
}

/** The names by which a reference may mean an entry, the most telling first. */
export function namesMeant({ reference, identifier, type }: Loose): string[] {
  const text = unversioned(textOf(reference) ?? '');
  const conditional = identifierOfConditional(text);
  if (conditional !== null) return [byIdentifier(conditional.type, conditional.system, conditional.value)];
  if (text !== '') {
    const relative = /^https?:\/\/.*\/([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})$/.exec(text)?.[1];
    return relative === undefined ? [text] : [text, `*/${relative}`];
  }
  if (!isObject(identifier)) return [];
  const [system, value, of] = [textOf(identifier['system']), textOf(identifier['value']), textOf(type)];
  return system === undefined || value === undefined || of === undefined ? [] : [byIdentifier(of, system, value)];
}

/** The type that a reference says its target is of; undefined where it does not say. */
export function typeMeant({ reference, type }: Loose): string | undefined {
  const text = unversioned(textOf(reference) ?? '');
  const said = /(?:^|\/)([A-Z][A-Za-z]+)(?:\/[A-Za-z0-9.-]{1,64}$|\?)/.exec(text)?.[1];
  return said ?? textOf(type)?.replace(/^http:\/\/hl7\.org\/fhir\/StructureDefinition\//, '');
}

const byIdentifier = (type: string, system: string, value: string): string => `${type}?${system}|${value}`;

/** Every Reference anywhere in a value. */
export function* referencesIn(value: unknown): Generator<Loose> {
  if (Array.isArray(value)) for (const item of value) yield* referencesIn(item);
  else if (isObject(value)) {
    if (typeof value['reference'] === 'string') yield value;
    for (const name in value) yield* referencesIn(value[name]);
  }
}
