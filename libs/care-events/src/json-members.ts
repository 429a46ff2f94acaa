import type { Problem } from '@weft/domain';
import { nameShown, problem } from './problems.js';

/** How many members the objects within a value have. A parser keeps one of several of one name: then the text had more. */
export function membersIn(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  let members = 0;
  if (Array.isArray(value)) for (const item of value) members += membersIn(item);
  else {
    for (const key in value) members += 1 + membersIn((value as Record<string, unknown>)[key]);
  }
  return members;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}:,]/g;

/** The member that stands twice in an object, by its path. Asked only where there is one. */
export function repeatedMember(bytes: Uint8Array, field: string): Problem {
  const open: { readonly names: Set<string> | null; readonly path: string; name: string; items: number }[] = [];
  let last = '';
  for (const [token] of new TextDecoder().decode(bytes).matchAll(TOKEN)) {
    const inside = open.at(-1);
    if (token === '{' || token === '[') {
      open.push({
        names: token === '{' ? new Set() : null,
        path: inside === undefined ? field : placeIn(inside),
        name: '',
        items: 0,
      });
    } else if (token === '}' || token === ']') open.pop();
    else if (token === ',' && inside !== undefined) inside.items += 1;
    else if (token === ':' && inside?.names) {
      inside.name = JSON.parse(last) as string;
      if (inside.names.has(inside.name)) return repeated(placeIn(inside));
      inside.names.add(inside.name);
    } else last = token;
  }
  return repeated(field);
}

const placeIn = ({
  names,
  path,
  name,
  items,
}: {
  names: Set<string> | null;
  path: string;
  name: string;
  items: number;
}): string => (names === null ? `${path}[${items}]` : `${path}.${nameShown(name)}`);

const repeated = (field: string): Problem =>
  problem(field, 'repeated-member', 'stands twice in one JSON object, and the next reader may take the other one');
