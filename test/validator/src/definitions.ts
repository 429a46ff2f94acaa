/** The parts of FHIR's own definitions that the table is made of. */
export interface Definitions {
  readonly structures: readonly StructureDefinition[];
  readonly valueSets: readonly ValueSet[];
  readonly codeSystems: readonly CodeSystem[];
}
export interface StructureDefinition {
  readonly resourceType: 'StructureDefinition';
  readonly kind: string;
  readonly name: string;
  readonly type: string;
  readonly derivation?: string;
  readonly baseDefinition?: string;
  readonly snapshot?: { readonly element: readonly ElementDefinition[] };
}
interface ElementDefinition {
  readonly path: string;
  readonly base?: { readonly path: string };
  readonly min: number;
  readonly max: string;
  readonly contentReference?: string;
  readonly type?: readonly {
    readonly code: string;
    readonly profile?: readonly string[];
    readonly targetProfile?: readonly string[];
  }[];
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
}
export interface ValueSet {
  readonly resourceType: 'ValueSet';
  readonly url: string;
  readonly compose?: { readonly include: readonly Include[]; readonly exclude?: readonly Include[] };
}
interface Include {
  readonly system?: string;
  readonly concept?: readonly { readonly code: string }[];
  readonly filter?: readonly { readonly property: string; readonly op: string; readonly value: string }[];
  readonly valueSet?: readonly string[];
}
export interface CodeSystem {
  readonly resourceType: 'CodeSystem';
  readonly url: string;
  readonly content: string;
  readonly concept?: readonly Concept[];
}
interface Concept {
  readonly code: string;
  readonly concept?: readonly Concept[];
  readonly property?: readonly { readonly code: string; readonly valueCode?: string }[];
}

const CARDINALITY: Readonly<Record<string, string>> = { '0..1': '?', '1..1': '1', '0..*': '*', '1..*': '+' };
const STRUCTURES = 'http://hl7.org/fhir/StructureDefinition/';
/** What the definitions give the type of an XML attribute, and FHIR's text a type of its own. */
const ATTRIBUTES: Readonly<Record<string, string>> = { 'Resource.id': 'id', 'Element.id': 'string', 'Extension.url': 'uri' };

/**
 * The table as text. Of each type its name and what it is based on, and indented below them its own elements: name,
 * cardinality, types (a Reference with what it may refer to), and behind `#` the value set that is bound to it, where the
 * binding is required and the definitions hold all of the set's codes. Below the types, each of these sets: its name, then its codes,
 * each system's behind the system.
 */
export function tableOf({ structures, valueSets, codeSystems }: Definitions): { types: string; codes: string } {
  const sets = setsOf(valueSets, codeSystems);
  const used = new Map<string, string>();
  const nameOf = (url: string): string | null => {
    const [address] = url.split('|') as [string];
    const codes = sets(address);
    if (codes === null) return null;
    const name = address.slice(address.lastIndexOf('/') + 1);
    const line = [name, ...codes].join(' ');
    if ((used.get(name) ?? line) !== line) throw new Error(`two value sets are named ${name}`);
    used.set(name, line);
    return name;
  };
  const types = structures
    .filter(
      ({ kind, derivation, name }) =>
        (kind === 'complex-type' || kind === 'resource') && (derivation !== 'constraint' || name === 'SimpleQuantity'),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((structure) => blocksOf(structure, nameOf));
  return { types: types.join('\n'), codes: [...used.values()].sort().join('\n') };
}

function blocksOf(
  { name, baseDefinition, derivation, snapshot }: StructureDefinition,
  nameOf: (url: string) => string | null,
): string[] {
  const blocks = new Map<string, string[]>([[name, [`${name} ${baseDefinition?.replace(STRUCTURES, '') ?? ''}`.trim()]]]);
  for (const element of snapshot?.element ?? []) {
    const { path, base } = element;
    const dot = path.lastIndexOf('.');
    if (dot === -1) continue;
    const [parent, own] = [path.slice(0, dot), path.slice(dot + 1)];
    // Inherited: the base's block has it. A profile adds no elements.
    if (derivation === 'constraint' || (base !== undefined && base.path !== path)) continue;
    const types = typesOf(element);
    if (types === path) blocks.set(path, [`${path} ${element.type?.[0]?.code}`]);
    blocks.get(parent)!.push(` ${own} ${CARDINALITY[`${element.min}..${element.max}`]} ${types}${bindingOf(element, nameOf)}`);
  }
  return [...blocks.values()].flat();
}

function typesOf({ path, type = [], contentReference }: ElementDefinition): string {
  if (contentReference !== undefined) return contentReference.slice(contentReference.indexOf('#') + 1);
  if (ATTRIBUTES[path] !== undefined) return ATTRIBUTES[path];
  const [first] = type;
  if (first?.code === 'BackboneElement' || first?.code === 'Element') return path;
  return type
    .map(({ code, profile, targetProfile }) => (profile?.[0]?.replace(STRUCTURES, '') ?? code) + targetsOf(code, targetProfile))
    .join('|');
}

function targetsOf(code: string, profiles: readonly string[] | undefined): string {
  const targets = (profiles ?? []).map((profile) => profile.replace(STRUCTURES, ''));
  return code !== 'Reference' || targets.length === 0 || targets.includes('Resource') ? '' : `(${targets.join(',')})`;
}

function bindingOf({ binding }: ElementDefinition, nameOf: (url: string) => string | null): string {
  if (binding?.strength !== 'required' || binding.valueSet === undefined) return '';
  const name = nameOf(binding.valueSet);
  return name === null ? '' : ` #${name}`;
}

/** Of a value set's address its systems, each followed by its codes; null where the definitions do not hold all of them. */
function setsOf(valueSets: readonly ValueSet[], codeSystems: readonly CodeSystem[]): (url: string) => string[] | null {
  const systems = new Map(codeSystems.map((system) => [system.url, system]));
  const sets = new Map(valueSets.map((set) => [set.url, set]));
  const expand = (url: string): Map<string, Set<string>> | null => {
    const compose = sets.get(url)?.compose;
    if (compose === undefined || compose.exclude !== undefined) return null;
    const found = new Map<string, Set<string>>();
    for (const include of compose.include) {
      const parts = include.valueSet?.map((one) => expand(one.split('|')[0]!)) ?? [included(include, systems)];
      if (include.valueSet !== undefined && include.system !== undefined) return null;
      for (const part of parts) {
        if (part === null) return null;
        for (const [system, codes] of part) found.set(system, new Set([...(found.get(system) ?? []), ...codes]));
      }
    }
    return found;
  };
  return (url) => {
    const expanded = expand(url);
    return expanded === null ? null : [...expanded].flatMap(([system, codes]) => [system, ...codes]);
  };
}

function included(
  { system, concept, filter }: Include,
  systems: ReadonlyMap<string, CodeSystem>,
): Map<string, Set<string>> | null {
  if (system === undefined) return null;
  if (concept !== undefined) return new Map([[system, new Set(concept.map(({ code }) => code))]]);
  const known = systems.get(system);
  if (known?.content !== 'complete') return null;
  const codes = new Set<string>();
  const walk = (concepts: readonly Concept[], isInside: boolean): void => {
    for (const one of concepts) {
      const inside = isInside || one.code === filter?.[0]?.value;
      if (inside) codes.add(one.code);
      walk(one.concept ?? [], inside);
    }
  };
  if (filter !== undefined && (filter.length > 1 || filter[0]!.op !== 'is-a')) return null;
  walk(known.concept ?? [], filter === undefined);
  return new Map([[system, codes]]);
}

/** libs/care-events/src/fhir-r4/definitions.ts, as it is made. */
export function definitionsModule(table: { readonly types: string; readonly codes: string }): string {
  return `/**
 * FHIR R4 (4.0.1) as a table, made from HL7's own definitions by \`npm run validator -- definitions\`, never by hand.
 *
 * Of each type its name and what it is based on, then its own elements: name, cardinality (? 0..1, 1 1..1, * 0..*, + 1..*), the
 * types, a Reference with what it may refer to, and behind # the value set of a required binding.
 */
export const TYPES = \`
${table.types}
\`;

/** Of each of these value sets its name, then its systems, each before its codes. */
export const CODES = \`
${table.codes}
\`;
`;
}
