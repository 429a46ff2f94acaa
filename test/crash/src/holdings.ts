import type { Message, StoredEvent } from '@weft/processing';
import { digestOf, keyDigest, type Line } from './ledger.js';
import type { Engines } from './region.js';

/** Everything that both engines hold. */
export interface Holdings {
  /** In the one order. */
  readonly events: readonly StoredEvent[];
  readonly streams: ReadonlyMap<string, readonly StoredEvent[]>;
  readonly heads: ReadonlyMap<string, number>;
  readonly messages: ReadonlyMap<string, Message>;
  readonly compacted: ReadonlySet<string>;
  /** By group, topic and partition, the offset read next. */
  readonly offsets: ReadonlyMap<string, number>;
}

const placeOf = (topic: string, partition: number, offset: number): string => `${topic}/${partition}/${offset}`;
const GROUPS = ['weft.record-projector', 'weft.opt-out-projector'];

/** Reads it in every way that there is; what two ways tell differently is a problem. */
export async function holdingsOf({ bus, store }: Engines, problems: string[]): Promise<Holdings> {
  const events: StoredEvent[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.readAll({ maxCount: 500, ...(after === undefined ? {} : { after }) });
    if (page.length === 0) break;
    events.push(...page);
    after = page.at(-1)?.position;
  }
  const streams = new Map<string, StoredEvent[]>();
  const heads = new Map<string, number>();
  let last = 0;
  for (const event of events) {
    if (Number(event.position) <= last) problems.push(`position ${event.position} comes after ${last}`);
    last = Number(event.position);
    streams.set(event.stream, [...(streams.get(event.stream) ?? []), event]);
  }
  for await (const { stream } of store.streams('')) {
    const read = await store.read(stream, { maxCount: 100_000 });
    heads.set(stream, await store.head(stream));
    if (JSON.stringify(read) !== JSON.stringify(streams.get(stream) ?? [])) problems.push(`${stream} is told in two ways`);
    if (heads.get(stream) !== (read.at(-1)?.revision ?? -1)) problems.push(`${stream} does not end at its head`);
    if (read.some(({ revision }, index) => revision !== (read[0]?.revision ?? 0) + index)) problems.push(`${stream} has a gap`);
  }
  const messages = new Map<string, Message>();
  const offsets = new Map<string, number>();
  const topics = await bus.topics();
  for (const { topic, partitions, compacted } of topics) {
    const ends = await bus.offsets(topic);
    for (let partition = 0; partition < partitions; partition += 1) {
      const held = await bus.read(topic, partition, 0, 100_000);
      for (const message of held) messages.set(placeOf(topic, partition, message.offset), message);
      const high = ends[partition]?.high ?? 0;
      if (held.some(({ offset }, index) => (compacted === true ? offset >= high : offset !== index))) {
        problems.push(`${topic}/${partition} has a gap`);
      }
      if (compacted !== true && held.length !== high) problems.push(`${topic}/${partition} holds ${held.length}, not ${high}`);
    }
    for (const group of GROUPS) {
      for (const { partition, offset } of await bus.committed(group, topic)) {
        offsets.set(`${group} ${topic}/${partition}`, offset);
        if (offset > (ends[partition]?.high ?? 0)) problems.push(`${group} is beyond the end of ${topic}/${partition}`);
      }
    }
  }
  const compacted = new Set(topics.filter((one) => one.compacted === true).map(({ topic }) => topic));
  return { events, streams, heads, messages, compacted, offsets };
}

/** Nothing but what was asked for, all of what was acknowledged, and of the rest each call whole or not at all. */
export function compareWithLedger(held: Holdings, ledger: readonly Line[], problems: string[]): void {
  compareMessages(held, ledger, problems);
  compareEvents(held, ledger, problems);
  compareOffsets(held, ledger, problems);
}

function compareMessages(held: Holdings, ledger: readonly Line[], problems: string[]): void {
  const asked = new Set<string>();
  const placesOf = new Map<string, number>();
  for (const message of held.messages.values()) {
    const digest = digestOf(message);
    placesOf.set(digest, (placesOf.get(digest) ?? 0) + 1);
  }
  const sent = new Map(ledger.flatMap((line) => (line.what === 'sent' ? [[line.call, line] as const] : [])));
  for (const line of ledger) {
    if (line.what !== 'sending') continue;
    for (const { digest } of line.messages) asked.add(digest);
    if (line.messages.some(({ topic }) => held.compacted.has(topic))) {
      compareCompacted(held, line, sent.get(line.call), problems);
      continue;
    }
    const there = line.messages.map(({ digest }) => placesOf.get(digest) ?? 0);
    if (there.some((count) => count > 1)) problems.push(`a message of call ${line.call} is there more than once`);
    if (there.some((count) => count !== there[0])) problems.push(`call ${line.call} is there by half: ${there.join()}`);
    sent.get(line.call)?.at.forEach(({ topic, partition, offset }, index) => {
      const found = held.messages.get(placeOf(topic, partition, offset));
      if (found === undefined || digestOf(found) !== line.messages[index]?.digest) {
        problems.push(
          `${placeOf(topic, partition, offset)} was acknowledged, and is ${found === undefined ? 'lost' : 'another'}`,
        );
      }
    });
  }
  for (const [place, message] of held.messages) {
    if (!asked.has(digestOf(message))) problems.push(`${place} is nothing that anybody sent`);
  }
}

/** Of a compacted topic a message goes when its key gets another: then there is one behind it. */
function compareCompacted(
  held: Holdings,
  line: Line & { readonly what: 'sending' },
  sent: (Line & { readonly what: 'sent' }) | undefined,
  problems: string[],
): void {
  sent?.at.forEach(({ topic, partition, offset }, index) => {
    const found = held.messages.get(placeOf(topic, partition, offset));
    const wanted = line.messages[index];
    if (found !== undefined && digestOf(found) !== wanted?.digest)
      problems.push(`${placeOf(topic, partition, offset)} is another`);
    if (found !== undefined) return;
    const later = [...held.messages.values()].some(
      (one) => one.topic === topic && one.partition === partition && one.offset > offset && keyDigest(one.key) === wanted?.key,
    );
    if (!later) problems.push(`${placeOf(topic, partition, offset)} was acknowledged, and is lost`);
  });
}

function compareEvents(held: Holdings, ledger: readonly Line[], problems: string[]): void {
  const revisionOf = new Map<string, number>();
  for (const { stream, id, revision } of held.events) {
    if (revisionOf.has(`${stream} ${id}`)) problems.push(`${stream} holds event ${id} twice`);
    revisionOf.set(`${stream} ${id}`, revision);
  }
  const acknowledged = new Map(ledger.flatMap((line) => (line.what === 'appended' ? [[line.call, line.revision] as const] : [])));
  const asked = new Set<string>();
  for (const line of ledger) {
    if (line.what !== 'appending') continue;
    const { call, stream, ids } = line;
    for (const id of ids) asked.add(`${stream} ${id}`);
    const found = ids.map((id) => revisionOf.get(`${stream} ${id}`));
    const [first] = found;
    if (found.some((revision, index) => revision !== (first === undefined ? undefined : first + index))) {
      problems.push(`call ${call} is in ${stream} by half: ${found.join()}`);
    }
    const revision = acknowledged.get(call);
    if (revision === undefined) continue;
    const truncated = revision < (held.streams.get(stream)?.[0]?.revision ?? 0);
    if ((held.heads.get(stream) ?? -1) < revision) problems.push(`${stream}@${revision} was acknowledged, and is lost`);
    else if (!truncated && found.at(-1) !== revision) problems.push(`${stream}@${revision} was acknowledged, and is another`);
  }
  for (const name of revisionOf.keys()) if (!asked.has(name)) problems.push(`${name} is nothing that anybody appended`);
}

/** No group is beyond what its handlers had done. */
function compareOffsets(held: Holdings, ledger: readonly Line[], problems: string[]): void {
  const handled = new Map<string, number>();
  for (const line of ledger) {
    if (line.what !== 'handled') continue;
    const name = `${line.group} ${line.topic}/${line.partition}`;
    handled.set(name, Math.max(line.next, handled.get(name) ?? -1));
  }
  for (const [name, offset] of held.offsets) {
    if (offset > (handled.get(name) ?? -1)) problems.push(`${name} is at ${offset}, handled until ${handled.get(name) ?? -1}`);
  }
}
