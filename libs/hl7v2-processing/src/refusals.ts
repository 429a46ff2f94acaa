import type { Problem } from '@weft/domain';
import { type MessagePart, needsPerson, type Taken, type Waiting } from '@weft/hl7v2';
import { isTooLarge } from './care-event-message.js';
import { contradictionOf, faultProblem, TOO_LARGE } from './problems.js';

/** A part as itself among what waits; undefined where it was filed. */
export const waitOf = ({ waiting }: Taken, part: MessagePart): Waiting | undefined =>
  waiting.find(({ message, ordinal }) => message === part.message && ordinal === part.ordinal);

/** Why a part that was taken is to be in no lane all the same: it stands in quarantine instead. */
export function refusalsOf(taken: Taken, part: MessagePart): readonly Problem[] {
  if (taken.faults.length > 0) return taken.faults.map((fault) => faultProblem(fault, part.type));
  const waits = waitOf(taken, part);
  if (waits !== undefined && needsPerson(waits.why)) return [contradictionOf(waits.why)];
  return taken.events.some(isTooLarge) ? [TOO_LARGE] : [];
}
