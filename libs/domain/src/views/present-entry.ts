import type { Entry } from '../care-record/record.js';
import type { Resource } from '../vocabulary.js';

/** An entry whose version in force is at hand. */
export type PresentEntry = Pick<Entry, 'id' | 'organisation' | 'resourceType' | 'occurredAt' | 'recordedAt' | 'eventTime'> & {
  readonly resource: Resource;
};

/** What a projection may use to name things without naming people. */
export interface Pseudonyms {
  /** The patient's key within the purpose. */
  readonly patient: string;
  /** A stable pseudonym, within the purpose, of any text. */
  of(text: string): string;
}
