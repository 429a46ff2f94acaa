import { AwaitingPeople } from './awaiting.js';
import { Boundaries } from './boundaries.js';
import type { Batch, Consumer } from './ports.js';
import { startPublisher } from './publisher.js';
import { MarkKeeper, readDecisions } from './read-decisions.js';
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
  const work = new RecordCareEvents(wiring);
  const consumer = await wiring.bus.consume({
    group: RECORD_PROJECTOR_GROUP,
    topics,
    onBatch: async (batch) => {
      await noteReceipts(wiring, batch.messages);
      await work.handle(batch);
      options.onBatch?.(batch);
    },
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  });
  const stopping = new AbortController();
  const watching = watchAwaiting(wiring, stopping.signal, options);
  return {
    consumer,
    async stop() {
      stopping.abort();
      await Promise.all([watching, consumer.stop()]);
    },
  };
}

/** How long a boundary set by another process may stay unnoticed; readers do not depend on it. */
const BOUNDARY_POLL_MS = 1_000;

/**
 * Decisions, from the consent topic to every view; those that begin or end by themselves; and, in whoever of the group has the topic's first
 * partition, what changes for whom, from the streams to the subscribers' topics.
 */
export async function startOptOutProjector(wiring: Wiring, options: ProjectorOptions = {}): Promise<Projector> {
  const consumer = await wiring.bus.consume({
    group: OPT_OUT_PROJECTOR_GROUP,
    topics: [CONSENT_TOPIC],
    onBatch: async (batch) => {
      await noteReceipts(wiring, batch.messages);
      await readDecisions(wiring, batch);
      options.onBatch?.(batch);
    },
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  });
  const stopping = new AbortController();
  const held = (): number[] => consumer.assigned().map(({ partition }) => partition);
  const watching = [
    watchBoundaries(wiring, stopping.signal, options),
    watchAwaiting(wiring, stopping.signal, options),
    keepMarks(wiring, held, stopping.signal, options),
  ];
  const publisher = startPublisher(wiring, () => held().includes(0), options.onFailure);
  return {
    consumer,
    async stop() {
      stopping.abort();
      await Promise.all([...watching, publisher.stop(), consumer.stop()]);
    },
  };
}

/** How often it is looked whether anybody waits for decisions, and where somebody does. */
const AWAITING_POLL_MS = { idle: 500, busy: 100 };

/** Whoever notes that people wait sees to them, and so does whoever moves the marks that they wait for: either may be away. */
async function watchAwaiting(wiring: Wiring, signal: AbortSignal, options: ProjectorOptions): Promise<void> {
  const people = new AwaitingPeople(wiring);
  // What was slept has passed, whatever becomes of any clock.
  let spentMs = 0;
  while (!signal.aborted) {
    let isAnybody = true;
    try {
      isAnybody = await people.run(spentMs);
    } catch (error) {
      options.onFailure?.(error);
    }
    const wait = isAnybody ? AWAITING_POLL_MS.busy : AWAITING_POLL_MS.idle;
    await wiring.timers.sleep(wait, signal);
    spentMs += wait;
  }
}

const MARKS_POLL_MS = 1_000;

async function keepMarks(
  wiring: Wiring,
  held: () => readonly number[],
  signal: AbortSignal,
  options: ProjectorOptions,
): Promise<void> {
  const keeper = new MarkKeeper(wiring);
  while (!signal.aborted) {
    await keeper.look(held()).catch((error: unknown) => options.onFailure?.(error));
    await wiring.timers.sleep(MARKS_POLL_MS, signal);
  }
}

async function watchBoundaries(wiring: Wiring, signal: AbortSignal, options: ProjectorOptions): Promise<void> {
  const boundaries = new Boundaries(wiring);
  while (!signal.aborted) {
    let wait = BOUNDARY_POLL_MS;
    try {
      const next = await boundaries.runDue();
      if (next !== null) wait = Math.min(wait, next);
    } catch (error) {
      options.onFailure?.(error);
    }
    await wiring.timers.sleep(wait, signal);
  }
}
