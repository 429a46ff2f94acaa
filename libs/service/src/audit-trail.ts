import {
  type AuditEntry,
  auditOfStream,
  auditStream,
  decodeAuditEntry,
  type EventStore,
  type StoredEvent,
} from '@weft/processing';

const DAY_MS = 86_400_000;
const PAGE = 100;
/** Processes whose clocks are not quite together wrote one stream: so far apart its entries' times may be out of order. */
const CLOCKS_APART_MS = 3_600_000;

/** An entry as it stands in the store: `id` is the same wherever it stands. */
export interface StoredAuditEntry {
  readonly id: string;
  readonly revision: number;
  readonly entry: AuditEntry;
}

const auditedOf = (stored: StoredEvent): StoredAuditEntry => ({
  id: stored.id,
  revision: stored.revision,
  entry: decodeAuditEntry(stored),
});

/** Entries of a day (`YYYY-MM-DD`) in the order in which they were written, from a revision on. */
export async function* auditOfDay(store: EventStore, day: string, from = 0): AsyncGenerator<StoredAuditEntry> {
  for (let next = from; ;) {
    const page = await store.read(auditStream(day), { from: next });
    for (const stored of page) yield auditedOf(stored);
    const last = page.at(-1);
    if (last === undefined) return;
    next = last.revision + 1;
  }
}

/** Entries about whom the key stands for, the newest first, back to the beginning of a day. */
export async function* auditAbout(store: EventStore, key: string, from: string): AsyncGenerator<StoredAuditEntry> {
  const longBefore = new Date(Date.parse(from) - CLOCKS_APART_MS).toISOString();
  for (let next: { readonly from?: number } = {}; ;) {
    const page = (await store.read(auditOfStream(key), { backwards: true, maxCount: PAGE, ...next })).map(auditedOf);
    for (const audited of page) if (audited.entry.time >= from) yield audited;
    const last = page.at(-1);
    if (last === undefined || last.revision === 0 || last.entry.time < longBefore) return;
    next = { from: last.revision - 1 };
  }
}

/** Of a day of the calendar, UTC, as `YYYY-MM-DD`. */
export const addDays = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
