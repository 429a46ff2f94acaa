import type { Entry } from '../care-record/record.js';
import type { Resource } from '../vocabulary.js';

/** An entry whose version in force is at hand. */
export type PresentEntry = Pick<
  Entry,
  'id' | 'organisation' | 'resourceType' | 'occurredAt' | 'recordedAt' | 'eventTime' | 'review'
> & {
  readonly resource: Resource;
};

/** What a projection may use to name things without naming people. */
export interface Pseudonyms {
  /** The patient's key within the purpose. */
  readonly patient: string;
  /** A stable pseudonym, within the purpose, of any text. */
  of(text: string): string;
  /** For individual care alone: who the person is. */
  readonly person?: PersonKnown;
}

/** Who a person is, for those who care for them. */
export interface PersonKnown {
  /** Their NHS number now; null where it is not known. */
  readonly nhsNumber: string | null;
  /** R4 Patient.link of a Patient among their entries: to the number that replaces its own, or to those that it replaces. */
  linksOf(entry: Pick<Entry, 'id'>): readonly PatientLink[];
}

export interface PatientLink {
  readonly other: { readonly type: 'Patient'; readonly identifier: { readonly system: string; readonly value: string } };
  readonly type: 'replaced-by' | 'replaces';
}
