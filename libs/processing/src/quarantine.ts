import type { Coordinates, Problem } from '@weft/domain';
import { InvalidCall } from './errors.js';
import { MESSAGE_LIMIT_BYTES, type EventBus, type Message, type OutgoingMessage } from './ports.js';
import { MENDS_HEADER, QUARANTINE_TOPIC } from './topics.js';
import { timestamp, type Wiring } from './wiring.js';

/** A message that could not be accepted, with every reason, its bytes untouched. */
export interface Quarantined {
  /** `<topic>/<partition>/<offset>` of the message. */
  readonly id: string;
  readonly quarantinedAt: string;
  readonly problems: readonly Problem[];
  readonly from: Coordinates;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
  /** Whether it may be a denial: then it keeps the person closed for what it may mean, until it is mended. */
  readonly closes: boolean;
}

/** The header that says so. */
export const CLOSES_HEADER = 'closes';

/** Room for key, headers and problems beside a part of the value. */
const PART_BYTES = MESSAGE_LIMIT_BYTES - 128 * 1024;
const LARGEST_HEADERS_BYTES = 32 * 1024;

const idOf = ({ topic, partition, offset }: Coordinates): string => `${topic}/${partition}/${offset}`;

/**
 * What stands in the quarantine topic of a message. It is keyed by where the message stood, so that a message quarantined
 * twice is there once. A value that one message cannot carry (a producer that is not ours may have sent it) goes in parts.
 */
export function quarantineMessages(
  message: Message,
  problems: readonly Problem[],
  time: string,
  closes = false,
): OutgoingMessage[] {
  const id = idOf(message);
  const value = message.value ?? new Uint8Array();
  const parts = Math.max(1, Math.ceil(value.length / PART_BYTES));
  const headers = JSON.stringify(message.headers);
  const about = {
    id,
    quarantinedAt: time,
    problems: problems.slice(0, 100),
    from: { topic: message.topic, partition: message.partition, offset: message.offset },
    key: message.key.slice(0, 4096),
    headers: headers.length > LARGEST_HEADERS_BYTES ? {} : message.headers,
  };
  return Array.from({ length: parts }, (_, part) => ({
    topic: QUARANTINE_TOPIC,
    key: part === 0 ? id : `${id}/part-${part}`,
    partitionKey: id,
    value: value.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
    headers: {
      about: part === 0 ? JSON.stringify({ ...about, parts }) : '{}',
      ...(message.value === null ? { tombstone: '1' } : {}),
      ...(closes && part === 0 ? { [CLOSES_HEADER]: '1' } : {}),
    },
  }));
}

export function quarantine(wiring: Wiring, message: Message, problems: readonly Problem[], closes = false): OutgoingMessage[] {
  return quarantineMessages(message, problems, timestamp(wiring.clock), closes);
}

/** Everything in quarantine now, oldest first. */
export async function listQuarantine(bus: EventBus): Promise<Quarantined[]> {
  const standing = new Map<string, Message>();
  for (const { partition, low, high } of await bus.offsets(QUARANTINE_TOPIC)) {
    for (let from = low; from < high;) {
      const page = await bus.read(QUARANTINE_TOPIC, partition, from);
      if (page.length === 0) break;
      for (const message of page) {
        if (message.value === null) standing.delete(message.key);
        else standing.set(message.key, message);
      }
      from = (page.at(-1) as Message).offset + 1;
    }
  }
  return [...standing.values()]
    .filter(({ key }) => !key.includes('/part-'))
    .map((message) => assemble(message, standing))
    .sort((a, b) => (a.quarantinedAt < b.quarantinedAt ? -1 : 1));
}

function assemble(first: Message, standing: ReadonlyMap<string, Message>): Quarantined {
  const { parts, ...about } = JSON.parse(first.headers['about'] ?? '{}') as Omit<Quarantined, 'value' | 'closes'> & {
    parts: number;
  };
  const values = Array.from(
    { length: parts },
    (_, part) => (part === 0 ? first : standing.get(`${first.key}/part-${part}`))?.value,
  );
  return { ...about, value: joined(values), closes: first.headers[CLOSES_HEADER] === '1' };
}

/**
 * Sends a quarantined message back to the topic it came from, as it was or mended, and takes it out of quarantine once it
 * is there. A kill in between leaves it in both places; a second redrive is a duplicate, which a record takes once.
 */
export async function redrive(
  bus: EventBus,
  id: string,
  mended?: { readonly key?: string; readonly value?: Uint8Array; readonly headers?: Readonly<Record<string, string>> },
  /** The header that says which place was mended, for a message of the consent topic. */
  mendsHeader?: (place: string, key: string) => string,
): Promise<Coordinates> {
  const found = (await listQuarantine(bus)).find((message) => message.id === id);
  if (found === undefined) throw new InvalidCall(`nothing in quarantine has the id ${id}`);
  const key = mended?.key ?? found.key;
  const headers = { ...(mended?.headers ?? found.headers), ...(mendsHeader && { [MENDS_HEADER]: mendsHeader(id, key) }) };
  const [to] = await bus.publish([{ topic: found.from.topic, key, value: mended?.value ?? found.value, headers }]);
  await bus.publish([{ topic: QUARANTINE_TOPIC, key: id, partitionKey: id, value: null, headers: {} }]);
  return to as Coordinates;
}

function joined(parts: readonly (Uint8Array | null | undefined)[]): Uint8Array {
  const present = parts.map((part) => part ?? new Uint8Array());
  const whole = new Uint8Array(present.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of present) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
