import type { Purpose } from '@weft/domain';
import { allSettled, type AuditEntry, keysOfPerson, projectionOf, timestamp, type Wiring } from '@weft/processing';
import { auditAbout, type AuditLog, type Caller } from '@weft/service';

/** So many are remembered as audited today; of those forgotten the audit itself is asked. */
const NOTED_MAX = 100_000;

type Whose = Pick<AuditEntry, 'alsoOf'> & { readonly patient: string };

/**
 * Telling a subscriber of a person is a disclosure: it is in the audit before the subscriber is told, once a day (UTC) for
 * each subscriber, purpose and person, and once more when the person has another number. The person is named as the purpose knows
 * them: for individual care by all their numbers, beyond it by the one pseudonym.
 */
export class Disclosures {
  private day = '';
  private readonly noted = new Set<string>();
  private readonly noting = new Map<string, Promise<void>>();

  constructor(
    private readonly wiring: Wiring,
    private readonly audit: AuditLog,
  ) {}

  /** Resolves once it is durable that the caller is told of these people today. */
  async note(caller: Caller, purpose: Purpose, people: Iterable<string>): Promise<void> {
    const day = timestamp(this.wiring.clock).slice(0, 10);
    if (day !== this.day || this.noted.size >= NOTED_MAX) this.noted.clear();
    this.day = day;
    await allSettled([...people].map((person) => this.noteOnce(caller, purpose, person, day)));
  }

  private async noteOnce(caller: Caller, purpose: Purpose, person: string, day: string): Promise<void> {
    const others = projectionOf(this.wiring, purpose).identifies
      ? besides(person, await keysOfPerson(this.wiring.store, person))
      : {};
    const name = `${person} ${day} ${purpose} ${caller.organisation} ${caller.subject} ${others.alsoOf?.join() ?? ''}`;
    if (this.noted.has(name)) return;
    const before = this.noting.get(name);
    if (before !== undefined) return before;
    const noting = this.write(caller, purpose, { patient: person, ...others }, day).finally(() => this.noting.delete(name));
    this.noting.set(name, noting);
    await noting;
    this.noted.add(name);
  }

  /** What another process wrote, or this one before it was started again or forgot, is found among the person's entries. */
  private async write(caller: Caller, purpose: Purpose, whose: Whose, day: string): Promise<void> {
    const { patient, alsoOf } = whose;
    for await (const { entry } of auditAbout(this.wiring.store, patient, day)) {
      const isTheSame = entry.who === caller.subject && entry.organisation === (caller.organisation ?? null);
      const isOfAll = entry.patient === patient && (alsoOf ?? []).every((one) => entry.alsoOf?.includes(one));
      if (entry.action === 'told' && entry.purpose === purpose && isTheSame && isOfAll) return;
    }
    await this.audit.note(caller, 'told', { outcome: 'given', ...whose, purpose });
  }
}

/** Whether an entry names the person as a purpose beyond individual care knows them. */
export const namesByPseudonym = (wiring: Wiring, { action, purpose }: AuditEntry): boolean =>
  action === 'told' && purpose !== null && !projectionOf(wiring, purpose).identifies;

/** The other numbers of the person whose entries were given under this one, as the audit has them. */
export function besides(patient: string, members: readonly string[]): Pick<AuditEntry, 'alsoOf'> {
  const alsoOf = members.filter((member) => member !== patient);
  return alsoOf.length === 0 ? {} : { alsoOf };
}
