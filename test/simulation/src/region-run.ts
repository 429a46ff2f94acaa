import { PROJECTIONS, PURPOSES, type Projection, type Purpose } from '@weft/domain';
import {
  AWAITING_STREAM,
  CARE_RECORD_PREFIX,
  careEventsTopic,
  CONSENT_TOPIC,
  EPOCH_STREAM,
  markStream,
  OPT_OUT_PROJECTOR_GROUP,
  PolicyBook,
  projectionOf,
  PUBLISHER_STREAM,
  readRecord,
  RECORD_PROJECTOR_GROUP,
  RecordUnreadable,
  recordChangesTopic,
  regionTopics,
  startOptOutProjector,
  startRecordProjector,
  stillStands,
  StoreWatch,
  textOf,
  type FoundRecord,
  type OutgoingMessage,
  type Wiring,
} from '@weft/processing';
import {
  CareEventGenerator,
  DecisionGenerator,
  focus,
  Prng,
  RATES,
  simReader,
  smallRegion,
  withDocuments,
  type Boot,
  type Ports,
  type Rates,
  type SimProcess,
  type SmallRegion,
  type World,
} from '@weft/testing';
import { nothing, operation, otherPolicy, type Operation, type Work } from './operations.js';
import { Restores } from './restores.js';
import { Upgrade } from './upgrade.js';

export interface RunSize {
  readonly careEvents: number;
  readonly decisions: number;
  readonly reads: number;
  readonly operations: number;
  /** Whether numbers are merged; by default in every other seed: where they are not, the topics alone say what every view must be. */
  readonly merges?: boolean;
  /** Names of messages, readings and operations that shall not be: for finding those that matter to a failure. */
  readonly without?: ReadonlySet<string>;
  /** For tests of the oracle: what is to go wrong in one of the processes. */
  readonly sabotage?: (process: string, wiring: Wiring) => Wiring;
}

export const SMALL: RunSize = { careEvents: 24, decisions: 10, reads: 12, operations: 3 };

/** How often views grow event by event for long, as they mostly do, and few things come that have them rebuilt. */
const UNEVENTFUL = 0.2;
const HARDLY_ANYTHING_DECIDED = { careEvents: 40, decisions: 2, operations: 1, merges: false } as const;
/** How often much is decided about one person, of whom little else is heard: what a decision says then meets entries and others. */
const DECISIVE = 0.2;
const MUCH_DECIDED = { careEvents: 20, decisions: 20, reads: 3, operations: 1, merges: false } as const;
const ABOUT_ONE_PERSON = { favourite: 0.9, scoped: 0.5 } as const;
/** Where most is said of merged numbers there is more of it: something has to be there before the merge, and after it. */
const MORE_OF_MERGED = 1.5;
/** Opting out of everything hides what other decisions do. In some of these, messages that are no plain decisions abound. */
const FEW_FLIPS = { flip: 0.05 } as const;
const ABOUNDING = [{}, {}, { conflict: 0.15, unread: 0.1 }, { moved: 0.2 }] as const;
/** How far off the end of a kept answer may be for a reader to wait for it. */
const WAITED_FOR_MS = 60_000;
/** How often an operator who was interrupted does something else. */
const GIVEN_UP = 0.5;
const UPGRADES = 0.2;
const LARGE = 0.03;
/** Between two pieces of work at most: where it is short, the first is done while hardly anybody has a record. */
const PAUSES_MS = [10, 400] as const;
/** Hardly any, or so many that most that are retracted stood in a view, and little else came between. */
const RETRACTIONS = [RATES.retraction, 0.35] as const;
/** How much more than usual an operator does. */
const BUSTLE = [1, 1, 4] as const;

/** What one purpose's subscriber knows: by message key, the revision told and the entry, undefined once withdrawn. */
export type Subscribed = Map<string, { readonly revision: number; readonly entry: string | undefined }>;

/** What the oracle is asked to watch. */
export interface Watcher {
  reading(key: string, projection: Projection, clockMs: number): (found: FoundRecord, clockMs: number) => void;
  /** Nobody may read a number's person, as the stream of a number cannot be read. */
  isClosed(key: string, by: string): void;
}

interface Sent {
  readonly name: string;
  /** Absent: left out. */
  readonly message: OutgoingMessage | undefined;
}

/** Publishers, both projectors twice, readers, subscribers and an operator, in one small region. */
export class RegionRun {
  readonly region: SmallRegion;
  readonly rates: Rates;
  readonly subscribers = new Map<Purpose, Subscribed>();
  readonly failures: unknown[] = [];
  /** Names of all messages, readings and operations that there were, and that were not left out. */
  readonly done: string[] = [];
  readonly upgrade: Upgrade | undefined;
  readonly restores: Restores | undefined;
  private readonly restartable: SimProcess[] = [];
  private readonly outboxes: { isOver: boolean }[] = [];
  private readonly size: RunSize;
  private readonly isDecisive: boolean;
  private busyTasks = 0;

  constructor(
    private readonly world: World,
    size: RunSize,
    /** What draws how much of it is about documents that replace each other; absent where there are none. */
    private readonly documents?: Prng,
    /** What draws what is restored from backups; absent where nothing is. */
    restored?: Prng,
  ) {
    const prng = new Prng(world.random.uint32(), 6);
    this.region = smallRegion(prng);
    const shape = size.merges === undefined ? prng.fraction() : 1;
    this.isDecisive = shape >= UNEVENTFUL && shape < UNEVENTFUL + DECISIVE;
    const few = shape < UNEVENTFUL ? HARDLY_ANYTHING_DECIDED : {};
    this.size = { ...size, ...(this.isDecisive ? MUCH_DECIDED : few) };
    const merges = this.size.merges ?? prng.chance(0.5);
    const large = prng.chance(LARGE) ? { large: 0.2 } : {};
    const merge = merges ? prng.pick([0.1, 0.25]) : 0;
    if (prng.chance(UPGRADES)) this.upgrade = new Upgrade(PROJECTIONS, prng, this.restartable);
    // Whoever brings up a new version of a view begins that anew after a restore.
    if (restored !== undefined && this.upgrade === undefined) this.restores = new Restores(world, restored);
    this.rates = { ...RATES, ...large, merge, retraction: prng.pick(RETRACTIONS) };
    if (this.isDecisive) this.rates = { ...this.rates, ...FEW_FLIPS, ...prng.pick(ABOUNDING) };
  }

  get topics(): string[] {
    return [...this.region.organisations.map(({ ods }) => careEventsTopic(ods)), CONSENT_TOPIC];
  }

  /** All versions that are written at any time. */
  get everyProjection(): readonly Projection[] {
    return this.upgrade === undefined ? PROJECTIONS : [...PROJECTIONS, this.upgrade.next];
  }

  get keptInLine(): readonly Projection[] {
    return this.upgrade?.keptInLine ?? PROJECTIONS;
  }

  wiringOf(ports: Ports): Wiring {
    const policies = new PolicyBook(ports.store, ports.clock, ports.random);
    return { ...ports, reader: simReader, projections: this.upgrade?.projections ?? PROJECTIONS, policies };
  }

  async start(watcher: Watcher): Promise<void> {
    const { world, region, size } = this;
    const setup = this.wiringOf(world.directly());
    const partitions = world.random.between(1, 3);
    await setup.bus.createTopics(regionTopics(region.organisations, partitions));
    await setup.policies.adopt(world.random.chance(0.5) ? region.policy : otherPolicy(world.random, region));
    const projectors = world.random.between(1, 2);
    for (let n = 1; n <= projectors; n++) {
      this.restarts(`record-projector-${n}`, (ports) => this.recordProjector(this.wired('record-projector', ports)));
      this.restarts(`opt-out-projector-${n}`, (ports) => this.optOutProjector(this.wired('opt-out-projector', ports)));
    }
    const drawn = focus(new Prng(world.random.uint32()));
    const about = this.isDecisive ? { ...drawn, ...ABOUT_ONE_PERSON } : drawn;
    const kinds = this.documents === undefined ? about : withDocuments(about, this.documents);
    for (const organisation of region.organisations) {
      const generator = new CareEventGenerator(new Prng(world.random.uint32()), region, organisation, this.rates, kinds);
      const careEvents = this.rates.merge > 0 && kinds.merged > 0 ? size.careEvents * MORE_OF_MERGED : size.careEvents;
      const each = Math.ceil(careEvents / region.organisations.length);
      this.publisher(`publisher-${organisation.ods}`, each, (now) => generator.next(now));
    }
    const decisions = new DecisionGenerator(new Prng(world.random.uint32()), region, this.rates, kinds);
    this.publisher('publisher-of-decisions', size.decisions, (now, left) => decisions.next(now, left));
    this.reader(watcher);
    const operations = size.operations * world.random.pick(BUSTLE);
    this.restartable.push(this.task('operator', operations, () => operation(world.random, region)));
    const { upgrade } = this;
    if (upgrade !== undefined) this.task('upgrade', 1, () => ({ work: upgrade.work }));
    for (const purpose of world.random.some(PROJECTIONS.map((projection) => projection.purpose))) this.subscriber(purpose);
  }

  /** True once everything published was handled by everybody. */
  isQuiet(): boolean {
    const { bus } = this.world;
    if (this.busyTasks > 0 || this.outboxes.some(({ isOver }) => !isOver)) return false;
    return (
      this.isPublished() &&
      this.waitsForNothing() &&
      this.isRestored() &&
      this.topics.every((topic) => {
        const group = topic === CONSENT_TOPIC ? OPT_OUT_PROJECTOR_GROUP : RECORD_PROJECTOR_GROUP;
        const highs = bus.offsets(topic).map(({ high }) => high);
        return bus.committed(group, topic).every(({ partition, offset }) => Math.max(0, offset) === highs[partition]);
      })
    );
  }

  /** A store that was put back is given again what the groups have passed, topics what was published to them. */
  private isRestored(): boolean {
    const { bus, store } = this.world;
    if (this.restores === undefined) return true;
    if (!this.restores.areOver) return false;
    return this.topics.every((topic) =>
      bus.offsets(topic).every(({ partition, high }) => {
        const [last] = store.read(markStream({ topic, partition }), { backwards: true, maxCount: 1 });
        return high <= (last === undefined ? 0 : (JSON.parse(textOf(last.data)) as { next: number }).next);
      }),
    );
  }

  /** Whoever waited for decisions has been brought in line since. */
  private waitsForNothing(): boolean {
    const last = this.world.store.read(AWAITING_STREAM, { backwards: true, maxCount: 1 })[0];
    return last === undefined || last.type === 'awaiting-over-1';
  }

  private isPublished(): boolean {
    const { store } = this.world;
    const epoch = store.read(EPOCH_STREAM, { backwards: true, maxCount: 1 })[0];
    if (epoch === undefined || (JSON.parse(textOf(epoch.data)) as { state: string }).state !== 'told') return false;
    const last = store.read(PUBLISHER_STREAM, { backwards: true, maxCount: 1 })[0];
    const after = last === undefined ? {} : { after: (JSON.parse(textOf(last.data)) as { position: string }).position };
    return store.readAll({ ...after, prefixes: [CARE_RECORD_PREFIX], maxCount: 1 }).length === 0;
  }

  private wired(process: string, ports: Ports): Wiring {
    const wiring = this.wiringOf(ports);
    return this.size.sabotage?.(process, wiring) ?? wiring;
  }

  private restarts(name: string, boot: Boot): void {
    this.restartable.push(this.world.process(name, boot));
  }

  private isLeftOut(name: string): boolean {
    const isLeftOut = this.size.without?.has(name) === true;
    if (!isLeftOut) this.done.push(name);
    return isLeftOut;
  }

  private async recordProjector(wiring: Wiring): Promise<void> {
    const topics = this.region.organisations.map(({ ods }) => careEventsTopic(ods));
    await startRecordProjector(wiring, topics, { onFailure: (error) => this.failures.push(error) });
  }

  private async optOutProjector(wiring: Wiring): Promise<void> {
    await startOptOutProjector(wiring, { onFailure: (error) => this.failures.push(error) });
  }

  /** Sends a message until it is acknowledged, then the next; what is sent outlives its crashes, as in a publisher's outbox. */
  private publisher(name: string, size: number, next: (now: number, left: number) => OutgoingMessage): void {
    const outbox = { isOver: false };
    this.outboxes.push(outbox);
    const pace = this.world.random.pick([0, 200, 2_000]);
    const written: Sent[] = [];
    let sent = 0;
    const write = (now: number): void => {
      const named = `${name}#${written.length}`;
      const message = next(now, size - written.length);
      written.push({ name: named, message: this.isLeftOut(named) ? undefined : message });
    };
    this.world.process(name, async ({ bus, timers, clock, random }) => {
      while (sent < size) {
        const count = Math.min(size - sent, 1 + Math.floor(random.fraction() * 3));
        while (written.length < sent + count) write(clock.now());
        const messages = written.slice(sent, sent + count).flatMap(({ message }) => message ?? []);
        try {
          if (messages.length > 0) await bus.publish(messages);
          sent += count;
          await timers.sleep(1 + random.fraction() * pace);
        } catch {
          await timers.sleep(50 + random.fraction() * 1_000);
        }
      }
      outbox.isOver = true;
    });
  }

  /** Does so many pieces of work, each until it succeeds, crashes or not, or until something else is done in its place. */
  private task(name: string, times: number, next: () => Operation): SimProcess {
    let done = 0;
    let begun: Operation | undefined;
    const pauseMs = this.world.random.pick(PAUSES_MS);
    this.busyTasks++;
    return this.world.process(name, async (ports) => {
      const wiring = this.wired(name, ports);
      if (begun?.instead !== undefined && ports.random.fraction() < GIVEN_UP) begun = { work: begun.instead };
      while (done < times) {
        await ports.timers.sleep(ports.random.fraction() * pauseMs);
        try {
          if (begun === undefined) {
            begun = next();
            if (this.isLeftOut(`${name}#${done}`)) begun = { work: nothing };
          }
          await begun.work(wiring);
          begun = undefined;
          if (++done === times) this.busyTasks--;
        } catch (error) {
          if ((error as { retriable?: boolean }).retriable !== true) throw error;
          await ports.timers.sleep(50 + ports.random.fraction() * 1_000);
        }
      }
    });
  }

  /** Somebody else reads everything once. Gives what says whether that is done. */
  readsAll(watcher: Watcher): () => boolean {
    return this.does(async (wiring) => {
      for (const patient of this.region.patients) {
        for (const purpose of PURPOSES) {
          const key = wiring.keys.patient(patient);
          const isRead = watcher.reading(key, projectionOf(wiring, purpose), wiring.clock.now());
          try {
            isRead(await readRecord(wiring, key, purpose), wiring.clock.now());
          } catch (error) {
            if (!(error instanceof RecordUnreadable)) throw error;
            watcher.isClosed(key, error.key);
          }
        }
      }
    });
  }

  /** Somebody else does a piece of work, once. Gives what says whether it is done. */
  does(work: Work): () => boolean {
    let isDone = false;
    this.world.process('administrator', async (ports) => {
      if (!isDone) await work(this.wiringOf(ports));
      isDone = true;
    });
    return () => isDone;
  }

  /** Reads, and keeps what it found: served again for as long as all that it rests on stands. */
  private reader(watcher: Watcher): void {
    const { world, region } = this;
    let kept = new Map<string, FoundRecord>();
    const watches = new WeakMap<Wiring['store'], StoreWatch>();
    /** Where a store may be put back whoever starts looks first whether it has all, and remembers nothing of before. */
    const looked = async (wiring: Wiring): Promise<void> => {
      if (this.restores === undefined) return;
      const watch = watches.get(wiring.store) ?? new StoreWatch(wiring);
      if (!watches.has(wiring.store)) kept = new Map();
      watches.set(wiring.store, watch);
      await watch.check();
    };
    const patients = world.random.chance(0.5) ? region.patients : region.patients.slice(0, 1);
    const purposes = world.random.chance(0.5) ? PURPOSES : [world.random.pick(PURPOSES)];
    const next = (): Operation => {
      const patient = world.random.pick(patients);
      const purpose = world.random.pick(purposes);
      const isPatient = world.random.chance(0.3);
      const work: Work = async (wiring) => {
        await looked(wiring);
        const key = wiring.keys.patient(patient);
        const projection = projectionOf(wiring, purpose);
        const name = `${key} ${purpose} ${projection.version}`;
        const before = kept.get(name);
        // In the very instant in which what was kept is over: nobody may have come for the date yet.
        const left = (before?.footing.span.until ?? Infinity) - wiring.clock.now();
        if (isPatient && left > 0 && left < WAITED_FOR_MS) await wiring.timers.sleep(left);
        const isRead = watcher.reading(key, projection, wiring.clock.now());
        const stands = before !== undefined && (await stillStands(wiring, before.footing));
        const found = stands ? before : await readRecord(wiring, key, purpose);
        isRead(found, wiring.clock.now());
        kept.set(name, found);
      };
      return { work };
    };
    this.restartable.push(this.task('reader', this.size.reads, next));
  }

  private subscriber(purpose: Purpose): void {
    const lateMs = this.world.random.chance(0.3) ? 20_000 : 0;
    const boot: Boot = async ({ bus, timers }) => {
      if (lateMs > 0) await timers.sleep(lateMs);
      // A subscriber outside the region knows what it was told, whatever is restored in there.
      const before = this.restores === undefined ? undefined : this.subscribers.get(purpose);
      const known: Subscribed = before ?? new Map();
      this.subscribers.set(purpose, known);
      await bus.follow({
        topic: recordChangesTopic(purpose),
        from: 'beginning',
        onMessages: async (messages) => {
          for (const { key, value, headers } of messages) {
            const revision = Number(headers['ce_viewrevision']);
            if (revision < (known.get(key)?.revision ?? -1)) continue;
            known.set(key, { revision, entry: value === null ? undefined : Buffer.from(value).toString() });
          }
        },
      });
    };
    this.world.process(`subscriber-${purpose}`, boot);
  }
}
