import { NOT_ALL_READ, NOTICE, type Reader, READERS } from '@weft/domain';
import { type FoundRecord, projectionOf, type RecordForPurpose, type Wiring } from '@weft/processing';
import type { Caller } from '@weft/service';
import { CLINICAL } from './asked.js';

/** As what a caller reads records: of the caller's roles those that decide what an answer says of withheld entries. */
export type ReadingAs = readonly Reader[];

export const readingAs = ({ roles }: Caller): ReadingAs => READERS.filter((reader) => roles.includes(reader));

/** Governance is given counts, and hears of numbers about which there is nothing to see. */
export const seesCounts = (reader: ReadingAs): boolean => reader.includes('governance');

/** What the reader is told where a care event about the person stands in quarantine, or is arriving. */
export const WAITING = 'Something that was sent about this person could not be taken in yet. It is missing here.';

/**
 * Whether the reader is told that something is missing. Where something is withheld, what is missing may be of its kind; beyond individual care
 * nothing is said of one person.
 * @param isWaiting whether a care event stands in quarantine, or is on its way into the record.
 */
export const isMissing = ({ record, isArriving }: FoundRecord, isWaiting: boolean): boolean =>
  (isWaiting || (isArriving && CLINICAL.includes(record.purpose))) && record.withheld === 0;

/** What the reader is told where something is shown that waited as long as it does for decisions which are not read. */
export const unreadNotice = ({ isShownUnread }: FoundRecord): string | undefined => (isShownUnread ? NOT_ALL_READ : undefined);

/** The parts that there are, as one text; undefined for none. */
export function sentences(...parts: readonly (string | undefined)[]): string | undefined {
  const said = parts.filter((part) => part !== undefined);
  return said.length === 0 ? undefined : said.join(' ');
}

/** What the reader is told of withheld entries; undefined where nothing is withheld, or the policy has nothing said. */
export function noticeFor({ toTell }: RecordForPurpose, reader: ReadingAs): string | undefined {
  return reader.some((role) => toTell.includes(role)) ? NOTICE : undefined;
}

/**
 * The record as whoever asks for it by the person's number may have it: of uses beyond individual care without the names that they
 * have for the person, since the answer would join the two.
 */
export function asShown(wiring: Wiring, record: RecordForPurpose): RecordForPurpose {
  const projection = projectionOf(wiring, record.purpose);
  return projection.identifies ? record : { ...record, entries: projection.withoutPseudonyms(record.entries) };
}

/**
 * Whether the time that a record took tells only of what it shows: the person's streams are read whole, so where anything is withheld it
 * tells of the rest, and where the view was out of date it tells that something was decided.
 */
export const mayTellItsTime = ({ record, fromView, refusesNothing }: FoundRecord): boolean =>
  fromView && refusesNothing && record.entries.length > 0;

/**
 * Whether the answer itself may show that something was ever accepted. To a clinician a record of nothing but decisions,
 * retractions and entries withheld without a sign must be the same as none.
 */
export function showsAnything(record: RecordForPurpose, reader: ReadingAs): boolean {
  if (seesCounts(reader)) return record.recordRevision >= 0 || record.consentRevision >= 0;
  return record.entries.length > 0 || noticeFor(record, reader) !== undefined;
}
