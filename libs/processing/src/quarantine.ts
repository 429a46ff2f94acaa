import { placeOf, type Coordinates, type Person, type Problem } from '@weft/domain';
import { messagesBetween } from './messages-between.js';
import { MESSAGE_LIMIT_BYTES, type EventBus, type Message, type OutgoingMessage } from './ports.js';
import { MENDS_HEADER, QUARANTINE_TOPIC, REDRIVES_HEADER } from './topics.js';
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
  /** What somebody proposed to send instead, until somebody else approves it. */
  readonly mend?: ProposedMend;
}

/** A message to be sent instead of one in quarantine: the same key and identity, and other content. */
export interface ProposedMend {
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
  /** Of headers and value. */
  readonly digest: string;
  readonly proposedBy: Person;
  /** RFC 3339. */
  readonly proposedAt: string;
  readonly reason: string;
}

/** The header that says so. */
export const CLOSES_HEADER = 'closes';
/** Who proposed to send it, and why. */
const PROPOSED_HEADER = 'proposed';

/** Room for key, headers and problems beside a part of the value. */
const PART_BYTES = MESSAGE_LIMIT_BYTES - 128 * 1024;
const LARGEST_HEADERS_BYTES = 32 * 1024;

const MENDED = '/mended';

/** Whether a message of the quarantine topic is one in quarantine: others are its further parts, and what is to go instead. */
export const isQuarantineEntry = (key: string): boolean => !key.includes('/part-') && !key.endsWith(MENDED);

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
  const id = placeOf(message);
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

export function quarantine(
  { clock }: Pick<Wiring, 'clock'>,
  message: Message,
  problems: readonly Problem[],
  closes = false,
): OutgoingMessage[] {
  return quarantineMessages(message, problems, timestamp(clock), closes);
}

/** Everything in quarantine now, oldest first. */
export async function listQuarantine(bus: EventBus): Promise<Quarantined[]> {
  const standing = new Map<string, Message>();
  for (const { partition, low, high } of await bus.offsets(QUARANTINE_TOPIC)) {
    for await (const page of messagesBetween(bus, { topic: QUARANTINE_TOPIC, partition }, low, high)) {
      for (const message of page) {
        if (message.value === null) standing.delete(message.key);
        else standing.set(message.key, message);
      }
    }
  }
  return [...standing.values()]
    .filter(({ key }) => isQuarantineEntry(key))
    .map((message) => assemble(message, standing))
    .sort((a, b) => (a.quarantinedAt < b.quarantinedAt ? -1 : 1));
}

/** What stands in quarantine now of some topics, by where it stood in its own, and why. Holds none of what it says. */
export async function quarantinedPlaces(
  bus: Pick<EventBus, 'offsets' | 'read'>,
  topics: readonly string[],
): Promise<ReadonlyMap<string, readonly Problem[]>> {
  const standing = new Map<string, readonly Problem[]>();
  for (const { partition, low, high } of await bus.offsets(QUARANTINE_TOPIC)) {
    for await (const page of messagesBetween(bus, { topic: QUARANTINE_TOPIC, partition }, low, high)) {
      for (const message of page) {
        if (message.value === null) standing.delete(message.key);
        else if (isQuarantineEntry(message.key) && topics.includes(aboutOf(message).from.topic))
          standing.set(message.key, aboutOf(message).problems);
      }
    }
  }
  return standing;
}

export async function findQuarantined(bus: EventBus, id: string): Promise<Quarantined | undefined> {
  return (await listQuarantine(bus)).find((message) => message.id === id);
}

type About = Omit<Quarantined, 'value' | 'closes' | 'mend'> & { readonly parts: number };

function assemble(first: Message, standing: ReadonlyMap<string, Message>): Quarantined {
  const { parts, ...about } = aboutOf(first);
  const mended = standing.get(`${first.key}${MENDED}`);
  return {
    ...about,
    value: valueOf(first, parts, standing),
    closes: first.headers[CLOSES_HEADER] === '1',
    ...(mended !== undefined && { mend: mendOf(mended, standing) }),
  };
}

function mendOf(first: Message, standing: ReadonlyMap<string, Message>): ProposedMend {
  const { parts, headers, quarantinedAt: proposedAt } = aboutOf(first);
  const { digest, proposedBy, reason } = JSON.parse(first.headers[PROPOSED_HEADER] ?? '{}') as ProposedMend;
  return { headers, value: valueOf(first, parts, standing), digest, proposedBy, proposedAt, reason };
}

const aboutOf = ({ headers }: Message): About => JSON.parse(headers['about'] ?? '{}') as About;

/** The topic and key that a message in quarantine came with, and its type where a header says it. */
export function keyOfQuarantined(message: Message): { readonly topic: string; readonly key: string; readonly type?: string } {
  const { from, key, headers } = aboutOf(message);
  return { topic: from.topic, key, type: headers['ce_type'] };
}

function valueOf(first: Message, parts: number, standing: ReadonlyMap<string, Message>): Uint8Array {
  return joined(
    Array.from({ length: parts }, (_, part) => (part === 0 ? first : standing.get(`${first.key}/part-${part}`))?.value),
  );
}

/** Puts beside a quarantined message what is to go instead, in place of what was proposed before. */
export async function proposeMend(
  { bus, clock }: Pick<Wiring, 'bus' | 'clock'>,
  found: Quarantined,
  mend: NewMend,
): Promise<void> {
  const { headers, value, ...proposed } = mend;
  const { id, from, key } = found;
  const messages = quarantineMessages({ ...from, key, headers, value, timestamp: 0 }, [], timestamp(clock));
  await bus.publish(
    messages.map((message, part) => ({
      ...message,
      key: message.key.replace(id, `${id}${MENDED}`),
      headers: { ...message.headers, ...(part === 0 && { [PROPOSED_HEADER]: JSON.stringify(proposed) }) },
    })),
  );
}

type NewMend = Omit<ProposedMend, 'proposedAt'>;

/**
 * Sends a quarantined message back to the topic it came from, as it was or mended, and takes it out of quarantine once it
 * is there. The new message names the old one. A kill in between leaves it in both places; a second redrive is a duplicate,
 * which a record takes once.
 */
export async function redrive(
  bus: EventBus,
  found: Quarantined,
  { mended, mendsHeader, inParts = (whole) => [whole] }: Redriving = {},
): Promise<Coordinates> {
  const { id, key, from, mend } = found;
  const { headers, value } = mended ?? found;
  const marks = { [REDRIVES_HEADER]: id, ...(mendsHeader && { [MENDS_HEADER]: mendsHeader(id, key) }) };
  const messages = inParts({ headers: { ...headers, ...marks }, value });
  const places = await bus.publish(messages.map((message) => ({ topic: from.topic, key, ...message })));
  const gone = { topic: QUARANTINE_TOPIC, partitionKey: id, value: null, headers: {} };
  await bus.publish([{ ...gone, key: id }, ...(mend === undefined ? [] : [{ ...gone, key: `${id}${MENDED}` }])]);
  return places.at(-1) as Coordinates;
}

type Content = Pick<ProposedMend, 'headers' | 'value'>;

interface Redriving {
  readonly mended?: Content | undefined;
  /** The header that says which place was mended, for a message of the consent topic. */
  readonly mendsHeader?: ((place: string, key: string) => string) | undefined;
  /** How what one message cannot carry goes to the topic that it came from. */
  readonly inParts?: ((whole: Content) => readonly Content[]) | undefined;
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
