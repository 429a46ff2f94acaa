import { type Closing, holdsAt, parseWithDigits, type Projection, type Purpose, type ViewEntry } from '@weft/domain';
import {
  changeKey,
  loadClosing,
  loadView,
  type Message,
  recordChangesTopic,
  projectionOf,
  toldRevision,
  viewStream,
  type Wiring,
} from '@weft/processing';

/** What a subscriber is told of one entry. */
export interface Change {
  /** Names the entry, always the same. */
  readonly key: string;
  readonly kind: 'included' | 'amended' | 'withdrawn';
  /** The entry's id in the view; absent of a withdrawal, which only its key names. */
  readonly entryId?: string;
  /** The patient's key within the purpose. */
  readonly subject: string;
  /** Revision of the view that this is true of. */
  readonly viewRevision: number;
  readonly partition: number;
  readonly offset: number;
  readonly entry: ViewEntry | null;
}

/** First offset wanted of each partition. */
export type Offsets = ReadonlyMap<number, number>;

export interface FeedOptions {
  readonly purpose: Purpose;
  readonly from: 'beginning' | 'end' | Offsets;
  /** Changes of one partition in their order. `next` is where to go on after them, absent while catching up is not over. */
  readonly tell: (changes: readonly Change[], next?: Offsets) => Promise<void>;
  readonly onCaughtUp: () => void;
  readonly onFailure: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Messages whose keys are remembered at one time; of more, a partition is read several times over. */
const FOLD_MAX = 1_000_000;

/**
 * Tells a subscriber what stands, then what changes, until the signal says stop. What stood before now is told as it stands
 * now, each entry once: a topic keeps what was withdrawn until it is compacted, and a subscriber must not see it.
 */
export async function feedChanges(wiring: Wiring, options: FeedOptions): Promise<void> {
  const { signal, onFailure } = options;
  const next = await catchUp(wiring, options);
  if (signal.aborted) return;
  options.onCaughtUp();
  const projection = projectionOf(wiring, options.purpose);
  const following = await wiring.bus.follow({
    topic: recordChangesTopic(options.purpose),
    from: new Map(next),
    onFailure,
    async onMessages(messages) {
      const changes = await asTheyStand(wiring, projection, messages);
      for (const { partition, offset } of messages) next.set(partition, offset + 1);
      await options.tell(changes, next);
    },
  });
  await aborted(signal);
  await following.stop();
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Where the topic ends now: for a subscriber that wants nothing of what was. */
export async function endOf(wiring: Wiring, purpose: Purpose): Promise<Map<number, number>> {
  const offsets = await wiring.bus.offsets(recordChangesTopic(purpose));
  return new Map(offsets.map(({ partition, high }) => [partition, high]));
}

async function catchUp(wiring: Wiring, { purpose, from, tell, signal }: FeedOptions): Promise<Map<number, number>> {
  if (from === 'end') return endOf(wiring, purpose);
  const projection = projectionOf(wiring, purpose);
  const next = new Map<number, number>();
  let held: readonly Message[] = [];
  // A page is looked at just before it is told: what the topic has of it may be forbidden by now.
  const tellHeld = async (next?: Offsets): Promise<void> => {
    const changes = await asTheyStand(wiring, projection, held);
    await tell(from === 'beginning' ? changes.flatMap(asBegun) : changes, next);
  };
  for (const { partition } of await wiring.bus.offsets(recordChangesTopic(purpose))) {
    // Ends are taken as late as can be: what happens after them is told live, once everything before them is.
    const { low, high } = await endsOf(wiring, purpose, partition);
    const start = from === 'beginning' ? low : Math.max(low, from.get(partition) ?? low);
    const folded = fold(wiring, recordChangesTopic(purpose), { partition, start, high });
    for await (const messages of folded) {
      if (signal.aborted) return next;
      const told = from === 'beginning' ? messages.filter(({ value }) => value !== null) : messages;
      if (told.length === 0) continue;
      if (held.length > 0) await tellHeld();
      held = told;
    }
    next.set(partition, high);
  }
  if (held.length > 0) await tellHeld(next);
  return next;
}

/** Whoever goes on where they stopped may hold what was withdrawn meanwhile; whoever begins holds nothing. */
function asBegun(change: Change): Change[] {
  return change.kind === 'withdrawn' ? [] : [{ ...change, kind: 'included' }];
}

async function endsOf(wiring: Wiring, purpose: Purpose, partition: number): Promise<{ low: number; high: number }> {
  const offsets = await wiring.bus.offsets(recordChangesTopic(purpose));
  return offsets.find((one) => one.partition === partition) ?? { low: 0, high: 0 };
}

interface Range {
  readonly partition: number;
  readonly start: number;
  readonly high: number;
}

/** Of each key the last word: the one of the highest view revision, and of equals the later. Bounded in memory. */
async function* fold(wiring: Wiring, topic: string, range: Range): AsyncGenerator<readonly Message[]> {
  const slices = Math.max(1, Math.ceil((range.high - range.start) / FOLD_MAX));
  for (let slice = 0; slice < slices; slice += 1) {
    const last = new Map<string, { readonly viewRevision: number; readonly offset: number }>();
    for await (const page of pages(wiring, topic, range)) {
      for (const message of page) {
        if (sliceOf(message, slices) !== slice) continue;
        const viewRevision = viewRevisionOf(message);
        if (viewRevision >= (last.get(message.key)?.viewRevision ?? -1)) {
          last.set(message.key, { viewRevision, offset: message.offset });
        }
      }
    }
    for await (const page of pages(wiring, topic, range)) {
      const standing = page.filter(({ key, offset }) => last.get(key)?.offset === offset);
      if (standing.length > 0) yield standing;
    }
  }
}

async function* pages(wiring: Wiring, topic: string, { partition, start, high }: Range): AsyncGenerator<readonly Message[]> {
  for (let from = start; from < high;) {
    const page = await wiring.bus.read(topic, partition, from);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.filter(({ offset }) => offset < high);
    from = last.offset + 1;
  }
}

/** Keys begin with a patient's key: hash digits, so that slices are about equal. */
const sliceOf = ({ key }: Message, slices: number): number => Number.parseInt(key.slice(0, 8), 16) % slices;

const viewRevisionOf = ({ headers }: Message): number => Number(headers['ce_viewrevision'] ?? 0);

const KINDS: Readonly<Record<string, Change['kind']>> = {
  'record-entry-included-1': 'included',
  'record-entry-amended-1': 'amended',
};

function changeOf(message: Message): Change {
  const { key, headers, partition, offset, value } = message;
  const subject = headers['ce_subject'] ?? key.slice(0, key.indexOf('.'));
  const place = { subject, viewRevision: viewRevisionOf(message), partition, offset };
  if (value === null) return { key, kind: 'withdrawn', ...place, entry: null };
  const entry = parseWithDigits(new TextDecoder().decode(value)) as ViewEntry;
  return { key, kind: KINDS[headers['ce_type'] ?? ''] ?? 'included', entryId: entry.id, ...place, entry };
}

/**
 * Changes as their views have them now. Two projectors tell of one view, and one that stood still may tell late what is not
 * so any more: where a view has moved on, what it says now is told instead. A view that a dated decision has made out of date
 * holds nothing until it is brought in line; then everything of the person is told anew.
 */
async function asTheyStand(wiring: Wiring, projection: Projection, messages: readonly Message[]): Promise<Change[]> {
  const last = new Map(messages.map((message) => [message.key, changeOf(message)]));
  const bySubject = new Map<string, Change[]>();
  for (const change of last.values()) {
    const changes = bySubject.get(change.subject);
    if (changes === undefined) bySubject.set(change.subject, [change]);
    else changes.push(change);
  }
  const checked = await Promise.all([...bySubject].map(([subject, changes]) => check(wiring, projection, subject, changes)));
  return checked.flat().sort((a, b) => a.offset - b.offset);
}

async function check(
  wiring: Wiring,
  projection: Projection,
  subject: string,
  changes: readonly Change[],
): Promise<readonly Change[]> {
  const stream = viewStream(projection, subject);
  const now = wiring.clock.now();
  const told = (revision: number): number => toldRevision(projection, subject, revision, wiring.keys);
  const last = await loadClosing(wiring.store, stream);
  const isAsTold = changes.every(({ viewRevision }) => viewRevision >= told(last.revision));
  if (isAsTold && holds(last.closing, now)) return changes;
  const { view, revision } = await loadView(wiring.store, stream);
  const standing = new Map<string, ViewEntry>();
  if (holds(view.closing, now)) {
    for (const entry of view.entries.values()) {
      standing.set(changeKey(projection, subject, entry.id, wiring.keys), entry);
    }
  }
  return changes.map(({ key, kind, partition, offset }): Change => {
    const entry = standing.get(key);
    const place = { key, subject, viewRevision: told(revision), partition, offset };
    if (entry === undefined) return { ...place, kind: 'withdrawn', entry: null };
    return { ...place, kind: kind === 'withdrawn' ? 'included' : kind, entryId: entry.id, entry };
  });
}

/** Half of a rebuild is no view: what it will say is told when it is whole. */
const holds = (closing: Closing | null, now: number): boolean => closing !== null && holdsAt(closing.basis.span, now);
