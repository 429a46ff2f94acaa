import { eventKey, type CareEvent, type IdentityEvent, type RecordedCareEvent } from '@weft/domain';
import type { Keys } from '@weft/processing';
import { listed, type Ledger } from './ledger.js';
import type { Violated } from './basis-checks.js';

const THEIRS = 'who somebody is, is for few to say';

const isMerging = (type: string): boolean => type.startsWith('patient-merged') || type.startsWith('patient-unmerged');

type Claim = Pick<CareEvent, 'type' | 'id' | 'source' | 'organisation' | 'survivor'>;

/**
 * Who may say who somebody is: a demographics service, by the policy; of a merge or a death also an organisation that recorded
 * something about each number named; of an unmerge also the organisation that made the merge.
 */
export class Claims {
  /** Of each number the events that ever merged it, as `<source> <id>`. */
  private readonly mergedBy = new Map<string, string[]>();

  constructor(
    private readonly ledger: Ledger,
    private readonly keys: Keys,
    private readonly violated: Violated,
  ) {}

  /** `said`: the event that it comes of, where that is decided. */
  moved(key: string, event: IdentityEvent, said: Claim | undefined): void {
    if (event.type === 'number-superseded-1') listed(this.mergedBy, key).push(event.cause);
    if (said === undefined) return;
    if (event.type === 'merge-accepted-1') this.isTheirs(said, key);
    if (
      event.type === 'merge-refused-1' &&
      event.problems.some(({ code }) => code.startsWith('not-yours')) &&
      this.isService(said)
    )
      this.violated(THEIRS, `${eventKey(said)} is a demographics service's, and was refused`);
  }

  died(key: string, event: RecordedCareEvent): void {
    this.isTheirs(event, key);
    if (event.takesBack !== undefined && !this.isService(event))
      this.violated(THEIRS, `${eventKey(event)} takes back what others told`);
  }

  private isTheirs(said: Claim, key: string): void {
    const { type, organisation, survivor } = said;
    const numbers = survivor === undefined ? [key] : [key, this.keys.patient(survivor)];
    const isMaker = (this.mergedBy.get(key) ?? []).some((cause) => new RegExp(`^urn:ods:${organisation}[ :]`).test(cause));
    const isKnown =
      type === 'patient-death-retracted-1'
        ? this.toldDeath(key, organisation)
        : type === 'patient-unmerged-1'
          ? isMaker
          : numbers.every((number) => this.hasRecorded(number, said));
    if (!isKnown && !this.isService(said))
      this.violated(THEIRS, `${eventKey(said)} counts, and was not for ${organisation} to say`);
  }

  /** Of any number that the person ever had: a merge may have been undone since it was judged. */
  private toldDeath(key: string, ods: string): boolean {
    const told = (number: string): boolean =>
      (this.ledger.events.get(number) ?? []).some(({ type, organisation }) => type === 'patient-died-1' && organisation === ods);
    return told(key) || (this.ledger.merges > 0 && [...this.ledger.events.keys()].some(told));
  }

  private isService({ organisation }: Claim): boolean {
    return this.ledger.policies.some(({ policy }) => policy.identity?.demographics?.includes(organisation) === true);
  }

  private hasRecorded(key: string, { organisation, id, source }: Claim): boolean {
    const events = this.ledger.events.get(key) ?? [];
    return events.some((one) => one.organisation === organisation && !isMerging(one.type) && eventKey(one) !== `${source} ${id}`);
  }
}
