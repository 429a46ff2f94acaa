import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  APPEND_LIMIT_BYTES,
  type AuditEntry,
  auditOfStream,
  auditStream,
  chained,
  dayOfAuditStream,
  encodeAfter,
  encodeAuditEntry,
  endOf,
  type NewEvent,
  NO_STREAM,
  type StreamEnd,
  timestamp,
  type Wiring,
  WrongExpectedRevision,
} from '@weft/processing';
import { addDays } from './audit-trail.js';

/** What an event costs in an append beside its data: id, type, framing. */
const EVENT_OVERHEAD_BYTES = 256;
/** Other processes write the same day's stream: whoever loses so often in a row tells its callers to come again. */
const CONFLICTS_MAX = 100;
/** So far back the day with entries before a new one is looked for. */
const LATELY_DAYS = 31;
/** Streams of which it is remembered where they end; all are forgotten together when there are more. */
const ENDS_MAX = 10_000;

/** Who does something: a caller, or a command at the command line. */
export interface Actor {
  readonly subject: string;
  readonly roles: readonly string[];
  /** ODS code. */
  readonly organisation?: string;
  /** The id of the request. */
  readonly request?: string;
}

/** What an entry says beside who and when. */
export type Given = Pick<AuditEntry, 'outcome'> &
  Partial<Pick<AuditEntry, 'patient' | 'alsoOf' | 'purpose' | 'about' | 'policyVersion' | 'consentRevision'>>;

interface End extends StreamEnd {
  /** Of a day without entries: where the last day ended that has some. */
  readonly after?: StreamEnd & { readonly stream: string };
}

interface Waiting {
  readonly streams: readonly string[];
  readonly event: NewEvent;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Who looked at whose record, who did what, and what they were given. Each entry stands twice: in the day's stream (UTC),
 * which is the whole region's, and in the stream of the person it is about, which finds it without looking through days; of a person
 * of several numbers in the stream of each. It is acknowledged once it stands in all. While entries are being written others wait, and go together, so that many readers
 * cost few writes.
 */
export class AuditLog {
  private waiting: Waiting[] = [];
  private isWriting = false;
  /** Where streams end, as far as this process knows. */
  private readonly ends = new Map<string, StreamEnd>();

  constructor(private readonly ports: Pick<Wiring, 'store' | 'clock' | 'random' | 'keys'>) {}

  /** Resolves once it is durable who did this. Throws what the store throws: then nothing may be given to them. */
  note(actor: Actor | null, action: string, given: Given): Promise<void> {
    return this.append({
      time: timestamp(this.ports.clock),
      request: actor?.request ?? null,
      who: actor?.subject ?? '',
      organisation: actor?.organisation ?? null,
      roles: actor?.roles ?? [],
      action,
      patient: null,
      purpose: null,
      policyVersion: null,
      consentRevision: null,
      ...given,
    });
  }

  append(entry: AuditEntry): Promise<void> {
    return new Promise((written, failed) => {
      const numbers = entry.patient === null ? [] : [entry.patient, ...(entry.alsoOf ?? [])];
      const streams = [auditStream(entry.time.slice(0, 10)), ...numbers.map(auditOfStream)];
      this.waiting.push({ streams, event: encodeAuditEntry(entry, this.ports.random), written, failed });
      if (!this.isWriting) void this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) {
      // Readers whose requests came in the same turn of the event loop go together: the first does not go alone.
      await nextTurn();
      const group = this.takeGroup();
      try {
        await this.write(group);
      } catch (error) {
        for (const { failed } of group) failed(error);
      }
    }
    this.isWriting = false;
  }

  /** As many as one append takes. */
  private takeGroup(): Waiting[] {
    let bytes = 0;
    let end = 0;
    for (const { event } of this.waiting) {
      bytes += event.data.byteLength + EVENT_OVERHEAD_BYTES;
      if (end > 0 && bytes > APPEND_LIMIT_BYTES) break;
      end += 1;
    }
    return this.waiting.splice(0, end);
  }

  /** All streams at once: the embedded store writes them in one transaction. An entry fails alone where its own streams do. */
  private async write(group: readonly Waiting[]): Promise<void> {
    const events = new Map<string, NewEvent[]>();
    for (const { streams, event } of group) {
      for (const stream of streams) {
        const ofStream = events.get(stream);
        if (ofStream === undefined) events.set(stream, [event]);
        else ofStream.push(event);
      }
    }
    const reads = [...events.keys()].map((stream) => this.endOf(stream));
    await Promise.allSettled(reads);
    const appends = new Map(
      [...events].map(([stream, ofStream], index) => [stream, this.appendTo(stream, reads[index] as Promise<End>, ofStream)]),
    );
    await Promise.allSettled(appends.values());
    for (const { streams, written, failed } of group) {
      void Promise.all(streams.map((stream) => appends.get(stream) as Promise<void>)).then(written, failed);
    }
  }

  private async appendTo(stream: string, found: Promise<End>, events: readonly NewEvent[]): Promise<void> {
    const { store, keys } = this.ports;
    let end = await found;
    for (let conflicts = 0; ; conflicts += 1) {
      const [first, ...others] = events as readonly [NewEvent, ...NewEvent[]];
      const next = chained(keys, stream, end, [end.after === undefined ? first : encodeAfter(first, end.after), ...others]);
      try {
        await store.append(stream, end.revision, next.events);
        if (this.ends.size >= ENDS_MAX) this.ends.clear();
        this.ends.set(stream, next.end);
        return;
      } catch (error) {
        this.ends.delete(stream);
        // An append at an exact revision that was refused wrote nothing: another process was there first.
        if (!(error instanceof WrongExpectedRevision) || conflicts >= CONFLICTS_MAX) throw error;
        end = await this.endOf(stream);
      }
    }
  }

  /** Where a stream ends. The first entry of a day says where the day before ended: no day can be cut short once it is over. */
  private async endOf(stream: string): Promise<End> {
    const end = this.ends.get(stream) ?? (await endOf(this.ports.store, stream));
    const day = dayOfAuditStream(stream);
    if (end.revision !== NO_STREAM || day === null) return end;
    for (let ago = 1; ago <= LATELY_DAYS; ago += 1) {
      const before = auditStream(addDays(day, -ago));
      const last = await endOf(this.ports.store, before);
      if (last.revision !== NO_STREAM) return { ...end, after: { stream: before, ...last } };
    }
    return end;
  }
}
