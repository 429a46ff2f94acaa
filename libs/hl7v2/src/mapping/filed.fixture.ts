import { acceptEvent, readCloudEvent } from '@weft/care-events';
import { emptyRecord, evolveRecord, jsonWithDigits, type CareRecord, type Entry } from '@weft/domain';
import { createHash } from 'node:crypto';
import { readMessage } from '../character-sets.js';
import { resourceId } from './entry-names.js';
import type { Listener, Note } from './facts.js';
import { factsOf } from './facts-of.js';
import { Feed, type MappedEvent, type Taken } from './feed.js';
import { messageParts } from './message-parts.js';
import { weftTables } from './tables.js';

export const LISTENER: Listener = { organisation: 'RX901', mrnAuthority: 'RX901', timeZone: 'Europe/London' };
const TABLES = weftTables();
export const NOW = Date.parse('2026-11-30T12:00:00Z');

/** What came of a whole message. */
export interface Outcome extends Taken {
  readonly unmapped?: string;
}

/** What care events lead to, recorded as Weft records it. Every event is judged as the gateway judges it. */
export class Records {
  readonly events: MappedEvent[] = [];
  readonly refused: string[] = [];
  readonly records = new Map<string, CareRecord>();

  constructor(protected readonly listener: Listener = LISTENER) {}

  record(event: MappedEvent, receivedAt: number): void {
    const { type, id, source, subject, time, resource } = event;
    const envelope = { specversion: '1.0', type, id, source, subject, time, datacontenttype: 'application/fhir+json' };
    const body = new TextEncoder().encode(jsonWithDigits({ ...envelope, data: resource }));
    const received = readCloudEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body, mode: 'http' });
    if (!received.ok) throw new Error(JSON.stringify(received.problems));
    const organisations = new Map([['RX901', { ods: 'RX901', name: 'A trust', kind: 'acute' as const }]]);
    const accepted = acceptEvent(received.event, { organisations, now: Math.max(NOW, receivedAt) });
    if (!accepted.ok)
      this.refused.push(...accepted.problems.map((problem) => `${type} ${resource.resourceType}: ${JSON.stringify(problem)}`));
    this.events.push(event);
    const { meta, ...said } = resource;
    void meta;
    const record = this.records.get(subject) ?? emptyRecord();
    this.records.set(subject, record);
    evolveRecord(record, {
      ...{ type, id, source, organisation: 'RX901', time, resource, recordedAt: new Date(receivedAt).toISOString(), subject },
      coordinates: { topic: 'weft.care-events.RX901', partition: 0, offset: this.events.length },
      digest: createHash('sha256').update(jsonWithDigits(said)).digest('hex'),
    });
  }

  /** The entry of this name in a number's record. */
  entry(number: string, ...name: readonly string[]): Entry | undefined {
    return this.records.get(number)?.entries.get(`RX901/${name[0]}/${this.idOf(...name)}`);
  }

  resource(number: string, ...name: readonly string[]): Record<string, unknown> | undefined {
    const found = this.entry(number, ...name);
    return found === undefined || found.retracted ? undefined : (found.resource as Record<string, unknown>);
  }

  idOf(...name: readonly string[]): string {
    return resourceId(this.listener.organisation, name);
  }

  /** Every entry that stands, by number and id, with what it says, but for when it was said. */
  standing(): Record<string, unknown> {
    const all = [...this.records].flatMap(([number, { entries }]) =>
      [...entries.values()]
        .filter(({ retracted }) => !retracted)
        .map(({ id, resource }): [string, unknown] => [`${number} ${id}`, { ...resource, meta: undefined }]),
    );
    return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Messages taken by a feed, and what they lead to. */
export class Filed extends Records {
  readonly feed: Feed;
  readonly notes: Note[] = [];
  readonly review: string[] = [];

  constructor(
    listener: Listener = LISTENER,
    private readonly tables = TABLES,
  ) {
    super(listener);
    this.feed = new Feed(listener.organisation);
  }

  take(bytes: Uint8Array, receivedAt = NOW): Outcome {
    const id = createHash('sha256').update(bytes).digest('hex');
    const read = readMessage(bytes)!;
    const { facts, notes, faults, unmapped } = factsOf(read.message, this.listener, this.tables, receivedAt);
    const parts = facts === null ? [] : messageParts(id, receivedAt, facts);
    const takens = parts.map((part) => this.feed.take(part));
    const outcome: Outcome = {
      events: takens.flatMap(({ events }) => events),
      notes: [...notes, ...takens.flatMap((taken) => taken.notes)],
      faults: [...faults, ...takens.flatMap((taken) => taken.faults)],
      waiting: takens.flatMap(({ waiting }) => waiting),
      review: takens.flatMap(({ review }) => review),
      ...(unmapped !== undefined && { unmapped }),
    };
    this.notes.push(...(read.note === null ? [] : [{ code: read.note }]), ...outcome.notes);
    this.review.push(...outcome.review);
    for (const event of outcome.events) this.record(event, receivedAt);
    return outcome;
  }

  /** A message written with `|` and line breaks. */
  say(text: string, receivedAt = NOW): Outcome {
    return this.take(bytesOf(text), receivedAt);
  }
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text.trim().replaceAll(/\n\s*/g, '\r'));
