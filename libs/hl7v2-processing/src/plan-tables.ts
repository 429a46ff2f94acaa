import { type CareRecord, emptyRecord, evolveRecord, type Resource } from '@weft/domain';
import { hl7v2Topic, messagesBetween, type EventBus, type Message } from '@weft/processing';
import type { Tables } from '@weft/hl7v2';
import { type NamedListener, RawReader } from './read-raw.js';
import { Trial } from './trial.js';

/** What one set of tables makes of everything that an organisation ever sent. */
interface Mapped {
  /** By whose it is, type and id, what each entry that stands says. */
  readonly entries: ReadonlyMap<string, string>;
  readonly quarantined: number;
  readonly waiting: number;
  /** By type. */
  readonly unmapped: Readonly<Record<string, number>>;
}

/** How many entries of a type other tables would add, change and take away. */
export interface EntryChanges {
  readonly added: number;
  readonly changed: number;
  readonly gone: number;
}

export interface TablesPlan {
  readonly messages: number;
  /** By resource type; none where nothing changes. */
  readonly entries: Readonly<Record<string, EntryChanges>>;
  readonly before: Omit<Mapped, 'entries'>;
  readonly after: Omit<Mapped, 'entries'>;
}

/**
 * Maps everything that an organisation ever sent, by the tables that count and by others, as if it came today. Messages of several listeners are
 * taken in the order in which the bus took them.
 */
export async function planTables(
  bus: Pick<EventBus, 'read' | 'offsets'>,
  organisation: string,
  listeners: readonly NamedListener[],
  { now, other }: { readonly now: Tables; readonly other: Tables },
): Promise<TablesPlan> {
  const raw = await everything(bus, organisation);
  const [before, after] = [
    await mappedBy(bus, organisation, listeners, now, raw),
    await mappedBy(bus, organisation, listeners, other, raw),
  ];
  return {
    messages: raw.length,
    entries: changesOf(before.entries, after.entries),
    before: countsOf(before),
    after: countsOf(after),
  };
}

const countsOf = ({ quarantined, waiting, unmapped }: Mapped): Omit<Mapped, 'entries'> => ({ quarantined, waiting, unmapped });

async function everything(bus: Pick<EventBus, 'read' | 'offsets'>, organisation: string): Promise<readonly Message[]> {
  const topic = hl7v2Topic(organisation);
  const found: Message[] = [];
  for (const { partition, low, high } of await bus.offsets(topic)) {
    for await (const page of messagesBetween(bus, { topic, partition }, low, high)) found.push(...page);
  }
  return found.sort((a, b) => a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset);
}

async function mappedBy(
  bus: Pick<EventBus, 'read' | 'offsets'>,
  organisation: string,
  listeners: readonly NamedListener[],
  tables: Tables,
  raw: readonly Message[],
): Promise<Mapped> {
  const reader = new RawReader(bus, listeners, tables);
  const trial = new Trial(organisation);
  const records = new Map<string, CareRecord>();
  const unmapped: Record<string, number> = {};
  const known = new Set<string>();
  let quarantined = 0;
  for (const message of raw) {
    const id = message.headers['ce_id'] ?? '';
    const reading = known.has(id) ? null : await reader.read(message, organisation);
    if (reading === null) continue;
    const tried = trial.take(reading);
    if (tried.problems.length > 0) quarantined += 1;
    else known.add(id);
    if (tried.unmapped !== undefined) unmapped[tried.unmapped] = (unmapped[tried.unmapped] ?? 0) + 1;
    for (const { attached: _, subject, ...event } of tried.events) {
      const record = records.get(subject) ?? emptyRecord();
      records.set(subject, record);
      const { topic, partition, offset } = message;
      evolveRecord(record, { ...event, organisation, recordedAt: event.time, coordinates: { topic, partition, offset } });
    }
  }
  return { entries: standingIn(records), quarantined, waiting: trial.waiting, unmapped };
}

function standingIn(records: ReadonlyMap<string, CareRecord>): Map<string, string> {
  const standing = new Map<string, string>();
  for (const [subject, { entries }] of records) {
    for (const { id, resource, retracted } of entries.values()) {
      if (!retracted && resource !== undefined) standing.set(`${resource.resourceType}\n${id}\n${subject}`, saidBy(resource));
    }
  }
  return standing;
}

const saidBy = ({ meta: _, ...resource }: Resource): string => JSON.stringify(resource);

function changesOf(before: Mapped['entries'], after: Mapped['entries']): TablesPlan['entries'] {
  const changes: Record<string, { added: number; changed: number; gone: number }> = {};
  const count = (name: string, what: keyof EntryChanges): void => {
    const type = name.slice(0, name.indexOf('\n'));
    (changes[type] ??= { added: 0, changed: 0, gone: 0 })[what] += 1;
  };
  for (const [name, said] of after) {
    if (!before.has(name)) count(name, 'added');
    else if (before.get(name) !== said) count(name, 'changed');
  }
  for (const name of before.keys()) if (!after.has(name)) count(name, 'gone');
  return changes;
}
