import type { Resource } from '@weft/domain';
import { nameOf, namedBy, type Facts } from './naive-limits.js';

/** An entry that a purpose is refused; `silent`: so that it shows no sign of itself. */
export interface Refused {
  readonly entry: Facts;
  readonly silent: boolean;
}

/**
 * A resource as it is told beside what is refused: whatever refers to that, or is a copy of it, and what says so in words, is replaced. The
 * resources of a simulation contain one other at most.
 */
export function maskedBeside(from: Facts, refused: readonly Refused[]): Resource {
  if (refused.length === 0) return from.resource;
  const bearersOf = (names: readonly string[]): Refused[] =>
    refused.filter(({ entry }) => names.some((name) => namedBy(entry, from).includes(name)));
  const { contained = [], ...rest } = from.resource as { contained?: Resource[] } & Resource;
  const copies = new Map(contained.map((one) => [`#${one.id}`, bearersOf(allNames(one))]));
  const told = replaced(rest, (object) => {
    const { reference, identifier, resourceType } = object as {
      reference?: string;
      identifier?: Identifier;
      resourceType?: string;
    };
    if (resourceType !== undefined) return [];
    const names = [
      ...(reference === undefined ? [] : [nameOf(reference)]),
      ...(identifier === undefined ? [] : textsOf([identifier])),
    ];
    return [...bearersOf(names), ...(copies.get(reference ?? '') ?? [])];
  }) as Resource;
  const isCopied = [...copies.values()].some((bearers) => bearers.length > 0);
  if (JSON.stringify(told) === JSON.stringify(rest) && !isCopied) return from.resource;
  const { text: _, ...mute } = told as { text?: unknown } & Resource;
  return { ...mute, ...(contained.length > 0 && !isCopied && { contained }) } as Resource;
}

interface Identifier {
  readonly system?: string;
  readonly value?: string;
}

const textsOf = (identifiers: readonly Identifier[]): string[] => identifiers.map(({ system, value }) => `${system}|${value}`);

const allNames = ({ resourceType, id, identifier }: Resource): string[] => [
  `${resourceType}/${id}`,
  ...textsOf((identifier ?? []) as Identifier[]),
];

function replaced(value: unknown, refusedAt: (object: object) => readonly Refused[]): unknown {
  if (Array.isArray(value)) return value.map((one) => replaced(one, refusedAt));
  if (value === null || typeof value !== 'object') return value;
  const bearers = refusedAt(value);
  if (bearers.length > 0) {
    const valueCode = bearers.every(({ silent }) => silent) ? 'unknown' : 'masked';
    return { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode }] };
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner, refusedAt)]));
}
