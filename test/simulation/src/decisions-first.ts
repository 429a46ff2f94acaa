import { BEYOND_INDIVIDUAL_CARE, type Projection } from '@weft/domain';
import { CONSENT_TOPIC, type Keys, type Message } from '@weft/processing';
import { simReader } from '@weft/testing';
import { listed, placeOf, type Ledger } from './ledger.js';
import { isSaid } from './naive.js';
import { ownIdOf } from './naive-limits.js';
import { foundOnce } from './once.js';
import type { Violated } from './basis-checks.js';

const decisionIn = foundOnce((message: Message) => simReader.decision(message));

interface Sent {
  readonly message: Message;
  readonly nth: number;
}

/** An entry is shared once every decision is read that was durable before it. */
export class DecisionsFirst {
  /** How many messages were published. */
  private nth = 0;
  private readonly sentAs = new Map<string, number>();
  /** Messages of the consent topic that are not dealt with, by whom they are about. */
  private readonly unread = new Map<string, Sent[]>();
  /** Numbers of which individual care was shown what had waited for long. */
  private readonly waited = new Set<string>();

  constructor(
    private readonly ledger: Ledger,
    private readonly violated: Violated,
    private readonly quarantined: ReadonlySet<string>,
    private readonly keys: Keys,
  ) {}

  published(message: Message): void {
    this.nth += 1;
    this.sentAs.set(placeOf(message), this.nth);
    if (message.topic === CONSENT_TOPIC) listed(this.unread, this.keys.patient(message.key)).push({ message, nth: this.nth });
  }

  /** The store was put back: these messages, in their order, are to be read again. */
  storePutBack(lost: readonly Message[]): void {
    this.waited.clear();
    this.unread.clear();
    for (const message of lost)
      listed(this.unread, this.keys.patient(message.key)).push({ message, nth: this.sentAs.get(placeOf(message)) as number });
  }

  committed({ key, offset }: Message): void {
    const patient = this.keys.patient(key);
    this.unread.set(
      patient,
      (this.unread.get(patient) ?? []).filter(({ message }) => message.offset !== offset),
    );
  }

  hasWaited(key: string): void {
    this.waited.add(key);
  }

  /** Entries, by their ids as the purpose has them, are shared of a number that is a person of its own. */
  areShared(key: string, projection: Projection, ids: () => Iterable<string>): void {
    const unread = (this.unread.get(key) ?? []).filter((sent) => !this.isDealtWith(key, sent));
    this.unread.set(key, unread);
    if (unread.length === 0 || this.ledger.membersOf(this.ledger.survivorOf(key)).length > 1) return;
    if (this.waited.has(key) && !BEYOND_INDIVIDUAL_CARE.some((purpose) => purpose === projection.purpose)) return;
    const naming = this.ledger.naming(projection, key);
    const events = (this.ledger.events.get(key) ?? []).filter(isSaid);
    for (const id of ids()) {
      const [event, ...others] = events.filter((one) => projection.entryId(ownIdOf(one), naming) === id);
      // Of several versions it is for others to say which is in force.
      if (event === undefined || others.length > 0) continue;
      const sentAs = this.sentAs.get(placeOf(event.coordinates)) as number;
      const before = unread.find(({ nth }) => nth < sentAs);
      if (before !== undefined)
        this.violated(
          'decisions first',
          `${projection.purpose} of ${key} shares ${id}, and ${placeOf(before.message)} is not read`,
        );
    }
  }

  private isDealtWith(key: string, { message }: Sent): boolean {
    const place = placeOf(message);
    if (this.quarantined.has(place) || this.ledger.decidedFrom.has(place)) return true;
    const reading = decisionIn(message);
    const known = this.ledger.decisions.get(key) ?? [];
    // The same decision sent again says nothing new.
    return (
      reading.ok && reading.event.decisions.every(({ source, id }) => known.some((one) => one.source === source && one.id === id))
    );
  }
}
