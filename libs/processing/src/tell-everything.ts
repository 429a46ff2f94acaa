import { markedId, type Entry, type Identity, type Projection, type Pseudonyms } from '@weft/domain';
import { pseudonymsOf } from './judges.js';
import { loadView, recordsOf, relatedNumbers } from './load.js';
import { NO_STREAM } from './ports.js';
import type { RecordChange } from './record-changes.js';
import { viewStream } from './streams.js';
import { projectionOf, type Wiring } from './wiring.js';

/** An entry by its name. */
type Named = Pick<Entry, 'id' | 'resourceType'>;

/**
 * The whole state of a person as their views stand, for every entry that subscribers may ever have been told of: after a
 * crash it is not known what they were told. What was told before a merge, or before it was undone, was told under the other
 * number, so the views of all numbers that were ever one with this one are gone through.
 */
export async function tellEverything(
  wiring: Wiring,
  key: string,
  projections: readonly Projection[] = wiring.projections,
): Promise<RecordChange[]> {
  return tellNumbers(wiring, await relatedNumbers(wiring.store, key), projections);
}

/** The same of numbers that are known to be all that were ever one. */
export async function tellNumbers(
  wiring: Wiring,
  numbers: ReadonlyMap<string, Identity>,
  projections: readonly Projection[] = wiring.projections,
): Promise<RecordChange[]> {
  // Of a version that does not serve nothing is told but what it takes out: that the one that serves tells, under both names.
  const serving = new Set(projections.map(({ purpose }) => projectionOf(wiring, purpose)));
  const entries = new Map<string, readonly Named[]>();
  for (const { key, record } of await recordsOf(wiring.store, [...numbers.keys()]))
    entries.set(key, [...record.entries.values()]);
  const told: RecordChange[] = [];
  for (const number of numbers.keys()) {
    const its = namesEver(everUnder(number, numbers), entries);
    for (const projection of serving) told.push(...(await asItStands(wiring, number, projection, its)));
  }
  return told;
}

/** A number and all that ever gave way to it, through others too: what they hold may have been told under it, and nothing else. */
function everUnder(number: string, numbers: ReadonlyMap<string, Identity>): string[] {
  const under = new Set([number]);
  for (const one of under) for (const other of numbers.get(one)?.everAbsorbed ?? []) under.add(other);
  return [...under];
}

/** The entries of these numbers by all names that they may have had: of an id that several have, each may have stood under its mark. */
function namesEver(numbers: readonly string[], entries: ReadonlyMap<string, readonly Named[]>): Named[] {
  const holders = new Map<string, number>();
  const of = (number: string): readonly Named[] => entries.get(number) ?? [];
  for (const { id } of numbers.flatMap(of)) holders.set(id, (holders.get(id) ?? 0) + 1);
  const isShared = ({ id }: Named): boolean => (holders.get(id) ?? 0) > 1;
  const marked = (number: string): Named[] =>
    of(number)
      .filter(isShared)
      .map(({ id, resourceType }) => ({ id: markedId(id, number), resourceType }));
  return numbers.flatMap((number) => [...of(number), ...marked(number)]);
}

async function asItStands(
  wiring: Wiring,
  key: string,
  projection: Projection,
  entries: readonly Named[],
): Promise<RecordChange[]> {
  const pseudonyms = pseudonymsOf(wiring.keys, projection, key);
  const viewKey = pseudonyms.patient;
  const { view, revision } = await loadView(wiring.store, viewStream(projection, viewKey));
  // The view stands before anything is told: where there is none nothing was.
  if (revision === NO_STREAM) return [];
  const isWhole = view.closing !== null;
  const names = new Set(entries.flatMap((entry) => namesOf(wiring, projection, pseudonyms, entry)));
  return [...names].map((entryId): RecordChange => {
    const entry = isWhole ? view.entries.get(entryId) : undefined;
    const about = { projection, viewKey, entryId, viewRevision: revision };
    return entry === undefined ? { ...about, kind: 'withdrawn' } : { ...about, kind: 'included', entry: JSON.stringify(entry) };
  });
}

/**
 * What an entry is or was called in every version of a purpose's view: before the one that serves now another one may have been
 * told, under another name. Of versions that are not concerned with it there is no name.
 */
function namesOf({ projections }: Wiring, { purpose }: Projection, pseudonyms: Pseudonyms, entry: Named): string[] {
  const names = new Set<string>();
  for (const version of projections) {
    if (version.purpose === purpose && version.concerns(entry.resourceType)) {
      names.add(version.entryId(entry.id, pseudonyms));
      const former = version.formerId?.(entry.id, pseudonyms);
      if (former !== undefined) names.add(former);
    }
  }
  return [...names];
}
