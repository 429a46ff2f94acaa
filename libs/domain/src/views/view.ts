import { sameSpan, type Span } from '../consent/in-force.js';
import type { Held } from '../consent/notices.js';
import type { Review } from '../care-record/entry.js';
import type { Resource } from '../vocabulary.js';

/** An entry as a purpose sees it. For the two purposes beyond individual care `id` and the ids within are pseudonyms. */
export interface ViewEntry {
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  /** When the fact happened, as precisely as the purpose may know. */
  readonly occurredAt: string | null;
  /** For individual care alone: the person's NHS number now, under whichever one the entry was sent. Absent where it is not known. */
  readonly nhsNumber?: string;
  /** For individual care alone: why somebody should look whose it is. */
  readonly review?: Review;
  /** When Weft accepted the version in force; RFC 3339, or as precisely as the purpose may know. Not part of the digest: a delay changes it. */
  readonly recordedAt: string;
  readonly resource: Resource;
}

/** What a view was built from. Lists hold one number for each record that a merge brought together, the surviving one first. */
export interface Basis {
  readonly recordRevisions: readonly number[];
  readonly consentRevisions: readonly number[];
  readonly policyVersion: number;
  /** Of the surviving number's merges: so that undoing one fences off whoever still reckons with it. */
  readonly identityRevision: number;
  /**
   * When the view holds (milliseconds since 1970): a decision that begins or ends makes it stale. It has a beginning too, so
   * that a view built by a machine whose clock is ahead is not believed before its time.
   */
  readonly span: Span;
}

/** What view streams hold. The last event of a change carries the closing, and with it the basis; earlier ones do not. */
export type ViewEvent = ViewChange & { readonly closing?: Closing };

type ViewChange =
  | { readonly type: 'entry-included-1' | 'entry-amended-1'; readonly entry: ViewEntry }
  | { readonly type: 'entry-withdrawn-1'; readonly id: string }
  /** Nothing changed for the reader; the basis moved on. */
  | { readonly type: 'view-confirmed-1' }
  /** The whole view, which replaces what came before; in several parts where one would not fit into an append. */
  | { readonly type: 'view-rebuilt-1'; readonly part: number; readonly parts: number; readonly entries: readonly ViewEntry[] };

/** What holds once an append is folded whole. */
export interface Closing extends Held {
  readonly basis: Basis;
  /** Events since the last rebuild. */
  readonly tail: number;
}

/** A view stream, folded. */
export interface View {
  readonly entries: Map<string, ViewEntry>;
  /** Null before the first change is whole, and while parts of a change are missing: the view is not to be served then. */
  closing: Closing | null;
}

export function emptyView(): View {
  return { entries: new Map(), closing: null };
}

/** Folds one event into the view, in place. Live, rebuilt and replayed views are this one fold. */
export function evolveView(view: View, event: ViewEvent): void {
  switch (event.type) {
    case 'entry-included-1':
    case 'entry-amended-1':
      view.entries.set(event.entry.id, event.entry);
      break;
    case 'entry-withdrawn-1':
      view.entries.delete(event.id);
      break;
    case 'view-confirmed-1':
      break;
    case 'view-rebuilt-1':
      if (event.part === 1) view.entries.clear();
      for (const entry of event.entries) view.entries.set(entry.id, entry);
      break;
  }
  view.closing = event.closing ?? null;
}

/** The entries in the order in which a view is compared and stored: by id. */
export function sortedEntries(entries: ReadonlyMap<string, ViewEntry>): ViewEntry[] {
  return [...entries.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

export function sameBasis(a: Basis, b: Basis): boolean {
  return (
    a.policyVersion === b.policyVersion &&
    a.identityRevision === b.identityRevision &&
    sameSpan(a.span, b.span) &&
    sameNumbers(a.recordRevisions, b.recordRevisions) &&
    sameNumbers(a.consentRevisions, b.consentRevisions)
  );
}

export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** What of an entry decides whether two views are the same: all but the time of its arrival. */
export function withoutArrival(entry: ViewEntry): Omit<ViewEntry, 'recordedAt'> {
  const { recordedAt: _, ...rest } = entry;
  return rest;
}
