import {
  eventKey,
  evolveRecord,
  isDemographicsService,
  isIdentityEvent,
  isMerge,
  isOfDeath,
  isSamePlace,
  type AdoptedPolicy,
  type CareEvent,
  type NumberRecord,
  type RecordedCareEvent,
} from '@weft/domain';
import { awaited } from './claims.js';
import { encode } from './encoding.js';
import { EngineUnavailable, WrongExpectedRevision } from './errors.js';
import { eachOnItsOwn } from './failures.js';
import { judgeDeath } from './judge-death.js';
import { claimEntries, recordAtHome } from './homes.js';
import { isLoopOfMerges, loadRecord, relatedNumbers, survivorOf, survivorsOf } from './load.js';
import { mergeNumbers } from './merge-numbers.js';
import { afterAll, allSettled, KeyedQueue } from './concurrency.js';
import { Patience } from './patience.js';
import { canTakeOn, foldIn, letGo, loadPatient, masksOthers, takeOn, type PatientState } from './patient-state.js';
import { NO_STREAM, type Batch, type Message, type OutgoingMessage } from './ports.js';
import { publishChanges } from './publish-changes.js';
import { quarantine } from './quarantine.js';
import { emptyViews, rebuildAndTellEverything, rebuildViews, type Untold } from './rebuild-views.js';
import type { RecordChange } from './record-changes.js';
import { VersionTally } from './set-aside.js';
import { CONFLICT, isOther, recorded, siftCareEvents, type Arrival } from './sift-care-events.js';
import { careRecordStream } from './streams.js';
import { tellNumbers } from './tell-everything.js';
import type { Wiring } from './wiring.js';
import { appendAll, unlessFenced } from './write-view.js';

/** A merge or an unmerge that was decided, and the numbers whose views may be out of line by it. */
interface Merged {
  readonly message: Message;
  readonly numbers: readonly string[];
}

/** What a batch leads to beyond the store: what subscribers are told, and what goes to quarantine. */
interface Outbox {
  readonly changes: RecordChange[];
  readonly quarantined: OutgoingMessage[];
  /** Versions that were set aside, or that stand by their arrival alone. */
  readonly versions: VersionTally;
  /** Merges and unmerges, made or not: the views of those whom they name are yet to be brought in line. */
  readonly merged: Merged[];
  /** Views that cannot be derived while a loop of merges stands. */
  readonly waiting: unknown[];
  /** What waits for older events of its organisation. */
  readonly left: Message[];
}

/** What is remembered over all patients, in events of about 1 kB each; beyond it the patients unseen for longest are forgotten. */
const REMEMBERED_EVENTS = 100_000;
/** What a batch waits for is mostly about to come: it is looked at so often, with pauses, before the batch comes again. */
const LOOKS = 20;
const LOOK_AGAIN_MS = 100;
/** What a patient costs beside events. */
const PATIENT_EVENTS = 4;

/**
 * The record-projector's work: a batch of one partition of an organisation's topic, into records and views. When it
 * resolves, every event of the batch is durable in exactly one record or in quarantine, every view is in line, and the
 * subscribers are told; so its offset may be committed. When it throws, the whole batch is to be given again.
 */
export class RecordCareEvents {
  private readonly remembered = new Map<string, PatientState>();
  private events = 0;
  /** One batch at a time works on a patient: the partitions of several organisations run side by side. */
  private readonly busy = new KeyedQueue();
  /** Merges into one number one after the other: side by side each would make the others begin again. */
  private readonly merging = new KeyedQueue();
  private readonly patience = new Patience();
  /** By partition, the offsets that are done of a batch that waits. */
  private readonly done = new Map<string, ReadonlySet<number>>();

  constructor(private readonly wiring: Wiring) {}

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
    const outbox: Outbox = { changes: [], quarantined: [], versions: new VersionTally(), merged: [], waiting: [], left: [] };
    const patients = new Map<string, Arrival[]>();
    for (const message of messages) {
      const reading = this.wiring.reader.careEvent(message);
      if (!reading.ok) {
        outbox.quarantined.push(...quarantine(this.wiring, message, reading.problems));
        continue;
      }
      const key = this.wiring.keys.patient(reading.event.subject);
      const arrivals = patients.get(key);
      if (arrivals === undefined) patients.set(key, [{ message, event: reading.event }]);
      else arrivals.push({ message, event: reading.event });
    }
    const work = [...patients].map(([key, arrivals]) => this.busy.run(key, () => this.person(key, arrivals, adopted, outbox)));
    const merged = Promise.allSettled(work).then(() => this.afterMerges(outbox));
    // What was done for some is told even when others failed: the batch may be somebody else's by now, and not come again.
    await afterAll([...work, merged], async () => {
      if (outbox.quarantined.length > 0) await this.wiring.bus.publish(outbox.quarantined);
      await publishChanges(this.wiring, await this.underTheSamePolicy(adopted, [...patients.keys()], outbox.changes));
      await outbox.versions.add(this.wiring);
    });
    if (outbox.waiting.length > 0) throw outbox.waiting[0];
    return outbox.left;
  }

  /** A policy adopted meanwhile may have passed over views that did not stand yet: those are rebuilt before anything is told. */
  private async underTheSamePolicy(
    adopted: AdoptedPolicy,
    keys: readonly string[],
    changes: readonly RecordChange[],
  ): Promise<readonly RecordChange[]> {
    if ((await this.wiring.policies.current()).version === adopted.version) return changes;
    return (await allSettled(keys.map((key) => rebuildAndTellEverything(this.wiring, key)))).flat();
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
    return !this.patience.isOver(arrival.message, await awaited(this.wiring, arrival), this.wiring.clock.now());
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
    const { wiring } = this;
    const state = await this.recall(key, adopted);
    const { members } = state;
    const { fresh, carried, claimed, refused, redelivered } = siftCareEvents(wiring, state, members, arrivals);
    const untoldEvents: Untold[] = [{ key, from: state.record.revision + 1 }];
    if (fresh.length > 0) {
      const encoded = fresh.map((one) => one.encoded);
      await claimEntries(wiring, key, members[0] as NumberRecord, claimed);
      await appendAll(wiring.store, careRecordStream(key), state.record.revision, encoded);
    }
    outbox.quarantined.push(...refused);
    for (const [home, some] of carried) {
      const { untold, refused: conflicts } = await recordAtHome(wiring, home, key, some, outbox.versions.note);
      if (untold !== null) untoldEvents.push(untold);
      outbox.quarantined.push(...conflicts);
    }
    if (fresh.length === 0 && carried.size === 0 && !redelivered) return;
    const events = fresh.map(({ event }) => event).filter((event) => event.type !== 'care-event-homed-1');
    const derive = (): Promise<void> => {
      this.forget(key);
      return this.derive(outbox, () => this.bringInLine([key, ...carried.keys()], untoldEvents, redelivered));
    };
    const isOwn = carried.size === 0 && !redelivered;
    if (!isOwn || !canTakeOn(state, events, wiring.clock.now(), adopted.version)) {
      for (const event of events) evolveRecord(state.record, event, outbox.versions.note);
      return derive();
    }
    const touched = foldIn(state, events, outbox.versions.note);
    this.events += fresh.length;
    if (masksOthers(state, touched)) return derive();
    const changes = await allSettled(state.views.map((_, index) => takeOn(wiring, state, index, touched)));
    letGo(touched.keys());
    outbox.changes.push(...changes.flat());
  }

  /** Of all persons whom the numbers are: a merge may have been undone since it was decided whose an event is. */
  private async bringInLine(
    keys: readonly string[],
    untoldEvents: readonly Untold[],
    redelivered: boolean,
  ): Promise<RecordChange[]> {
    const { wiring } = this;
    const persons = await survivorsOf(wiring.store, keys);
    const changes = persons.map((key) =>
      redelivered ? rebuildAndTellEverything(wiring, key) : rebuildViews(wiring, key, { untoldEvents }),
    );
    return (await allSettled(changes)).flat();
  }

  private async mergeOrUnmerge(key: string, { event, message }: Arrival, outbox: Outbox): Promise<void> {
    const { wiring } = this;
    const survivor = wiring.keys.patient(event.survivor as string);
    this.forget(key);
    const accepted = (await loadRecord(wiring.store, key)).accepted.get(eventKey(event));
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
    await this.derive(outbox, () => this.fenceOff(key, event));
    outbox.merged.push({ message, numbers: [survivor, key] });
  }

  /** The views of a number that gives way are emptied at once: what its events bring from then on is looked for at the survivor. */
  private async fenceOff(key: string, event: CareEvent): Promise<RecordChange[]> {
    const survivor = (await survivorOf(this.wiring.store, key)).key;
    this.forget(survivor);
    this.forget(this.wiring.keys.patient(event.survivor as string));
    return survivor === key ? [] : emptyViews(this.wiring, key);
  }

  /** Once a person for all merges of a batch: of seventy into one person each would read, and tell, all who were merged before. */
  private async viewsOfMerged(merged: readonly Merged[], outbox: Outbox): Promise<void> {
    const numbers = new Set(merged.flatMap((one) => one.numbers));
    const rebuilt = new Set<string>();
    for (const number of numbers) await this.derive(outbox, () => this.rebuildOnce(number, rebuilt));
    const told = new Set<string>();
    for (const number of numbers) {
      if (told.has(number)) continue;
      const related = await relatedNumbers(this.wiring.store, number);
      for (const one of related.keys()) told.add(one);
      // Somebody who works on the same event, having stalled, may have done all of it already, and die before they tell.
      outbox.changes.push(...(await tellNumbers(this.wiring, related)));
    }
  }

  private async rebuildOnce(number: string, rebuilt: Set<string>): Promise<RecordChange[]> {
    const survivor = (await survivorOf(this.wiring.store, number)).key;
    if (rebuilt.has(survivor)) return [];
    rebuilt.add(survivor);
    this.forget(survivor);
    return rebuildViews(this.wiring, survivor);
  }

  /**
   * While a loop of merges stands nobody can say whose the views are. What comes after in the batch must be looked at all the
   * same, as it may be the merge that is to take its step back; then the whole batch comes again.
   */
  private async derive(outbox: Outbox, work: () => Promise<RecordChange[]>): Promise<void> {
    try {
      outbox.changes.push(...(await work()));
    } catch (error) {
      if (!isLoopOfMerges(error)) throw error;
      outbox.waiting.push(error);
    }
  }

  /** In the record of both numbers a merge fences off who has not seen it. */
  private async appendUnlessThere(key: string, event: RecordedCareEvent): Promise<void> {
    for (;;) {
      const record = await loadRecord(this.wiring.store, key);
      if (record.accepted.has(eventKey(event))) return;
      const data = encode(event, this.wiring.random);
      const appended = await unlessFenced(this.wiring.store.append(careRecordStream(key), record.revision, [data]));
      if (appended !== null) return;
    }
  }

  private async recall(key: string, adopted: AdoptedPolicy): Promise<PatientState> {
    let state = this.remembered.get(key);
    if (state === undefined) {
      state = await loadPatient(this.wiring, key, adopted);
      letGo(state.record.entries.values());
      // Of a number that was ever merged others may change what is so at any time, and leave no word of it in its own record.
      if (state.identityRevision !== NO_STREAM) return state;
      this.events += weightOf(state);
    } else {
      this.remembered.delete(key);
    }
    this.remembered.set(key, state);
    for (const oldest of this.remembered.keys()) {
      if (this.events <= REMEMBERED_EVENTS || oldest === key) break;
      this.forget(oldest);
    }
    return state;
  }

  private forget(key: string): void {
    const state = this.remembered.get(key);
    if (state !== undefined) this.events -= weightOf(state);
    this.remembered.delete(key);
  }
}

const weightOf = ({ record }: PatientState): number => record.accepted.size + PATIENT_EVENTS;

const partitionOf = ([first]: readonly Message[]): string => `${first?.topic}/${first?.partition}`;

/** A merge and an unmerge stand by themselves, a death first in its run: what came before may be what makes it acceptable. */
function runsOf(arrivals: readonly Arrival[]): Arrival[][] {
  const runs: Arrival[][] = [];
  let open = false;
  for (const arrival of arrivals) {
    const { type } = arrival.event;
    if (open && !isIdentityEvent(type)) runs.at(-1)?.push(arrival);
    else runs.push([arrival]);
    open = !isMerge(type);
  }
  return runs;
}
