import { canonicalJson, deriveView, withoutArrival, type Projection, type ViewEntry } from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { pseudonymsOf, rulingsAt } from './judges.js';
import { loadPerson, loadView } from './load.js';
import { digestOf } from './read-record.js';
import { patientKeys } from './replay-views.js';
import { viewPrefix, viewStream } from './streams.js';
import { serves, type Wiring } from './wiring.js';

export interface VerifyReport {
  readonly records: number;
  readonly views: number;
  readonly entries: number;
  readonly differing: readonly Difference[];
  /** Of all views together: equal when every view is. */
  readonly digests: Readonly<Record<string, string>>;
}

export interface Difference {
  readonly stream: string;
  readonly missing: number;
  readonly surplus: number;
  readonly unequal: number;
}

export interface VerifyOptions {
  readonly onProgress?: (records: number) => void;
  /** Events may be coming in: a view that differs is looked at again so many times before it is reported (default 10). */
  readonly patience?: number;
}

/** Recomputes every view from record, decisions and policy, from the first event on, and compares it with the stored one. */
export async function verifyViews(wiring: Wiring, options: VerifyOptions = {}): Promise<VerifyReport> {
  const differing: Difference[] = [];
  const digests = new Map<string, string>();
  let records = 0;
  let views = 0;
  let entries = 0;
  await forEachConcurrently(patientKeys(wiring), 8, async (key) => {
    for (const projection of wiring.projections) {
      const compared = await settled(wiring, key, projection, options.patience ?? 10);
      views += 1;
      entries += compared.stored.size;
      digests.set(compared.stream, digestOf(wiring.keys, compared.stored));
      if (compared.difference !== null) differing.push(compared.difference);
    }
    records += 1;
    options.onProgress?.(records);
  });
  differing.sort((a, b) => (a.stream < b.stream ? -1 : 1));
  const byPurpose: Record<string, string> = {};
  for (const projection of wiring.projections) {
    const prefix = viewPrefix(projection);
    const lines = [...digests].filter(([stream]) => stream.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
    const name = serves(wiring, projection) ? projection.purpose : `${projection.purpose}, version ${projection.version}`;
    byPurpose[name] = wiring.keys.digest(lines.map((line) => line.join(' ')).join('\n'));
  }
  return { records, views, entries, differing, digests: byPurpose };
}

interface Compared {
  readonly stream: string;
  readonly stored: ReadonlyMap<string, ViewEntry>;
  readonly difference: Difference | null;
}

async function settled(wiring: Wiring, key: string, projection: Projection, patience: number): Promise<Compared> {
  for (let attempt = 1; ; attempt += 1) {
    const compared = await compare(wiring, key, projection);
    if (compared.difference === null || attempt >= patience) return compared;
    await wiring.timers.sleep(20 * attempt);
  }
}

async function compare(wiring: Wiring, key: string, projection: Projection): Promise<Compared> {
  const { store, keys, clock } = wiring;
  const pseudonyms = pseudonymsOf(keys, projection, key);
  const stream = viewStream(projection, pseudonyms.patient);
  const { view } = await loadView(store, stream);
  const expected = await expectedView(wiring, key, projection, clock.now());
  const stored = view.entries;
  const inBoth = [...expected.keys()].filter((id) => stored.has(id));
  const unequal = inBoth.filter((id) => serialised(stored.get(id)) !== serialised(expected.get(id))).length;
  const missing = expected.size - inBoth.length;
  const surplus = stored.size - inBoth.length;
  return { stream, stored, difference: unequal + missing + surplus === 0 ? null : { stream, missing, surplus, unequal } };
}

async function expectedView(
  wiring: Wiring,
  key: string,
  projection: Projection,
  at: number,
): Promise<ReadonlyMap<string, ViewEntry>> {
  const person = await loadPerson(wiring.store, key);
  if (person === null) return new Map();
  const rulings = rulingsAt(at, person, await wiring.policies.current(), person.record.entries);
  const pseudonyms = pseudonymsOf(wiring.keys, projection, key, person.person);
  return deriveView(person.record, projection, rulings.of(projection), pseudonyms, rulings.silent).entries;
}

function serialised(entry: ViewEntry | undefined): string {
  return entry === undefined ? '' : canonicalJson(withoutArrival(entry));
}
