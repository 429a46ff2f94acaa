import { createHash } from 'node:crypto';
import type { CareEvent, NewDecision, Organisation, Policy, Problem, Recorder, Resource } from '@weft/domain';
import { canonicalJson, DECISION_TYPE, denies, vetted } from '@weft/domain';
import { type Reading, unprocessable } from '@weft/processing';
import type { ReceivedEvent } from './cloud-event.js';
import { decisionsOfConsent, type ConsentReading } from './consent-in.js';
import { GOVERNANCE_SOURCE, organisationOf, readEnvelope } from './envelope.js';
import type { Envelope, EventType } from './envelope.js';
import { costProblem } from './fhir.js';
import { validate } from './fhir-r4/validate.js';
import { metaProblems } from './meta-rules.js';
import { ownRuleProblems, survivorOf } from './own-rules.js';
import { isObject } from './patient-reference.js';
import { presentable, problem, refuse } from './problems.js';

/** An event that obeys every rule. A care event or, of type consent-decision-recorded-1, decisions. */
export interface AcceptedEvent extends Omit<CareEvent, 'type'> {
  readonly type: EventType;
  readonly decisions?: readonly NewDecision[];
  /** What of a Consent was left out, or is taken otherwise than it may have been meant. */
  readonly warnings?: readonly Problem[];
  /** The resource's JSON exactly as it came. */
  readonly bytes?: Uint8Array;
}

export interface AcceptOptions {
  /** The organisations of the region, by ODS code. */
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** When it was received, milliseconds since 1970. */
  readonly now: number;
  /** The ODS code of whoever sent it, where that is known: source must be of the same. */
  readonly sender?: string;
  /** Who records a decision, where a token says so; absent: the organisation of its source. */
  readonly recorder?: Recorder;
  /** Who may make which decision; absent: whoever reads the accepted event has still to ask. */
  readonly policy?: Policy;
  /** The place in quarantine that it was mended from. */
  readonly mends?: string;
  /** False leaves out the FHIR validation, and nothing else (default true). */
  readonly validate?: boolean;
}

/** Judges an event by the envelope's rules, Weft's own and FHIR's; tells every field's problem at once. Never throws. */
export function acceptEvent(received: ReceivedEvent, options: AcceptOptions): Reading<AcceptedEvent> {
  try {
    return judge(received, options);
  } catch (error) {
    return refused([unprocessable(error)]);
  }
}

function judge(received: ReceivedEvent, options: AcceptOptions): Reading<AcceptedEvent> {
  const { envelope, problems } = readEnvelope(received.attributes, options.now);
  if (envelope.type === DECISION_TYPE) return acceptDecision(received, envelope, problems, options);
  const organisation = organisationOf(envelope.source);
  problems.push(...senderProblems(envelope.source, options));
  const data = resourceOf(received);
  problems.push(...(data.ok ? resourceProblems(envelope, data.event, options) : data.problems));
  if (problems.length > 0 || !data.ok || organisation === null) return refused(problems);
  return accepted(envelope, organisation, data.event, received.bytes);
}

/** A care event that was found to obey every rule. */
export function accepted(
  { id, source, type, subject, time }: Pick<Envelope, 'id' | 'source' | 'type' | 'subject' | 'time'>,
  organisation: string,
  resource: Resource,
  bytes: Uint8Array,
): Reading<AcceptedEvent> {
  const event: AcceptedEvent = { type, id, source, organisation, subject, time, resource, bytes };
  if (type !== 'patient-merged-1' && type !== 'patient-unmerged-1') return { ok: true, event };
  const merge = survivorOf(subject, resource);
  return merge.ok ? { ok: true, event: { ...event, survivor: merge.survivor } } : { ok: false, problems: [merge.problem] };
}

/** A Consent with a denial is accepted with what is wrong with it as warnings; one that only permits must be sound. */
function acceptDecision(
  received: ReceivedEvent,
  envelope: Envelope,
  envelopeProblems: readonly Problem[],
  options: AcceptOptions,
): Reading<AcceptedEvent> {
  const data = resourceOf(received);
  // A clock is no reason to refuse an objection: it counts from its receipt at the latest.
  const clock = envelopeProblems.filter(({ field }) => field === 'time');
  const problems = envelopeProblems.filter(({ field }) => field !== 'time');
  problems.push(...senderProblems(envelope.source, options));
  if (!data.ok || problems.length > 0) return refused([...problems, ...clock, ...(data.ok ? [] : data.problems)]);
  const resource = data.event;
  const reading = vettedBy(decisionsOf(envelope, resource, options), options.policy);
  const fhir = options.validate === false ? [] : validate(resource);
  const faults = [...clock, ...merged(metaProblems(envelope.type, resource, options.now), fhir)];
  if (!reading.ok) return refused(reading.problems.some(isAboutTheMaker) ? reading.problems : merged(reading.problems, faults));
  const mustBeSound = reading.decisions.every(({ status, provision }) => status === 'active' && !denies(provision));
  if (mustBeSound && faults.length > 0) return refused(faults);
  const { id, source, type, subject } = envelope;
  const time = clock.length > 0 ? new Date(options.now).toISOString() : envelope.time;
  const organisation = organisationOf(source) ?? 'governance';
  const { decisions } = reading;
  const warnings = presentable(merged(reading.warnings, faults));
  return {
    ok: true,
    event: { type, id, source, organisation, subject, time, resource, bytes: received.bytes, decisions, warnings },
  };
}

/** The decisions of an event whose envelope is sound. */
export function decisionsOf(
  { id, source, subject }: Pick<Envelope, 'id' | 'source' | 'subject'>,
  resource: Resource,
  {
    organisations,
    now,
    mends,
    recorder = recorderOf(source),
  }: Pick<AcceptOptions, 'organisations' | 'now' | 'mends' | 'recorder'>,
): ConsentReading {
  const digest = createHash('sha256').update(canonicalJson(resource)).digest('hex');
  const context = { id, source, subject, recorder, receivedAt: now, digest, organisations };
  return decisionsOfConsent(resource, mends === undefined ? context : { ...context, mends });
}

function recorderOf(source: string): Recorder {
  return { as: 'organisation', organisation: organisationOf(source)?.toUpperCase() ?? null, subject: null };
}

function vettedBy(reading: ConsentReading, policy: Policy | undefined): ConsentReading {
  if (!reading.ok || policy === undefined) return reading;
  const { decisions, problems } = vetted(reading.decisions, policy);
  if (decisions.length === 0) return { ok: false, problems: [...problems, ...reading.warnings] };
  return { ...reading, decisions, warnings: [...reading.warnings, ...problems] };
}

const ABOUT_THE_MAKER = ['not-yours-to-make', 'not-yours-to-lift', 'unknown-organisation', 'not-the-sender'];

/** Whether a problem is that its sender may not say this, however it is written. */
export function isAboutTheMaker({ code }: Problem): boolean {
  return ABOUT_THE_MAKER.includes(code);
}

function refused(problems: readonly Problem[]): Reading<never> {
  return { ok: false, problems: presentable(problems) };
}

function senderProblems(source: string, { organisations, sender, recorder }: AcceptOptions): Problem[] {
  if (source === GOVERNANCE_SOURCE) {
    return recorder?.as === 'governance' ? [] : [problem('source', 'not-the-sender', 'only governance publishes as governance')];
  }
  const organisation = organisationOf(source);
  if (organisation === null) return [];
  const problems: Problem[] = [];
  if (!organisations.has(organisation)) {
    problems.push(problem('source', 'unknown-organisation', 'must be of an organisation of this region'));
  }
  if (sender !== undefined && sender !== organisation) {
    problems.push(problem('source', 'not-the-sender', `must be of ${sender || 'governance'}, which sent it`));
  }
  return problems;
}

/** Its cost is bounded before anything else reads it: what others wrote into a topic is refused by the same limits. */
function resourceOf({ data }: ReceivedEvent): Reading<Resource> {
  if (!data.ok) return data;
  const value = data.event;
  if (value === undefined || value === null) return refuse('data', 'required', 'is required');
  if (!isObject(value)) return refuse('data', 'malformed', 'must be one FHIR resource, a JSON object');
  if (typeof value['resourceType'] !== 'string') return refuse('data.resourceType', 'required', 'is required');
  const over = costProblem(value);
  if (over !== null) return { ok: false, problems: [over] };
  return { ok: true, event: value as unknown as Resource };
}

function resourceProblems(envelope: Envelope, resource: Resource, options: AcceptOptions): Problem[] {
  const own = [
    ...ownRuleProblems(envelope.type, envelope.subject, resource),
    ...metaProblems(envelope.type, resource, options.now),
  ];
  if (options.validate === false) return own;
  return merged(own, isValidatedInFull(envelope.type) ? validate(resource) : namingProblems(resource));
}

/** Where both find fault with one field, Weft's own sentence is the more telling. */
function merged(own: readonly Problem[], fhir: readonly Problem[]): Problem[] {
  return [...own, ...fhir.filter(({ field }) => !own.some((known) => known.field === field))];
}

/** A retraction names an entry and may say of which version: that much of it is read, and has to be sound. */
function namingProblems({ resourceType, id, meta }: Resource): Problem[] {
  if (meta === undefined) return [];
  return validate({ resourceType, id, meta }).filter(({ field }) => field.startsWith(`${resourceType}.meta`));
}

/** A retraction needs to say no more than what it retracts. */
function isValidatedInFull(type: EventType): boolean {
  return type !== 'care-event-retracted-1';
}
