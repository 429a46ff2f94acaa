import {
  contentOf,
  digestSent,
  entryIdOf,
  eventKey,
  homeOf,
  isSamePlace,
  isTakenBackBy,
  isVersion,
  saysTheSame,
} from '@weft/domain';
import type {
  Accepted,
  Awaits,
  CareEvent,
  CareRecord,
  Coordinates,
  EventHomed,
  NumberRecord,
  Problem,
  RecordedCareEvent,
} from '@weft/domain';
import { encodeRecordEvent } from './encoding.js';
import type { Message, NewEvent, OutgoingMessage } from './ports.js';
import { quarantine } from './quarantine.js';
import { tooLargeToStore } from './storable.js';
import { timestamp, type Wiring } from './wiring.js';

/** A message of an organisation's topic that could be read. */
export interface Arrival {
  readonly message: Message;
  readonly event: CareEvent;
  /** Decisions that came before it and are not read. */
  readonly awaits?: Awaits | undefined;
}

/** What is to become of the arrivals about one number. */
export interface Sifted {
  /** Of the number's own record, in order: the events themselves, and where those are that live with another number. */
  readonly fresh: { readonly event: RecordedCareEvent | EventHomed; readonly encoded: NewEvent }[];
  /** What other numbers of the person are to have, by their keys; also of redeliveries, as a crash may have come in between. */
  readonly carried: Map<string, Arrival[]>;
  /** Entries that nobody of the person had before. */
  readonly claimed: Set<string>;
  /** Quarantine messages of what the store cannot carry, and of other events under a known id. */
  readonly refused: OutgoingMessage[];
  redelivered: boolean;
}

/** Digests are compared among events of one (source, id) alone. */
const DIGEST_DIGITS = 32;

/**
 * Tells new events from known ones. The same (source, id) is one event, whenever the second comes: at the same place in the bus it is
 * a redelivery, and a crash may have left work undone; elsewhere a duplicate if it says the same, and a conflict if not. An event about
 * an entry of another number of the person is that number's, and so is one that was sent under another number before: the number named keeps where it
 * is, so that it is decided once.
 * @param members the numbers of the person, the surviving one first.
 */
export function siftCareEvents(
  wiring: Wiring,
  { key: named, record }: NumberRecord,
  members: readonly NumberRecord[],
  arrivals: readonly Arrival[],
): Sifted {
  const seen = new Map<string, Accepted>();
  const sifted: Sifted = { fresh: [], carried: new Map(), claimed: new Set(), refused: [], redelivered: false };
  for (const arrival of arrivals) {
    const { event, message } = arrival;
    const key = eventKey(event);
    const accepting = recorded(wiring, event, message, arrival.awaits);
    const known = record.accepted.get(key) ?? seen.get(key);
    if (known !== undefined) {
      if (isSamePlace(known, message)) sifted.redelivered = true;
      // Where it lives it may have been refused as another event under its id: whether this is a duplicate is decided there.
      if (isOther(known, message, digestSent(accepting))) sifted.refused.push(...quarantine(wiring, message, [CONFLICT]));
      else carry(sifted, known.homes ?? [], arrival);
      continue;
    }
    if (event.ifMatch !== undefined && isAgainstItsCondition(recordOfHome(event, named, members) ?? record, arrival)) {
      sifted.refused.push(...quarantine(wiring, message, [OTHER_VERSION]));
      continue;
    }
    const placed = placedAt(accepting, named, members);
    const { coordinates, homes } = placed;
    const encoded = encodeRecordEvent(placed, wiring.random);
    const whole = homes === undefined ? encoded : encodeRecordEvent({ ...accepting, saidOf: named }, wiring.random);
    const problem = tooLargeToStore(event, whole.data.length, () => event.resource);
    if (problem !== null) {
      sifted.refused.push(...quarantine(wiring, message, [problem]));
      continue;
    }
    sifted.fresh.push({ event: placed, encoded });
    seen.set(key, { ...coordinates, digest: digestSent(placed), homes });
    carry(sifted, homes ?? [], arrival);
    if (placed.type !== 'care-event-homed-1' && isNew(placed, named, members)) sifted.claimed.add(entryIdOf(placed));
  }
  return sifted;
}

function carry({ carried }: Sifted, homes: readonly string[], arrival: Arrival): void {
  for (const home of homes) {
    const list = carried.get(home);
    if (list === undefined) carried.set(home, [arrival]);
    else list.push(arrival);
  }
}

/** What the record of the number named is to have of an event. */
function placedAt(event: RecordedCareEvent, named: string, members: readonly NumberRecord[]): RecordedCareEvent | EventHomed {
  const others = members.filter(({ key }) => key !== named);
  if (others.length === 0) return event;
  if (event.type === 'patient-death-retracted-1') {
    const homes = others.filter(({ record }) => [...record.entries.values()].some((entry) => isTakenBackBy(entry, event)));
    return homes.length === 0 ? event : { ...event, homes: homes.map(({ key }) => key) };
  }
  const before = others.find(({ record }) => record.accepted.has(eventKey(event)));
  const homes = before?.record.accepted.get(eventKey(event))?.homes ?? [
    before?.key ?? homeOf(entryIdOf(event), named, members) ?? named,
  ];
  if (homes.includes(named)) return event;
  const { id, source, organisation, receivedAt, recordedAt, coordinates } = event;
  const digest = digestSent(event);
  return {
    type: 'care-event-homed-1',
    id,
    source,
    organisation,
    ...(receivedAt !== undefined && { receivedAt }),
    recordedAt,
    coordinates,
    ...(digest !== undefined && { digest }),
    homes,
  };
}

function recordOfHome(event: CareEvent, named: string, members: readonly NumberRecord[]): CareRecord | undefined {
  const home = homeOf(entryIdOf(event), named, members);
  return members.find(({ key }) => key === home)?.record;
}

/** Whether nobody of the person has the entry, and the surviving number does not hear of it by the event itself. */
function isNew(event: RecordedCareEvent, named: string, members: readonly NumberRecord[]): boolean {
  if (members[0]?.key === named || event.type === 'patient-death-retracted-1') return false;
  return homeOf(entryIdOf(event), named, members) === null;
}

/** Whether a message says something else than the event that was accepted under its id. */
export function isOther(known: Accepted, message: Coordinates, digest: string | undefined): boolean {
  return !isSamePlace(known, message) && !saysTheSame(known.digest, digest);
}

export function recorded({ clock, keys }: Wiring, event: CareEvent, message: Message, awaits?: Awaits): RecordedCareEvent {
  const { type, id, source, organisation, subject, survivor, time, resource, sentDigest, takesBack } = event;
  const { topic, partition, offset, timestamp: receivedAt } = message;
  const digest = keys.digest(contentOf(event)).slice(0, DIGEST_DIGITS);
  const recordedAt = timestamp(clock);
  const said = {
    ...{ type, id, source, organisation, subject, time },
    ...(survivor !== undefined && { survivor }),
    ...(takesBack !== undefined && { takesBack }),
    ...(sentDigest !== undefined && { sentDigest }),
    ...(awaits !== undefined && { awaits }),
  };
  return { ...said, receivedAt, recordedAt, coordinates: { topic, partition, offset }, digest, resource };
}

/**
 * Whether an event is to replace another version of its entry than is in force. One that was passed before and is not in the record was
 * refused then: what came since must not make it fit.
 */
export function isAgainstItsCondition(record: CareRecord, { event, message }: Arrival): boolean {
  if (event.ifMatch === undefined) return false;
  const entry = record.entries.get(entryIdOf(event));
  return entry === undefined || !isVersion(entry, event.ifMatch) || wasPassed(record, message);
}

function wasPassed({ accepted }: CareRecord, { topic, partition, offset }: Coordinates): boolean {
  return [...accepted.values()].some((one) => one.topic === topic && one.partition === partition && one.offset > offset);
}

export const OTHER_VERSION: Problem = {
  field: 'If-Match',
  code: 'conflict',
  message: 'is another version than was in force when this came to the record; look at what is in force, and send it again',
};

export const CONFLICT: Problem = {
  field: 'id',
  code: 'conflict',
  message: 'this source has used the id for another event about this person; send it under an id of its own',
};
