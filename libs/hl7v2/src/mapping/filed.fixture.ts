import { acceptEvent, readCloudEvent } from '@weft/care-events';
import { emptyRecord, evolveRecord, jsonWithDigits, type CareRecord, type Entry } from '@weft/domain';
import { createHash } from 'node:crypto';
import { readMessage } from '../character-sets.js';
import { resourceId } from './entry-names.js';
import type { Listener, Note } from './facts.js';
import { Feed, type MappedEvent, type Taken } from './feed.js';
import { weftTables } from './tables.js';

export const LISTENER: Listener = { organisation: 'RX901', mrnAuthority: 'RX901', timeZone: 'Europe/London' };
const TABLES = weftTables();
const NOW = Date.parse('2026-11-30T12:00:00Z');

/** Messages taken by a feed, and what they lead to recorded as Weft records it. Every event is judged as the gateway judges it. */
export class Filed {
  readonly feed: Feed;
  readonly events: MappedEvent[] = [];
  readonly notes: Note[] = [];
  readonly review: string[] = [];
  readonly refused: string[] = [];
  readonly records = new Map<string, CareRecord>();

  constructor(
    listener: Listener = LISTENER,
    private readonly tables = TABLES,
  ) {
    this.feed = new Feed(listener, this.tables);
    this.listener = listener;
  }
  private readonly listener: Listener;

  take(bytes: Uint8Array, receivedAt = NOW): Taken {
    const id = createHash('sha256').update(bytes).digest('hex');
    const read = readMessage(bytes)!;
    const outcome = this.feed.take({ id, receivedAt, message: read.message });
    this.notes.push(...(read.note === null ? [] : [{ code: read.note }]), ...outcome.notes);
    this.review.push(...outcome.review);
    for (const event of outcome.events) this.record(event, receivedAt);
    return outcome;
  }

  /** A message written with `|` and line breaks. */
  say(text: string, receivedAt = NOW): Taken {
    return this.take(new TextEncoder().encode(text.trim().replaceAll(/\n\s*/g, '\r')), receivedAt);
  }

  private record(event: MappedEvent, receivedAt: number): void {
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
