import { ageOf, isEarlierByAll, type Resource, sameJson } from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { decodeResourceKept, encode, type ResourceKept } from './encoding.js';
import type { StoredEvent } from './ports.js';
import { keptResourceStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './append.js';

type Kept = { readonly names: readonly string[]; readonly resource: Resource };
type Engines = Pick<Wiring, 'store' | 'keys' | 'random'>;

const WIDTH = 16;

/** Of what an organisation sent that is about nobody, the last that it sent under each of these names. */
export async function findKept(
  { store, keys }: Engines,
  organisation: string,
  names: readonly string[],
): Promise<Map<string, Resource>> {
  const found = new Map<string, Resource>();
  await forEachConcurrently(names, WIDTH, async (name) => {
    const [last] = await store.read(keptResourceStream(keys, organisation, name), LAST);
    if (last !== undefined) found.set(name, decodeResourceKept(last).resource);
  });
  return found;
}

/** Resolves once it is durable what an organisation sent that is about nobody, under each of its names. */
export async function keepResources(engines: Engines, organisation: string, kept: readonly Kept[]): Promise<void> {
  // Of two under one name in one call the later counts.
  const byName = new Map(kept.flatMap(({ names, resource }) => names.map((name) => [name, resource])));
  await forEachConcurrently(byName, WIDTH, ([name, resource]) => keep(engines, organisation, name, resource));
}

const LAST = { backwards: true, maxCount: 1 } as const;

async function keep({ store, keys, random }: Engines, organisation: string, name: string, resource: Resource): Promise<void> {
  const stream = keptResourceStream(keys, organisation, name);
  const event: ResourceKept = { type: 'resource-kept-1', resource };
  for (let revision: number | null = null; revision === null;) {
    const [last] = await store.read(stream, LAST);
    if (last !== undefined && !replaces(resource, last)) return;
    const expected = last?.revision ?? (await store.head(stream));
    revision = await unlessFenced(store.append(stream, expected, [encode(event, random)], { truncatesPrevious: true }));
  }
}

/** Neither what is there already, nor by all that both say of their age an earlier version, changes anything. */
function replaces(resource: Resource, last: StoredEvent): boolean {
  const { resource: known } = decodeResourceKept(last);
  if (sameJson(known, resource)) return false;
  return !isEarlierByAll(ageOf(resource), ageOf(known));
}
