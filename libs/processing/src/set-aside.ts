import { isEnteredInError, millisecondsOf, type NotePlacing, type Placing, type RecordedCareEvent } from '@weft/domain';
import { decodeVersionsCounted, encode, type VersionsCounted } from './encoding.js';
import { NO_STREAM, type EventStore } from './ports.js';
import { versionsStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './append.js';

type Noted = Exclude<Placing, 'stands'>;

/** A version that changed nothing, or that is in force though what it says of its age disagrees. */
export interface SetAside {
  /** Id of the entry that it is a version of. */
  readonly entry: string;
  readonly organisation: string;
  /** Of the event that brought it. */
  readonly source: string;
  readonly event: string;
  /** When it was recorded, RFC 3339. */
  readonly recordedAt: string;
  /** As the resource says; null where it does not. */
  readonly versionId: string | null;
  readonly lastUpdated: string | null;
  /** Whether it takes the entry back: a retraction, or entered in error. */
  readonly retracts: boolean;
  readonly why: Noted;
  readonly plainEnglish: string;
}

const PLAIN_ENGLISH: Readonly<Record<Noted, (what: string) => string>> = {
  earlier: (what) => `${what} is earlier than one that had already come, so it changed nothing.`,
  replaced: (what) => `${what} is one that had already been replaced or taken back, so it changed nothing.`,
  'stands-by-arrival': (what) =>
    `${what} counts because it came last: its version number and its date disagree about whether it is the later one. Its sender should look at its numbers and its clock.`,
};

export function setAside(entry: string, why: Noted, event: RecordedCareEvent): SetAside {
  const { organisation, source, id, recordedAt, resource } = event;
  const { versionId = null, lastUpdated = null } = resource.meta ?? {};
  const retracts = event.type === 'care-event-retracted-1' || isEnteredInError(resource);
  const named = [
    versionId === null ? (retracts ? 'A retraction' : 'A version') : `${retracts ? 'Retraction' : 'Version'} ${versionId}`,
    ...(lastUpdated === null || millisecondsOf(lastUpdated) === null ? [] : [`of ${lastUpdated}`]),
    `from ${organisation}`,
  ].join(' ');
  return {
    ...{ entry, organisation, source, event: id, recordedAt, versionId, lastUpdated, retracts, why },
    plainEnglish: PLAIN_ENGLISH[why](named),
  };
}

/** Of an organisation's versions, how many changed nothing, and how many are in force though what they say of their age disagrees. */
export interface VersionCounts {
  readonly setAside: number;
  readonly disagreeing: number;
}

const NONE: VersionCounts = { setAside: 0, disagreeing: 0 };

const plus = (one: VersionCounts, other: VersionCounts): VersionCounts => ({
  setAside: one.setAside + other.setAside,
  disagreeing: one.disagreeing + other.disagreeing,
});

/** Counts what a batch sets aside, by organisation, and adds it to what was counted before. */
export class VersionTally {
  private readonly counts = new Map<string, VersionCounts>();

  readonly note: NotePlacing = ({ organisation }, placing) => {
    const one = placing === 'stands-by-arrival' ? { setAside: 0, disagreeing: 1 } : { setAside: 1, disagreeing: 0 };
    this.counts.set(organisation, plus(this.counts.get(organisation) ?? NONE, one));
  };

  /** A batch that is cut short in between is counted not at all: the counts are for watching, and no view rests on them. */
  async add({ store, random }: Pick<Wiring, 'store' | 'random'>): Promise<void> {
    for (const [organisation, counts] of this.counts) {
      const stream = versionsStream(organisation);
      for (let revision: number | null = null; revision === null;) {
        const known = await lastCounted(store, stream);
        const counted: VersionsCounted = { type: 'versions-counted-1', ...plus(known.counts, counts) };
        const event = encode(counted, random);
        revision = await unlessFenced(store.append(stream, known.revision, [event], { truncatesPrevious: true }));
      }
    }
  }
}

async function lastCounted(
  store: EventStore,
  stream: string,
): Promise<{ readonly counts: VersionCounts; readonly revision: number }> {
  const [last] = await store.read(stream, { backwards: true, maxCount: 1 });
  if (last === undefined) return { counts: NONE, revision: NO_STREAM };
  const { setAside, disagreeing } = decodeVersionsCounted(last);
  return { counts: { setAside, disagreeing }, revision: last.revision };
}

/** What was counted so far of those organisations of which anything was. */
export async function versionCounts(
  store: EventStore,
  organisations: readonly string[],
): Promise<Readonly<Record<string, VersionCounts>>> {
  const found = await Promise.all(
    organisations.map(async (ods) => [ods, await lastCounted(store, versionsStream(ods))] as const),
  );
  return Object.fromEntries(found.flatMap(([ods, { counts, revision }]) => (revision === NO_STREAM ? [] : [[ods, counts]])));
}
