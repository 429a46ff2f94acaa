import { eventKey, type Coordinates, type IdentityEvent, type Projection, type RecordedCareEvent } from '@weft/domain';
import {
  CARE_EVENTS_PREFIX,
  CONSENT_TOPIC,
  type Message,
  OPT_OUT_PROJECTOR_GROUP,
  QUARANTINE_TOPIC,
  RECORD_PROJECTOR_GROUP,
  type StoredEvent,
  textOf,
  type FoundRecord,
} from '@weft/processing';
import { simReader, type SmallRegion, type World } from '@weft/testing';
import { Claims } from './claims.js';
import { History } from './history.js';
import { HomeChecks } from './home-checks.js';
import { ConsentChecks } from './consent-checks.js';
import { DecisionsFirst } from './decisions-first.js';
import { Ledger, placeOf, type KeptDecision, type KeptEvent } from './ledger.js';
import { MoveChecks } from './move-checks.js';
import { permitsAnything } from './naive-decisions.js';
import { closedByConflict, mayBeRecorded } from './naive-sift.js';
import type { Watcher } from './region-run.js';
import { TellingChecks } from './telling-checks.js';
import { Told } from './told.js';
import { ViewChecks, type Projected } from './view-checks.js';

/** One broken guarantee, with the step at which it showed. */
export interface Violation {
  readonly invariant: string;
  readonly step: number;
  readonly detail: string;
}

const MOST_VIOLATIONS = 20;

const isMerging = ({ type }: RecordedCareEvent): boolean => type === 'patient-merged-1' || type === 'patient-unmerged-1';

/** Watches everything that becomes durable, and says at once what must never be so. */
export class Oracle implements Watcher {
  readonly violations: Violation[] = [];
  readonly ledger: Ledger;
  readonly told = new Told();
  readonly views: ViewChecks;
  readonly consents: ConsentChecks;
  private readonly claims: Claims;
  private readonly homes: HomeChecks;
  private readonly tellings: TellingChecks;
  private readonly first: DecisionsFirst;
  readonly moves: MoveChecks;
  readonly keys: readonly string[];
  /** Places of refused messages, and names of the events in them. */
  readonly quarantined = new Set<string>();
  private readonly patients: RegExp;
  private readonly acceptedFrom = new Map<string, string>();
  private readonly lastOffsets = new Map<string, number>();
  private readonly committedUpTo = new Map<string, number>();
  /** Decisions that are obeyed in every view, with the place up to which it must be published until the topics obey them too. */
  private readonly obeyed: {
    readonly key: string;
    readonly place: number;
    readonly isObeyed: (decision: KeptDecision) => boolean;
  }[] = [];
  /** Numbers of which something was written since the publisher last said how far it is. */
  private readonly unpublished = new Set<string>();

  constructor(
    private readonly world: World,
    run: Projected & { readonly region: SmallRegion },
    readonly history: History,
  ) {
    const { patients } = run.region;
    this.ledger = new Ledger(world.keys, new Map(patients.map((patient) => [world.keys.patient(patient), patient])));
    this.keys = patients.map((patient) => world.keys.patient(patient));
    this.patients = new RegExp(patients.join('|'));
    const violated = (invariant: string, detail: string): void => this.violated(invariant, detail);
    this.views = new ViewChecks(this.ledger, this.told, violated, run, world.keys);
    this.consents = new ConsentChecks(this.ledger, violated, this.quarantined, world.keys);
    this.claims = new Claims(this.ledger, world.keys, violated);
    this.moves = new MoveChecks(this.ledger, violated, () => world.scheduler.now);
    this.homes = new HomeChecks(this.ledger, violated, world.keys);
    this.tellings = new TellingChecks(this.ledger, world, run, violated);
    this.first = new DecisionsFirst(this.ledger, violated, this.quarantined, world.keys);
    world.store.observer = (event) => this.stored(event);
    world.bus.observer = {
      published: (message) => this.published(message),
      committed: (group, { topic, index }, before, next) => this.committed(group, topic, index, Math.max(0, before), next),
    };
  }

  violated(invariant: string, detail: string): void {
    this.history.noteViolation(invariant);
    if (this.violations.length < MOST_VIOLATIONS)
      this.violations.push({
        invariant,
        step: this.world.scheduler.steps,
        detail: detail.replaceAll(new RegExp(this.patients, 'g'), '<number>'),
      });
  }

  private stored(event: StoredEvent): void {
    const { stream, type, data } = event;
    this.history.stored(event);
    this.ledger.take(event);
    this.tellings.stored(event);
    if (this.patients.test(stream)) this.violated('nobody is named', `a stream's name is ${stream}`);
    const key = stream.slice(stream.indexOf('-') + 1);
    if (stream.startsWith('careRecord-')) {
      if (type.startsWith('decision-')) this.decided(stream, this.ledger.decisions.get(key)?.at(-1) as KeptDecision);
      else if (/^(number|merge)-/.test(type)) this.moved(key, { ...(JSON.parse(textOf(data)) as object), type } as IdentityEvent);
      else if (type === 'entry-placed-1')
        this.moves.placed(this.ledger.events.get(key)?.at(-1) as Parameters<MoveChecks['placed']>[0]);
      else if (!/^(death|views)-/.test(type)) this.accepted(stream, this.ledger.events.get(key)?.at(-1) as KeptEvent);
      this.views.grew(key, event.revision);
      this.views.bases.stored(key, event);
      if (type === 'views-waited-1') this.first.hasWaited(key);
      for (const [projection, ids] of this.views.included(key)) this.first.areShared(key, projection, ids);
      this.unpublished.add(key);
    } else if (type === 'policy-applied-1') {
      this.views.policyApplied((JSON.parse(textOf(data)) as { version: number }).version);
      const settled = this.settledOf(this.keys);
      this.areInLine(settled);
      for (const key of settled) this.views.policyIsObeyed(key, this.world.scheduler.now);
    } else if (type === 'published-1') this.arePublished();
  }

  /** The publisher has passed a place: the topics obey every decision before it, and are whole for whom nothing is behind it. */
  private arePublished(): void {
    const { publishedUpTo } = this.ledger;
    for (const one of this.obeyed.filter(({ place }) => place <= publishedUpTo)) {
      this.obeyed.splice(this.obeyed.indexOf(one), 1);
      this.views.isObeyedByTopics(one.key, this.world.scheduler.now, one.isObeyed);
    }
    const keys = [...this.unpublished];
    this.unpublished.clear();
    for (const key of keys) {
      if ((this.ledger.lastAt.get(key) ?? -1) > this.ledger.publishedUpTo) this.unpublished.add(key);
    }
    for (const key of this.settledOf(keys)) this.views.isTold(key);
  }

  private accepted(stream: string, event: KeptEvent): void {
    // A claim is no event of its own: that comes by and by.
    if (event.entries !== undefined) return;
    const name = `${stream} ${eventKey(event)}`;
    const place = placeOf(event.coordinates);
    if (this.acceptedFrom.has(name)) this.violated('accepted once', `${name} again from ${place}`);
    this.acceptedFrom.set(name, place);
    if (this.quarantined.has(place)) return this.violated('a refusal stands', `${place} is in quarantine, and in ${stream}`);
    if (isMerging(event) && !this.ledger.mergedBy.has(eventKey(event)))
      this.violated('a merge is decided once', `${name} was recorded, and never came about`);
    if (event.type.startsWith('patient-d')) this.claims.died(stream.slice('careRecord-'.length), event);
    // What is said of two numbers comes by two partitions, or by chance by one.
    this.inOrder(`${stream} ${event.saidOf ?? ''}`, event.coordinates, 'once');
    const reading = simReader.careEvent(this.messageAt(event.coordinates));
    this.homes.stored(event, reading.ok ? reading.event : undefined);
  }

  private inOrder(stream: string, { topic, partition, offset }: Coordinates, how: 'once' | 'several'): void {
    const lane = `${stream} ${topic}/${partition}`;
    const last = this.lastOffsets.get(lane) ?? -1;
    if (offset < last || (how === 'once' && offset === last)) this.violated('order kept', `${lane}: ${offset} after ${last}`);
    this.lastOffsets.set(lane, offset);
  }

  /** What one message says of its own subject; of somebody else it says that a permission has ended, as often as it likes. */
  private decided(stream: string, decision: KeptDecision): void {
    const { source, id, consentId, authority, unread, coordinates, key } = decision;
    if (this.subjectOf(decision) !== key) return;
    const place = placeOf(coordinates);
    const name = `${stream} ${unread === true ? `unread ${consentId}` : `${source} ${id}`} ${authority}`;
    if (this.acceptedFrom.has(name)) this.violated('accepted once', `${name} again from ${place}`);
    this.acceptedFrom.set(name, place);
    if (this.isForThePolicyToSay(decision)) return this.liftsNothingLater(stream, decision);
    if (this.quarantined.has(place) && unread !== true)
      this.violated('a refusal stands', `${place} is in quarantine, and in ${stream}`);
    this.inOrder(stream, coordinates, 'several');
  }

  /** What comes again under another policy, behind a version of its Consent that came later, takes nothing of that away. */
  private liftsNothingLater(stream: string, decision: KeptDecision): void {
    const lifts = decision.status === 'active' && (permitsAnything(decision) || decision.liftsNothing !== true);
    if (lifts && this.ledger.isOvertaken(decision))
      this.violated('order kept', `${stream}: ${placeOf(decision.coordinates)} after a later version`);
  }

  /** Whom the message is about that a decision came from. */
  subjectOf({ coordinates }: KeptDecision): string {
    return this.world.keys.patient(this.messageAt(coordinates).key);
  }

  private messageAt({ topic, partition, offset }: Coordinates): Message {
    return this.world.bus.read(topic, partition, offset, 1)[0] as Message;
  }

  /** A message that was refused, or as a conflict closed nothing, under one policy may be delivered once more under the next. */
  private isForThePolicyToSay({ coordinates, unread }: KeptDecision): boolean {
    const reading = simReader.decision(this.messageAt(coordinates));
    if (!reading.ok || reading.event.isVetted) return false;
    const { decisions } = reading.event;
    const outcomes = this.ledger.policies.map(({ policy }) => {
      const expected = unread === true ? closedByConflict(decisions, false, policy) : mayBeRecorded(decisions, policy);
      return JSON.stringify(expected.map(({ said, deniesOnly }) => [said.authority, deniesOnly]));
    });
    return new Set(outcomes).size > 1;
  }

  private moved(key: string, event: IdentityEvent): void {
    const { supersededBy, absorbed } = this.ledger.identity(key);
    this.views.moving.take(key, event, [...absorbed, ...(supersededBy === null ? [] : [supersededBy])]);
    const reading = 'coordinates' in event ? simReader.careEvent(this.messageAt(event.coordinates)) : undefined;
    this.claims.moved(key, event, reading?.ok === true ? reading.event : undefined);
  }

  private published(message: Message): void {
    this.history.published(message);
    this.told.take(message);
    this.first.published(message);
    if (message.topic === CONSENT_TOPIC) this.consents.published(message);
    else if (message.topic.startsWith(CARE_EVENTS_PREFIX)) this.homes.published(message, this.world.store.size);
    if (message.topic === QUARANTINE_TOPIC) this.quarantine(message);
    else if (message.topic.startsWith('weft.record-changes.')) {
      this.namesNobody(message);
      this.tellings.published(message);
    }
  }

  private quarantine({ key, value }: Message): void {
    const place = /^(.+)\/(\d+)\/(\d+)$/.exec(key);
    if (value === null || place === null) return;
    this.quarantined.add(key);
    const [from] = this.world.bus.read(place[1] as string, Number(place[2]), Number(place[3]), 1);
    const reading = from === undefined ? undefined : simReader.careEvent(from);
    // One event, however often it was sent: it is enough that one of its messages is there.
    if (from !== undefined && reading?.ok === true) this.quarantined.add(this.nameOf(from, reading.event));
  }

  private namesNobody({ topic, key, headers, value }: Message): void {
    const individual = topic.endsWith('direct-care') || topic.endsWith('care-coordination');
    const text = key + JSON.stringify(headers) + (individual || value === null ? '' : Buffer.from(value).toString());
    if (this.patients.test(text)) this.violated('nobody is named', `a message of ${topic}`);
  }

  nameOf(message: Message, event: { readonly source: string; readonly id: string }): string {
    return `careRecord-${this.world.keys.patient(message.key)} ${eventKey(event)}`;
  }

  private committed(group: string, topic: string, partition: number, before: number, next: number): void {
    this.history.committed(group, `${topic}/${partition}`, next);
    if (group !== RECORD_PROJECTOR_GROUP && group !== OPT_OUT_PROJECTOR_GROUP) return;
    const messages = this.world.bus.read(topic, partition, before, Math.max(1, next - before));
    this.committedUpTo.set(`${topic}/${partition}`, next);
    const concerned = new Set<string>();
    for (const message of messages.filter(({ offset }) => offset < next)) {
      if (group === RECORD_PROJECTOR_GROUP) this.isDealtWith(message);
      else this.isObeyed(message);
      for (const key of this.consents.concernedBy(message)) concerned.add(key);
    }
    this.areInLine(this.settledOf(concerned));
  }

  private areInLine(keys: Iterable<string>): void {
    for (const key of keys) this.views.isInLine(key);
  }

  private isDealtWith(message: Message): void {
    const reading = simReader.careEvent(message);
    const isSomewhere = this.quarantined.has(placeOf(message)) || (reading.ok && this.homes.isRecorded(message, reading.event));
    if (!isSomewhere) this.violated('nothing is dropped', `${placeOf(message)} was committed, and is nowhere`);
    if (!reading.ok || reading.event.survivor === undefined) return;
    const [superseded, survivor] = [message.key, reading.event.survivor].map((number) => this.world.keys.patient(number));
    this.views.moving.committed(superseded as string, survivor as string, eventKey(reading.event));
  }

  private isObeyed(message: Message): void {
    this.consents.committed(message);
    this.first.committed(message);
    // A decision that is not committed may be recorded already, of another member or by an attempt that failed: it need not be obeyed yet.
    for (const key of this.consents.concernedBy(message)) {
      this.views.isObeyed(key, this.world.scheduler.now, ({ coordinates }) => this.isCommitted(coordinates));
      const committed = new Set(
        this.ledger.decisionsOf(this.views.person(key) ?? []).filter(({ coordinates }) => this.isCommitted(coordinates)),
      );
      this.obeyed.push({
        key,
        place: Math.max(-1, ...this.ledger.lastAt.values()),
        isObeyed: (decision) => committed.has(decision),
      });
    }
  }

  private isCommitted({ topic, partition, offset }: Coordinates): boolean {
    return offset < (this.committedUpTo.get(`${topic}/${partition}`) ?? 0);
  }

  private settledOf(keys: Iterable<string>): string[] {
    return [...keys].filter((key) => this.hasSettled(key));
  }

  /** Everything recorded about the person is also committed: nobody is at work on it any more. */
  private hasSettled(key: string): boolean {
    const members = this.views.person(key);
    if (members === null) return false;
    // Whoever placed an entry is done with it once that is published.
    const isCommitted = (one: Pick<KeptEvent, 'position'> & Partial<KeptEvent>): boolean => {
      if ((one.type as string) === 'entry-placed-1') return one.position <= this.ledger.publishedUpTo;
      return one.coordinates === undefined || this.isCommitted(one.coordinates);
    };
    return members.every(
      (member) =>
        (this.ledger.events.get(member) ?? []).every(isCommitted) && (this.ledger.decisions.get(member) ?? []).every(isCommitted),
    );
  }

  reading(key: string, projection: Projection, clockMs: number) {
    const { ledger, world } = this;
    const begun = { position: world.store.size, merges: ledger.merges, at: clockMs, settled: this.hasSettled(key) };
    const isRead = this.views.reading(key, projection, begun);
    return (found: FoundRecord, endedAt: number): void => {
      isRead(found, endedAt);
      const ids = (): string[] => found.record.entries.map(({ id }) => id);
      if (ledger.survivorOf(key) === key) this.first.areShared(key, projection, ids);
    };
  }

  get inboundTopics(): string[] {
    const topics = this.world.bus.topics().map(({ topic }) => topic);
    return topics.filter((topic) => topic === CONSENT_TOPIC || topic.startsWith(CARE_EVENTS_PREFIX));
  }
}
