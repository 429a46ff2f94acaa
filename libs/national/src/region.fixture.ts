import { parseWithDigits, type Resource } from '@weft/domain';
import {
  careEventsTopic,
  type EventBus,
  type EventStore,
  listQuarantine,
  type Message,
  messagesBetween,
  NATIONAL_EVENTS_TOPIC,
  NATIONAL_GROUP,
  regionTopics,
} from '@weft/processing';
import { World } from '@weft/testing';
import { FakePds } from './pds.fixture.js';
import { type SignalBecame, type SignalWiring, TellSignals } from './tell-signals.js';

export const [ANNE, BERT, CLEO] = ['9990000018', '9990000026', '9990000034'] as const;
export const NOW = Date.parse('2026-06-10T12:00:00Z');
const TELLER = { organisation: 'X26', source: 'urn:ods:X26:mns' };
const X26 = { ods: 'X26', name: 'The nation', kind: 'acute' } as const;

export interface SignalOf {
  readonly type?: string;
  readonly versionid?: string;
  readonly time?: string;
}

/** A CloudEvent about somebody. */
export const signal = (subject: string | undefined, { type = 'pds-record-change-2', time, ...more }: SignalOf = {}): string =>
  JSON.stringify({
    ...{ specversion: '1.0', id: 'a', source: 'https://fhir.nhs.uk/Id/nhsSpineASID/1', type, subject },
    ...{ time: time ?? '2026-06-10T09:00:00Z', ...more },
  });

/** A region that hears of national events, and PDS. */
export class Region {
  readonly pds = new FakePds();
  readonly became: SignalBecame[] = [];
  readonly wiring: SignalWiring;
  /** For how long it was rested, in milliseconds. */
  readonly rests: number[] = [];

  constructor() {
    const sleep = async (ms: number): Promise<void> => void this.rests.push(ms);
    this.wiring = { ...new World({ seed: 1 }).directly(), clock: { now: () => NOW, steady: () => NOW }, timers: { sleep } };
  }

  async open(): Promise<this> {
    await this.wiring.bus.createTopics(regionTopics([X26], 1, [], true));
    return this;
  }

  teller(wiring: SignalWiring = this.wiring): TellSignals {
    return new TellSignals(wiring, this.pds, TELLER, (one) => void this.became.push(one));
  }

  async send(...bodies: readonly string[]): Promise<void> {
    const bytes = (text: string) => new TextEncoder().encode(text);
    await this.wiring.bus.publish(
      bodies.map((body) => ({ topic: NATIONAL_EVENTS_TOPIC, key: 'sqs', value: bytes(body), headers: {} })),
    );
  }

  /** One batch of what is not committed; false where there is none. Throws what it fails with. */
  async handleOne(teller: TellSignals, maxBatch = 500): Promise<boolean> {
    const { bus } = this.wiring;
    const [committed] = await bus.committed(NATIONAL_GROUP, NATIONAL_EVENTS_TOPIC);
    const messages = await bus.read(NATIONAL_EVENTS_TOPIC, 0, Math.max(0, committed?.offset ?? 0), maxBatch);
    if (messages.length === 0) return false;
    const context = { isStale: () => false, heartbeat: async () => undefined };
    await teller.handle({ topic: NATIONAL_EVENTS_TOPIC, partition: 0, messages }, context);
    const offset = messages.at(-1)!.offset + 1;
    await bus.seek(NATIONAL_GROUP, NATIONAL_EVENTS_TOPIC, [{ partition: 0, offset }]);
    return true;
  }

  async handle(teller: TellSignals = this.teller(), maxBatch?: number): Promise<void> {
    while (await this.handleOne(teller, maxBatch));
  }

  async sendAndHandle(...bodies: readonly string[]): Promise<void> {
    await this.send(...bodies);
    await this.handle();
  }

  /** Each care event once, in order; that one is told twice with two contents is an error. */
  async told(): Promise<{ readonly type: string; readonly subject: string; readonly resource: Resource }[]> {
    const known = new Map<string, string>();
    const found = [];
    for (const { headers, key, value } of await this.all(careEventsTopic('X26'))) {
      const text = new TextDecoder().decode(value!);
      const { ce_id: id = '', ce_type: type = '' } = headers;
      if (known.has(id) && known.get(id) !== text) throw new Error(`${id} was told with two contents`);
      if (!known.has(id)) found.push({ type, subject: key, resource: parseWithDigits(text) as Resource });
      known.set(id, text);
    }
    return found;
  }

  /** What was told, by type. */
  async types(): Promise<string[]> {
    return (await this.told()).map(({ type }) => type);
  }

  /** Why messages stand in quarantine. */
  async refusals(): Promise<string[]> {
    return (await listQuarantine(this.wiring.bus)).flatMap(({ problems }) => problems.map(({ code }) => code));
  }

  async all(topic: string): Promise<Message[]> {
    const found: Message[] = [];
    for (const { partition, high } of await this.wiring.bus.offsets(topic)) {
      for await (const page of messagesBetween(this.wiring.bus, { topic, partition }, 0, high)) found.push(...page);
    }
    return found;
  }
}

export const openRegion = (): Promise<Region> => new Region().open();

type Call = (...args: unknown[]) => Promise<unknown>;

/** The same engines, where `around` stands around every call to one of them. */
export function hindered({ store, bus, ...wiring }: SignalWiring, around: (call: Call) => Call): SignalWiring {
  const wrapped = <E extends object>(engine: E, names: readonly (keyof E & string)[]): E => {
    const own = Object.create(engine) as Record<string, unknown>;
    for (const name of names) own[name] = around((engine[name] as Call).bind(engine));
    return own as E;
  };
  return {
    ...wiring,
    store: wrapped<EventStore>(store, ['append', 'read', 'head']),
    bus: wrapped<EventBus>(bus, ['publish', 'read', 'offsets', 'committed']),
  };
}
