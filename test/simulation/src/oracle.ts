import {
  PROJECTIONS,
  canonicalJson,
  eventKey,
  withoutArrival,
  type CareEvent,
  type Decision,
  type Projection,
  type Purpose,
  type RecordedCareEvent,
  type ViewEntry,
} from '@weft/domain';
import {
  CARE_EVENTS_PREFIX,
  CONSENT_TOPIC,
  OPT_OUT_PROJECTOR_GROUP,
  QUARANTINE_TOPIC,
  RECORD_PROJECTOR_GROUP,
  readRecord,
  recordChangesTopic,
  verifyViews,
  viewStream,
  type FoundRecord,
  type Message,
  type StoredEvent,
} from '@weft/processing';
import { simReader, type World } from '@weft/testing';
import { boundariesOf, Ledger } from './ledger.js';
import { wiringOf, type RegionRun, type Subscribed, type Watcher } from './region-run.js';

/** One broken guarantee, with the step at which it showed. */
export interface Violation {
  readonly invariant: string;
  readonly step: number;
  readonly detail: string;
}

const placeOf = ({ topic, partition, offset }: { topic: string; partition: number; offset: number }): string =>
  `${topic}/${partition}/${offset}`;

/** Watches everything that becomes durable, and says at once what must never be so; at the end, what must be so then. */
export class Oracle implements Watcher {
  readonly violations: Violation[] = [];
  readonly ledger: Ledger;
  /** Clocks were wrong at times, so a view may have been built for another instant than the true one. */
  clocksWereWrong = false;
  private readonly acceptedFrom = new Map<string, string>();
  private readonly lastOffsets = new Map<string, number>();
  private readonly quarantined = new Set<string>();
  /** Numbers whose merge or unmerge was begun and not yet committed. */
  private readonly moving = new Set<string>();

  constructor(private readonly world: World) {
    this.ledger = new Ledger(world.keys);
    world.store.observer = (event) => this.stored(event);
    world.bus.observer = {
      published: (message) => this.published(message),
      committed: (group, { topic, index }, before, next) => this.committed(group, topic, index, Math.max(0, before), next),
    };
  }

  private violated(invariant: string, detail: string): void {
    if (this.violations.length < 20) this.violations.push({ invariant, step: this.world.scheduler.steps, detail });
  }

  // ------------------------------------------------- as it becomes durable

  private stored(event: StoredEvent): void {
    this.ledger.take(event);
    const { stream, data } = event;
    if (stream.startsWith('careRecord-')) this.accepted(stream, JSON.parse(data) as RecordedCareEvent);
    if (stream.startsWith('consent-')) this.accepted(stream, JSON.parse(data) as RecordedCareEvent);
    if (stream.startsWith('identity-')) this.moved(stream.slice('identity-'.length));
    const kept = this.ledger.views.get(stream);
    if (kept !== undefined) this.viewGrew(stream, kept);
  }

  private accepted(stream: string, event: RecordedCareEvent): void {
    const name = `${stream} ${eventKey(event)}`;
    const { topic, partition, offset } = event.coordinates;
    if (this.acceptedFrom.has(name)) this.violated('accepted once', `${name} again from ${placeOf(event.coordinates)}`);
    this.acceptedFrom.set(name, placeOf(event.coordinates));
    const refused = this.quarantined.has(placeOf(event.coordinates));
    if (refused) this.violated('a refusal stands', `${placeOf(event.coordinates)} is in quarantine, and in ${stream}`);
    const lane = `${stream} ${topic}/${partition}`;
    const last = this.lastOffsets.get(lane) ?? -1;
    if (offset <= last && !refused) this.violated('order kept', `${lane}: ${offset} after ${last}`);
    this.lastOffsets.set(lane, offset);
  }

  private moved(key: string): void {
    this.moving.add(key);
    for (const other of this.ledger.identity(key).absorbed) this.moving.add(other);
    const { supersededBy } = this.ledger.identity(key);
    if (supersededBy !== null) this.moving.add(supersededBy.key);
  }

  /** The fence: once a view was built under a decision, nobody builds it without. */
  private viewGrew(stream: string, kept: NonNullable<ReturnType<Ledger['views']['get']>>): void {
    const { closing } = kept.view;
    const [own] = closing?.basis.consentRevisions ?? [];
    if (own === undefined) return;
    if (own < kept.consentRevision) {
      this.violated('consent never goes back', `${stream} built under ${own} after ${kept.consentRevision}`);
    }
    kept.consentRevision = own;
  }

  private published(message: Message): void {
    if (message.topic !== QUARANTINE_TOPIC || message.value === null) return;
    this.quarantined.add(message.key);
    const place = /^(.+)\/(\d+)\/(\d+)$/.exec(message.key);
    const [from] = place === null ? [] : this.world.bus.read(place[1] as string, Number(place[2]), Number(place[3]), 1);
    const reading = from === undefined ? undefined : simReader.careEvent(from);
    // One event, however often it was sent: it is enough that one of its messages is there.
    if (from !== undefined && reading?.ok === true) this.quarantined.add(this.nameOf(from, reading.event));
  }

  private committed(group: string, topic: string, partition: number, before: number, next: number): void {
    const messages = this.world.bus.read(topic, partition, before, Math.max(1, next - before));
    for (const message of messages.filter(({ offset }) => offset < next)) {
      if (group === RECORD_PROJECTOR_GROUP) this.isDealtWith(message);
      if (group === OPT_OUT_PROJECTOR_GROUP) this.isObeyed(message, next);
    }
  }

  private isDealtWith(message: Message): void {
    const reading = simReader.careEvent(message);
    const inQuarantine = this.quarantined.has(placeOf(message));
    const key = this.world.keys.patient(message.key);
    const name = reading.ok ? this.nameOf(message, reading.event) : '';
    if (!inQuarantine && !this.acceptedFrom.has(name) && !this.quarantined.has(name))
      this.violated('nothing is dropped', `${placeOf(message)} was committed, and is nowhere`);
    if (reading.ok && reading.event.survivor !== undefined) {
      this.moving.delete(key);
      this.moving.delete(this.world.keys.patient(reading.event.survivor));
    }
  }

  private nameOf(message: Message, event: CareEvent): string {
    return `careRecord-${this.world.keys.patient(message.key)} ${eventKey(event)}`;
  }

  /** Whoever waits for this offset is told that the decision is obeyed: it must be, in every view. */
  private isObeyed(message: Message, next: number): void {
    const reading = simReader.decision(message);
    const key = this.world.keys.patient(message.key);
    if (!reading.ok) {
      if (!this.quarantined.has(placeOf(message))) this.violated('nothing is dropped', `${placeOf(message)} is nowhere`);
      return;
    }
    const { decision } = reading.event;
    if (!this.acceptedFrom.has(`consent-${key} ${eventKey(decision)}`)) {
      this.violated('nothing is dropped', `${placeOf(message)} was committed, and is no decision of anybody`);
    }
    const survivor = this.ledger.survivorOf(key);
    const members = this.ledger.membersOf(survivor);
    if (!members.includes(key) || members.some((member) => this.moving.has(member))) return;
    for (const projection of PROJECTIONS) this.holdsNothingForbidden(survivor, members, projection, message, next);
  }

  private holdsNothingForbidden(
    survivor: string,
    members: readonly string[],
    projection: Projection,
    { topic, partition }: Message,
    next: number,
  ): void {
    const { ledger, world } = this;
    const stream = viewStream(projection, world.keys.view(projection.purpose, survivor));
    const kept = ledger.views.get(stream);
    if (kept === undefined) return;
    const decisions = ledger.decisionsOf(members);
    const versions = ledger.versionsByViewId(members, projection);
    // A decision behind this offset may be recorded already by an attempt that failed: it need not be obeyed yet.
    const soFar = decisions.filter(({ coordinates: at }) => at.topic !== topic || at.partition !== partition || at.offset < next);
    const states = ledger.policies.flatMap((policy) => [decisions, soFar].map((known) => ({ decisions: known, policy })));
    const instants = [world.scheduler.now, ...boundariesOf(decisions)];
    for (const id of kept.view.entries.keys()) {
      if (ledger.isForbidden(versions.get(id) ?? [], projection.purpose, states, instants)) {
        this.violated('obeyed once committed', `${stream} still holds ${id}`);
      }
    }
  }

  // ------------------------------------------------------------ on each read

  reading(key: string, purpose: Purpose, clockMs: number): (found: FoundRecord, clockMs: number) => void {
    const { ledger, world } = this;
    const begun = { position: world.store.size, merges: ledger.merges };
    return (found, endedMs) => {
      if (ledger.merges !== begun.merges) return;
      const members = ledger.membersOf(ledger.survivorOf(key));
      const states = this.statesBetween(members, begun.position);
      const decisions = ledger.decisionsOf(members);
      const boundaries = boundariesOf(decisions);
      const within = boundaries.filter((at) => at >= clockMs && at <= endedMs);
      const instants = [clockMs, endedMs, ...(this.clocksWereWrong ? boundaries : within)];
      const projection = PROJECTIONS.find((one) => one.purpose === purpose) as Projection;
      const versions = ledger.versionsByViewId(members, projection);
      for (const { id } of found.record.entries) {
        if (ledger.isForbidden(versions.get(id) ?? [], purpose, states, instants)) {
          this.violated('nothing forbidden is read', `${purpose} ${found.fromView ? 'view' : 'record'} served ${id}`);
        }
      }
    };
  }

  /** Decisions and policy as they stood at any moment since a position. */
  private statesBetween(members: readonly string[], position: number) {
    const { ledger } = this;
    const moments = [position];
    for (const { position: at } of ledger.decisionsOf(members)) if (at >= position) moments.push(at + 1);
    for (const { position: at } of ledger.policies) if (at >= position) moments.push(at + 1);
    return moments.map((before) => {
      const policy = ledger.policies.filter((adopted) => adopted.position < before).at(-1) ?? ledger.policies[0];
      return { decisions: ledger.decisionsOf(members, before), policy: policy as NonNullable<typeof policy> };
    });
  }

  // -------------------------------------------------------------- at the end

  /** When everything has come to rest, every boundary has passed and every clock is right. */
  async checkTheEnd(run: RegionRun): Promise<void> {
    const wiring = wiringOf(this.world.directly());
    const { differing } = await verifyViews(wiring, { patience: 1 });
    for (const one of differing) this.violated('rebuilt equals incremental', JSON.stringify(one));
    const now = wiring.clock.now();
    const keys = run.region.patients.map((patient) => wiring.keys.patient(patient));
    const sent = run.rates.merge === 0 ? this.sentTo() : undefined;
    for (const key of keys) {
      for (const projection of PROJECTIONS) {
        const expected = this.ledger.expectedView(key, projection, now, sent?.events(key), sent?.decisions(key));
        this.compareView(key, projection, expected);
        this.compareTopic(key, projection, expected, run.subscribers.get(projection.purpose));
        if (this.ledger.identity(key).supersededBy !== null) continue;
        const { record } = await readRecord(wiring, key, projection.purpose);
        const served = new Map(record.entries.map((entry) => [entry.id, entry]));
        this.same('the record read is the record', `${projection.purpose} of ${key}`, served, expected);
      }
    }
    this.nothingNamesAnybody(run);
  }

  private compareView(key: string, projection: Projection, expected: ReadonlyMap<string, ViewEntry>): void {
    const stream = viewStream(projection, this.world.keys.view(projection.purpose, key));
    const stored = this.ledger.views.get(stream)?.view.entries ?? new Map<string, ViewEntry>();
    this.same('the view is what was sent', stream, stored, expected);
  }

  /** The last message of each key, and what a subscriber made of all of them, are the view. */
  private compareTopic(
    key: string,
    projection: Projection,
    expected: ReadonlyMap<string, ViewEntry>,
    subscribed: Subscribed | undefined,
  ): void {
    const { keys, bus } = this.world;
    const viewKey = keys.view(projection.purpose, key);
    const nameOf = (id: string): string => (projection.identifies ? keys.pseudonym(projection.purpose, id) : id);
    const names = new Map([...expected].map(([id, entry]) => [`${viewKey}.${nameOf(id)}`, entry]));
    const last = new Map<string, ViewEntry>();
    for (const message of bus.messages(recordChangesTopic(projection.purpose))) {
      if (!message.key.startsWith(`${viewKey}.`)) continue;
      if (message.value === null) last.delete(message.key);
      else last.set(message.key, JSON.parse(Buffer.from(message.value).toString()) as ViewEntry);
    }
    this.same('the topic is the view', `${projection.purpose} of ${viewKey}`, last, names);
    if (subscribed === undefined) return;
    const heard = new Map<string, ViewEntry>();
    for (const [name, { entry }] of subscribed) {
      if (entry !== undefined && name.startsWith(`${viewKey}.`)) heard.set(name, JSON.parse(entry) as ViewEntry);
    }
    this.same('the subscriber has the view', `${projection.purpose} of ${viewKey}`, heard, names);
  }

  private same(
    invariant: string,
    where: string,
    actual: ReadonlyMap<string, ViewEntry>,
    expected: ReadonlyMap<string, ViewEntry>,
  ): void {
    const text = (entry: ViewEntry | undefined): string =>
      entry === undefined ? 'nothing' : canonicalJson(withoutArrival(entry));
    for (const id of new Set([...actual.keys(), ...expected.keys()])) {
      const [is, shouldBe] = [text(actual.get(id)), text(expected.get(id))];
      if (is !== shouldBe) this.violated(invariant, `${where}, ${id}: is ${is}, should be ${shouldBe}`);
    }
  }

  /** Records and decisions as the topics alone tell them, first come first kept: what no crash, delay or duplicate may change. */
  private sentTo(): { events(key: string): (member: string) => RecordedCareEvent[]; decisions(key: string): Decision[] } {
    const { bus, keys } = this.world;
    const events = new Map<string, RecordedCareEvent[]>();
    const decisions = new Map<string, Decision[]>();
    const seen = new Set<string>();
    const isNew = (key: string, event: { source: string; id: string }): boolean => {
      const name = `${key} ${eventKey(event)}`;
      return !seen.has(name) && seen.add(name) !== undefined;
    };
    for (const { topic } of bus.topics()) {
      if (topic !== CONSENT_TOPIC && !topic.startsWith(CARE_EVENTS_PREFIX)) continue;
      for (const message of bus.messages(topic)) {
        const key = keys.patient(message.key);
        const [care, consent] = [simReader.careEvent(message), simReader.decision(message)];
        if (topic === CONSENT_TOPIC && consent.ok && isNew(key, consent.event.decision)) {
          put(decisions, key, { ...consent.event.decision, recordedAt: '' });
        } else if (topic !== CONSENT_TOPIC && care.ok && !this.isOversized(message, care.event) && isNew(key, care.event)) {
          put(events, key, asRecorded(care.event, message));
        }
      }
    }
    return { events: () => (member) => events.get(member) ?? [], decisions: (key) => decisions.get(key) ?? [] };
  }

  private isOversized(message: Message, event: CareEvent): boolean {
    return (message.value?.byteLength ?? 0) > 900_000 && this.quarantined.has(this.nameOf(message, event));
  }

  private nothingNamesAnybody(run: RegionRun): void {
    const { patients } = run.region;
    const names = (text: string): boolean => patients.some((patient) => text.includes(patient));
    for (const { stream } of this.world.store.readAll({ maxCount: 1_000_000 })) {
      if (names(stream)) this.violated('nobody is named', `stream ${stream.replace(/\d{10}/, '<number>')}`);
    }
    for (const projection of PROJECTIONS) {
      const individual = projection.purpose === 'direct-care' || projection.purpose === 'care-coordination';
      for (const { key, headers, value } of this.world.bus.messages(recordChangesTopic(projection.purpose))) {
        const text = key + JSON.stringify(headers) + (individual || value === null ? '' : Buffer.from(value).toString());
        if (names(text)) this.violated('nobody is named', `a message of ${recordChangesTopic(projection.purpose)}`);
      }
    }
  }
}

function put<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function asRecorded(event: CareEvent, { topic, partition, offset }: Message): RecordedCareEvent {
  return { ...event, recordedAt: '', coordinates: { topic, partition, offset } };
}
