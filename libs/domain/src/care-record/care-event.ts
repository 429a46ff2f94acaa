import type { CareEventType, Coordinates, Resource } from '../vocabulary.js';

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

/** A care event in a record: what `careRecord-<key>` streams hold. */
export interface RecordedCareEvent extends Omit<CareEvent, 'subject' | 'survivor'> {
  /** When Weft accepted it, RFC 3339. */
  readonly recordedAt: string;
  readonly coordinates: Coordinates;
  /** Of what it says (`contentOf`); absent where it was accepted before there were digests. */
  readonly digest?: string;
}
