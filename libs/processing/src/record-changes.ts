import { type Projection, viewName, withDigits } from '@weft/domain';
import type { Keys, OutgoingMessage } from './ports.js';
import { recordChangesTopic } from './topics.js';

/** What subscribers of a purpose are told of one entry. */
export interface RecordChange {
  readonly projection: Projection;
  /** The patient's key within the purpose. */
  readonly viewKey: string;
  /** The entry's id in the view. */
  readonly entryId: string;
  readonly kind: 'included' | 'amended' | 'withdrawn';
  /** The entry as the purpose sees it, JSON; absent of a withdrawal. */
  readonly entry?: string;
  /** Revision of the number's stream that this is true of: a subscriber ignores what is older than what it has. */
  readonly viewRevision: number;
}

/** The message key of an entry's changes: beyond individual care its id in the view is a pseudonym already. */
export function changeKey(projection: Projection, viewKey: string, entryId: string, keys: Keys): string {
  return `${viewKey}.${projection.identifies ? keys.pseudonym(projection.purpose, entryId) : entryId}`;
}

/**
 * A revision as subscribers see it: a subscriber that has an entry of an earlier version of a view, or of an earlier epoch of the region, must not take
 * a later one's for older. It orders what is told and does not count: also what is withheld, and every decision, moves a view on.
 */
export function toldRevision({ purpose, version }: Projection, viewKey: string, revision: number, keys: Keys, epoch = 0): number {
  const before = (epoch * VERSIONS + version - 1) * VEILED_RANGE;
  return before + veiled(revision, (place) => keys.pseudonym(purpose, `${viewKey} ${place}`));
}

/** The epoch in which a change was told. */
export function epochIn({ headers }: Pick<OutgoingMessage, 'headers'>): number {
  const told = Number(headers['ce_viewrevision'] ?? 0);
  return Number.isFinite(told) ? Math.floor(told / (VERSIONS * VEILED_RANGE)) : 0;
}

/**
 * So many revisions, of which no view will have half, become numbers below 2^45: 16 versions of them in 16 epochs are whole numbers that every
 * program can hold. Later ones are in order too, and rounded.
 */
const REVISIONS = 8 ** 7;
const VEILED_RANGE = 2 ** 45;
const VERSIONS = 16;

/**
 * A number that grows with the revision. Revisions count: everything that happened to one person is counted alike in the views of
 * several purposes, and would say whose pseudonyms belong together. So the numbers to spare are shared out unevenly, by keyed draws
 * that differ from view to view: between two revisions lie few numbers, or millions.
 */
function veiled(revision: number, draw: (place: string) => string): number {
  // Nobody's revisions begin where everybody's do.
  const start = Number.parseInt(draw('start').slice(0, 8), 16) % (REVISIONS / 2);
  const place = Math.min(revision + 1 + start, REVISIONS - 1);
  let [first, count, low, spare] = [0, REVISIONS, 0, VEILED_RANGE - REVISIONS];
  while (count > 1) {
    const shares = sharesOf(draw(`${first}+${count}`));
    count /= 8;
    const branch = Math.floor((place - first) / count);
    const [from, to] = [Math.floor(spare * (shares[branch] as number)), Math.floor(spare * (shares[branch + 1] as number))];
    [first, low, spare] = [first + branch * count, low + branch * count + from, to - from];
  }
  return low + Math.floor(spare / 2);
}

/** Eight shares of one, each where the ones before it end, made of 32 hex digits: the largest may be a thousand times the smallest. */
function sharesOf(digits: string): number[] {
  const weights = Array.from({ length: 8 }, (_, nth) => 2 ** (Number.parseInt(digits.slice(4 * nth, 4 * nth + 4), 16) / 6_554));
  const total = weights.reduce((sum, weight) => sum + weight);
  let sum = 0;
  return [0, ...weights.map((weight) => (sum += weight) / total)];
}

const utf8 = new TextEncoder();

/**
 * The changes as CloudEvents, in their order. A decision changes many entries of one view at one revision: the number under which
 * it is told takes some work to draw, so it is drawn once.
 */
export function changeMessages(changes: readonly RecordChange[], keys: Keys, time: string, epoch = 0): OutgoingMessage[] {
  const drawn = new Map<string, number>();
  return changes.map((change) => {
    const { projection, viewKey, viewRevision } = change;
    const name = `${viewName(projection)} ${viewKey} ${viewRevision}`;
    const told = drawn.get(name) ?? toldRevision(projection, viewKey, viewRevision, keys, epoch);
    drawn.set(name, told);
    return changeMessage(change, told, keys, time);
  });
}

/**
 * The change as a CloudEvent in binary mode. The key names the entry, so that compaction leaves of each entry its last
 * state; a withdrawal is a tombstone. All changes of a patient go to one partition, in order.
 */
function changeMessage(change: RecordChange, told: number, keys: Keys, time: string): OutgoingMessage {
  const { projection, viewKey, entry, kind } = change;
  const key = changeKey(projection, viewKey, change.entryId, keys);
  return {
    topic: recordChangesTopic(projection.purpose),
    key,
    partitionKey: viewKey,
    value: entry === undefined ? null : utf8.encode(withDigits(entry)),
    headers: {
      ce_specversion: '1.0',
      ce_id: `${key}@${told}.${kind}`,
      ce_source: 'urn:weft:record-projector',
      ce_type: `record-entry-${kind}-1`,
      ce_subject: viewKey,
      // Optional in CloudEvents. What is told of one event at one time in two purposes would belong together.
      ...(projection.identifies ? { ce_time: time } : {}),
      ce_viewrevision: String(told),
      ...(entry === undefined ? {} : { 'content-type': 'application/json' }),
    },
  };
}
