import { randomUUID } from 'node:crypto';
import {
  bytesOf,
  textOf as textOfBytes,
  type EventBus,
  type Message,
  type NewEvent,
  type OutgoingMessage,
  type StoredEvent,
  type TopicSpec,
} from '@weft/processing';

/** A name that no other test, run or engine has used: engines outlive the tests that run on them. */
export const unique = (name: string): string => `${name}${randomUUID().replaceAll('-', '')}`;

/** Waits for a condition; fails with its name when it does not come true. Throws what `condition` throws. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 40_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`in ${timeoutMs} ms it did not come to pass that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const gates = new Set<() => void>();

/** Holds whoever waits for it until it is opened. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  gates.add(open);
  return { opened, open };
}

/** After each test: a handler that still waits in a test that failed would hold up everything else. */
export function openGates(): void {
  for (const open of gates) open();
  gates.clear();
}

/** Opens connections and closes each of them, also after a test that failed half way. */
export class Connections<T extends { close(): Promise<void> }> {
  private readonly open: T[] = [];

  async add(opening: Promise<T>): Promise<T> {
    const connection = await opening;
    this.open.push(connection);
    return connection;
  }

  async close(): Promise<void> {
    openGates();
    await Promise.all(this.open.splice(0).map((connection) => connection.close()));
  }
}

export const newEvent = (data: unknown = {}, type = 'care-event-recorded-1'): NewEvent => ({
  id: randomUUID(),
  type,
  data: bytesOf(JSON.stringify(data)),
});
export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);
/** Events that say their number, and the number that one says. */
export const numbered = (count: number, first = 0): NewEvent[] => range(first, first + count).map((n) => newEvent({ n }));
export const numberOf = (event: StoredEvent): number => (JSON.parse(textOfBytes(event.data)) as { n: number }).n;

/** Where an engine rightly does less, or cannot be made to show it in a test. Absent: it does everything. */
export interface EventBusTraits {
  /** Compaction and retention come in the engine's own time, too late for a test. */
  readonly removesLater?: boolean;
  /** The harness cannot have a member declared dead within some seconds. */
  readonly keepsSilentMembers?: boolean;
}

/** The parts of the bus suite share this. */
export interface BusTest {
  readonly bus: () => EventBus;
  readonly another: () => Promise<EventBus>;
  /** A new topic of that many partitions. */
  readonly newTopic: (partitions: number, spec?: Partial<TopicSpec>) => Promise<string>;
}

const encoder = new TextEncoder();
export const textMessage = (topic: string, key: string, text: string): OutgoingMessage => ({
  topic,
  key,
  value: encoder.encode(text),
  headers: {},
});
export const textOf = ({ value }: Message): string => (value === null ? 'tombstone' : Buffer.from(value).toString());
