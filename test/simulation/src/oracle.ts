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
import { Clocks } from './clocks.js';
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
  readonly told: Told;
  readonly views: ViewChecks;
  readonly consents: ConsentChecks;
  private readonly claims: Claims;
  private readonly homes: HomeChecks;
  private readonly tellings: TellingChecks;
  private readonly first: DecisionsFirst;
  readonly moves: MoveChecks;
  private readonly clocks: Clocks;
  readonly keys: readonly string[];
  /** Places of refused messages, and names of the events in them. */
  readonly quarantined = new Set<string>();
  private readonly patients: RegExp;
  private readonly acceptedFrom = new Map<string, string>();
  private readonly lastOffsets = new Map<string, number>();
  private readonly committedUpTo = new Map<string, number>();
  /** Partitions of which the store does not have all that their groups have passed, since it was put back, and up to where these have. */
  private readonly behind = new Map<string, number>();
  /** Decisions that are obeyed in every view, with the place up to which it must be published until the topics obey them too. */
  private readonly obeyed: {
    readonly key: string;
    readonly place: number;
    readonly isObeyed: (decision: KeptDecision) => boolean;
  }[] = [];
  /** Numbers of which something was written since the publisher last said how far it is. */
  private readonly unpublished = new Set<string>();
  /** The number whose stream lost events; and until a replay, that whom policies and dates may have passed by meanwhile. */
  private damagedKey: string | null = null;
  private passedBy: string | null = null;
  /** What the store had at an earlier moment is gone through once more: it was looked at then. */
  private isRemembering = false;

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
    this.told = new Told(violated);
    this.clocks = new Clocks(
      () => world.scheduler.now,
      () => world.bus.hasBrokers,
    );
    this.views = new ViewChecks(this.ledger, this.told, this.clocks, violated, run, world.keys);
    this.consents = new ConsentChecks(this.ledger, violated, this.quarantined, world.keys);
    this.claims = new Claims(this.ledger, world.keys, violated);
    this.moves = new MoveChecks(this.ledger, violated, () => world.scheduler.now);
    this.homes = new HomeChecks(this.ledger, violated, world.keys);
    this.tellings = new TellingChecks(this.ledger, world, run, this.clocks, violated);
    this.first = new DecisionsFirst(this.ledger, violated, this.quarantined, world.keys);
    world.store.observer = (event) => this.stored(event);
    world.bus.observer = {
      published: (message) => this.published(message),
      committed: (group, { topic, index }, before, next) => this.committed(group, topic, index, Math.max(0, before), next),
    };
  }

  violated(invariant: string, detail: string): void {
    if (this.isRemembering) return;
    this.history.noteViolation(invariant);
    if (this.violations.length < MOST_VIOLATIONS)
      this.violations.push({
        invariant,
        step: this.world.scheduler.steps,
        detail: detail.replaceAll(new RegExp(this.patients, 'g'), '<number>'),
      });
  }

  /** The store is what it was at an earlier moment, and so is what was seen of it. What the bus has is there, and is to be read again. */
  storePutBack(): void {
    const { store, bus } = this.world;
    this.ledger.forget();
    this.views.storePutBack();
    this.told.storePutBack();
    this.homes.storePutBack(store.size);
    this.clocks.storePutBack(store.size);
    for (const map of [this.acceptedFrom, this.lastOffsets, this.unpublished, this.behind]) map.clear();
    this.obeyed.length = 0;
    this.isRemembering = true;
    for (const event of store.scan(0, undefined, store.size).events) this.stored(event);
    const lost: Message[] = [];
    for (const topic of this.inboundTopics) {
      for (const { partition, high } of bus.offsets(topic)) {
        const name = `${topic}/${partition}`;
        const [mark, committed] = [this.ledger.marks.get(name) ?? 0, this.committedUpTo.get(name) ?? 0];
        const messages = bus.read(topic, partition, 0, Math.max(1, high));
        for (const message of messages) {
          if (message.offset >= mark) this.quarantined.delete(placeOf(message));
          else if (topic !== CONSENT_TOPIC) this.isDealtWith(message);
        }
        if (topic === CONSENT_TOPIC) lost.push(...messages.filter(({ offset }) => offset >= mark));
        if (mark < committed) this.behind.set(name, committed);
      }
    }
    this.first.storePutBack(lost);
    this.isRemembering = false;
  }

  /** Topics of changes hold what they held at an earlier moment. Once everything is told anew all must be there again. */
  topicsPutBack(topics: readonly string[]): void {
    this.told.topicsPutBack(topics.flatMap((topic) => this.world.bus.messages(topic)));
    for (const key of this.ledger.lastAt.keys()) this.unpublished.add(key);
  }

  /** Whether the store has yet to be given again what was read before it was put back. */
  private isBehind(): boolean {
    for (const [name, until] of this.behind) if ((this.ledger.marks.get(name) ?? 0) >= until) this.behind.delete(name);
    return this.behind.size > 0;
  }

  private stored(event: StoredEvent): void {
    const { stream, type, data } = event;
    if (!this.isRemembering) {
      this.history.stored(event);
      this.tellings.stored(event);
      this.clocks.stored(event);
    }
    if (stream.startsWith('mark-')) return this.marked(event);
    this.ledger.take(event);
    if (this.patients.test(stream)) this.violated('nobody is named', `a stream's name is ${stream}`);
    const key = stream.slice(stream.indexOf('-') + 1);
    if (stream.startsWith('careRecord-')) {
      if (type.startsWith('decision-')) this.decided(stream, this.ledger.decisions.get(key)?.at(-1) as KeptDecision);
      else if (/^(number|merge)-/.test(type)) this.moved(key, { ...(JSON.parse(textOf(data)) as object), type } as IdentityEvent);
      else if (type === 'entry-placed-1')
        this.moves.placed(this.ledger.events.get(key)?.at(-1) as Parameters<MoveChecks['placed']>[0]);
      else if (!/^(death|views)-/.test(type)) this.accepted(stream, this.ledger.events.get(key)?.at(-1) as KeptEvent);
      this.unpublished.add(key);
      if (type === 'views-waited-1') this.first.hasWaited(key);
      if (this.isRemembering) return;
      this.views.grew(key, event.revision);
      this.views.bases.stored(key, event);
      for (const [projection, ids] of this.views.included(key)) this.first.areShared(key, projection, ids);
    } else if (type === 'policy-applied-1') {
      this.views.policyApplied((JSON.parse(textOf(data)) as { version: number }).version);
      if (this.isRemembering) return;
      const settled = this.settledOf(this.keys);
      this.areInLine(settled);
      for (const key of settled) this.views.policyIsObeyed(key, this.world.scheduler.now);
    } else if (/^(published|epoch-noted)-1$/.test(type) && !this.isRemembering) this.arePublished();
  }

  /** What a group had passed of a store that was put back is read again once the mark is behind it: from then on it is obeyed as before. */
  private marked(event: StoredEvent): void {
    const name = event.stream.slice('mark-'.length).replace(/-(?=\d+$)/, '/');
    const before = this.ledger.marks.get(name) ?? 0;
    this.ledger.take(event);
    const until = Math.min(this.ledger.marks.get(name) as number, this.behind.get(name) ?? 0);
    if (until <= before || this.isRemembering) return;
    const slash = name.lastIndexOf('/');
    const [topic, partition] = [name.slice(0, slash), Number(name.slice(slash + 1))];
    this.areDealtWith(
      topic === CONSENT_TOPIC ? OPT_OUT_PROJECTOR_GROUP : RECORD_PROJECTOR_GROUP,
      topic,
      partition,
      before,
      until,
    );
  }

  /** The publisher has passed a place: the topics obey every decision before it, and are whole for whom nothing is behind it. */
  private arePublished(): void {
    const { publishedUpTo, epoch } = this.ledger;
    // Until all is told anew the topics may hold what the store does not know.
    if (epoch.state !== 'told') return;
    // Of a merge that is yet to be published the topics do not know whose decisions count.
    const isMoved = (key: string): boolean =>
      this.ledger.membersOf(this.ledger.survivorOf(key)).some((member) => this.ledger.hasMovedSince(member, publishedUpTo + 1));
    for (const one of this.obeyed.filter(({ place, key }) => place <= publishedUpTo && !isMoved(key))) {
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
    const { source, id, consentId, authority, unread, coordinates, key, follows } = decision;
    // What came with an entry is no decision of its message's own, not even back with whom that was about.
    if (follows !== undefined || this.subjectOf(decision) !== key) return;
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
      if (this.isBehind()) this.violated('nothing is told while the store catches up', `a message of ${message.topic}`);
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
    this.committedUpTo.set(`${topic}/${partition}`, next);
    this.areDealtWith(group, topic, partition, before, next);
  }

  private areDealtWith(group: string, topic: string, partition: number, before: number, next: number): void {
    const messages = this.world.bus.read(topic, partition, before, Math.max(1, next - before));
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
    const name = `${topic}/${partition}`;
    // A store that was put back may not have what was committed.
    return offset < (this.committedUpTo.get(name) ?? 0) && offset < (this.ledger.marks.get(name) ?? 0);
  }

  private settledOf(keys: Iterable<string>): string[] {
    return [...keys].filter((key) => this.hasSettled(key) && !this.isOfPerson(this.passedBy, key));
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

  damaged(key: string): void {
    this.damagedKey = this.passedBy = key;
  }

  mended(): void {
    this.damagedKey = null;
  }

  replayed(): void {
    this.passedBy = null;
  }

  /** Whether a number is one of those of the person behind a key. */
  private isOfPerson(number: string | null, key: string): boolean {
    return number !== null && this.ledger.membersOf(this.ledger.survivorOf(key)).includes(number);
  }

  /** Whether events of the person behind a key are lost, one of which may have been an objection. */
  private isDamaged(key: string): boolean {
    return this.isOfPerson(this.damagedKey, key);
  }

  isClosed(key: string, by: string): void {
    // A number that was another's is looked at for it.
    const wereOne = this.ledger.hasMovedSince(key, 0) && this.ledger.hasMovedSince(by, 0);
    if (by !== this.damagedKey || (!this.isDamaged(key) && !wereOne))
      this.violated('nobody else is closed', `${key} is, by ${by}`);
  }

  reading(key: string, projection: Projection, clockMs: number) {
    const { ledger, world } = this;
    const received = this.clocks.closesFrom(world.scheduler.now);
    const begun = { position: world.store.size, merges: ledger.merges, at: clockMs, received, settled: this.hasSettled(key) };
    const isRead = this.views.reading(key, projection, begun);
    const isBehind = this.isBehind();
    return (found: FoundRecord, endedAt: number): void => {
      if (this.isDamaged(key)) this.violated('a damaged record is closed', `${projection.purpose} of ${key} was read`);
      if (isBehind) this.violated('nobody is answered while the store catches up', `${projection.purpose} of ${key} was read`);
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
