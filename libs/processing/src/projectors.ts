import { applyDecisions } from './apply-decisions.js';
import { Boundaries } from './boundaries.js';
import type { Batch, Consumer } from './ports.js';
import { startPublisher } from './publisher.js';
import { RecordCareEvents } from './record-care-events.js';
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
      await work.handle(batch);
      options.onBatch?.(batch);
    },
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  });
  return { consumer, stop: () => consumer.stop() };
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
      await applyDecisions(wiring, batch);
      options.onBatch?.(batch);
    },
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  });
  const stopping = new AbortController();
  const watching = watchBoundaries(wiring, stopping.signal, options);
  const publisher = startPublisher(wiring, () => consumer.assigned().some(({ partition }) => partition === 0), options.onFailure);
  return {
    consumer,
    async stop() {
      stopping.abort();
      await Promise.all([watching, publisher.stop(), consumer.stop()]);
    },
  };
}

async function watchBoundaries(wiring: Wiring, signal: AbortSignal, options: ProjectorOptions): Promise<void> {
  const boundaries = new Boundaries(wiring);
  while (!signal.aborted) {
    let wait = BOUNDARY_POLL_MS;
    try {
      const next = await boundaries.runDue();
      if (next !== null) wait = Math.max(0, Math.min(wait, next - wiring.clock.now()));
    } catch (error) {
      options.onFailure?.(error);
    }
    await wiring.timers.sleep(wait, signal);
  }
}
