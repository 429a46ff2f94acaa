/** The words that every part of Weft shares. One word for one thing. */

/** Why a record is looked at; `purposeOfUse` gives the HL7 v3 PurposeOfUse code of each. */
export const PURPOSES = ['direct-care', 'care-coordination', 'population-health', 'research'] as const;
export type Purpose = (typeof PURPOSES)[number];

export const purposeOfUse: Record<Purpose, string> = {
  'direct-care': 'TREAT',
  'care-coordination': 'COC',
  'population-health': 'POPHLTH',
  research: 'HRESCH',
};

export function isPurpose(text: string): text is Purpose {
  return (PURPOSES as readonly string[]).includes(text);
}

/** Under what a decision was made. */
export const AUTHORITIES = ['national-data-opt-out', 'type-1', 'local-dissent', 'withheld-item', 'explicit-consent'] as const;
export type Authority = (typeof AUTHORITIES)[number];

export function isAuthority(text: string): text is Authority {
  return (AUTHORITIES as readonly string[]).includes(text);
}

/** CloudEvents types, versioned by suffix as NHS England's event service does. */
export const CARE_EVENT_TYPES = [
  'care-event-recorded-1',
  'care-event-retracted-1',
  'patient-merged-1',
  'patient-unmerged-1',
  'patient-died-1',
  'patient-death-retracted-1',
] as const;
export type CareEventType = (typeof CARE_EVENT_TYPES)[number];
export const DECISION_TYPE = 'consent-decision-recorded-1';

export const ORGANISATION_KINDS = ['gp', 'acute', 'mental-health', 'community', 'social-care'] as const;
export type OrganisationKind = (typeof ORGANISATION_KINDS)[number];

/** An organisation of the region. `ods` is its ODS code: 1 to 9 letters and digits. */
export interface Organisation {
  readonly ods: string;
  readonly name: string;
  readonly kind: OrganisationKind;
  /** ODS codes of its sites: a decision that names one means the organisation. */
  readonly sites?: readonly string[];
}

/** A FHIR R4 resource, as far as the core looks into it. */
export interface Resource {
  readonly resourceType: string;
  readonly id?: string;
  readonly meta?: { readonly versionId?: string; readonly lastUpdated?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** One thing wrong with an input: the path of the field, a stable code, and a sentence that never repeats an identifier. */
export interface Problem {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** Where in the bus an event came from. */
/** What came of a message of the bus. */
export interface Received {
  /** When the bus took the message, milliseconds since 1970: the same however often it is read; absent where it was recorded before that was kept. */
  readonly receivedAt?: number;
}

export interface Coordinates {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** The name of a place, as the quarantine has it and what is recorded of a message that could not be read. */
export const placeOf = ({ topic, partition, offset }: Coordinates): string => `${topic}/${partition}/${offset}`;

export function isSamePlace(a: Coordinates, b: Coordinates): boolean {
  return a.topic === b.topic && a.partition === b.partition && a.offset === b.offset;
}
