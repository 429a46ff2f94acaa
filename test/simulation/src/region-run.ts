import { PROJECTIONS, type Policy, type Purpose } from '@weft/domain';
import {
  applyPolicy,
  careEventsTopic,
  CONSENT_TOPIC,
  listQuarantine,
  PolicyBook,
  readRecord,
  recordChangesTopic,
  redrive,
  regionTopics,
  replayView,
  startOptOutProjector,
  startRecordProjector,
  type FoundRecord,
  type OutgoingMessage,
  type Wiring,
} from '@weft/processing';
import {
  CareEventGenerator,
  DecisionGenerator,
  Prng,
  RATES,
  simReader,
  smallRegion,
  type Boot,
  type Ports,
  type SmallRegion,
  type World,
} from '@weft/testing';

export interface RunSize {
  readonly careEvents: number;
  readonly decisions: number;
  readonly reads: number;
  readonly operations: number;
  /** Whether numbers are merged; by default in every other seed: where they are not, the topics alone say what every view must be. */
  readonly merges?: boolean;
  /** For tests of the oracle: what is to go wrong in one of the processes. */
  readonly sabotage?: (process: string, wiring: Wiring) => Wiring;
}

export const SMALL: RunSize = { careEvents: 24, decisions: 10, reads: 12, operations: 2 };

/** What one purpose's subscriber knows: by message key, the revision told and the entry, undefined once withdrawn. */
export type Subscribed = Map<string, { readonly revision: number; readonly entry: string | undefined }>;

/** What the oracle is asked to watch. */
export interface Watcher {
  reading(key: string, purpose: Purpose, clockMs: number): (found: FoundRecord, clockMs: number) => void;
}

type Work = (wiring: Wiring) => Promise<void>;

export function wiringOf(ports: Ports): Wiring {
  const policies = new PolicyBook(ports.store, ports.clock, ports.random);
  return { ...ports, reader: simReader, projections: PROJECTIONS, policies };
}

/** Publishers, both projectors twice, readers, subscribers and an operator, in one small region. */
export class RegionRun {
  readonly region: SmallRegion;
  readonly rates: typeof RATES;
  readonly subscribers = new Map<Purpose, Subscribed>();
  readonly failures: unknown[] = [];
  private readonly outboxes: { readonly size: number; sent: number }[] = [];
  private busyTasks = 0;

  constructor(
    private readonly world: World,
    private readonly size: RunSize,
    private readonly watcher: Watcher,
  ) {
    const prng = new Prng(world.random.uint32(), 6);
    this.region = smallRegion(prng);
    const merges = prng.chance(0.5);
    this.rates = (size.merges ?? merges) ? RATES : { ...RATES, merge: 0 };
  }

  get topics(): string[] {
    return [...this.region.organisations.map(({ ods }) => careEventsTopic(ods)), CONSENT_TOPIC];
  }

  async start(): Promise<void> {
    const { world, region, size } = this;
    const setup = wiringOf(world.directly());
    const partitions = world.random.between(1, 3);
    await setup.bus.createTopics(regionTopics(region.organisations, partitions));
    await setup.policies.adopt(region.policy);
    const projectors = world.random.between(1, 2);
    for (let n = 1; n <= projectors; n++) {
      world.process(`record-projector-${n}`, (ports) => this.recordProjector(this.wired('record-projector', ports)));
      world.process(`opt-out-projector-${n}`, (ports) => this.optOutProjector(this.wired('opt-out-projector', ports)));
    }
    for (const organisation of region.organisations) {
      const generator = new CareEventGenerator(new Prng(world.random.uint32()), region, organisation, this.rates);
      const each = Math.ceil(size.careEvents / region.organisations.length);
      this.publisher(`publisher-${organisation.ods}`, each, (now) => generator.next(now));
    }
    const decisions = new DecisionGenerator(new Prng(world.random.uint32()), region, this.rates);
    this.publisher('publisher-of-decisions', size.decisions, (now) => decisions.next(now));
    this.task('reader', size.reads, () => this.reading());
    this.task('operator', size.operations, () => this.operation());
    for (const purpose of world.random.some(PROJECTIONS.map((projection) => projection.purpose))) this.subscriber(purpose);
  }

  /** True once everything published was handled by everybody. */
  isQuiet(): boolean {
    const { bus } = this.world;
    if (this.busyTasks > 0 || this.outboxes.some(({ sent, size }) => sent < size)) return false;
    return this.topics.every((topic) => {
      const group = topic === CONSENT_TOPIC ? 'weft.opt-out-projector' : 'weft.record-projector';
      const highs = bus.offsets(topic).map(({ high }) => high);
      return bus.committed(group, topic).every(({ partition, offset }) => Math.max(0, offset) === highs[partition]);
    });
  }

  private wired(process: string, ports: Ports): Wiring {
    const wiring = wiringOf(ports);
    return this.size.sabotage?.(process, wiring) ?? wiring;
  }

  private async recordProjector(wiring: Wiring): Promise<void> {
    const topics = this.region.organisations.map(({ ods }) => careEventsTopic(ods));
    await startRecordProjector(wiring, topics, { onFailure: (error) => this.failures.push(error) });
  }

  private async optOutProjector(wiring: Wiring): Promise<void> {
    await startOptOutProjector(wiring, { onFailure: (error) => this.failures.push(error) });
  }

  /** Sends a message until it is acknowledged, then the next; what is sent outlives its crashes, as in a publisher's outbox. */
  private publisher(name: string, size: number, next: (now: number) => OutgoingMessage): void {
    const outbox = { size, sent: 0, messages: [] as OutgoingMessage[] };
    this.outboxes.push(outbox);
    const pace = this.world.random.pick([0, 200, 2_000]);
    this.world.process(name, async ({ bus, timers, clock, random }) => {
      while (outbox.sent < size) {
        const first = outbox.sent;
        const count = Math.min(size - first, 1 + Math.floor(random.fraction() * 3));
        while (outbox.messages.length < first + count) outbox.messages.push(next(clock.now()));
        try {
          await bus.publish(outbox.messages.slice(first, first + count));
          outbox.sent = first + count;
          await timers.sleep(1 + random.fraction() * pace);
        } catch {
          await timers.sleep(50 + random.fraction() * 1_000);
        }
      }
    });
  }

  /** Does so many pieces of work, each until it succeeds, crashes or not: who began to change a policy goes on with it. */
  private task(name: string, times: number, next: () => Work): void {
    let done = 0;
    let work: Work | undefined;
    this.busyTasks++;
    this.world.process(name, async (ports) => {
      const wiring = this.wired(name, ports);
      while (done < times) {
        await ports.timers.sleep(ports.random.fraction() * 400);
        try {
          work ??= next();
          await work(wiring);
          work = undefined;
          if (++done === times) this.busyTasks--;
        } catch (error) {
          if ((error as { retriable?: boolean }).retriable !== true) throw error;
        }
      }
    });
  }

  private reading(): Work {
    const { world, region } = this;
    const patient = world.random.pick(region.patients);
    const { purpose } = world.random.pick(PROJECTIONS);
    return async (wiring) => {
      const key = wiring.keys.patient(patient);
      const done = this.watcher.reading(key, purpose, wiring.clock.now());
      done(await readRecord(wiring, key, purpose), wiring.clock.now());
    };
  }

  private operation(): Work {
    const { random } = this.world;
    const projection = random.pick(PROJECTIONS);
    const dryRun = random.chance(0.3);
    const policy = this.otherPolicy();
    return random.pick<Work>([
      async (wiring) => void (await applyPolicy(wiring, policy)),
      async (wiring) => void (await replayView(wiring, projection, { dryRun })),
      async ({ bus }) => {
        const [one] = await listQuarantine(bus);
        if (one !== undefined) await redrive(bus, one.id);
      },
    ]);
  }

  private otherPolicy(): Policy {
    const { policy } = this.region;
    const gone = this.world.random.pick(policy.rules.filter((rule) => rule.effect === 'deny')).id;
    return { ...policy, name: `without ${gone}`, rules: policy.rules.filter((rule) => rule.id !== gone) };
  }

  private subscriber(purpose: Purpose): void {
    const lateMs = this.world.random.chance(0.3) ? 20_000 : 0;
    const boot: Boot = async ({ bus, timers }) => {
      if (lateMs > 0) await timers.sleep(lateMs);
      const known: Subscribed = new Map();
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
