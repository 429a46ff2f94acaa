import type { RecordEntry } from '@weft/care-events';

/** How far somebody who reads page by page has come. */
export interface Position {
  /** RFC 3339: when they began. What the record came to hold later is for those who begin later. */
  readonly asAt: string;
  /** The id of the last entry that they were given; '' on the first page. */
  readonly after: string;
}

export interface Page {
  readonly entries: readonly RecordEntry[];
  readonly total: number;
  /** Null where this is the last page. */
  readonly next: Position | null;
}

/** Where a reading begins: not before the newest entry that is there, whose projector's clock may be ahead. */
export function beginning(entries: readonly RecordEntry[], now: string): Position {
  const asAt = entries.reduce((latest, { recordedAt }) => (recordedAt > latest ? recordedAt : latest), now);
  return { asAt, after: '' };
}

/** Whether all of these can only have been there then: else it must be asked which of them were. */
export const wereAllThere = (entries: readonly RecordEntry[], { asAt }: Position): boolean =>
  entries.every(({ recordedAt }) => recordedAt <= asAt);

/**
 * The page behind a position, of those entries that may be given now and were there when the reading began. They are in the order of
 * their ids, which no later version changes: so each that stays is given once, and every reading comes to an end.
 */
export function pageAt(
  { asAt, after }: Position,
  entries: readonly RecordEntry[],
  wasThere: (id: string) => boolean,
  count: number,
): Page {
  const all = entries
    .filter(({ id, recordedAt }) => recordedAt <= asAt || wasThere(id))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
  const rest = all.filter(({ id }) => id > after);
  const given = rest.slice(0, count);
  const last = given.at(-1);
  return { entries: given, total: all.length, next: last !== undefined && rest.length > count ? { asAt, after: last.id } : null };
}
