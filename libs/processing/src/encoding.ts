import type {
  AdoptedPolicy,
  Closing,
  Coordinates,
  Decision,
  IdentityEvent,
  Policy,
  Purpose,
  RecordedCareEvent,
  ViewEntry,
  ViewEvent,
} from '@weft/domain';
import type { NewEvent, Random, StoredEvent } from './ports.js';

/**
 * The one place where payloads become stored text and text becomes payloads again: whoever wants to seal what is stored
 * does it here. The event's type stands beside the text, not in it.
 */
export interface RecordedDecision extends Decision {
  readonly coordinates: Coordinates;
}

/** A decision begins or ends to be in force at an instant; `passed` once every view obeys. */
export interface BoundaryEvent {
  readonly type: 'boundary-set-1' | 'boundary-passed-1';
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface PolicyAdopted {
  readonly type: 'policy-adopted-1';
  readonly policy: Policy;
  readonly adoptedAt: string;
}

/** How far a replay got, under which policy it was made, and what it answers for having told. */
export interface ReplayCheckpoint {
  readonly type: 'replay-checkpointed-1';
  readonly state: 'under-way' | 'finished';
  readonly done: number;
  /** Patients beyond those that may have been replayed too, and told of or not. */
  readonly ahead: number;
  readonly policyVersion: number;
  readonly appliesPolicy: boolean;
  readonly tellAll: boolean;
}

/** Every view of every patient was brought in line with this version of the policy. */
export interface PolicyApplied {
  readonly type: 'policy-applied-1';
  readonly version: number;
}

/** One look at a person's record, or the refusal of one. `patient` is the region's key, never an NHS number. */
export interface AuditEntry {
  /** RFC 3339. */
  readonly time: string;
  /** The request's id, under which the log knows it. */
  readonly request: string;
  /** The caller as the token names them. */
  readonly who: string;
  readonly organisation: string | null;
  readonly roles: readonly string[];
  /** What was asked for: `record`, `explain`, `summary` … */
  readonly action: string;
  readonly purpose: Purpose | null;
  readonly patient: string | null;
  readonly outcome: 'given' | 'unchanged' | 'refused' | 'not-found' | 'moved-on';
  /** Under what it was given; null where nothing was. */
  readonly policyVersion: number | null;
  readonly consentRevision: number | null;
}

const DECISION_RECORDED = 'decision-recorded-1';

type Typed = { readonly type: string };

export function encode(event: Typed, random: Random): NewEvent {
  const { type, ...data } = event;
  return { id: random.uuid(), type, data: JSON.stringify(data) };
}

/** Entries as JSON, by id: what a view holds of one is also what its subscribers are told, so it is turned into text once. */
export type EntryTexts = ReadonlyMap<string, string>;

export function textsOf(entries: ReadonlyMap<string, ViewEntry>): EntryTexts {
  const texts = new Map<string, string>();
  for (const [id, entry] of entries) texts.set(id, JSON.stringify(entry));
  return texts;
}

/** What an entry became in a view, with the entry as text already. `closing` stands in the last event of a change. */
export function encodeEntry(
  type: 'entry-included-1' | 'entry-amended-1',
  entry: string,
  closing: Closing | undefined,
  random: Random,
): NewEvent {
  const end = closing === undefined ? '}' : `,"closing":${JSON.stringify(closing)}}`;
  return { id: random.uuid(), type, data: `{"entry":${entry}${end}` };
}

/** A rebuild's marker, from entries that are text already: a long view is turned into text once, to measure it and to store it. */
export function encodeRebuilt(
  marker: { readonly part: number; readonly parts: number; readonly closing?: Closing },
  entries: readonly string[],
  random: Random,
): NewEvent {
  const { part, parts, closing } = marker;
  const end = closing === undefined ? '}' : `,"closing":${JSON.stringify(closing)}}`;
  return {
    id: random.uuid(),
    type: 'view-rebuilt-1',
    data: `{"part":${part},"parts":${parts},"entries":[${entries.join()}]${end}`,
  };
}

function decode<T extends Typed>(stored: StoredEvent): T {
  const data = JSON.parse(stored.data) as T & { type?: string };
  data.type = stored.type;
  return data;
}

export const decodeCareEvent = (stored: StoredEvent): RecordedCareEvent => decode<RecordedCareEvent>(stored);
export const decodeViewEvent = (stored: StoredEvent): ViewEvent => decode<ViewEvent>(stored);
export const decodeIdentityEvent = (stored: StoredEvent): IdentityEvent => decode<IdentityEvent>(stored);
export const decodeBoundary = (stored: StoredEvent): BoundaryEvent => decode<BoundaryEvent>(stored);
export const decodePolicyApplied = (stored: StoredEvent): PolicyApplied => decode<PolicyApplied>(stored);
export const decodeReplayCheckpoint = (stored: StoredEvent): ReplayCheckpoint => decode<ReplayCheckpoint>(stored);

export function decodeDecision(stored: StoredEvent): RecordedDecision {
  return JSON.parse(stored.data) as RecordedDecision;
}

export function encodeDecision(decision: RecordedDecision, random: Random): NewEvent {
  return { id: random.uuid(), type: DECISION_RECORDED, data: JSON.stringify(decision) };
}

export function encodeAuditEntry(entry: AuditEntry, random: Random): NewEvent {
  return { id: random.uuid(), type: 'record-looked-at-1', data: JSON.stringify(entry) };
}

export function decodeAuditEntry(stored: StoredEvent): AuditEntry {
  return JSON.parse(stored.data) as AuditEntry;
}

export function decodePolicy(stored: StoredEvent): AdoptedPolicy {
  const { policy, adoptedAt } = decode<PolicyAdopted>(stored);
  return { version: stored.revision + 1, policy, adoptedAt };
}
