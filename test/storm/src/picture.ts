import { type Seen, seenIn } from './entries.js';

/** One line that a subscriber is told; a heartbeat is none. */
export interface Line {
  readonly kind: 'included' | 'amended' | 'withdrawn' | 'ended';
  readonly key: string;
  readonly viewRevision: number;
  readonly entry: unknown;
  readonly cursor?: string;
}

interface Held {
  readonly viewRevision: number;
  /** Null of what was withdrawn. */
  readonly seen: Seen | null;
}

/** What a subscriber holds, made of lines as the documentation of the feed tells them to. */
export class Picture {
  private readonly held = new Map<string, Held>();
  /** Keys told since a connection that began anew; null for one that went on, and once it has caught up. */
  private told: Set<string> | null = null;
  cursor: string | null = null;

  /** A connection begins: anew where there is no cursor to go on from. */
  begin(): void {
    this.told = this.cursor === null ? new Set() : null;
  }

  /** Forgets everything, as one who comes late has nothing. */
  clear(): void {
    this.held.clear();
    this.cursor = null;
  }

  /** Whether it took something away. */
  take(line: Line): boolean {
    const isTakenAway = this.note(line);
    if (line.cursor !== undefined) {
      this.cursor = line.cursor;
      this.complete();
    }
    return isTakenAway;
  }

  private note({ kind, key, viewRevision, entry }: Line): boolean {
    if (kind === 'ended') return false;
    this.told?.add(key);
    const before = this.held.get(key);
    if (before !== undefined && viewRevision < before.viewRevision) return false;
    const seen = kind === 'withdrawn' ? null : (seenIn(JSON.stringify(entry))[0] ?? null);
    this.held.set(key, { viewRevision, seen });
    return kind === 'withdrawn' && (before?.seen ?? null) !== null;
  }

  /** An empty line, or the first cursor: everything was told. What one who began anew was not told of is no more. */
  complete(): void {
    if (this.told === null) return;
    for (const key of this.held.keys()) if (!this.told.has(key)) this.held.delete(key);
    this.told = null;
  }

  get seen(): Seen[] {
    return [...this.held.values()].flatMap(({ seen }) => (seen === null ? [] : [seen]));
  }
}
