import type { Problem } from '@weft/domain';
import { factsOf, type Listener, type MessagePart, messageParts, type Note, readMessage, type Tables } from '@weft/hl7v2';
import { unprocessable } from '@weft/processing';
import { faultProblem, NOT_HL7 } from './problems.js';

/** A message as it was received. */
export interface Received {
  /** Of its bytes: the same again is the same message. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly bytes: Uint8Array;
}

/** What a message says, by person, or why nothing is made of it. */
export interface MessageReading {
  /** `ADT^A01`; absent where it is no message. */
  readonly type?: string;
  readonly parts: readonly MessagePart[];
  readonly problems: readonly Problem[];
  readonly notes: readonly Note[];
  /** The type that no table maps. */
  readonly unmapped?: string;
}

const NOTHING: MessageReading = { parts: [], problems: [], notes: [] };

/** Never throws. */
export function readParts({ id, receivedAt, bytes }: Received, listener: Listener, tables: Tables): MessageReading {
  try {
    const read = readMessage(bytes);
    if (read === null || Number.isNaN(receivedAt)) return { ...NOTHING, problems: [NOT_HL7] };
    const { type } = read.message;
    const { facts, notes, faults, unmapped } = factsOf(read.message, listener, tables, receivedAt);
    return {
      type,
      parts: facts === null ? [] : messageParts(id, receivedAt, facts),
      problems: faults.map((fault) => faultProblem(fault, type)),
      notes: [...(read.note === null ? [] : [{ code: read.note }]), ...notes],
      ...(unmapped !== undefined && { unmapped }),
    };
  } catch (error) {
    return { ...NOTHING, problems: [unprocessable(error)] };
  }
}
