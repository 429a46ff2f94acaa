import type { Coordinates } from '@weft/domain';
import type { MessagePart, WaitingReason } from '@weft/hl7v2';
import { bytesOf, EngineDamaged, type NewEvent, type Random, type StoredEvent, textOf } from '@weft/processing';

/** The one place where what this library keeps becomes stored bytes, and is read again. */

/** What `hl7v2Lane-<key>` streams hold: what was said of the persons of one lane, in the order in which it was taken. */
export type LaneEvent = PartTaken | LaneJoined | LaneClosed;

interface PartTaken {
  readonly type: 'hl7v2-part-taken-1';
  readonly part: MessagePart;
  readonly from: Coordinates;
  /** The revision up to which everything that was to be told is on the bus. */
  readonly told: number;
}

/** What another lane holds may belong here: it does once that one says that it was closed into this one. */
interface LaneJoined {
  readonly type: 'hl7v2-lane-joined-1';
  readonly lane: string;
}

/** Nothing comes behind it: whoever looks for this lane goes on there. */
interface LaneClosed {
  readonly type: 'hl7v2-lane-closed-1';
  readonly into: string;
}

/** How many parts of messages wait in a lane from now on, by reason, and since when the oldest does. */
export interface WaitingNoted {
  readonly type: 'hl7v2-waiting-noted-1';
  readonly lane: string;
  readonly reasons: Readonly<Partial<Record<WaitingReason, number>>>;
  /** RFC 3339; null where none waits. */
  readonly since: string | null;
}

const PART_TAKEN = 'hl7v2-part-taken-1';
const LANE_TYPES: readonly string[] = [PART_TAKEN, 'hl7v2-lane-joined-1', 'hl7v2-lane-closed-1'];
const WAITING_TYPES: readonly string[] = ['hl7v2-waiting-noted-1'];

export function encode({ type, ...data }: LaneJoined | LaneClosed | WaitingNoted, random: Random): NewEvent {
  return { id: random.uuid(), type, data: bytesOf(JSON.stringify(data)) };
}

/** With the part as it will be read again: what is folded is that, and so the same after a restart. */
export function encodePart(
  said: MessagePart,
  { from, told }: Pick<PartTaken, 'from' | 'told'>,
  random: Random,
): { readonly event: NewEvent; readonly part: MessagePart } {
  const text = JSON.stringify(said);
  const data = `{"part":${text},"from":${JSON.stringify(from)},"told":${told}}`;
  return { event: { id: random.uuid(), type: PART_TAKEN, data: bytesOf(data) }, part: JSON.parse(text) as MessagePart };
}

export const decodeLaneEvent = (stored: StoredEvent): LaneEvent => decode<LaneEvent>(stored, LANE_TYPES);
export const decodeWaiting = (stored: StoredEvent): WaitingNoted => decode<WaitingNoted>(stored, WAITING_TYPES);

function decode<E extends { readonly type: string }>({ stream, type, data }: StoredEvent, types: readonly string[]): E {
  if (!types.includes(type)) throw new EngineDamaged('store', `${stream} holds ${type}, which this version of Weft cannot read`);
  return { type, ...(JSON.parse(textOf(data)) as object) } as unknown as E;
}
