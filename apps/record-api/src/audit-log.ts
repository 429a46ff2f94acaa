import { setImmediate as nextTurn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import {
  APPEND_LIMIT_BYTES,
  type AuditEntry,
  auditStream,
  decodeAuditEntry,
  encodeAuditEntry,
  type NewEvent,
  type Wiring,
  WrongExpectedRevision,
} from '@weft/processing';
import { WIRING } from '@weft/service';

/** What an event costs in an append beside its data: id, type, framing. */
const EVENT_OVERHEAD_BYTES = 256;
/** Other processes write the same day's stream: whoever loses so often in a row tells its callers to come again. */
const CONFLICTS_MAX = 100;

interface Waiting {
  readonly stream: string;
  readonly event: NewEvent;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Who looked at whose record, why, and what they were given: a stream a day (UTC). While one append is under way, entries
 * wait and go together into the next, so that many readers cost few writes.
 */
@Injectable()
export class AuditLog {
  private waiting: Waiting[] = [];
  private isWriting = false;
  /** Where the stream that is written now stands, as far as this process knows. */
  private head: { readonly stream: string; readonly revision: number } | null = null;

  constructor(@Inject(WIRING) private readonly wiring: Wiring) {}

  /** Resolves once the entry is durable. Throws what the store throws: then nothing may be given to the reader. */
  append(entry: AuditEntry): Promise<void> {
    return new Promise((written, failed) => {
      const stream = auditStream(entry.time.slice(0, 10));
      this.waiting.push({ stream, event: encodeAuditEntry(entry, this.wiring.random), written, failed });
      if (!this.isWriting) void this.writeAll();
    });
  }

  /** Entries of a day (`YYYY-MM-DD`) in the order in which they were written, from a revision on. */
  async *entriesOf(day: string, from = 0): AsyncGenerator<{ readonly revision: number; readonly entry: AuditEntry }> {
    for (let next = from; ;) {
      const page = await this.wiring.store.read(auditStream(day), { from: next });
      for (const stored of page) yield { revision: stored.revision, entry: decodeAuditEntry(stored) };
      const last = page.at(-1);
      if (last === undefined) return;
      next = last.revision + 1;
    }
  }

  private async writeAll(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) {
      // Readers whose requests came in the same turn of the event loop go together: the first does not go alone.
      await nextTurn();
      const group = this.takeGroup();
      try {
        await this.write(group);
        for (const { written } of group) written();
      } catch (error) {
        this.head = null;
        for (const { failed } of group) failed(error);
      }
    }
    this.isWriting = false;
  }

  /** As many as one append takes, all of one day. */
  private takeGroup(): Waiting[] {
    const stream = this.waiting[0]?.stream;
    let bytes = 0;
    let end = 0;
    for (const one of this.waiting) {
      bytes += Buffer.byteLength(one.event.data) + EVENT_OVERHEAD_BYTES;
      if (one.stream !== stream || (end > 0 && bytes > APPEND_LIMIT_BYTES)) break;
      end += 1;
    }
    return this.waiting.splice(0, end);
  }

  private async write(group: readonly Waiting[]): Promise<void> {
    const stream = (group[0] as Waiting).stream;
    const events = group.map(({ event }) => event);
    let expected = this.head?.stream === stream ? this.head.revision : await this.wiring.store.head(stream);
    for (let conflicts = 0; ; conflicts += 1) {
      try {
        this.head = { stream, revision: await this.wiring.store.append(stream, expected, events) };
        return;
      } catch (error) {
        // An append at an exact revision that was refused wrote nothing: another process was there first.
        if (!(error instanceof WrongExpectedRevision) || conflicts >= CONFLICTS_MAX) throw error;
        expected = error.actual;
      }
    }
  }
}
