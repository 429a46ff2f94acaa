import { CODES, TYPES } from './definitions.js';
import { invariantsOf } from './invariants.js';
import type { Invariant } from './invariants.js';
import { PRIMITIVES } from './primitives.js';
import type { Primitive } from './primitives.js';

/** A resource, a data type, or a part of one with elements of its own, as `Observation.component`. */
export interface Type {
  readonly name: string;
  readonly isResource: boolean;
  /** By their names in JSON. */
  readonly members: ReadonlyMap<string, Member>;
  readonly required: readonly Element[];
  readonly invariants: readonly Invariant[];
}

/** An element as FHIR defines it; `value[x]` has a member for each of its types. */
export interface Element {
  /** As FHIRPath names it. */
  readonly name: string;
  readonly names: readonly string[];
  /** A bit of its own among the choices of its type; 0 where it is none. */
  readonly choice: number;
}

/** What JSON may hold under one name: a value, or in `_name` what extends a primitive value. */
export interface Member {
  readonly element: Element;
  /** Its step in a FHIRPath: `code`, `value.ofType(Quantity)`. */
  readonly step: string;
  readonly isList: boolean;
  /** Null where it is an object. */
  readonly primitive: Primitive | null;
  /** Of a primitive, the name of what extends it; of that, the primitive's. Null where there is no such partner. */
  readonly partner: string | null;
  readonly isResource: boolean;
  readonly type: string;
  readonly codes: Codes | null;
  /** The types that a Reference may refer to; null where any. */
  readonly targets: ReadonlySet<string> | null;
}

/** The codes of a required binding. */
export interface Codes {
  readonly name: string;
  readonly all: ReadonlySet<string>;
  /** By system. */
  readonly systems: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The lines of definitions.ts below each name. */
const blocks = new Map<string, string[]>();
const types = new Map<string, Type>();
const codes = new Map<string, Codes>();
const resourceTypes = new Set<string>();

export function isResourceType(name: unknown): name is string {
  readBlocks();
  return typeof name === 'string' && resourceTypes.has(name);
}

/** A type by its name, read from the definitions when it is first asked for. */
export function typeOf(name: string): Type {
  let type = types.get(name);
  if (type === undefined) types.set(name, (type = readType(name)));
  return type;
}

function readBlocks(): void {
  if (blocks.size > 0) return;
  let block: string[] = [];
  for (const line of TYPES.trim().split('\n')) {
    if (!line.startsWith(' ')) blocks.set(line.slice(0, (line + ' ').indexOf(' ')), (block = []));
    block.push(line);
  }
  for (const line of CODES.trim().split('\n')) {
    const [name, ...rest] = line.split(' ') as [string, ...string[]];
    codes.set(name, codesOf(name, rest));
  }
  for (const [name, [header]] of blocks) {
    const base = header!.split(' ')[1];
    if ((base === 'DomainResource' || base === 'Resource') && name !== 'DomainResource') resourceTypes.add(name);
  }
}

function codesOf(name: string, words: readonly string[]): Codes {
  const systems = new Map<string, Set<string>>();
  let system = new Set<string>();
  for (const word of words) {
    if (/^(?:https?:\/\/|urn:)/.test(word)) systems.set(word, (system = new Set()));
    else system.add(word);
  }
  return { name, systems, all: new Set([...systems.values()].flatMap((some) => [...some])) };
}

function readType(name: string): Type {
  readBlocks();
  const [header, ...lines] = blocks.get(name)!;
  const base = header!.split(' ')[1];
  const inherited = base === undefined ? null : typeOf(base);
  const members = new Map(inherited?.members);
  const required = [...(inherited?.required ?? [])];
  let choices = 0;
  for (const line of lines) {
    const isChoice = line.includes('[x]');
    const made = readElement(line, name, isChoice ? 1 << choices++ : 0);
    for (const [key, member] of made) members.set(key, member);
    if (/ [1+] /.test(line)) required.push(made[0]![1].element);
  }
  return {
    name,
    isResource: name === 'Resource' || inherited?.isResource === true,
    members,
    required,
    invariants: [...(inherited?.invariants ?? []), ...invariantsOf(name)],
  };
}

/** ` value[x] ? Quantity|string #codes` as members. */
function readElement(line: string, owner: string, choice: number): [string, Member][] {
  const [label, cardinality, alternatives, binding] = line.trim().split(' ') as [string, string, string, string?];
  const name = label.replace('[x]', '');
  const names: string[] = [];
  const isList = cardinality === '*' || cardinality === '+';
  const element: Element = { name, names, choice };
  const bound = binding === undefined ? null : codes.get(binding.slice(1))!;
  return alternatives.split('|').flatMap((alternative): [string, Member][] => {
    const [type, targets] = alternative.split(/[()]/) as [string, string?];
    const jsonType = type === 'SimpleQuantity' ? 'Quantity' : type;
    const key = choice === 0 ? name : name + jsonType[0]!.toUpperCase() + jsonType.slice(1);
    const primitive = primitiveOf(owner, name, type);
    const partner = primitive === null || isAttribute(owner, name) ? null : `_${key}`;
    const member: Member = {
      ...{ element, isList, primitive, partner, type, codes: bound },
      step: choice === 0 ? name : `${name}.ofType(${jsonType})`,
      isResource: type === 'Resource',
      targets: targets === undefined ? null : new Set(targets.split(',')),
    };
    names.push(key);
    if (partner === null) return [[key, member]];
    names.push(partner);
    return [
      [key, member],
      [partner, { ...member, primitive: null, partner: key, type: 'Element' }],
    ];
  });
}

/** What XML has as an attribute, or as markup, has no extensions. */
function isAttribute(owner: string, name: string): boolean {
  return name === 'id' || (owner === 'Extension' && name === 'url') || (owner === 'Narrative' && name === 'div');
}

function primitiveOf(owner: string, name: string, type: string): Primitive | null {
  return PRIMITIVES[owner === 'Element' && name === 'id' ? 'elementId' : type] ?? null;
}
