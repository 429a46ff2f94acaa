import { toMessage } from '@weft/care-events';
import type { CareEvent } from '@weft/domain';
import type { MappedEvent } from '@weft/hl7v2';
import { tooLargeToStore, type OutgoingMessage } from '@weft/processing';

const careEvent = ({ attached: _, ...event }: MappedEvent, organisation: string): CareEvent => ({ ...event, organisation });

/** Without a seal: the record-projector judges it by every rule, as it does what anybody else wrote. */
export const careEventMessage = (event: MappedEvent, organisation: string): OutgoingMessage =>
  toMessage(careEvent(event, organisation));

/** A file too large to stand in its document has no place in an event beside it either. */
export const isTooLarge = (event: MappedEvent): boolean =>
  event.attached.length > 0 || tooLargeToStore(careEvent(event, ''), Infinity, () => event.resource) !== null;
