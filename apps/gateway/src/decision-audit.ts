import { Catch, Injectable } from '@nestjs/common';
import { type AcceptedEvent, nhsNumberOfReference, nhsNumbersOf } from '@weft/care-events';
import { type Coordinates, DECISION_TYPE, nhsNumberProblem } from '@weft/domain';
import type { Keys } from '@weft/processing';
import { type Actor, AuditedProblemFilter, AuditLog, Service, utf8Text, VALIDATE_ONLY } from '@weft/service';
import type { FastifyRequest } from 'fastify';

/** Whether an event is a decision, and about whom it says it is. */
export interface About {
  readonly isDecision: boolean;
  readonly subject?: string | undefined;
}

type Outcome =
  | {
      readonly ok: true;
      readonly event: Pick<AcceptedEvent, 'type' | 'subject'>;
      readonly at: Partial<Coordinates>;
    }
  | { readonly ok: false };

/** What the audit calls a decision, and one that was only validated: its answer tells of the person too. */
const DECIDE = 'decide';
const VALIDATE = 'validate-decision';

/**
 * Whose the decisions are that were just made durable, or found sound. Resolves once the audit has it, and so before anybody is
 * answered.
 */
export async function noteTaken(audit: AuditLog, keys: Keys, caller: Actor, outcomes: readonly Outcome[]): Promise<void> {
  const noting = outcomes.map(async (outcome) => {
    if (!outcome.ok || outcome.event.type !== DECISION_TYPE) return;
    const { event, at } = outcome;
    const taken = { outcome: 'accepted', patient: keys.patient(event.subject) } as const;
    if (at.offset === undefined) return audit.note(caller, VALIDATE, taken);
    return audit.note(caller, DECIDE, { ...taken, about: `${at.partition}-${at.offset}` });
  });
  await Promise.all(noting);
}

/** Who wanted to decide, of the events of a call that were decisions and were refused. */
export async function noteRefused(
  audit: AuditLog,
  keys: Keys,
  { caller, validateOnly }: { readonly caller: Actor; readonly validateOnly: boolean },
  events: readonly About[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const noting = events.map(async ({ isDecision, subject }, index) => {
    if (!isDecision || outcomes[index]?.ok !== false) return;
    const patient = subject !== undefined && nhsNumberProblem(subject) === null ? keys.patient(subject) : null;
    await audit.note(caller, validateOnly ? VALIDATE : DECIDE, { outcome: 'refused', patient });
  });
  await Promise.all(noting);
}

/** Answers the errors of /consents. That somebody was refused a decision is in the audit, with whom it was about where that can be read. */
@Catch()
@Injectable()
export class DecisionProblemFilter extends AuditedProblemFilter {
  constructor(audit: AuditLog, service: Service) {
    super(audit, service);
  }

  protected override actionOf(request: FastifyRequest): string | undefined {
    return (request.query as Readonly<Record<string, unknown>>)[VALIDATE_ONLY] === undefined ? super.actionOf(request) : VALIDATE;
  }

  protected override subjectOf({ body }: FastifyRequest): string | undefined {
    const patient = Buffer.isBuffer(body) ? patientOf(utf8Text(body) ?? '') : undefined;
    return nhsNumbersOf(patient?.['identifier'])[0]?.number ?? nhsNumberOfReference(patient?.['reference']) ?? undefined;
  }
}

function patientOf(consent: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return (JSON.parse(consent) as { readonly patient?: Readonly<Record<string, unknown>> } | null)?.patient;
  } catch {
    return undefined;
  }
}
