import type { CareEvent, Decision, Organisation, Problem, Resource } from '@weft/domain';
import { DECISION_TYPE } from '@weft/domain';
import type { Reading } from '@weft/processing';
import type { ReceivedEvent } from './cloud-event.js';
import { decisionOfConsent } from './consent-in.js';
import { organisationOf, readEnvelope } from './envelope.js';
import type { Envelope, EventType } from './envelope.js';
import { fhirProblems } from './fhir.js';
import { ownRuleProblems, survivorOf } from './own-rules.js';
import { isObject } from './patient-reference.js';
import { presentable, problem } from './problems.js';

/** An event that obeys every rule. A care event or, of type consent-decision-recorded-1, a decision. */
export interface AcceptedEvent extends Omit<CareEvent, 'type'> {
  readonly type: EventType;
  readonly decision?: Omit<Decision, 'recordedAt'>;
  /** The resource's JSON exactly as it came. */
  readonly bytes?: Uint8Array;
}

export interface AcceptOptions {
  /** The organisations of the region, by ODS code. */
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The ODS code of whoever sent it, where that is known: source must be of the same. */
  readonly sender?: string;
  /** False leaves out the FHIR validation, and nothing else (default true). */
  readonly validate?: boolean;
}

/** Judges an event by the envelope's rules, Weft's own and FHIR's; tells every field's problem at once. Never throws. */
export function acceptEvent(received: ReceivedEvent, options: AcceptOptions): Reading<AcceptedEvent> {
  const { envelope, problems } = readEnvelope(received.attributes, options.now);
  const organisation = organisationOf(envelope.source);
  if (organisation !== null) problems.push(...senderProblems(organisation, options));
  const data = resourceOf(received);
  problems.push(...(data.ok ? resourceProblems(envelope, data.event, options) : data.problems));
  if (problems.length > 0 || !data.ok || organisation === null) return { ok: false, problems: presentable(problems) };
  return accepted(envelope, organisation, data.event, received.bytes, options.now);
}

/** The event of what was found to obey every rule. */
export function accepted(
  envelope: Pick<Envelope, 'id' | 'source' | 'type' | 'subject' | 'time'>,
  organisation: string,
  resource: Resource,
  bytes: Uint8Array,
  now: number,
): Reading<AcceptedEvent> {
  const { type, id, source, subject, time } = envelope;
  const event: AcceptedEvent = { type, id, source, organisation, subject, time, resource, bytes };
  if (type === DECISION_TYPE) {
    const reading = decisionOfConsent(resource, { id, source, subject, now });
    return reading.ok
      ? { ok: true, event: { ...event, decision: reading.event.decision } }
      : { ok: false, problems: presentable(reading.problems) };
  }
  if (type !== 'patient-merged-1' && type !== 'patient-unmerged-1') return { ok: true, event };
  const merge = survivorOf(subject, resource);
  return merge.ok ? { ok: true, event: { ...event, survivor: merge.survivor } } : { ok: false, problems: [merge.problem] };
}

function senderProblems(organisation: string, { organisations, sender }: AcceptOptions): Problem[] {
  const problems: Problem[] = [];
  if (!organisations.has(organisation)) {
    problems.push(problem('source', 'unknown-organisation', `organisation ${organisation} is not one of this region`));
  }
  if (sender !== undefined && sender !== organisation) {
    problems.push(problem('source', 'not-the-sender', `source is of ${organisation}, but ${sender} sent it`));
  }
  return problems;
}

function resourceOf({ data }: ReceivedEvent): Reading<Resource> {
  const refuse = (field: string, code: string, message: string): Reading<never> => ({
    ok: false,
    problems: [problem(field, code, message)],
  });
  if (!data.ok) return data;
  const value = data.event;
  if (value === undefined || value === null) return refuse('data', 'required', 'is required');
  if (!isObject(value)) return refuse('data', 'malformed', 'must be one FHIR resource, a JSON object');
  if (typeof value['resourceType'] !== 'string') return refuse('data.resourceType', 'required', 'is required');
  return { ok: true, event: value as unknown as Resource };
}

function resourceProblems(envelope: Envelope, resource: Resource, { validate = true }: AcceptOptions): Problem[] {
  const own = ownRuleProblems(envelope.type, envelope.subject, resource);
  return validate && isValidatedInFull(envelope.type) ? merged(own, fhirProblems(resource)) : own;
}

/** Where both find fault with one field, Weft's own sentence is the more telling. */
function merged(own: readonly Problem[], fhir: readonly Problem[]): Problem[] {
  return [...own, ...fhir.filter(({ field }) => !own.some((known) => known.field === field))];
}

/** A retraction needs to say no more than what it retracts. */
function isValidatedInFull(type: EventType): boolean {
  return type !== 'care-event-retracted-1';
}
