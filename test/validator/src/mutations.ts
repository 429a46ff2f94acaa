import fc from 'fast-check';

/** Where a value stands: the names and indices that lead to it. */
type Path = readonly (string | number)[];
type Json = unknown;

export interface Mutation {
  /** Which value of the resource it changes, counted in its order and around. */
  readonly at: number;
  readonly change: Change;
}
type Change =
  | { readonly kind: 'drop' | 'double' | 'list' | 'first' | 'text' | 'extend' }
  | { readonly kind: 'put'; readonly value: Json }
  | { readonly kind: 'rename' | 'copy' | 'nest'; readonly name: string };

/** Values that are wrong in one place or another, and a few that are right in most. */
const VALUES: readonly Json[] = [
  ...[
    '',
    ' ',
    'x',
    'A b',
    ' x',
    'x ',
    'a  b',
    'a\tb',
    'Ü',
    'a_b',
    'x'.repeat(65),
    '\u00a0',
    '0',
    '1.0',
    'true',
    'final',
    'active',
    'male',
  ],
  ...['2024', '2024-13', '2024-02-30', '2023-02-29', '2024-02-29', '0000', '24-1-1', '2024-02-29T10:00', '2024-02-29T10:00:00'],
  ...[
    '2024-02-29T10:00:00Z',
    '2016-12-31T23:59:60Z',
    '2024-02-29T24:00:00Z',
    '2024-02-29T10:00:00+15:00',
    '10:00',
    '10:00:00',
    '25:00:00',
  ],
  ...[
    'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7',
    'urn:uuid:53FEFA32-FCBB-4FF8-8A92-55EE120877B7',
    'urn:oid:1.02',
    'urn:oid:1.2',
    'a b:c',
  ],
  ...[
    'Patient/1',
    'Observation/1',
    'Medication/1',
    '#who',
    '#none',
    '#',
    'QUJD',
    'QUJDR',
    '<div>x</div>',
    '<div><script>x</script></div>',
  ],
  ...[
    0,
    1,
    -1,
    1.5,
    2_147_483_647,
    2_147_483_648,
    -2_147_483_649,
    1e300,
    true,
    false,
    null,
    [],
    {},
    [null],
    [[]],
    [{}],
    { id: 'x' },
    { x: 1 },
  ],
  ...[
    { extension: [{ url: 'urn:x', valueCode: 'y' }] },
    { extension: [] },
    { extension: [{ url: 'urn:x' }] },
    { resourceType: 'Patient' },
  ],
  ...[
    { coding: [{ system: 'urn:x', code: 'x' }] },
    { text: 'x' },
    { value: 1 },
    { reference: 'Patient/1' },
    { start: '2025', end: '2024' },
  ],
];

const NAMES = [
  ...[
    'x',
    'X',
    'id',
    '_id',
    'resourceType',
    'extension',
    'modifierExtension',
    'contained',
    'text',
    'status',
    '_status',
    'code',
    'value',
    'valueString',
  ],
  ...[
    'valueQuantity',
    '_valueString',
    'effectiveDateTime',
    'subject',
    'url',
    'system',
    'given',
    '_given',
    'family',
    'constructor',
    '__proto__',
    'toString',
  ],
  ...[
    'deceasedBoolean',
    'period',
    'language',
    '_language',
    'div',
    'coding',
    'type',
    'use',
    'meta',
    'fhir_comments',
    'hasOwnProperty',
  ],
];

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom<Change>(
    { kind: 'drop' },
    { kind: 'double' },
    { kind: 'list' },
    { kind: 'first' },
    { kind: 'text' },
    { kind: 'extend' },
  ),
  { weight: 3, arbitrary: fc.constantFrom(...VALUES).map((value): Change => ({ kind: 'put', value })) },
  fc.constantFrom(...NAMES).map((name): Change => ({ kind: 'rename', name })),
  { weight: 2, arbitrary: fc.constantFrom(...NAMES).map((name): Change => ({ kind: 'copy', name })) },
  fc.constantFrom(...NAMES).map((name): Change => ({ kind: 'nest', name })),
);

export const mutations = (maxLength: number): fc.Arbitrary<Mutation[]> =>
  fc.array(fc.record({ at: fc.nat(999), change: changes }), { minLength: 1, maxLength });

/** A resource after some mutations. */
export function mutated(resource: Json, all: readonly Mutation[]): Json {
  const copy = { root: structuredClone(resource) };
  for (const { at, change } of all) {
    const paths = pathsOf(copy.root, ['root']);
    apply(copy, paths[at % paths.length] ?? ['root'], change);
  }
  return copy.root;
}

/** Without the type of the resource itself, which decides about all the rest. */
function pathsOf(value: Json, path: Path): Path[] {
  if (value === null || typeof value !== 'object') return [path];
  const inside = Object.entries(value)
    .filter(([key]) => path.length > 1 || key !== 'resourceType')
    .flatMap(([key, one]) => pathsOf(one, [...path, Array.isArray(value) ? Number(key) : key]));
  return path.length === 1 ? inside : [path, ...inside];
}

function apply(copy: { root: Json }, path: Path, change: Change): void {
  const owner = path.slice(0, -1).reduce((value, step) => (value as never)[step], copy as Json) as Record<string | number, Json>;
  const key = path.at(-1)!;
  const value = owner[key];
  const isList = Array.isArray(value);
  switch (change.kind) {
    case 'drop':
      return remove(owner, key);
    case 'double':
      return put(owner, key, isList ? [...value, ...value] : [value, value]);
    case 'list':
      return put(owner, key, [value]);
    case 'first':
      return put(owner, key, isList ? value[0] : null);
    case 'text':
      return put(owner, key, JSON.stringify(value) ?? '');
    case 'extend':
      return put(owner, typeof key === 'number' ? key : `_${key}`, { extension: [{ url: 'urn:x', valueCode: 'y' }] });
    case 'put':
      return put(owner, key, change.value);
    case 'nest':
      return put(owner, key, Object.fromEntries([[change.name, value]]));
    case 'rename':
      remove(owner, key);
      return put(owner, change.name, value);
    case 'copy':
      return put(owner, change.name, value);
  }
}

function remove(owner: Record<string | number, Json>, key: string | number): void {
  if (Array.isArray(owner)) owner.splice(Number(key), 1);
  else delete owner[key];
}

/** Also where the name is `__proto__`, as JSON.parse does. A list takes no names. */
function put(owner: Record<string | number, Json>, key: string | number, value: Json): void {
  if (Array.isArray(owner) && typeof key === 'string') return;
  const own = { value: structuredClone(value), enumerable: true, configurable: true, writable: true };
  Object.defineProperty(owner, key, own);
}
