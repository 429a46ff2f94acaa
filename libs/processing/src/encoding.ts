import type {
  AdoptedPolicy,
  Adoption,
  Awaits,
  Coordinates,
  Decision,
  Effect,
  EntryPlaced,
  LaneEnd,
  IdentityEvent,
  Policy,
  Person,
  Problem,
  Proposal,
  Purpose,
  RecordEvent,
  Resource,
} from '@weft/domain';
import { RecordUnreadable, type Unreadable } from './errors.js';
import type { Meta, NewEvent, Random, StoredEvent } from './ports.js';
import { keyOfStream } from './streams.js';

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

/** The numbers that ever had versions of an entry, by their keys: the last such event names all. */
export interface EntryHeld {
  readonly type: 'entry-held-1';
  readonly keys: readonly string[];
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

/**
 * A decision begins or ends to be in force at an instant; `met` before any view is derived because it may have come, `passed` once every view obeys.
 */
export interface BoundaryEvent {
  readonly type: 'boundary-set-1' | 'boundary-met-1' | 'boundary-passed-1';
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The newest receipt of all messages that were read, milliseconds since 1970. */
export interface ReceiptNoted {
  readonly type: 'receipt-noted-1';
  readonly at: number;
  /** By topic, how much later than its receipt (milliseconds) its last message says it was sent; none that is not over a minute. */
  readonly ahead?: Readonly<Record<string, number>>;
}

/** What every message of a partition of an inbound topic before `next` says is in the streams that it is for, or in quarantine. */
export interface MessagesRead {
  readonly type: 'messages-read-1';
  /** Which of the topics of this name, one made anew after the other. */
  readonly epoch: number;
  readonly next: number;
  /** Where the topic ended when the epoch began. */
  readonly whole: number;
  /** When the bus took the last one read, milliseconds since 1970. */
  readonly at: number | null;
  readonly recordedAt: string;
}

/**
 * Something is about to come to these people's records behind decisions that are not read; individual care is shown it, as it has waited for as long as
 * the policy has it wait.
 */
export interface AwaitingNoted {
  readonly type: 'awaiting-1' | 'awaiting-shown-1';
  readonly ends: readonly LaneEnd[];
  readonly keys: readonly string[];
}

/** Everybody noted before was seen to. */
interface AwaitingOver {
  readonly type: 'awaiting-over-1';
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

/** How far a replay got, under which policy, and whether it has everything told. */
export interface ReplayCheckpoint {
  readonly type: 'replay-checkpointed-1';
  readonly state: 'under-way' | 'finished';
  readonly done: number;
  readonly policyVersion: number;
  readonly tellAll: boolean;
}

/** Changes of the streams are published up to this position of the one order. */
export interface PublisherCheckpoint {
  readonly type: 'published-1';
  readonly position: string;
  /** Keys of numbers that Weft itself fails at: nothing of theirs is published. */
  readonly held?: readonly string[];
  /** Of those of them whose streams cannot be read, why. */
  readonly unreadable?: Readonly<Record<string, Unreadable>>;
  /** By `<topic>/<partition>`, the offset behind the last message that was published there, and a digest of its id. */
  readonly ends?: Readonly<Record<string, readonly [end: number, last: string]>>;
}

/** In which epoch the store is. */
export interface EpochNoted {
  readonly type: 'epoch-noted-1';
  readonly epoch: number;
  /**
   * `behind`: what the store does not have, and the bus's groups have passed, is read again first. `telling`: everything is published anew. `told`: it is,
   * or had not to be.
   */
  readonly state: 'behind' | 'telling' | 'told';
  /** For how many people that was done. */
  readonly done: number;
  readonly since: string;
}

/** A resource about nobody, as an organisation sent it last. */
export interface ResourceKept {
  readonly type: 'resource-kept-1';
  readonly resource: Resource;
}

/** An entry was published by FHIR about this NHS number. */
export interface EntryPublished {
  readonly type: 'entry-published-1';
  readonly subject: string;
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

/** A care event; what it waits for stands beside it. */
export function encodeRecordEvent({ awaits, ...event }: RecordEvent & { readonly awaits?: Awaits }, random: Random): NewEvent {
  const encoded = encode(event, random);
  return awaits === undefined ? encoded : { ...encoded, meta: { awaits: awaits as unknown as Meta } };
}

/** What becomes of the views by an event stands beside it. */
export function withEffect(event: NewEvent, effect: Effect): NewEvent {
  return { ...event, meta: { ...event.meta, effect: effect as unknown as Meta } };
}

/** What an event changed in the views; null where it says nothing of them. */
export const effectIn = ({ meta }: StoredEvent): Effect | null => (meta['effect'] as unknown as Effect | undefined) ?? null;

function decode<T extends Typed>(stored: StoredEvent): T {
  const data = JSON.parse(textOf(stored.data)) as T & { type?: string };
  data.type = stored.type;
  return data;
}

/** The views of a number's person are other ones now, by something else than an event of its own: a date, a policy, a merge, a replay. */
interface ViewsDerived {
  readonly type: 'views-derived-1';
  readonly recordedAt: string;
}

/** In individual care what was noted up to there waits no longer: the policy bounds that wait. */
export interface ViewsWaited {
  readonly type: 'views-waited-1';
  readonly until: Awaits;
  readonly recordedAt: string;
}

/** What a number's stream holds. */
export type NumberEvent =
  | { readonly kind: 'record'; readonly event: RecordEvent }
  | { readonly kind: 'decision'; readonly event: RecordedDecision }
  | { readonly kind: 'identity'; readonly event: IdentityEvent }
  | { readonly kind: 'death'; readonly event: DeathJudged }
  | { readonly kind: 'placement'; readonly event: EntryPlaced }
  | { readonly kind: 'derived'; readonly event: ViewsDerived }
  | { readonly kind: 'waited'; readonly event: ViewsWaited };

const KINDS: Readonly<Record<string, Exclude<NumberEvent['kind'], 'decision'>>> = {
  'care-event-recorded-1': 'record',
  'care-event-retracted-1': 'record',
  'care-event-homed-1': 'record',
  'entries-claimed-1': 'record',
  'patient-merged-1': 'record',
  'patient-unmerged-1': 'record',
  'patient-died-1': 'record',
  'patient-death-retracted-1': 'record',
  'number-superseded-1': 'identity',
  'number-restored-1': 'identity',
  'number-absorbed-1': 'identity',
  'number-released-1': 'identity',
  'merge-accepted-1': 'identity',
  'merge-refused-1': 'identity',
  'death-accepted-1': 'death',
  'death-refused-1': 'death',
  'entry-placed-1': 'placement',
  'views-derived-1': 'derived',
  'views-waited-1': 'waited',
};

/** Whether this version of Weft knows what such an event of a number's stream says. */
export const isKnownType = (type: string): boolean => type === DECISION_RECORDED || type in KINDS;

/** With the hash that it is chained by; empty where it has none. */
export type DecodedNumberEvent = NumberEvent & { readonly chain: string };

/** An event of a number's stream. Throws RecordUnreadable for one of no known type. */
export function decodeNumberEvent(stored: StoredEvent): DecodedNumberEvent {
  const { text, chain } = withoutChain(textOf(stored.data));
  // A replay decodes hundreds of millions: what was parsed is nobody else's, and is not copied.
  const event = JSON.parse(text) as { type?: string; awaits?: unknown };
  if (stored.type === DECISION_RECORDED) return { kind: 'decision', event: event as unknown as RecordedDecision, chain };
  const kind = KINDS[stored.type];
  if (kind === undefined) throw new RecordUnreadable('written-by-a-newer-weft', keyOfStream(stored.stream));
  event.type = stored.type;
  if (stored.meta['awaits'] !== undefined) event.awaits = stored.meta['awaits'];
  return { kind, event, chain } as unknown as DecodedNumberEvent;
}

/** The last member of what is stored of an event that is chained. */
const CHAIN = /^,"chain":"([0-9a-f]{32})"\}$/;
const CHAIN_LENGTH = ',"chain":""}'.length + 32;

/** What is stored of an event, as text, without its hash, and that; empty where it has none. */
export function withoutChain(text: string): { readonly text: string; readonly chain: string } {
  const chain = CHAIN.exec(text.slice(-CHAIN_LENGTH))?.[1];
  return chain === undefined ? { text, chain: '' } : { text: `${text.slice(0, -CHAIN_LENGTH)}}`, chain };
}

/** When an event of a number's stream was recorded, milliseconds since 1970: of whichever type it is. */
export const recordedAtOf = ({ data }: StoredEvent): number =>
  Date.parse((JSON.parse(textOf(data)) as { recordedAt?: string }).recordedAt ?? '');

export const decodeConsentHeld = (stored: StoredEvent): ConsentHeld => decode<ConsentHeld>(stored);
export const decodeMessagesRead = (stored: StoredEvent): MessagesRead => decode<MessagesRead>(stored);
export const decodeReceiptNoted = (stored: StoredEvent): ReceiptNoted => decode<ReceiptNoted>(stored);
export const decodeAwaitingNoted = (stored: StoredEvent): AwaitingNoted | AwaitingOver =>
  decode<AwaitingNoted | AwaitingOver>(stored);
export const decodeEntryHeld = (stored: StoredEvent): EntryHeld => decode<EntryHeld>(stored);
export const decodeBoundary = (stored: StoredEvent): BoundaryEvent => decode<BoundaryEvent>(stored);
export const decodeProposal = (stored: StoredEvent): ProposalEvent => decode<ProposalEvent>(stored);
export const decodeReIdentification = (stored: StoredEvent): ReIdentificationEvent => decode<ReIdentificationEvent>(stored);
export const decodeSubscriptionBegun = (stored: StoredEvent): SubscriptionBegun => decode<SubscriptionBegun>(stored);
export const decodeEntryPublished = (stored: StoredEvent): EntryPublished => decode<EntryPublished>(stored);
export const decodeResourceKept = (stored: StoredEvent): ResourceKept => decode<ResourceKept>(stored);
export const decodePolicyApplied = (stored: StoredEvent): PolicyApplied => decode<PolicyApplied>(stored);
export const decodeReviewNoted = (stored: StoredEvent): ReviewNoted => decode<ReviewNoted>(stored);
export const decodeVersionsCounted = (stored: StoredEvent): VersionsCounted => decode<VersionsCounted>(stored);
export const decodePublisherCheckpoint = (stored: StoredEvent): PublisherCheckpoint => decode<PublisherCheckpoint>(stored);
export const decodeEpoch = (stored: StoredEvent): EpochNoted => decode<EpochNoted>(stored);
export const decodeReplayCheckpoint = (stored: StoredEvent): ReplayCheckpoint => decode<ReplayCheckpoint>(stored);

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

export function decodePolicy(stored: StoredEvent): AdoptedPolicy {
  const { policy, adoptedAt, adoption } = decode<PolicyAdopted>(stored);
  return { version: stored.revision + 1, policy, adoptedAt, ...(adoption && { adoption }) };
}
