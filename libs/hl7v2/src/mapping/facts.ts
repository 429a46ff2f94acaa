import type { Resource } from '@weft/domain';

/** A place of a message, counted as HL7 does: the first segment of a name, field, repetition and component is 1. */
export interface Place {
  readonly segment: string;
  /** Among the segments of its name. */
  readonly index: number;
  readonly field: number;
  readonly repetition: number;
  readonly component: number;
}

/** Why a message stands in quarantine: nothing of it is mapped until its table or the message is mended. */
export interface Fault extends Place {
  readonly code: string;
}

/** What was noticed and left out, or decided where the message left it open. Kept with the message and counted; never a refusal. */
export interface Note extends Partial<Place> {
  readonly code: string;
}

/** Where among the versions of an entry a message belongs. */
export interface VersionTime {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** As FHIR's `instant`, in the zone that the sender wrote it in. */
  readonly text: string;
}

/** What an entry's id is made from: its kind of resource, then who numbered it and the number, as far as they were given. */
export type EntryName = readonly string[];

/**
 * What a fact says of the members of its entry: undefined says nothing (the sender does not support it, or left it empty), null deletes,
 * and a list is all of it.
 */
export type Members = Readonly<Record<string, unknown>>;

export type FactKind =
  | 'patient'
  | 'death'
  | 'encounter'
  | 'report'
  | 'observation'
  | 'document'
  | 'appointment'
  /** Of each of the others one message's members are laid over those before them. */
  | 'resource';

/** One thing that a message says of one entry. */
export interface Fact {
  readonly kind: FactKind;
  readonly entry: EntryName;
  /** What is done: of most kinds `record` or `retract`, of a visit the event. */
  readonly action: string;
  readonly members: Members;
  readonly version: VersionTime;
  /** The visit that it hangs on, by the Encounter's name. */
  readonly visit?: EntryName | undefined;
  /** The report that it belongs to. */
  readonly report?: EntryName;
  /** Of a report: its laboratory resends it whole, and what it does not name is gone. */
  readonly whole?: boolean;
  /** What else the entry may be called: an order by the laboratory's number, until its placer's is known. */
  readonly others?: readonly EntryName[];
  /** Binaries too large to stand in it, that its attachments name. */
  readonly attached?: readonly Resource[];
}

/** How far a number was traced: NHS Data Dictionary, NHS number status indicator; `stated` where nothing is said. */
export type TraceStatus = 'stated' | `0${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`;

/** How a message names one person. */
export interface PersonNames {
  /** `<authority>|<value>`, as the index has it; null where the message has none. */
  readonly mrn: string | null;
  /** The sound NHS number that is stated, whatever its trace status; null where there is none, or not one alone. */
  readonly number: string | null;
  readonly status: TraceStatus;
  /** Why there is no number, or nobody is meant. */
  readonly why: WaitingReason | null;
}

export type WaitingReason =
  | 'person-unknown'
  | 'identity-unknown'
  | 'nhs-number-placeholder'
  | 'nhs-number-invalid'
  | 'two-nhs-numbers'
  | 'number-contradicts-index'
  | 'mrn-replaced'
  | `trace-status-${string}`;

/** That one MRN gave way to another, or that a visit belongs to another MRN: PID survives, MRG-1 gives way. */
interface Reidentified {
  readonly action: 'merge' | 'change' | 'move-visit';
  readonly from: string;
  readonly visit?: EntryName;
}

/** What a message says of one of the persons in it. */
export interface PersonFacts {
  readonly names: PersonNames;
  readonly facts: readonly Fact[];
  readonly reidentified?: Reidentified;
  /** A person is asked to look at it. */
  readonly review?: readonly string[];
}

/** What the message's type lets it say of who an MRN is. */
export interface Standing {
  /** The index learns from it. */
  readonly learns: boolean;
  /** It may correct what the index knows. */
  readonly corrects: boolean;
}

export interface MessageFacts extends Standing {
  readonly type: string;
  readonly version: VersionTime;
  readonly persons: readonly PersonFacts[];
}

export interface Mapped {
  /** Null where the message is at fault, or no table maps its type. */
  readonly facts: MessageFacts | null;
  readonly notes: readonly Note[];
  readonly faults: readonly Fault[];
  /** The type that no table maps. */
  readonly unmapped?: string;
}

/** A listener's settings, as far as mapping asks for them. */
export interface Listener {
  readonly organisation: string;
  /** Whose an MRN is that names no authority. */
  readonly mrnAuthority: string;
  readonly timeZone: string;
  /** The fields of PID in which NHS numbers stand. */
  readonly nhsNumberIn?: readonly `PID-${number}`[];
  /** Numbers beyond ten equal digits that stand for nobody here. */
  readonly placeholders?: readonly string[];
  /** `snapshot`: the laboratory resends a report whole, and what it leaves out is gone. */
  readonly results?: 'incremental' | 'snapshot';
}

/** A resource without what only the filing knows: its id, its version and whose it is. */
export interface Body {
  readonly resourceType: string;
  readonly [member: string]: unknown;
}

/** Under whose number entries are filed. */
export interface Filing {
  readonly organisation: string;
  readonly number: string;
  readonly status: TraceStatus | 'filed';
}
