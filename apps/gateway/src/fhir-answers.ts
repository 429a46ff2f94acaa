import { STATUS_CODES } from 'node:http';
import type { BundleSent, Interaction, ReadyEvent } from '@weft/care-events';
import { parseWithDigits, type Problem, type Resource } from '@weft/domain';
import { type Issue, issueOf, type OperationOutcome, outcomeOf } from '@weft/service';
import { isDurable, type Outcome } from './intake.js';
import type { Published } from './publishing.js';
import type { Returns } from './prefer.js';
import { ERRORS_MAX, refusal } from './refusals.js';

/**
 * What FHIR's clients are answered. A writer may read nothing: what an answer says follows from the request alone, and from what its own
 * organisation sent, so that an update is answered alike whether the entry was there or not.
 */

/** How an answer is to be given. */
export interface Wanted {
  readonly returns?: Returns | undefined;
  readonly validateOnly: boolean;
}

/** One entry, or one request, as it is answered. */
export interface Answered {
  readonly status: number;
  /** Relative to the base. */
  readonly location?: string;
  readonly etag?: string;
  readonly outcome?: OperationOutcome;
  readonly resource?: Resource;
}

/** The codes of what became of an entry, for machines: `Became`, and before that is known: */
const OUTCOME_SYSTEM = 'urn:weft:outcome';
type Code = 'accepted' | 'valid' | 'kept' | 'not-recorded' | NonNullable<(Outcome & { readonly ok: true })['became']>;

const TEXTS: Readonly<Record<Code, string>> = {
  accepted: 'is durable, and on its way to the record',
  valid: 'would be accepted; nothing was published',
  kept: 'is about nobody, and kept with the entries that refer to it',
  'not-recorded': 'says nothing about a patient, so nothing of it is recorded',
  new: 'is in the record',
  unchanged: 'is in the record, which says the same or something later',
  duplicate: 'was in the record before',
  quarantined: 'is durable and could not be recorded: it stands in quarantine, to be mended there',
  pending: 'is durable, and not in the record yet',
};

/** Of every entry of a Bundle, in its order. */
export function bundleAnswer(published: Published, { size }: BundleSent, type: string, wanted: Wanted): Resource {
  const answers = new Map(entriesOf(published, wanted));
  const entry = Array.from({ length: size }, (_, index) => entryOf(answers.get(index) ?? notRecorded()));
  return { resourceType: 'Bundle', type, ...(entry.length > 0 && { entry }) };
}

/** Of the one resource that a request is about: of one that was deleted of several people, for all of them. Throws HttpProblem where it was refused. */
export function resourceAnswer(published: Published, wanted: Wanted): Answered {
  const problems = published.outcomes.flatMap((outcome) => (outcome.ok ? [] : outcome.problems));
  if (problems.length > 0) throw refusal(problems);
  const [first] = entriesOf(published, wanted);
  return first?.[1] ?? notRecorded();
}

/** Every fault of a Bundle that is taken whole or not at all, by the entry that has it. */
export function faultsOf({ items, outcomes }: Published): Problem[] {
  const faults = outcomes.flatMap((outcome, index) =>
    outcome.ok ? [] : outcome.problems.map((one) => placed(one, items[index]!.entry)),
  );
  const own = faults.filter(({ code }) => code !== 'transaction-refused');
  return own.slice(0, ERRORS_MAX);
}

const placed = (problem: Problem, entry: number): Problem =>
  problem.field.startsWith('entry[') ? problem : { ...problem, field: `entry[${entry}]${problem.field && `.${problem.field}`}` };

/** https://hl7.org/fhir/R4/messaging.html: the answer to a message is a message. */
export function messageAnswer(
  published: Published,
  { header = {} }: BundleSent,
  { newId, baseUrl, now }: { readonly newId: () => string; readonly baseUrl: string; readonly now: string },
): Resource {
  const issues = entriesOf(published, { validateOnly: false, returns: 'OperationOutcome' }).flatMap(
    ([, { outcome }]) => outcome?.issue ?? [],
  );
  const [message, details] = [newId(), newId()];
  const { id: identifier = 'unknown', ...event } = header;
  const isRefused = published.outcomes.some(({ ok }) => !ok);
  const answer = {
    ...{ resourceType: 'MessageHeader', id: message, ...event, source: { name: 'Weft', endpoint: baseUrl } },
    response: { identifier, code: isRefused ? 'fatal-error' : 'ok', details: { reference: `urn:uuid:${details}` } },
  };
  const outcome = { resourceType: 'OperationOutcome', id: details, issue: issues.length > 0 ? issues : [issue('not-recorded')] };
  return {
    ...{ resourceType: 'Bundle', id: newId(), type: 'message', timestamp: now },
    entry: [
      { fullUrl: `urn:uuid:${message}`, resource: answer },
      { fullUrl: `urn:uuid:${details}`, resource: outcome },
    ],
  };
}

function entriesOf({ items, outcomes, kept }: Published, wanted: Wanted): [number, Answered][] {
  const taken = items.map(({ entry, interaction, sent }, index): [number, Answered] => {
    const outcome = outcomes[index] as Outcome;
    return [entry, outcome.ok ? accepted(outcome, interaction, sent, wanted) : refused(outcome.problems)];
  });
  const beside = kept.map(({ entry, interaction, resource, warnings = [] }): [number, Answered] => [
    entry,
    {
      status: STATUSES[interaction.method],
      ...(interaction.id !== undefined && { location: `${interaction.resourceType}/${interaction.id}` }),
      ...outcomeIf(warnings.length > 0 || wanted.returns === 'OperationOutcome', [issue('kept'), ...warned(warnings)]),
      ...(wanted.returns === 'representation' && { resource }),
    },
  ]);
  return [...taken, ...beside];
}

/** Whether it was there before an update is told to nobody. */
const STATUSES: Readonly<Record<Interaction['method'], number>> = { POST: 201, PUT: 200, DELETE: 204 };

function accepted(
  { event, at, became }: Outcome & { readonly ok: true },
  interaction: Interaction | undefined,
  sent: string | undefined,
  { returns, validateOnly }: Wanted,
): Answered {
  const { method = 'POST', resourceType, id } = interaction ?? {};
  const { id: eventId, source, warnings = [] } = event;
  const etag = (event as ReadyEvent).digest;
  const isDecision = event.decisions !== undefined;
  const where = isDecision && isDurable(at) ? `; GET /consents/${at.partition}-${at.offset} says whether it is obeyed` : '';
  const told = {
    ...issue(became ?? (validateOnly ? 'valid' : 'accepted')),
    diagnostics: `event ${eventId} of ${source}${where}`,
  };
  const isWarned = warnings.length > 0 || isDecision || became === 'quarantined';
  return {
    status: became === 'quarantined' ? 202 : STATUSES[method],
    ...(method !== 'DELETE' && { location: `${resourceType}/${id}/_history/${etag}` }),
    etag: `W/"${etag}"`,
    ...outcomeIf(isWarned || returns === 'OperationOutcome', [told, ...warned(warnings)]),
    ...(returns === 'representation' && method !== 'DELETE' && { resource: resourceOf(event as ReadyEvent, sent) }),
  };
}

/** As it was sent: what is kept with it of what came before is for readers. */
const resourceOf = ({ bytes }: ReadyEvent, sent: string | undefined): Resource =>
  parseWithDigits(sent ?? Buffer.from(bytes).toString('utf8')) as Resource;

function refused(problems: readonly Problem[]): Answered {
  const problem = refusal(problems);
  return { status: problem.statusCode, outcome: outcomeOf(problem) };
}

const notRecorded = (): Answered => ({
  status: 200,
  outcome: { resourceType: 'OperationOutcome', issue: [issue('not-recorded')] },
});

function issue(code: Code): Issue {
  const isWarning = code === 'quarantined';
  return {
    ...(isWarning
      ? ({ severity: 'warning', code: 'incomplete' } as const)
      : ({ severity: 'information', code: 'informational' } as const)),
    details: { coding: [{ system: OUTCOME_SYSTEM, code }], text: TEXTS[code] },
    diagnostics: TEXTS[code],
  };
}

const warned = (warnings: readonly Problem[]): Issue[] => warnings.map((one) => issueOf(one, 'warning', 'informational'));

const outcomeIf = (isTold: boolean, issues: readonly Issue[]): Pick<Answered, 'outcome'> =>
  isTold ? { outcome: { resourceType: 'OperationOutcome', issue: issues } } : {};

function entryOf({ status, location, etag, outcome, resource }: Answered): object {
  return {
    ...(resource !== undefined && { resource }),
    response: {
      status: `${status} ${STATUS_CODES[status]}`,
      ...(location !== undefined && { location }),
      ...(etag !== undefined && { etag }),
      ...(outcome !== undefined && { outcome }),
    },
  };
}
