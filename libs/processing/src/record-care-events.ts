import {
  eventKey,
  evolveRecord,
  isDemographicsService,
  isIdentityEvent,
  isMerge,
  isOfDeath,
  isSamePlace,
  type AdoptedPolicy,
  type Effect,
  type Entry,
  type NotePlacing,
  type Projection,
  type RecordedCareEvent,
  type RecordEvent,
} from '@weft/domain';
import { appendToNumber, unlessFenced, withoutEffect, withTheirEffect } from './append.js';
import { noteAwaiting } from './awaiting.js';
import { awaited } from './claims.js';
import { afterAll, KeyedQueue } from './concurrency.js';
import { marksFor } from './consent-marks.js';
import { decideViews, effectOf, viewIn } from './decide-views.js';
import { bringInLine } from './derive-views.js';
import { encode } from './encoding.js';
import { EngineUnavailable, WrongExpectedRevision } from './errors.js';
import { eachOnItsOwn, unlessUnreadable } from './failures.js';
import { claimEntries, recordAtHome } from './homes.js';
import { judgeDeath } from './judge-death.js';
import { LaneLooks, type LaneEnds } from './lane-ends.js';
import { mergeNumbers } from './merge-numbers.js';
import { loadNumber, type NumberState } from './number.js';
import { Patience } from './patience.js';
import { isLoopOfMerges, loadMembers, personOf, relatedNumbers } from './person.js';
import type { Batch, Message, OutgoingMessage } from './ports.js';
import { placeEntries, protectArriving } from './placements.js';
import { quarantine } from './quarantine.js';
import { momentNow } from './region-time.js';
import { VersionTally } from './set-aside.js';
import { CONFLICT, isOther, recorded, siftCareEvents, type Arrival, type Sifted } from './sift-care-events.js';
import { careRecordStream } from './streams.js';
import { changesOnlyTouched, effectOfTouched } from './touched.js';
import type { Wiring } from './wiring.js';

/** A merge or an unmerge that was decided, and the numbers whose views may be out of line by it. */
interface Merged {
  readonly message: Message;
  readonly numbers: readonly string[];
}

/** What a batch leads to beyond the streams of those whom it is about. */
interface Outbox {
  readonly quarantined: OutgoingMessage[];
  /** Versions that were set aside, or that stand by their arrival alone. */
  readonly versions: VersionTally;
  /** Merges and unmerges, made or not: the views of those whom they name are yet to be brought in line. */
  readonly merged: Merged[];
  /** Views that cannot be derived while a loop of merges stands. */
  readonly waiting: unknown[];
  /** What waits for older events of its organisation. */
  readonly left: Message[];
  /** Where the decisions ended once the batch was there, and where it is noted who waits for which of them. */
  readonly lane: { readonly ends: LaneEnds; readonly noted: number };
}

/** What is remembered over all patients, in events of about 1 kB each; beyond it the patients unseen for longest are forgotten. */
const REMEMBERED_EVENTS = 100_000;
/** What a batch waits for is mostly about to come: it is looked at so often, with pauses, before the batch comes again. */
const LOOKS = 20;
const LOOK_AGAIN_MS = 100;
/** What a patient costs beside events. */
const PATIENT_EVENTS = 4;

/**
 * The record-projector's work: a batch of one partition of an organisation's topic, into the streams of those whom it is about. When it
 * resolves, every event of the batch is durable in exactly one record or in quarantine, with what it changes in every
 * view; so its offset may be committed. When it throws, the whole batch is to be given again.
 */
export class RecordCareEvents {
  private readonly remembered = new Map<string, NumberState>();
  private events = 0;
  /** One batch at a time works on a patient: the partitions of several organisations run side by side. */
  private readonly busy = new KeyedQueue();
  /** Merges into one number one after the other: side by side each would make the others begin again. */
  private readonly merging = new KeyedQueue();
  private readonly patience = new Patience();
  private readonly looks: LaneLooks;
  /** By partition, the offsets that are done of a batch that waits. */
  private readonly done = new Map<string, ReadonlySet<number>>();

  constructor(private readonly wiring: Wiring) {
    this.looks = new LaneLooks(wiring);
  }

  async handle({ messages }: Pick<Batch, 'messages'>): Promise<void> {
    const done = this.done.get(partitionOf(messages));
    let left = done === undefined ? messages : messages.filter(({ offset }) => !done.has(offset));
    for (let looks = 0; looks < LOOKS; looks += 1) {
      const waiting = await this.workOff(left);
      if (waiting.length === 0) return void this.done.delete(partitionOf(messages));
      if (waiting.length === left.length) await this.wiring.timers.sleep(LOOK_AGAIN_MS);
      left = waiting;
    }
    const waits = new Set(left);
    const offsets = messages.filter((message) => !waits.has(message)).map(({ offset }) => offset);
    this.done.set(partitionOf(messages), new Set(offsets));
    throw new EngineUnavailable('identity', 'a merge or a death waits for older events of its organisation');
  }

  /** Gives the messages that must wait: merges and deaths, with what follows them of the same patient. */
  private async workOff(messages: readonly Message[]): Promise<readonly Message[]> {
    const adopted = await this.wiring.policies.current();
    const quarantined: OutgoingMessage[] = [];
    const patients = new Map<string, Arrival[]>();
    for (const message of messages) {
      const reading = this.wiring.reader.careEvent(message);
      if (!reading.ok) {
        quarantined.push(...quarantine(this.wiring, message, reading.problems));
        continue;
      }
      const key = this.wiring.keys.patient(reading.event.subject);
      const arrivals = patients.get(key);
      if (arrivals === undefined) patients.set(key, [{ message, event: reading.event }]);
      else arrivals.push({ message, event: reading.event });
    }
    const lane = await this.laneFor(patients);
    const outbox: Outbox = { quarantined, versions: new VersionTally(), merged: [], waiting: [], left: [], lane };
    const work = [...patients].map(([key, arrivals]) => this.busy.run(key, () => this.person(key, arrivals, adopted, outbox)));
    const merged = Promise.allSettled(work).then(() => this.afterMerges(outbox));
    // What was done for some is published even when others failed: the batch may be somebody else's by now, and not come again.
    await afterAll([...work, merged], async () => {
      if (outbox.quarantined.length > 0) await this.wiring.bus.publish(outbox.quarantined);
      await this.underTheSamePolicy(adopted, [...patients.keys()]);
      await outbox.versions.add(this.wiring);
    });
    if (outbox.waiting.length > 0) throw outbox.waiting[0];
    return outbox.left;
  }

  /** Looks where the decisions end, and notes whose are not all read. */
  private async laneFor(patients: ReadonlyMap<string, readonly Arrival[]>): Promise<Outbox['lane']> {
    const numberOf = ([first]: readonly Arrival[]): string => (first as Arrival).event.subject;
    const ends = await this.looks.look([...patients.values()].map(numberOf));
    const people = [...patients].map(([key, arrivals]) => ({ key, ends: ends.of([numberOf(arrivals)]) }));
    return { ends, noted: await noteAwaiting(this.wiring, people) };
  }

  /** A policy adopted meanwhile may have passed over views that did not stand yet. */
  private async underTheSamePolicy(adopted: AdoptedPolicy, keys: readonly string[]): Promise<void> {
    if ((await this.wiring.policies.current()).version === adopted.version) return;
    // What came about somebody whose record cannot be read stands in quarantine.
    for (const key of keys) await unlessUnreadable(bringInLine(this.wiring, [key]), () => {});
  }

  /** What fails by its own fault goes to quarantine; where one waits, so does what follows. */
  private async person(key: string, arrivals: readonly Arrival[], adopted: AdoptedPolicy, outbox: Outbox): Promise<void> {
    let left: readonly Arrival[] = [];
    await eachOnItsOwn(
      arrivals,
      async (some) => {
        const waiting = left.length > 0 ? some : await this.patient(key, some, adopted, outbox);
        left = [...left, ...waiting];
      },
      async ({ message }, problem) => {
        this.forget(key);
        outbox.quarantined.push(...quarantine(this.wiring, message, [problem]));
      },
    );
    outbox.left.push(...left.map(({ message }) => message));
  }

  private afterMerges(outbox: Outbox): Promise<void> {
    return eachOnItsOwn(
      outbox.merged,
      (some) => this.viewsOfMerged(some, outbox),
      async ({ message }, problem) => void outbox.quarantined.push(...quarantine(this.wiring, message, [problem])),
    );
  }

  /** Ordinary events in one go; a merge, an unmerge or a death in its place among them. Gives what must wait. */
  private async patient(
    key: string,
    arrivals: readonly Arrival[],
    adopted: AdoptedPolicy,
    outbox: Outbox,
  ): Promise<readonly Arrival[]> {
    const runs = runsOf(arrivals);
    const waiting: Arrival[] = [];
    for (const [index, run] of runs.entries()) {
      const first = run[0] as Arrival;
      if (isIdentityEvent(first.event.type) && (await this.mustWait(first))) return [...waiting, ...runs.slice(index).flat()];
      if (isMerge(first.event.type)) await this.mergeOrUnmerge(key, first, outbox);
      else if (waiting.length > 0 || !(await this.recordRun(key, run, adopted, outbox))) waiting.push(...run);
    }
    return waiting;
  }

  private async mustWait(arrival: Arrival): Promise<boolean> {
    return !this.patience.isOver(arrival.message, await awaited(this.wiring, arrival), this.wiring.clock.steady());
  }

  /** A death, or its retraction, that is not its organisation's to say goes to quarantine, and what follows it in its run is recorded all the same. */
  private async withoutRefusedDeath(
    key: string,
    run: readonly Arrival[],
    { policy }: AdoptedPolicy,
    outbox: Outbox,
  ): Promise<readonly Arrival[]> {
    const { event, message } = run[0] as Arrival;
    if (!isOfDeath(event.type)) return run;
    const problems = await judgeDeath(this.wiring, key, event, message);
    if (problems.length === 0) {
      if (event.type === 'patient-died-1' || !isDemographicsService(event.organisation, policy)) return run;
      return [{ message, event: { ...event, takesBack: 'every-death' } }, ...run.slice(1)];
    }
    outbox.quarantined.push(...quarantine(this.wiring, message, problems));
    return run.slice(1);
  }

  /** False while a loop of merges stands: whose the events are cannot be said until a merge behind them takes its step back. */
  private async recordRun(key: string, run: readonly Arrival[], adopted: AdoptedPolicy, outbox: Outbox): Promise<boolean> {
    const accepted = await this.withoutRefusedDeath(key, run, adopted, outbox);
    while (accepted.length > 0) {
      try {
        await this.record(key, accepted, adopted, outbox);
        return true;
      } catch (error) {
        this.forget(key);
        if (isLoopOfMerges(error)) return false;
        if (!(error instanceof WrongExpectedRevision)) throw error;
      }
    }
    return true;
  }

  private async record(key: string, arrivals: readonly Arrival[], adopted: AdoptedPolicy, outbox: Outbox): Promise<void> {
    // A refusal appends nothing, and so would not be fenced: what a condition is compared with is read.
    if (arrivals[0]?.event.ifMatch !== undefined) this.forget(key);
    const state = await this.recall(key);
    const members = await this.membersOf(state);
    const sifted = siftCareEvents(this.wiring, state, members, await this.withAwaited(members, arrivals, outbox));
    const { fresh, carried, refused, redelivered } = sifted;
    const said = fresh.flatMap(({ event }) => (isCareEvent(event) ? [event] : []));
    const toPlace = await protectArriving(this.wiring, state, keysOf(members), said);
    if (members.length > 1 || carried.size > 0) await this.recordOfMerged(state, members, sifted, outbox);
    else if (fresh.length > 0) await this.append(state, sifted, adopted, outbox);
    outbox.quarantined.push(...refused);
    // The publisher does so too, of every entry: who is killed here, or fails, leaves it to that.
    await placeEntries(this.wiring, toPlace, () => {});
    // A crash may have come between two appends.
    if (redelivered && isOutOfLine(state, this.wiring.projections, adopted))
      await this.derive(outbox, () => bringInLine(this.wiring, [key]));
  }

  /** Of numbers that are one person each one's decisions are awaited. */
  private async withAwaited(
    members: readonly NumberState[],
    arrivals: readonly Arrival[],
    { lane }: Outbox,
  ): Promise<readonly Arrival[]> {
    const [{ event }] = arrivals as readonly [Arrival, ...Arrival[]];
    const others = members.length === 1 ? [] : members.map(({ record }) => record.nhsNumber);
    const ends = lane.ends.of([event.subject, ...others]);
    if (ends.length === 0) return arrivals;
    const whose = { key: this.wiring.keys.patient(event.subject), ends };
    const noted = others.length === 0 ? lane.noted : await noteAwaiting(this.wiring, [whose]);
    return arrivals.map((arrival) => ({ ...arrival, awaits: { ends, noted } }));
  }

  /** Events of a number that is a person of its own, with what they change in each view. */
  private async append(state: NumberState, { fresh }: Sifted, adopted: AdoptedPolicy, outbox: Outbox): Promise<void> {
    const { wiring } = this;
    const events = fresh.flatMap(({ event }) => (isCareEvent(event) ? [event] : []));
    const folded = (await this.foldedLightly(state, events, adopted)) ?? (await this.foldedWhole(state, events, adopted));
    const encoded = fresh.map((one) => one.encoded);
    await appendToNumber(wiring, folded.state, withTheirEffect(wiring, encoded, folded.effect));
    letGo(folded.state.record.entries.values());
    this.keep(folded.state);
    for (const noted of folded.notes) outbox.versions.note(...noted);
  }

  /** Folds events into what is remembered; null, with that spoilt, where the rest of the record must be looked at. */
  private async foldedLightly(
    state: NumberState,
    events: readonly RecordedCareEvent[],
    adopted: AdoptedPolicy,
  ): Promise<Folded | null> {
    const { projections, store } = this.wiring;
    const now = await momentNow(this.wiring);
    this.forget(state.key);
    const marks = await marksFor(store, [state]);
    if (!changesOnlyTouched(state, events, projections, adopted, now, marks)) return null;
    const { touched, notes } = foldIn(state, events);
    const effect = effectOfTouched(state, touched, projections, adopted, now, marks);
    return effect === null ? null : { state, effect, notes };
  }

  /** The same with the whole record, which is not remembered. */
  private async foldedWhole(
    { key, revision }: NumberState,
    events: readonly RecordedCareEvent[],
    adopted: AdoptedPolicy,
  ): Promise<Folded> {
    const { store, projections } = this.wiring;
    const state = await loadNumber(store, key);
    if (state.revision !== revision) throw new WrongExpectedRevision(careRecordStream(key), revision, state.revision);
    const { notes } = foldIn(state, events);
    const person = personOf([state]);
    const decided = decideViews(projections, person, adopted, await momentNow(this.wiring), await marksFor(store, [state]));
    return { state, effect: effectOf(projections, person, decided).effect, notes };
  }

  /** Events of numbers that are one person, each in the stream of the number that it lives with; then the person's views. */
  private async recordOfMerged(
    state: NumberState,
    members: readonly NumberState[],
    { fresh, carried, claimed, redelivered }: Sifted,
    outbox: Outbox,
  ): Promise<void> {
    const { wiring } = this;
    const { key } = state;
    this.forget(key);
    if (fresh.length > 0) {
      await claimEntries(wiring, key, members[0] as NumberState, claimed);
      const { notes } = foldIn(
        state,
        fresh.map(({ event }) => event),
      );
      await appendToNumber(wiring, state, withoutEffect(fresh.map(({ encoded }) => encoded)));
      for (const noted of notes) outbox.versions.note(...noted);
    }
    for (const [home, some] of carried)
      outbox.quarantined.push(...(await recordAtHome(wiring, home, key, some, outbox.versions.note)));
    if (fresh.length === 0 && carried.size === 0 && !redelivered) return;
    // Of all persons whom the numbers are: a merge may have been undone since it was decided whose an event is.
    await this.derive(outbox, () => bringInLine(wiring, [key, ...carried.keys()]));
  }

  private async mergeOrUnmerge(key: string, { event, message }: Arrival, outbox: Outbox): Promise<void> {
    const { wiring } = this;
    const survivor = wiring.keys.patient(event.survivor as string);
    this.forget(key);
    this.forget(survivor);
    const accepted = (await loadNumber(wiring.store, key)).record.accepted.get(eventKey(event));
    if (accepted !== undefined && !isSamePlace(accepted, message)) {
      const isConflict = isOther(accepted, message, recorded(wiring, event, message).digest);
      return void (isConflict && outbox.quarantined.push(...quarantine(wiring, message, [CONFLICT])));
    }
    if (accepted === undefined) {
      const problems = await this.merging.run(survivor, () => mergeNumbers(wiring, event, message));
      if (problems.length > 0) {
        outbox.quarantined.push(...quarantine(wiring, message, problems));
        // A merge that took its step back may have been seen by others as made: what they left aside is put in line.
        return void outbox.merged.push({ message, numbers: [key] });
      }
      // The surviving number's first: as long as the superseded one has no word of it all of this is done again.
      await this.appendUnlessThere(survivor, { ...recorded(wiring, event, message), saidOf: key });
      await this.appendUnlessThere(key, recorded(wiring, event, message));
    }
    outbox.merged.push({ message, numbers: [survivor, key] });
  }

  /** Once a person for all merges of a batch: of seventy into one person each would read all who were merged before. */
  private async viewsOfMerged(merged: readonly Merged[], outbox: Outbox): Promise<void> {
    const related = new Set<string>();
    for (const number of new Set(merged.flatMap((one) => one.numbers))) {
      if (related.has(number)) continue;
      for (const one of (await relatedNumbers(this.wiring.store, number)).keys()) related.add(one);
    }
    await this.derive(outbox, () => bringInLine(this.wiring, [...related]));
  }

  /**
   * While a loop of merges stands nobody can say whose the views are. What comes after in the batch must be looked at all the
   * same, as it may be the merge that is to take its step back; then the whole batch comes again.
   */
  private async derive(outbox: Outbox, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isLoopOfMerges(error)) throw error;
      outbox.waiting.push(error);
    }
  }

  /** In the stream of both numbers a merge fences off who has not seen it. */
  private async appendUnlessThere(key: string, event: RecordedCareEvent): Promise<void> {
    for (let appended: unknown = null; appended === null;) {
      const state = await loadNumber(this.wiring.store, key);
      if (state.record.accepted.has(eventKey(event))) return;
      const events = withoutEffect([encode(event, this.wiring.random)]);
      appended = await unlessFenced(appendToNumber(this.wiring, state, events).then(() => key));
    }
  }

  /** Of a number that is merged, or was, others may write to the streams that its views rest on: they are read each time. */
  private async membersOf(state: NumberState): Promise<readonly NumberState[]> {
    const { supersededBy, absorbed } = state.identity;
    return supersededBy === null && absorbed.length === 0 ? [state] : loadMembers(this.wiring.store, state);
  }

  private async recall(key: string): Promise<NumberState> {
    const known = this.remembered.get(key);
    const state = known ?? (await loadNumber(this.wiring.store, key));
    if (known === undefined) letGo(state.record.entries.values());
    this.keep(state);
    return state;
  }

  /** Puts it behind all others, as the one used last. */
  private keep(state: NumberState): void {
    this.forget(state.key);
    this.remembered.set(state.key, state);
    this.events += weightOf(state);
    for (const oldest of this.remembered.keys()) {
      if (this.events <= REMEMBERED_EVENTS || oldest === state.key) break;
      this.forget(oldest);
    }
  }

  private forget(key: string): void {
    const state = this.remembered.get(key);
    if (state !== undefined) this.events -= weightOf(state);
    this.remembered.delete(key);
  }
}

/** A view that is not there yet is in line no more than one that is. */
function isOutOfLine(state: NumberState, projections: readonly Projection[], { version }: AdoptedPolicy): boolean {
  if (state.identity.supersededBy !== null) return true;
  const views = projections.map((projection) => viewIn(state, projection));
  return views.some(({ isInLine, basis }) => !isInLine || basis?.policyVersion !== version);
}

const weightOf = ({ record }: NumberState): number => record.accepted.size + PATIENT_EVENTS;

/** A state with events folded in that are yet to be appended, and what they change. */
interface Folded {
  readonly state: NumberState;
  readonly effect: Effect;
  readonly notes: readonly Parameters<NotePlacing>[];
}

function foldIn(
  state: NumberState,
  events: readonly RecordEvent[],
): { readonly touched: Entry[]; readonly notes: Folded['notes'] } {
  const touched = new Set<Entry>();
  const notes: Parameters<NotePlacing>[] = [];
  for (const event of events) {
    const entry = evolveRecord(state.record, event, (...noted) => void notes.push(noted));
    if (entry !== null) touched.add(entry);
  }
  return { touched: [...touched], notes };
}

const keysOf = (members: readonly NumberState[]): string[] => members.map(({ key }) => key);

const isCareEvent = (event: RecordEvent): event is RecordedCareEvent =>
  event.type !== 'care-event-homed-1' && event.type !== 'entries-claimed-1';

/** The resources of these entries are not needed any more. */
function letGo(entries: Iterable<Entry>): void {
  for (const entry of entries) entry.resource = undefined;
}

const partitionOf = ([first]: readonly Message[]): string => `${first?.topic}/${first?.partition}`;

/**
 * A merge and an unmerge stand by themselves, a death and what asks for a version first in their runs: what came before may be what makes them
 * acceptable.
 */
function runsOf(arrivals: readonly Arrival[]): Arrival[][] {
  const runs: Arrival[][] = [];
  let open = false;
  for (const arrival of arrivals) {
    const { type, ifMatch } = arrival.event;
    if (open && !isIdentityEvent(type) && ifMatch === undefined) runs.at(-1)?.push(arrival);
    else runs.push([arrival]);
    open = !isMerge(type);
  }
  return runs;
}
