import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { PROJECTIONS } from '@weft/domain';
import { openEmbedded } from '@weft/embedded';
import {
  careEventsTopic,
  CONSENT_TOPIC,
  EngineUnavailable,
  isAllPublished,
  OPT_OUT_PROJECTOR_GROUP,
  PolicyBook,
  RECORD_PROJECTOR_GROUP,
  regionTopics,
  startOptOutProjector,
  startRecordProjector,
  type Clock,
  type EventBus,
  type EventStore,
  type OutgoingMessage,
  type Projector,
  type Random,
  type Timers,
  type Wiring,
} from '@weft/processing';
import {
  CareEventGenerator,
  DecisionGenerator,
  Prng,
  RATES,
  simReader,
  SimKeys,
  smallRegion,
  type SmallRegion,
} from '@weft/testing';

const PARTITIONS = 2;
/** A message too large for a record takes megabytes, and is tried elsewhere. */
const REGION_RATES = { ...RATES, oversized: 0 };

const clock: Clock = { now: () => Date.now(), steady: () => performance.now() };
const random: Random = { uuid: () => randomUUID(), fraction: () => Math.random() };
const timers: Timers = { sleep: (ms, signal) => pause(ms, undefined, signal && { signal }).catch(() => undefined) };

export interface Engines {
  readonly bus: EventBus;
  readonly store: EventStore;
}

export const openEngines = (directory: string): Promise<Engines> => openEmbedded({ directory, retryPauseMs: 20 });

/** The same few patients and organisations for every process of one region. */
export const regionOf = (seed: number): SmallRegion => smallRegion(new Prng(seed, 1));

/** What production runs, on the real engines; only keys and reader are the simulation's, which are fast. */
export function wiringOf({ bus, store }: Engines): Wiring {
  const policies = new PolicyBook(store, clock, random);
  return { bus, store, clock, timers, random, keys: new SimKeys(), reader: simReader, projections: PROJECTIONS, policies };
}

export async function prepare(wiring: Wiring, region: SmallRegion): Promise<void> {
  await wiring.bus.createTopics(regionTopics(region.organisations, PARTITIONS));
  await wiring.policies.adopt(region.policy);
}

const careTopics = (region: SmallRegion): string[] => region.organisations.map(({ ods }) => careEventsTopic(ods));

/** Two merges that close a loop at one moment each step back; who comes upon it in between is given the batch again. */
const isWaiting = (error: unknown): boolean => error instanceof EngineUnavailable && error.engine === 'identity';

/** Both projectors; gives what stops them. */
export async function startProjectors(
  wiring: Wiring,
  region: SmallRegion,
  onFailed: (error: unknown) => void,
): Promise<() => Promise<void>> {
  const onFailure = (error: unknown): void => {
    if (!isWaiting(error)) onFailed(error);
  };
  const running: Projector[] = [
    await startRecordProjector(wiring, careTopics(region), { onFailure }),
    await startOptOutProjector(wiring, { onFailure }),
  ];
  return async () => void (await Promise.all(running.map((one) => one.stop())));
}

/** Resolves once both groups have committed all there is, and all that changed is published. */
export async function settled(
  { bus, store, timers }: Pick<Wiring, 'bus' | 'store' | 'timers'>,
  region: SmallRegion,
): Promise<void> {
  const groups = [
    ...careTopics(region).map((topic) => [RECORD_PROJECTOR_GROUP, topic] as const),
    [OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC] as const,
  ];
  for (const [group, topic] of groups) {
    for (;;) {
      const [ends, committed] = await Promise.all([bus.offsets(topic), bus.committed(group, topic)]);
      const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]));
      if (ends.every(({ partition, high }) => high === 0 || (offsets.get(partition) ?? -1) >= high)) break;
      await timers.sleep(2);
    }
  }
  while (!(await isAllPublished(store))) await timers.sleep(2);
}

/** One source of messages: an organisation's care events, or decisions. */
interface Source {
  readonly count: number;
  next(): OutgoingMessage;
}

function sources(region: SmallRegion, seed: number, careEvents: number): Source[] {
  const each = Math.ceil(careEvents / region.organisations.length);
  const care = region.organisations.map((organisation, index) => {
    const generator = new CareEventGenerator(new Prng(seed, 10 + index), region, organisation, REGION_RATES);
    return { count: each, next: () => generator.next(clock.now()) };
  });
  const decisions = new DecisionGenerator(new Prng(seed, 9), region, REGION_RATES);
  return [...care, { count: Math.ceil(careEvents / 4), next: () => decisions.next(clock.now()) }];
}

/** Events of one process are not those of another, though generators count from 0; every message is told from every other. */
function unique(message: OutgoingMessage, prefix: string, count: number): OutgoingMessage {
  const headers = { ...message.headers, sent: `${prefix}/${count}` };
  const { value } = message;
  if (value === null || !simReader.careEvent({ ...message, partition: 0, offset: 0, timestamp: 0 }).ok) {
    const reading = simReader.decision({ ...message, partition: 0, offset: 0, timestamp: 0 });
    if (!reading.ok) return { ...message, headers };
    const { decisions } = reading.event;
    const renamed = {
      ...reading.event,
      decisions: decisions.map((decision) => ({ ...decision, id: `${prefix}-${decision.id}` })),
    };
    return { ...message, headers, value: Buffer.from(JSON.stringify(renamed)) };
  }
  const event = JSON.parse(Buffer.from(value).toString()) as { id: string };
  return { ...message, headers, value: Buffer.from(JSON.stringify({ ...event, id: `${prefix}-${event.id}` })) };
}

/**
 * Publishes so many care events, and some decisions, from several publishers at once, a few messages a call. `onRefusal` is
 * asked what to do when the bus refuses: it waits, or throws.
 */
export async function publishLoad(
  bus: EventBus,
  region: SmallRegion,
  load: { readonly seed: number; readonly careEvents: number; readonly prefix: string },
  onRefusal: (error: unknown) => Promise<void>,
): Promise<void> {
  const publishing = sources(region, load.seed, load.careEvents).map(async ({ count, next }, index) => {
    const sizes = new Prng(load.seed, 30 + index);
    for (let sent = 0; sent < count;) {
      const size = Math.min(sizes.between(1, 3), count - sent);
      const messages = Array.from({ length: size }, (_, n) => unique(next(), `${load.prefix}.${index}`, sent + n));
      sent += size;
      try {
        await bus.publish(messages);
      } catch (error) {
        await onRefusal(error);
      }
    }
  });
  await Promise.all(publishing);
}
