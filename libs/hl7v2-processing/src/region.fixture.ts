import { parseWithDigits, type CareEventType, type Resource } from '@weft/domain';
import { type Listener, rawEvent, toRawMessages, weftTables } from '@weft/hl7v2';
import {
  careEventsTopic,
  type EventBus,
  type EventStore,
  HL7_PROJECTOR_GROUP,
  hl7v2Topic,
  listQuarantine,
  type Message,
  messagesBetween,
  type OutgoingMessage,
  type Quarantined,
  regionTopics,
} from '@weft/processing';
import { World } from '@weft/testing';
import { bytesOf, NOW, Records } from '../../hl7v2/src/mapping/filed.fixture.js';
import { type Became, type Hl7Wiring, ProjectHl7v2 } from './project-hl7v2.js';
import type { NamedListener } from './read-raw.js';
import { WaitingMessages, type WaitingCounts } from './waiting-messages.js';

const LISTENER = { organisation: 'RX901', mrnAuthority: 'RX901', timeZone: 'Europe/London' } as const;
const TABLES = weftTables();
const ORGANISATION = { ods: 'RX901', name: 'A trust', kind: 'acute' } as const;

/** The listeners of one trust, of which each sends into a partition of its own. */
export const LISTENERS: readonly NamedListener[] = [
  { ...LISTENER, name: 'pas' },
  { ...LISTENER, name: 'lab' },
];

/** What one listener was sent. */
export interface Sent {
  readonly listener?: string;
  readonly receivedAt?: number;
}

/** A trust's topics and store, and what projectors made of them. */
export class Region {
  readonly wiring: Hl7Wiring;
  readonly became: Became[] = [];

  constructor(
    private readonly listeners: readonly NamedListener[] = LISTENERS,
    world = new World({ seed: 1 }),
  ) {
    this.wiring = { ...world.directly(), clock: { now: () => NOW, steady: () => 0 } };
  }

  async open(): Promise<this> {
    await this.wiring.bus.createTopics(regionTopics([ORGANISATION], 2, ['RX901']));
    return this;
  }

  projector(wiring: Hl7Wiring = this.wiring, tables = TABLES): ProjectHl7v2 {
    return new ProjectHl7v2(wiring, { listeners: this.listeners, tables }, (one) => void this.became.push(one));
  }

  /** What the hl7-gateway stores. */
  async send(content: string | Uint8Array, { listener = 'pas', receivedAt = NOW }: Sent = {}): Promise<void> {
    await this.wiring.bus.publish(rawMessages(content, listener, receivedAt));
  }

  /** Everything that no batch of a partition has been committed of, in batches of at most so many. */
  async batches(maxBatch = 500): Promise<{ readonly topic: string; readonly partition: number; readonly messages: Message[] }[]> {
    const [topic, { bus }] = [hl7v2Topic('RX901'), this.wiring];
    const committed = new Map((await bus.committed(HL7_PROJECTOR_GROUP, topic)).map((one) => [one.partition, one.offset]));
    const found = [];
    for (const { partition, high } of await bus.offsets(topic)) {
      for (let from = Math.max(0, committed.get(partition) ?? 0); from < high; from += maxBatch) {
        const messages = await bus.read(topic, partition, from, Math.min(maxBatch, high - from));
        found.push({ topic, partition, messages });
      }
    }
    return found;
  }

  /** A projector takes everything that there is, partition by partition. */
  async project(projector = this.projector(), maxBatch?: number): Promise<void> {
    for (const batch of await this.batches(maxBatch)) {
      await projector.handle(batch);
      const { topic, partition, messages } = batch;
      await this.wiring.bus.seek(HL7_PROJECTOR_GROUP, topic, [{ partition, offset: messages.at(-1)!.offset + 1 }]);
    }
  }

  /** What was told, each event once: one that is told again says the same. */
  async told(): Promise<Records> {
    const records = new Records(LISTENER as Listener);
    const known = new Map<string, string>();
    for (const message of await this.careEvents()) {
      const {
        ce_id: id = '',
        ce_source: source = '',
        ce_type: type,
        ce_subject: subject = '',
        ce_time: time = '',
      } = message.headers;
      const text = new TextDecoder().decode(message.value!);
      const said = JSON.stringify([type, subject, time, text]);
      if (known.has(id)) {
        if (known.get(id) !== said) throw new Error(`${id} was told with two contents`);
        continue;
      }
      known.set(id, said);
      const resource = parseWithDigits(text) as Resource;
      records.record({ ...{ type: type as CareEventType, id, source, subject, time, resource }, attached: [] }, NOW);
    }
    return records;
  }

  async careEvents(): Promise<readonly Message[]> {
    return this.all(careEventsTopic('RX901'));
  }

  quarantined(): Promise<Quarantined[]> {
    return listQuarantine(this.wiring.bus);
  }

  waiting(): Promise<WaitingCounts> {
    return new WaitingMessages(this.wiring, 'RX901').count();
  }

  private async all(topic: string): Promise<Message[]> {
    const found: Message[] = [];
    for (const { partition, high } of await this.wiring.bus.offsets(topic)) {
      for await (const page of messagesBetween(this.wiring.bus, { topic, partition }, 0, high)) found.push(...page);
    }
    return found;
  }
}

export const openRegion = (listeners?: readonly NamedListener[], world?: World): Promise<Region> =>
  new Region(listeners, world).open();

function rawMessages(content: string | Uint8Array, listener: string, receivedAt = NOW): OutgoingMessage[] {
  const bytes = typeof content === 'string' ? bytesOf(content) : content;
  const event = rawEvent({ organisation: 'RX901', name: listener }, 'message', bytes, receivedAt);
  return toRawMessages(event).map((message) => ({ topic: hl7v2Topic('RX901'), key: listener, ...message }));
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** The same engines, where `around` stands around every call to one of them. */
export function hindered({ store, bus, ...wiring }: Hl7Wiring, around: (call: Call, name: string) => Call): Hl7Wiring {
  const wrapped = <E extends object>(engine: E, names: readonly (keyof E & string)[]): E => {
    const own = Object.create(engine) as Record<string, unknown>;
    for (const name of names) own[name] = around((engine[name] as Call).bind(engine), name);
    return own as E;
  };
  return {
    ...wiring,
    store: wrapped<EventStore>(store, ['append', 'read', 'head']),
    bus: wrapped<EventBus>(bus, ['publish', 'read', 'offsets', 'committed']),
  };
}

/** What whoever was killed waits for. */
export const never = new Promise<never>(() => undefined);
