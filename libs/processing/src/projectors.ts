import { AwaitingPeople } from './awaiting.js';
import { Boundaries } from './boundaries.js';
import { applyDecisions } from './apply-decisions.js';
import { noteStoreBehind } from './epochs.js';
import { untilPutBack, type Place } from './marks.js';
import type { Batch, Consumer } from './ports.js';
import { startPublisher } from './publisher.js';
import { MarkKeeper, readInOrder, type ReadingInOrder } from './read-in-order.js';
import { RecordCareEvents } from './record-care-events.js';
import { noteReceipts } from './region-time.js';
import { CONSENT_TOPIC, OPT_OUT_PROJECTOR_GROUP, RECORD_PROJECTOR_GROUP } from './topics.js';
import type { Wiring } from './wiring.js';

export interface ProjectorOptions {
  /** A batch that failed comes again by itself; whoever watches is told why it failed. */
  readonly onFailure?: (error: unknown, batch?: Pick<Batch, 'topic' | 'partition'>) => void;
  readonly onBatch?: (batch: Batch) => void;
}

export interface Projector {
  readonly consumer: Consumer;
  /** Resolves when no work is under way any more. */
  stop(): Promise<void>;
}

/** Care events, from the organisations' topics to records and views. */
export async function startRecordProjector(
  wiring: Wiring,
  topics: readonly string[],
  options: ProjectorOptions = {},
): Promise<Projector> {
  const work = untilPutBack(wiring.store, () => new RecordCareEvents(wiring));
  const onBehind = () => noteStoreBehind(wiring);
  const handle = async (batch: Batch): Promise<void> => {
    await noteReceipts(wiring, batch.messages);
    await work().handle(batch);
  };
  const reading = { group: RECORD_PROJECTOR_GROUP, handle, onBehind };
  const { consumer, stop } = await startReading(wiring, topics, reading, options);
  const stopping = new AbortController();
  const watching = watchAwaiting(wiring, stopping.signal, options);
  return {
    consumer,
    async stop() {
      stopping.abort();
      await Promise.all([watching, stop()]);
    },
  };
}

const MARKS_POLL_MS = 1_000;

/**
 * Reads topics for a group, each partition behind its mark: what a store does not have, because it was put back, is read again, whether or not anything
 * comes. Resolves once the group is joined.
 */
export async function startReading(
  wiring: Pick<Wiring, 'bus' | 'store' | 'random' | 'clock' | 'timers'>,
  topics: readonly string[],
  reading: ReadingInOrder,
  options: ProjectorOptions = {},
): Promise<Projector> {
  const consumer = await wiring.bus.consume({
    group: reading.group,
    topics,
    onBatch: async (batch, context) => {
      // Of a store that was put back more than a batch may have to be read: the group hears that somebody is at it.
      const handle = async (some: Batch): Promise<void> => {
        await reading.handle(some);
        if (some !== batch) await context.heartbeat();
      };
      await readInOrder(wiring, batch, { ...reading, handle });
      options.onBatch?.(batch);
    },
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  });
  const stopping = new AbortController();
  const keeping = keepMarks(wiring, () => consumer.assigned(), reading, stopping.signal, options);
  return {
    consumer,
    async stop() {
      stopping.abort();
      await Promise.all([keeping, consumer.stop()]);
    },
  };
}

async function keepMarks(
  wiring: Pick<Wiring, 'bus' | 'store' | 'random' | 'clock' | 'timers'>,
  held: () => readonly Place[],
  reading: ReadingInOrder,
  signal: AbortSignal,
  options: ProjectorOptions,
): Promise<void> {
  const keeper = new MarkKeeper(wiring, reading);
  while (!signal.aborted) {
    await keeper.look(held()).catch((error: unknown) => options.onFailure?.(error));
    await wiring.timers.sleep(MARKS_POLL_MS, signal);
  }
}

/** How long a boundary set by another process may stay unnoticed; readers do not depend on it. */
const BOUNDARY_POLL_MS = 1_000;

/**
 * Decisions, from the consent topic to every view; those that begin or end by themselves; and, in whoever of the group has the topic's first
 * partition, what changes for whom, from the streams to the subscribers' topics.
 */
export async function startOptOutProjector(wiring: Wiring, options: ProjectorOptions = {}): Promise<Projector> {
  const onBehind = () => noteStoreBehind(wiring);
  const handle = async (batch: Batch): Promise<void> => {
    await noteReceipts(wiring, batch.messages);
    await applyDecisions(wiring, batch);
  };
  const reading = { group: OPT_OUT_PROJECTOR_GROUP, handle, onBehind };
  const { consumer, stop } = await startReading(wiring, [CONSENT_TOPIC], reading, options);
  const stopping = new AbortController();
  const holdsFirst = (): boolean => consumer.assigned().some(({ partition }) => partition === 0);
  const watching = [watchBoundaries(wiring, stopping.signal, options), watchAwaiting(wiring, stopping.signal, options)];
  const publisher = startPublisher(wiring, holdsFirst, options.onFailure);
  return {
    consumer,
    async stop() {
      stopping.abort();
      await Promise.all([...watching, publisher.stop(), stop()]);
    },
  };
}

/** How often it is looked whether anybody waits for decisions, and where somebody does. */
const AWAITING_POLL_MS = { idle: 500, busy: 100 };

/** Whoever notes that people wait sees to them, and so does whoever moves the marks that they wait for: either may be away. */
async function watchAwaiting(wiring: Wiring, signal: AbortSignal, options: ProjectorOptions): Promise<void> {
  const people = untilPutBack(wiring.store, () => new AwaitingPeople(wiring));
  // What was slept has passed, whatever becomes of any clock.
  let spentMs = 0;
  while (!signal.aborted) {
    let isAnybody = true;
    try {
      isAnybody = await people().run(spentMs);
    } catch (error) {
      options.onFailure?.(error);
    }
    const wait = isAnybody ? AWAITING_POLL_MS.busy : AWAITING_POLL_MS.idle;
    await wiring.timers.sleep(wait, signal);
    spentMs += wait;
  }
}

async function watchBoundaries(wiring: Wiring, signal: AbortSignal, options: ProjectorOptions): Promise<void> {
  const boundaries = untilPutBack(wiring.store, () => new Boundaries(wiring));
  while (!signal.aborted) {
    let wait = BOUNDARY_POLL_MS;
    try {
      const next = await boundaries().runDue();
      if (next !== null) wait = Math.min(wait, next);
    } catch (error) {
      options.onFailure?.(error);
    }
    await wiring.timers.sleep(wait, signal);
  }
}
