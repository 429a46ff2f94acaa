import { isIncluded, seenIn, viewName, type Letter, type Projection, type View } from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { withMarks } from './consent-marks.js';
import { decideViews, viewIn } from './decide-views.js';
import { pseudonymsOf } from './judges.js';
import { unlessUnreadable, type UnreadableRecord } from './failures.js';
import { isKnownNumber, loadNumber } from './number.js';
import { loadPerson } from './person.js';
import { digestOf } from './read-record.js';
import { patientKeys } from './patient-keys.js';
import { momentNow } from './region-time.js';
import { serves, type Wiring } from './wiring.js';

export interface VerifyReport {
  readonly records: number;
  readonly views: number;
  readonly entries: number;
  readonly differing: readonly Difference[];
  /** Whose streams cannot be read: neither their views nor those of whom they are merged with are compared. */
  readonly unreadable: readonly UnreadableRecord[];
  /** Of all views together: equal when every view is. */
  readonly digests: Readonly<Record<string, string>>;
}

/** A view that says otherwise than it should: of entries that are to be in it, of others, and of why something is not. */
export interface Difference {
  /** The view's name, and the key that its purpose has for the person. */
  readonly view: string;
  readonly key: string;
  readonly missing: number;
  readonly surplus: number;
  readonly unequal: number;
}

export interface VerifyOptions {
  readonly onProgress?: (records: number) => void;
  /** Events may be coming in: a view that differs is looked at again so many times before it is reported (default 10). */
  readonly patience?: number;
}

/** Decides every view anew, from the first event of record, decisions and merges on, and compares it with what was written as they came. */
export async function verifyViews(wiring: Wiring, options: VerifyOptions = {}): Promise<VerifyReport> {
  const differing: Difference[] = [];
  const unreadable = new Map<string, UnreadableRecord>();
  const digests = new Map<Projection, string[]>(wiring.projections.map((projection) => [projection, []]));
  const count = { records: 0, views: 0, entries: 0 };
  await forEachConcurrently(patientKeys(wiring), 8, async (key) => {
    const compared = await unlessUnreadable(settled(wiring, key, options.patience ?? 10), (one) => unreadable.set(one.key, one));
    if (compared === null) return;
    for (const { projection, entries, digest, difference } of compared) {
      count.views += 1;
      count.entries += entries;
      digests.get(projection)?.push(digest);
      if (difference !== null) differing.push(difference);
    }
    count.records += 1;
    options.onProgress?.(count.records);
  });
  differing.sort((a, b) => (`${a.view} ${a.key}` < `${b.view} ${b.key}` ? -1 : 1));
  const byPurpose = [...digests].map(([projection, lines]) => {
    const { purpose, version } = projection;
    const name = serves(wiring, projection) ? purpose : `${purpose}, version ${version}`;
    return [name, wiring.keys.digest(lines.sort().join('\n'))] as const;
  });
  return { ...count, differing, unreadable: [...unreadable.values()].sort(byKey), digests: Object.fromEntries(byPurpose) };
}

const byKey = (one: UnreadableRecord, other: UnreadableRecord): number => (one.key < other.key ? -1 : 1);

interface Compared {
  readonly projection: Projection;
  /** How many entries the view includes. */
  readonly entries: number;
  readonly digest: string;
  readonly difference: Difference | null;
}

/** Null of a number of which nothing is known. Throws RecordUnreadable. */
async function settled(wiring: Wiring, key: string, patience: number): Promise<readonly Compared[] | null> {
  for (let attempt = 1; ; attempt += 1) {
    const compared = await compare(wiring, key);
    if (compared === null || attempt >= patience || compared.every(({ difference }) => difference === null)) return compared;
    await wiring.timers.sleep(20 * attempt);
  }
}

async function compare(wiring: Wiring, key: string): Promise<readonly Compared[] | null> {
  const { store, keys, projections } = wiring;
  const load = async () => {
    const state = await loadNumber(store, key, { anew: true });
    return { state, person: await loadPerson(store, key, { anew: true, known: [state] }) };
  };
  const { loaded, marks } = await withMarks(store, load, ({ person }) => person.members);
  const { state, person } = loaded;
  if (!isKnownNumber(state)) return null;
  const isMoved = state.identity.supersededBy !== null;
  const decided = decideViews(projections, person, await wiring.policies.current(), await momentNow(wiring), marks);
  return projections.map((projection) => {
    const stored = viewIn(state, projection);
    const expected = isMoved ? NOTHING : (decided.views.get(viewName(projection)) as ReadonlyMap<string, Letter>);
    const pseudonyms = pseudonymsOf(keys, projection, key, person.person);
    const entries = isMoved ? new Map() : seenIn(person.record, stored.letters, projection, pseudonyms);
    return {
      projection,
      entries: entries.size,
      digest: `${pseudonyms.patient} ${digestOf(keys, entries.values())}`,
      difference: differenceOf(projection, pseudonyms.patient, stored, expected),
    };
  });
}

const NOTHING: ReadonlyMap<string, Letter> = new Map();

function differenceOf(
  projection: Projection,
  key: string,
  { letters }: View,
  expected: ReadonlyMap<string, Letter>,
): Difference | null {
  let [missing, surplus, unequal] = [0, 0, 0];
  for (const id of new Set([...letters.keys(), ...expected.keys()])) {
    const [is, shouldBe] = [letters.get(id), expected.get(id)];
    if (is === shouldBe) continue;
    if (isIncluded(shouldBe) && !isIncluded(is)) missing += 1;
    else if (isIncluded(is) && !isIncluded(shouldBe)) surplus += 1;
    else unequal += 1;
  }
  if (missing + surplus + unequal === 0) return null;
  return { view: viewName(projection), key, missing, surplus, unequal };
}
