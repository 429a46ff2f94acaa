import type { NewDecision } from '@weft/domain';
import type { Keys, Message } from '@weft/processing';
import { simReader } from '@weft/testing';
import { placeOf, type KeptDecision, type Ledger } from './ledger.js';
import { deniesAnything, isVersionLater, permitsAnything } from './naive-decisions.js';
import { closedByConflict, isAsExpected, mayBeRecorded, type Expected } from './naive-sift.js';
import type { Violated } from './basis-checks.js';

const RECORDED = 'a decision is recorded as it was said';
const WHILE_MERGED = 'a denial is each number’s that the person had';
const MOVED = 'a permission goes where its Consent goes';

/** What must have become of the messages of the consent topic. */
export class ConsentChecks {
  constructor(
    private readonly ledger: Ledger,
    private readonly violated: Violated,
    private readonly quarantined: ReadonlySet<string>,
    private readonly keys: Keys,
  ) {}

  /** How many merges and unmerges there had been when a message was published. */
  private readonly mergesBefore = new Map<string, number>();

  published(message: Message): void {
    this.mergesBefore.set(placeOf(message), this.ledger.merges);
  }

  /** Once it is committed a denial is with every number that the person had, where none was merged or parted meanwhile. */
  private isLeftWithAll(message: Message, own: readonly KeptDecision[]): void {
    const place = placeOf(message);
    for (const one of own) {
      const { key, alsoOf = [], status } = one;
      const members = this.ledger.membersOf(this.ledger.survivorOf(key)).filter((other) => other !== key);
      const isStill = this.mergesBefore.get(place) === this.ledger.merges;
      if (isStill && alsoOf.toSorted().join() !== members.toSorted().join())
        this.violated(WHILE_MERGED, `${place} counts for ${alsoOf.join()} too, should be ${members.join()}`);
      if (status !== 'active' || !deniesAnything(one)) continue;
      const left = (this.ledger.decidedFrom.get(place) ?? []).filter(({ saidOf }) => saidOf === key);
      const missing = alsoOf.find((other) => !left.some((copy) => copy.key === other && deniesAnything(copy)));
      if (missing !== undefined) this.violated(WHILE_MERGED, `${place} denies nothing of ${missing}`);
    }
  }

  /** Of whom anything was recorded from a message, itself about whom it is. */
  concernedBy(message: Message): Set<string> {
    const recorded = this.ledger.decidedFrom.get(placeOf(message)) ?? [];
    return new Set([this.keys.patient(message.key), ...recorded.map(({ key }) => key)]);
  }

  /** Once a message is committed all that it says is recorded, or in quarantine; of somebody else only that a permission has ended. */
  committed(message: Message): void {
    const place = placeOf(message);
    const key = this.keys.patient(message.key);
    const recorded = this.ledger.decidedFrom.get(place) ?? [];
    const own = recorded.filter((decision) => decision.key === key);
    this.isLeftWithAll(message, own);
    if (recorded.some((decision) => decision.key !== key && permitsAnything(decision)))
      this.violated(MOVED, `${place} permits something for somebody else`);
    const choices = this.choices(message, key);
    if (
      choices.some(({ expected, isRefused }) => this.fits(own, expected, choices) && (!isRefused || this.quarantined.has(place)))
    )
      return;
    const wanted = choices.map(({ expected, isRefused }) => `${isRefused ? 'quarantine ' : ''}${expected.map(inShort).join()}`);
    const isThere = `${this.quarantined.has(place) ? 'quarantine ' : ''}${own.map((said) => inShort({ said })).join()}`;
    this.violated(RECORDED, `of ${place} there is ${isThere}, should be ${wanted.join(' or ')}`);
  }

  /** A message that is delivered once more under another policy may have more of it recorded then. */
  private fits(
    own: readonly KeptDecision[],
    expected: readonly Expected[],
    choices: readonly { expected: readonly Expected[] }[],
  ) {
    const isOf = (one: KeptDecision, all: readonly Expected[]) =>
      all.some((said) => isAsExpected(one, said, this.hasOthers(one) || this.ledger.isOvertaken(one)));
    const authorities = own.map(({ authority }) => authority);
    if (new Set(authorities).size < own.length || !expected.every(({ said }) => authorities.includes(said.authority)))
      return false;
    return own.every((one) => isOf(one, expected)) || own.every((one) => choices.some((other) => isOf(one, other.expected)));
  }

  /** What may have become of a message: under which policy it was looked at is not known. */
  private choices(message: Message, key: string): { readonly expected: readonly Expected[]; readonly isRefused: boolean }[] {
    const reading = simReader.decision(message);
    if (!reading.ok) {
      const said = reading.unread?.decision;
      return [{ expected: said === undefined ? [] : [{ said, deniesOnly: false, unread: true }], isRefused: true }];
    }
    const { decisions, isVetted } = reading.event;
    const asSaid = (said: NewDecision): Expected => ({ said, deniesOnly: false, unread: false });
    const [first] = decisions;
    if (first === undefined) return [];
    const before = (this.ledger.decisions.get(key) ?? []).find(
      ({ id, source, unread, saidOf, coordinates: { offset } }) =>
        !unread && saidOf === undefined && id === first.id && source === first.source && offset < message.offset,
    );
    if (before !== undefined && before.digest === first.digest) return [{ expected: [], isRefused: false }];
    return this.ledger.policies.map(({ policy }) => {
      if (before !== undefined) return { expected: closedByConflict(decisions, isVetted, policy), isRefused: true };
      const expected = isVetted ? decisions.map(asSaid) : mayBeRecorded(decisions, policy);
      return { expected, isRefused: expected.length === 0 };
    });
  }

  private hasOthers({ key, source, consentId }: KeptDecision): boolean {
    return this.ledger.wasElsewhere(source, consentId, key);
  }

  private versionsOf(source: string, consentId: string): KeptDecision[] {
    return [...this.ledger.decisions.values()]
      .flat()
      .filter((decision) => decision.source === source && decision.consentId === consentId && !decision.unread);
  }

  /** Once everything is at rest, a permission is where the latest version of its Consent says; denials stay where they were made. */
  permissionsMoved(subjectOf: (decision: KeptDecision) => string): void {
    for (const one of [...this.ledger.decisions.values()].flat()) {
      if (one.unread === true || one.status === 'withdrawn' || subjectOf(one) !== one.key || !permitsAnything(one)) continue;
      const versions = this.versionsOf(one.source, one.consentId);
      const others = versions.filter((other) => other.key !== one.key && subjectOf(other) === other.key);
      const isOvertaken = others.some((other) => isVersionLater(other, one, other.receivedAt > one.receivedAt));
      const own = versions.filter(({ key, id, saidOf }) => key === one.key && id !== one.id && saidOf === undefined);
      const isOver = own.some((next) => isVersionLater(next, one, next.position > one.position));
      const hasEnded = own.some(
        (end) => end.position > one.position && end.authority === one.authority && subjectOf(end) !== one.key,
      );
      const { source, consentId, key } = one;
      if (isOvertaken && !hasEnded && !isOver)
        this.violated(MOVED, `${source} ${consentId} is about somebody else now, and still permits for ${key}`);
      // What ended is the latest of the authority, which need not be this one: three versions may each be later than the next.
      const permissions = [one, ...own].filter(
        (other) => other.authority === one.authority && subjectOf(other) === other.key && permitsAnything(other),
      );
      const mayBe = permissions.some((permission) =>
        others.some((other) => isVersionLater(other, permission, other.receivedAt >= permission.receivedAt)),
      );
      if (hasEnded && !mayBe) this.violated(MOVED, `${source} ${consentId} was ended for ${key}, and is about nobody else`);
    }
  }
}

const inShort = ({ said }: { readonly said: Expected['said'] }): string =>
  `${said.unread === true ? 'unread ' : ''}${said.status} ${said.authority} ${said.id} ${JSON.stringify(said.provision)}`;
