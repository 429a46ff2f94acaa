import type { CareEventType, Coordinates, Resource } from '../vocabulary.js';
import type { Arrival, Review } from './entry.js';
import type { Age, SeenAge } from './version.js';

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
  /** Of a merge or an unmerge: the surviving NHS number, from the Patient's link of type `replaced-by`. */
  readonly survivor?: string;
  /** Of a death's retraction: that it takes back what others told too, as the region's demographics service does. */
  readonly takesBack?: 'every-death';
}

/** A care event in the record of the number that it lives with. */
export interface RecordedCareEvent extends Omit<CareEvent, 'subject'> {
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
}

/** An event that was sent under this number, and lives with another number of the person, as the entry does that it is about. */
export interface EventHomed extends Omit<
  RecordedCareEvent,
  'type' | 'time' | 'resource' | 'takesBack' | 'subject' | 'survivor' | 'saidOf'
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

/** What is told of an entry between the records of two people, and by which care event it came about. */
interface OfEntry {
  readonly entry: string;
  readonly organisation: string;
  readonly resourceType: string;
  readonly coordinates: Coordinates;
  readonly recordedAt: string;
}

/** A later version of an entry named another number, which is no number of the person: the entry is that one's from now on. */
export interface EntryMovedAway extends OfEntry {
  readonly type: 'entry-moved-away-1';
  /** The key of the other number. */
  readonly to: string;
  /** Revision of the entry's home, which named this number when the entry was taken from it. */
  readonly since: number;
  /** Of the later version. */
  readonly age: Age;
}

/** What another number's record knows of an entry, said in this one's before a version of it is placed here. */
export interface EntryLearnt extends OfEntry {
  readonly type: 'entry-learnt-1';
  /** The key of the other number. */
  readonly of: string;
  readonly seen: readonly SeenAge[];
  /** Where the entry came to live here: the key of the number that it came from, and the revision of its home that says so. */
  readonly arrival?: Arrival;
  readonly review?: Review;
}

/** Another number has an entry of this id too, and nobody can say whether it is the same. */
export interface EntryDoubted extends OfEntry {
  readonly type: 'entry-doubted-1';
}

/** What the records of two people say to each other of an entry: no care event of its own. */
export type BetweenRecords = EntryMovedAway | EntryLearnt | EntryDoubted;

/** What `careRecord-<key>` streams hold. */
export type RecordEvent = RecordedCareEvent | EventHomed | EntriesClaimed | BetweenRecords;

/** Whether it brings what somebody sent, or says where that is. */
export const isSent = (event: RecordEvent): event is RecordedCareEvent | EventHomed =>
  event.type !== 'entries-claimed-1' && !isBetweenRecords(event);

export const isBetweenRecords = (event: RecordEvent): event is BetweenRecords => event.type.startsWith('entry-');
