import type {
  AdoptedPolicy,
  Adoption,
  Closing,
  Coordinates,
  Decision,
  IdentityEvent,
  Policy,
  Person,
  Problem,
  Proposal,
  Purpose,
  RecordEvent,
  Resource,
  ViewEntry,
  ViewEvent,
} from '@weft/domain';
import { decisionOfVersion1, type DecisionVersion1 } from './decision-version-1.js';
import { EngineDamaged } from './errors.js';
import type { NewEvent, Random, StoredEvent } from './ports.js';

/*
 * The one place where payloads become stored bytes and bytes become payloads again: whoever wants to seal what is stored
 * does it here. The event's type stands beside the bytes, not in them.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Payloads are JSON: what is stored of one, and its text again. */
export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (data: Uint8Array): string => decoder.decode(data);

export interface RecordedDecision extends Decision {
  readonly coordinates: Coordinates;
}

/** Whom a version of a FHIR Consent is about, and what of it ends the permissions of those whom other versions are about. */
export interface ConsentHeld extends Pick<Decision, 'id' | 'receivedAt' | 'digest' | 'recorder'> {
  readonly type: 'consent-held-1';
  /** The person's key. */
  readonly key: string;
  /** What it says of its age. */
  readonly version: NonNullable<Decision['version']>;
  /** The key of another person whom an earlier one was about. */
  readonly before?: string;
  readonly coordinates: Coordinates;
}

/** Whether a death that somebody said was accepted: the last word on it, at its place in the bus. */
export interface DeathJudged {
  readonly type: 'death-accepted-1' | 'death-refused-1';
  /** The care event, as `<source> <id>`. */
  readonly cause: string;
  readonly coordinates: Coordinates;
  readonly problems: readonly Problem[];
  readonly recordedAt: string;
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
  readonly adoption?: Adoption;
}

/** What becomes of proposals until one is adopted, which `policy-adopted-1` says. */
export type ProposalEvent = PolicyProposed | ProposalOvertaken;

export interface PolicyProposed extends Proposal {
  readonly type: 'policy-proposed-1';
}

/** Another policy came in between, and changed what this one would open and close. */
export interface ProposalOvertaken {
  readonly type: 'policy-proposal-overtaken-1';
  readonly id: string;
  /** Version that was in force then. */
  readonly by: number;
  readonly at: string;
}

/** What becomes of a question who somebody is to whom a purpose beyond individual care gives another name. */
export type ReIdentificationEvent = ReIdentificationProposed | ReIdentificationStep;

export interface ReIdentificationProposed {
  readonly type: 're-identification-proposed-1';
  readonly id: string;
  readonly purpose: Purpose;
  /** What is known of the person; the other one is asked for. */
  readonly known: 'nhs-number' | 'pseudonym';
  /** Of what is known, keyed: it is recognised when it is named again, and cannot be read. */
  readonly mark: string;
  readonly reason: string;
  readonly by: Person;
  readonly at: string;
}

export interface ReIdentificationStep {
  readonly type: 're-identification-authorised-1' | 're-identification-disclosed-1';
  readonly id: string;
  readonly by: Person;
  readonly at: string;
}

/** Somebody begins to be told of a purpose over HTTP. */
export interface SubscriptionBegun extends Person {
  readonly type: 'subscription-begun-1';
  readonly at: string;
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

/** A resource about nobody, as an organisation sent it last. */
export interface ResourceKept {
  readonly type: 'resource-kept-1';
  readonly resource: Resource;
}

/** Which organisations' entries contradict each other in a person's record from now on: none where nothing does. */
export interface ReviewNoted {
  readonly type: 'review-noted-1';
  /** The person's key. */
  readonly key: string;
  readonly organisations: readonly string[];
}

/** How many of an organisation's versions changed nothing so far, and how many are in force though their ages disagree. */
export interface VersionsCounted {
  readonly type: 'versions-counted-1';
  readonly setAside: number;
  readonly disagreeing: number;
}

/** Every view of every patient was brought in line with this version of the policy. */
export interface PolicyApplied {
  readonly type: 'policy-applied-1';
  readonly version: number;
}

/** One look at a person's record, one act, or the refusal of one. */
export interface AuditEntry {
  /** RFC 3339. */
  readonly time: string;
  /** The request's id, under which the log knows it; null for what was done without one, at the command line. */
  readonly request: string | null;
  /** The caller as the token names them. */
  readonly who: string;
  readonly organisation: string | null;
  readonly roles: readonly string[];
  /** What was asked for or done: `record`, `explain`, `summary`, `decide`, `told` … */
  readonly action: string;
  readonly purpose: Purpose | null;
  /** The region's key of the person, never an NHS number; of what a subscriber was told, the key that the purpose has for them. */
  readonly patient: string | null;
  /** The region's keys of the person's other numbers, whose entries were given too. */
  readonly alsoOf?: readonly string[];
  readonly outcome: 'given' | 'unchanged' | 'accepted' | 'ended' | 'refused' | 'not-found' | 'moved-on';
  /** Which decision, message, policy or re-identification an act was about, or why a subscription ended. */
  readonly about?: string;
  /** Under what it was given; null where nothing was. */
  readonly policyVersion: number | null;
  readonly consentRevision: number | null;
}

const DECISION_RECORDED = 'decision-recorded-2';

type Typed = { readonly type: string };

export function encode<E extends Typed>(event: E, random: Random): NewEvent {
  const { type, ...data } = event;
  return { id: random.uuid(), type, data: bytesOf(JSON.stringify(data)) };
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
  return { id: random.uuid(), type, data: bytesOf(`{"entry":${entry}${end}`) };
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
    data: bytesOf(`{"part":${part},"parts":${parts},"entries":[${entries.join()}]${end}`),
  };
}

function decode<T extends Typed>(stored: StoredEvent): T {
  const data = JSON.parse(textOf(stored.data)) as T & { type?: string };
  data.type = stored.type;
  return data;
}

export const decodeRecordEvent = (stored: StoredEvent): RecordEvent => decode<RecordEvent>(stored);
export const decodeViewEvent = (stored: StoredEvent): ViewEvent => decode<ViewEvent>(stored);
export const decodeIdentityEvent = (stored: StoredEvent): IdentityEvent => decode<IdentityEvent>(stored);
export const decodeConsentHeld = (stored: StoredEvent): ConsentHeld => decode<ConsentHeld>(stored);
export const decodeDeathJudged = (stored: StoredEvent): DeathJudged => decode<DeathJudged>(stored);
export const decodeBoundary = (stored: StoredEvent): BoundaryEvent => decode<BoundaryEvent>(stored);
export const decodeProposal = (stored: StoredEvent): ProposalEvent => decode<ProposalEvent>(stored);
export const decodeReIdentification = (stored: StoredEvent): ReIdentificationEvent => decode<ReIdentificationEvent>(stored);
export const decodeSubscriptionBegun = (stored: StoredEvent): SubscriptionBegun => decode<SubscriptionBegun>(stored);
export const decodeResourceKept = (stored: StoredEvent): ResourceKept => decode<ResourceKept>(stored);
export const decodePolicyApplied = (stored: StoredEvent): PolicyApplied => decode<PolicyApplied>(stored);
export const decodeReviewNoted = (stored: StoredEvent): ReviewNoted => decode<ReviewNoted>(stored);
export const decodeVersionsCounted = (stored: StoredEvent): VersionsCounted => decode<VersionsCounted>(stored);
export const decodeReplayCheckpoint = (stored: StoredEvent): ReplayCheckpoint => decode<ReplayCheckpoint>(stored);

export function decodeDecision(stored: StoredEvent): RecordedDecision {
  if (stored.type === DECISION_RECORDED) return JSON.parse(textOf(stored.data)) as RecordedDecision;
  if (stored.type === 'decision-recorded-1') return decisionOfVersion1(JSON.parse(textOf(stored.data)) as DecisionVersion1);
  throw new EngineDamaged(
    'store',
    `${stored.stream} holds a decision of type ${stored.type}, which this version of Weft cannot read`,
  );
}

export function encodeDecision(decision: RecordedDecision, random: Random): NewEvent {
  return { id: random.uuid(), type: DECISION_RECORDED, data: bytesOf(JSON.stringify(decision)) };
}

export function encodeAuditEntry(entry: AuditEntry, random: Random): NewEvent {
  return { id: random.uuid(), type: 'audited-1', data: bytesOf(JSON.stringify(entry)) };
}

/** Also of those named `record-looked-at-1`: looks were all that was audited once. */
export function decodeAuditEntry(stored: StoredEvent): AuditEntry {
  const {
    chain: _,
    after: __,
    ...entry
  } = JSON.parse(textOf(stored.data)) as AuditEntry & { chain?: string; after?: StreamPlace };
  return entry;
}

/** Where a stream ends, and what its next event is chained to. */
export interface StreamEnd {
  /** NO_STREAM for an empty one. */
  readonly revision: number;
  /** The hash of its last event; empty where that was written before streams were chained. */
  readonly chain: string;
}

/** An event of a stream, and its hash. */
export interface StreamPlace extends StreamEnd {
  readonly stream: string;
}

/** The entry, said to come after the end of another stream. */
export function encodeAfter(entry: NewEvent, after: StreamPlace): NewEvent {
  return { ...entry, data: bytesOf(`${textOf(entry.data).slice(0, -1)},"after":${JSON.stringify(after)}}`) };
}

export function decodeAfter({ data }: NewEvent): StreamPlace | null {
  const text = textOf(data);
  return text.includes('"after":{') ? ((JSON.parse(text) as { after?: StreamPlace }).after ?? null) : null;
}

/** From this day on (YYYY-MM-DD, UTC) every entry about a person also stands in a stream of that person's. */
export function encodeAuditIndex(day: string, random: Random): NewEvent {
  return encode({ type: 'audit-index-begun-1', day }, random);
}

export function decodeAuditIndex(stored: StoredEvent): string {
  return decode<{ readonly type: string; readonly day: string }>(stored).day;
}

export function decodePolicy(stored: StoredEvent): AdoptedPolicy {
  const { policy, adoptedAt, adoption } = decode<PolicyAdopted>(stored);
  return { version: stored.revision + 1, policy, adoptedAt, ...(adoption && { adoption }) };
}
