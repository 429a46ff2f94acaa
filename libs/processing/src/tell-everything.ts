import type { Entry, Identity, Projection, Pseudonyms } from '@weft/domain';
import { pseudonymsOf } from './judges.js';
import { loadRecord, loadView, relatedNumbers } from './load.js';
import { NO_STREAM } from './ports.js';
import type { RecordChange } from './record-changes.js';
import { viewStream } from './streams.js';
import { projectionOf, type Wiring } from './wiring.js';

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
  const entries = new Map<string, readonly Entry[]>();
  for (const number of numbers.keys()) entries.set(number, [...(await loadRecord(wiring.store, number)).entries.values()]);
  const told: RecordChange[] = [];
  for (const number of numbers.keys()) {
    const its = everUnder(number, numbers).flatMap((one) => entries.get(one) ?? []);
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

async function asItStands(
  wiring: Wiring,
  key: string,
  projection: Projection,
  entries: readonly Entry[],
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
function namesOf({ projections }: Wiring, { purpose }: Projection, pseudonyms: Pseudonyms, entry: Entry): string[] {
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
