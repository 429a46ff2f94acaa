import { randomUUID } from 'node:crypto';
import type { Problem } from '@weft/domain';
import { type Client, Refused } from '../client.js';
import { isOutcome, isRefusal, problemsIn } from '../operation-outcome.js';
import type { OperationOutcome } from '@weft/service';
import type { Outgoing } from './inputs.js';
import type { PublishRequest, Where } from './requests.js';

/** What the gateway answers about an item. */
interface Item {
  readonly entry: number;
  readonly errors?: readonly Problem[];
  readonly outcome?: string;
}

interface ManyAnswer {
  readonly items: readonly Item[];
}

/** FHIR's answer about many, and that about one resource. */
type FhirAnswer =
  OperationOutcome | { readonly entry?: readonly { readonly response: { readonly outcome?: OperationOutcome } }[] };

/** What became of an event, where the answer waited for that. */
const BECAME = ['new', 'unchanged', 'duplicate', 'quarantined', 'pending'] as const;
type Became = (typeof BECAME)[number];
const isBecame = (outcome: string | undefined): outcome is Became => (BECAME as readonly unknown[]).includes(outcome);

export interface Refusal {
  readonly where: Where;
  readonly errors: readonly Problem[];
}

/** Not about what was sent but about who sends it: nothing else will be accepted either. */
const HOPELESS = [401, 403, 404, 415];

/**
 * Sends requests one after the other, so that one person's events keep their order, and counts what becomes of each item. A
 * Weft that is busy or away for a while is waited for: whatever may have arrived already is the same event when sent again.
 */
export class Publisher {
  accepted = 0;
  refused = 0;
  /** Resources about nobody: no events, but kept with the entries that refer to them. */
  kept = 0;
  /** What became of those that were accepted, as far as the answers waited for it. */
  readonly became: Record<Became, number> = { new: 0, unchanged: 0, duplicate: 0, quarantined: 0, pending: 0 };

  constructor(
    private readonly client: Client,
    private readonly onRefusal: (refusal: Refusal) => void,
    private readonly waitSeconds = 0,
  ) {}

  async send(outgoing: Outgoing): Promise<void> {
    if (outgoing.kind === 'refusal') return this.refuse(outgoing.where, outgoing.errors);
    this.count(await this.answerTo(outgoing), outgoing);
  }

  private async answerTo({ path, contentType, body, wheres }: PublishRequest): Promise<ManyAnswer> {
    const isFhir = path === '/fhir';
    const prefer = [
      ...(this.waitSeconds > 0 ? [`wait=${this.waitSeconds}`] : []),
      ...(isFhir ? ['return=OperationOutcome'] : []),
    ];
    try {
      const answer = await this.client.json<ManyAnswer | FhirAnswer>(path, {
        method: 'POST',
        // However often it is sent again: what is under this key is one request.
        headers: {
          'content-type': contentType,
          ...(isFhir && { 'idempotency-key': randomUUID() }),
          ...(prefer.length > 0 && { prefer: prefer.join(', ') }),
        },
        body,
        patient: true,
      });
      return 'items' in answer ? answer : { items: itemsIn(answer) };
    } catch (error) {
      if (!(error instanceof Refused) || HOPELESS.includes(error.status)) throw error;
      const { problem } = error;
      if (Array.isArray(problem['items'])) return problem as unknown as ManyAnswer;
      // The request as a whole could not be read: then so it is with each of its items.
      const errors = problem.errors?.length
        ? problem.errors
        : [{ field: '', code: 'refused', message: problem.title ?? `answered ${error.status}` }];
      return { items: wheres.map((_, entry) => ({ entry, errors })) };
    }
  }

  private count({ items }: ManyAnswer, { whereOf }: PublishRequest): void {
    for (const { entry, errors, outcome } of items) {
      const where = whereOf(entry);
      if (where === null || outcome === 'not-recorded') continue;
      if (errors !== undefined) this.refuse(where, errors);
      else if (outcome === 'kept') this.kept += 1;
      else this.accepted += 1;
      if (isBecame(outcome)) this.became[outcome] += 1;
    }
  }

  private refuse(where: Where, errors: readonly Problem[]): void {
    this.refused += 1;
    this.onRefusal({ where, errors });
  }
}

/** An entry’s OperationOutcome says first what was done with it, else what is wrong with it. */
function itemsIn(answer: FhirAnswer): Item[] {
  const outcomes = isOutcome(answer) ? [answer] : (answer.entry ?? []).map(({ response }) => response.outcome);
  return outcomes.map((outcome, entry): Item => {
    const [first] = outcome?.issue ?? [];
    if (outcome === undefined || first === undefined) return { entry };
    if (isRefusal(first.severity)) return { entry, errors: problemsIn(outcome) };
    const code = first.details?.coding[0]?.code;
    return { entry, ...(code !== undefined && { outcome: code }) };
  });
}
