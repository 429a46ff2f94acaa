import type { TraceStatus, VersionTime } from './facts.js';

/** What is known of one MRN. */
export interface IndexEntry {
  readonly number: string | null;
  /** `filed`: nobody has said whose it is, but everything under it is filed under this one number. */
  readonly status: TraceStatus | 'filed';
  /** When its sender said so. */
  readonly since: VersionTime;
  /** The message that said so. */
  readonly event: string;
  readonly replacedBy: string | null;
}

/** How much a trace status counts for, against another one: a number that was verified is corrected by a verified one alone. */
const WEIGHT: Readonly<Record<string, number>> = { '01': 2, stated: 1 };

const weightOf = (status: IndexEntry['status']): number => WEIGHT[status] ?? 0;

/** By policy what was verified files, and what is stated; what was traced without an end, and what was only filed, does not. */
export const mayFile = (status: IndexEntry['status']): boolean => weightOf(status) > 0;

/**
 * Who each MRN of an organisation is: a fold of what its ADT messages said, in the order of their arrival, learned from nothing else.
 * Laboratories echo what a ward typed.
 */
export class MrnIndex {
  private readonly entries = new Map<string, IndexEntry>();

  of(mrn: string): IndexEntry | undefined {
    return this.entries.get(mrn);
  }

  /** The MRN that stands for it now. */
  rootOf(mrn: string): string {
    for (let root = mrn; ;) {
      const next = this.entries.get(root)?.replacedBy ?? null;
      if (next === null) return root;
      root = next;
    }
  }

  /** Every MRN with what is known of it. */
  all(): ReadonlyMap<string, IndexEntry> {
    return this.entries;
  }

  learn(mrn: string, entry: Omit<IndexEntry, 'replacedBy'>): void {
    this.entries.set(mrn, { ...entry, replacedBy: this.entries.get(mrn)?.replacedBy ?? null });
  }

  /** `mrn` gave way: whoever names it means `by`. */
  replace(mrn: string, by: string, said: Pick<IndexEntry, 'since' | 'event'>): void {
    const { number, status } = this.entries.get(mrn) ?? { number: null, status: 'stated' as const };
    this.entries.set(mrn, { number, status, ...said, replacedBy: by });
  }
}

/** Whether what is said outweighs what is known. */
export const outweighs = (said: IndexEntry['status'], known: IndexEntry['status']): boolean => weightOf(said) >= weightOf(known);
