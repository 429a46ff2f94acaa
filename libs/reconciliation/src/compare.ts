import { createHash, type Hash } from 'node:crypto';
import { instantOf } from '@weft/care-events';
import type { Problem } from '@weft/domain';
import type { Arrivals, Arrived } from './arrivals.js';
import {
  type CountedHour,
  countsHours,
  isOfHl7v2,
  itemsOf,
  type ListedItem,
  type Manifest,
  type ManifestSource,
} from './manifest.js';
import { Counts, Digests, digestOfName, passOf } from './tally.js';

/** What may be found of something that was sent; more than one may be. */
export const FINDINGS = ['missing', 'doubled', 'refused', 'waiting'] as const;
export type FindingKind = (typeof FINDINGS)[number];

/** Of how many it is so. `unlisted` came in the manifest's time by its sender's clock, and is not in the manifest. */
export interface Tallied extends Readonly<Record<FindingKind, number>> {
  readonly sent: number;
  readonly arrived: number;
  readonly unlisted: number;
}

/** One event, message or hour about which there is something to be said. */
export interface Finding {
  readonly what: FindingKind | 'unlisted';
  /** Line, or item, of the manifest; null of an hour that it does not have. */
  readonly at: number | null;
  readonly times: number;
  readonly source?: string;
  readonly id?: string;
  readonly type?: string;
  readonly hour?: string;
  /** Why it was refused. */
  readonly problems?: readonly Pick<Problem, 'field' | 'code'>[];
}

export interface Compared {
  readonly counts: Tallied;
  /** Of what was found of each kind: SHA-256 of the names' digests in ascending order, 64 hex digits. */
  readonly digests: Readonly<Record<FindingKind, string>>;
}

export interface CompareOptions {
  readonly onFinding?: (finding: Finding) => void;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** So many names are held at a time (default a million, some 70 MB); of more the topics are read once more for each. */
  readonly namesMax?: number;
}

const NAMES_MAX = 1_000_000;

type Work = Pick<Required<CompareOptions>, 'onFinding' | 'namesMax'> & {
  readonly manifest: Manifest;
  /** Everything that arrived, for one pass of so many. */
  readonly arrived: (passes: number) => AsyncIterable<Arrived>;
  readonly counts: Record<keyof Tallied, number>;
  readonly hashes: Readonly<Record<FindingKind, Hash>>;
};

/**
 * Compares a manifest with what arrived. What it holds at a time is bounded, however much was sent. Throws BadManifest where the manifest was
 * changed since it was read, what the bus throws, and the signal's reason.
 */
export async function compare(
  source: ManifestSource,
  manifest: Manifest,
  arrivals: Pick<Arrivals, 'messages' | 'read'>,
  { onFinding = () => undefined, onProgress = () => undefined, signal, namesMax = NAMES_MAX }: CompareOptions = {},
): Promise<Compared> {
  let read = 0;
  const arrived = (passes: number): AsyncIterable<Arrived> =>
    arrivals.read((more) => onProgress((read += more), arrivals.messages * passes), signal);
  const counts = { sent: 0, arrived: 0, unlisted: 0, missing: 0, doubled: 0, refused: 0, waiting: 0 };
  const hashes = byFinding(() => createHash('sha256'));
  const work = { manifest, arrived, counts, hashes, onFinding, namesMax };
  if (countsHours(manifest)) await compareHours(work, source, Math.ceil(arrivals.messages / namesMax) || 1);
  else await compareItems(work, source, Math.ceil(manifest.items / namesMax) || 1);
  return { counts, digests: byFinding((one) => hashes[one].digest('hex')) };
}

const byFinding = <T>(of: (one: FindingKind) => T): Record<FindingKind, T> => ({
  missing: of('missing'),
  doubled: of('doubled'),
  refused: of('refused'),
  waiting: of('waiting'),
});

function inTime({ from, until }: Manifest): (arrived: Arrived) => boolean {
  const [begins, ends] = [instantOf(from)!, instantOf(until)!];
  return ({ time }) => begins <= time && time < ends;
}

// ------------------------------------------------------------ one by one

/** What one pass knows of the names that are listed, by their index. */
class Listed {
  readonly names = new Digests();
  /** How often a name is listed, how many different messages of it came, and how many came again. */
  readonly times = new Counts();
  readonly different = new Counts();
  readonly again = new Counts();
  readonly waits = new Counts();
  readonly refused = new Map<number, Set<string>>();
  /** Messages by what makes them the same; of events the name itself does. */
  private readonly identities = new Digests();

  /** `isOnce`: a name is one event, however often it is listed. */
  constructor(private readonly isOnce: boolean) {}

  list(digest: Buffer): void {
    const index = this.names.add(digest);
    if (this.times.of(index) === 0 || !this.isOnce) this.times.add(index, 1);
  }

  /** Whether its name is listed. */
  take(name: Buffer, { identity, refused, waits, isRedriven }: Arrived): boolean {
    const index = this.names.find(name);
    if (index < 0) return false;
    const before = this.identities.size;
    this.identities.add(this.isOnce ? name : digestOfName(identity));
    if (this.identities.size > before) this.different.add(index, 1);
    else if (!isRedriven) this.again.add(index, 1);
    if (waits) this.waits.add(index, 1);
    if (refused !== null) {
      const problems = this.refused.get(index) ?? new Set();
      for (const { field, code } of refused) problems.add(JSON.stringify({ field, code }));
      this.refused.set(index, problems);
    }
    return true;
  }

  /** How many times it is so of a name. */
  of(what: FindingKind, index: number): number {
    switch (what) {
      case 'missing':
        return Math.max(0, this.times.of(index) - this.different.of(index));
      case 'doubled':
        return this.again.of(index);
      case 'waiting':
        return this.waits.of(index);
      case 'refused':
        return this.refused.has(index) ? 1 : 0;
    }
  }
}

async function compareItems(work: Work, source: ManifestSource, passes: number): Promise<void> {
  const { manifest, arrived, counts, hashes } = work;
  const isInTime = inTime(manifest);
  for (let pass = 0; pass < passes; pass += 1) {
    const listed = new Listed(!isOfHl7v2(manifest));
    for await (const item of itemsOf(source, manifest)) {
      const digest = digestOfName(nameOf(item as ListedItem));
      if (passOf(digest, passes) === pass) listed.list(digest);
    }
    for await (const one of arrived(passes)) {
      const digest = digestOfName(one.name);
      if (passOf(digest, passes) !== pass) continue;
      if (!listed.take(digest, one) && isInTime(one)) counts.unlisted += 1;
    }
    const before = allFound(counts);
    for (let index = 0; index < listed.names.size; index += 1) {
      counts.sent += listed.times.of(index);
      counts.arrived += Math.min(listed.times.of(index), listed.different.of(index));
      for (const what of FINDINGS)
        counts[what] += what === 'missing' ? listed.of(what, index) : Number(listed.of(what, index) > 0);
    }
    for (const what of FINDINGS) listed.names.digestWhere((index) => listed.of(what, index) > 0, hashes[what]);
    if (allFound(counts) > before) await tellItems(work, source, listed, (digest) => passOf(digest, passes) === pass);
  }
}

const allFound = (counts: Tallied): number => FINDINGS.reduce((sum, what) => sum + counts[what], 0);

/** In the order of the manifest, each name where it is listed first. */
async function tellItems(
  { manifest, onFinding }: Work,
  source: ManifestSource,
  listed: Listed,
  isOfPass: (digest: Buffer) => boolean,
): Promise<void> {
  const told = new Counts();
  for await (const item of itemsOf(source, manifest)) {
    const { at, source: from, id } = item as ListedItem;
    const digest = digestOfName(nameOf(item as ListedItem));
    const index = isOfPass(digest) ? listed.names.find(digest) : -1;
    if (index < 0 || told.of(index) > 0) continue;
    told.add(index, 1);
    for (const what of FINDINGS) {
      const times = listed.of(what, index);
      if (times === 0) continue;
      const problems =
        what === 'refused' ? { problems: [...listed.refused.get(index)!].map((one) => JSON.parse(one) as Problem) } : {};
      onFinding({ what, at, times, ...(from !== undefined && { source: from }), id, ...problems });
    }
  }
}

const nameOf = ({ source, id }: ListedItem): readonly string[] => (source === undefined ? [id] : [source, id]);

// ------------------------------------------------------------ by type and hour

const HOUR_MS = 3_600_000;

interface Hour extends Record<Exclude<FindingKind, 'missing'> | 'arrived', number> {
  readonly type: string;
  readonly hour: string;
  at: number | null;
  sent: number;
  readonly problems: Set<string>;
}

/** The same message counts once, however often it came; so its identity is looked up, a part of them all in each pass. */
async function compareHours(work: Work, source: ManifestSource, passes: number): Promise<void> {
  const { manifest, arrived, counts, hashes, onFinding } = work;
  const isInTime = inTime(manifest);
  const hours = new Map<string, Hour>();
  const hourOf = (type: string, hour: string): Hour => {
    const known = hours.get(`${type} ${hour}`);
    if (known !== undefined) return known;
    const fresh = { type, hour, at: null, sent: 0, arrived: 0, doubled: 0, refused: 0, waiting: 0, problems: new Set<string>() };
    hours.set(`${type} ${hour}`, fresh);
    return fresh;
  };
  for await (const item of itemsOf(source, manifest)) {
    const { at, type, hour, count } = item as CountedHour;
    Object.assign(hourOf(type, hour), { at, sent: count });
  }
  for (let pass = 0; pass < passes; pass += 1) {
    const identities = new Digests();
    for await (const one of arrived(passes)) {
      if (!isInTime(one)) continue;
      const digest = digestOfName(one.identity);
      if (passOf(digest, passes) !== pass) continue;
      const hour = hourOf(one.type, new Date(Math.floor(one.time / HOUR_MS) * HOUR_MS).toISOString());
      const before = identities.size;
      identities.add(digest);
      if (identities.size > before) hour.arrived += 1;
      else if (!one.isRedriven) hour.doubled += 1;
      if (one.waits) hour.waiting += 1;
      if (one.refused !== null) hour.refused += 1;
      for (const { field, code } of one.refused ?? []) hour.problems.add(JSON.stringify({ field, code }));
    }
  }
  const found = byFinding(() => new Digests());
  for (const one of inOrder(hours)) {
    const { type, hour, at, problems } = one;
    const times = { ...one, missing: Math.max(0, one.sent - one.arrived), unlisted: Math.max(0, one.arrived - one.sent) };
    counts.sent += one.sent;
    counts.arrived += one.arrived - times.unlisted;
    for (const what of [...FINDINGS, 'unlisted'] as const) {
      counts[what] += times[what];
      if (times[what] === 0) continue;
      if (what !== 'unlisted') found[what].add(digestOfName([type, hour, times[what]]));
      const why = what === 'refused' ? { problems: [...problems].map((text) => JSON.parse(text) as Problem) } : {};
      onFinding({ what, at, times: times[what], type, hour, ...why });
    }
  }
  for (const what of FINDINGS) found[what].digestWhere(() => true, hashes[what]);
}

const inOrder = (hours: ReadonlyMap<string, Hour>): Hour[] =>
  [...hours.values()].sort((one, other) => (one.hour + one.type < other.hour + other.type ? -1 : 1));
