import { randomUUID } from 'node:crypto';
import type { Problem } from '@weft/domain';
import { type Client, Refused } from '../client.js';
import type { Outgoing } from './inputs.js';
import type { PublishRequest, Where } from './requests.js';

/** What the gateway answers about many. */
interface ManyAnswer {
  readonly accepted: number;
  readonly refused: number;
  readonly items: readonly {
    readonly entry: number;
    readonly errors?: readonly Problem[];
    readonly kept?: boolean;
    readonly outcome?: Outcome;
  }[];
}

/** What became of an event, where the answer waited for that. */
type Outcome = 'new' | 'unchanged' | 'duplicate' | 'quarantined' | 'pending';

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
  readonly became: Record<Outcome, number> = { new: 0, unchanged: 0, duplicate: 0, quarantined: 0, pending: 0 };

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
    try {
      return await this.client.json<ManyAnswer>(path, {
        method: 'POST',
        // However often it is sent again: what is under this key is one request.
        headers: {
          'content-type': contentType,
          ...(path === '/fhir' && { 'idempotency-key': randomUUID() }),
          ...(this.waitSeconds > 0 && { prefer: `wait=${this.waitSeconds}` }),
        },
        body,
        patient: true,
      });
    } catch (error) {
      if (!(error instanceof Refused) || HOPELESS.includes(error.status)) throw error;
      const { problem } = error;
      if (Array.isArray(problem['items'])) return problem as unknown as ManyAnswer;
      // The request as a whole could not be read: then so it is with each of its items.
      const errors = problem.errors ?? [{ field: '', code: 'refused', message: problem.title ?? `answered ${error.status}` }];
      return { accepted: 0, refused: wheres.length, items: wheres.map((_, entry) => ({ entry, errors })) };
    }
  }

  private count({ items }: ManyAnswer, { whereOf }: PublishRequest): void {
    for (const { entry, errors, kept, outcome } of items) {
      const where = whereOf(entry);
      if (where === null) continue;
      if (errors !== undefined) this.refuse(where, errors);
      else if (kept === true) this.kept += 1;
      else this.accepted += 1;
      if (outcome !== undefined) this.became[outcome] += 1;
    }
  }

  private refuse(where: Where, errors: readonly Problem[]): void {
    this.refused += 1;
    this.onRefusal({ where, errors });
  }
}
