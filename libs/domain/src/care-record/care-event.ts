import type { Awaits } from '../consent/marks.js';
import type { CareEventType, Coordinates, Received, Resource } from '../vocabulary.js';

/**
 * A care event as publishers send it, once its envelope and its resource have been found sound.
 * `subject` is an NHS number and stays out of stream names, logs and topics: see the Keys port.
 */
export interface CareEvent {
  readonly type: CareEventType;
  /** CloudEvents id, unique within source. */
  readonly id: string;
  /** `urn:ods:<ODS code>` or `urn:ods:<ODS code>:<system>`. */
  readonly source: string;
  /** The ODS code within source. */
  readonly organisation: string;
  readonly subject: string;
  /** CloudEvents time, RFC 3339. */
  readonly time: string;
  readonly resource: Resource;
  /** Digest of what its sender sent, where that is not all that its resource says: Weft keeps with it what was sent before. */
  readonly sentDigest?: string;
  /** The version of its entry that must be in force where the event is appended, as `isVersion` names it; absent: whichever. */
  readonly ifMatch?: string;
  /** Of a merge or an unmerge: the surviving NHS number, from the Patient's link of type `replaced-by`. */
  readonly survivor?: string;
  /** Of a death's retraction: that it takes back what others told too, as the region's demographics service does. */
  readonly takesBack?: 'every-death';
}

/** A care event in the record of the number that it lives with. */
export interface RecordedCareEvent extends Omit<CareEvent, 'subject'>, Received {
  /** When Weft accepted it, RFC 3339. */
  readonly recordedAt: string;
  readonly coordinates: Coordinates;
  /** Of what it says (`contentOf`); absent where it was accepted before there were digests. */
  readonly digest?: string;
  /** The NHS number that it was sent under; absent where it was accepted before that was kept. */
  readonly subject?: string;
  /** The key of the person's number that it was sent under, where that is another one than it lives with. */
  readonly saidOf?: string;
  /** Keys of other numbers of the person that it is recorded of, too: a retraction of deaths that were told of them. */
  readonly homes?: readonly string[];
  /** Decisions that came before it and were not read yet: it is shared once they are. */
  readonly awaits?: Awaits;
}

/** An event that was sent under this number, and lives with another number of the person, as the entry does that it is about. */
export interface EventHomed extends Omit<
  RecordedCareEvent,
  'type' | 'time' | 'resource' | 'takesBack' | 'subject' | 'survivor' | 'saidOf' | 'awaits'
> {
  readonly type: 'care-event-homed-1';
  /** The keys of the numbers that it lives with. */
  readonly homes: readonly string[];
}

/** New entries of a number that is merged into this one: nobody else takes them for their own from then on. */
export interface EntriesClaimed {
  readonly type: 'entries-claimed-1';
  readonly entries: readonly string[];
  /** The key of the number that they live with. */
  readonly home: string;
  readonly recordedAt: string;
}

/** What `careRecord-<key>` streams hold. */
export type RecordEvent = RecordedCareEvent | EventHomed | EntriesClaimed;
