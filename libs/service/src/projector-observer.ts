import { type ProjectorOptions, RecordUnreadable } from '@weft/processing';
import type { Service } from './service.js';

/** A projector whose batches fail so long in a row is not ready, whatever its engines say. */
const FAILING_TOO_LONG_MS = 10_000;
/**
 * What failed comes again within seconds. Where no failure follows for so long it is over, though no batch says so: on a
 * quiet topic none comes, and a batch that has moved to another projector succeeds there.
 */
const OVER_AFTER_MS = 30_000;

const laneOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string => `${topic}/${partition}`;

/** Counts and logs what a projector does, and makes readiness say no while its batches keep failing. */
export function projectorObserver(service: Service, projector: string): ProjectorOptions {
  const { clock, log, metrics, readiness } = service;
  const messages = metrics.counter('weft_projector_messages_total', 'Messages dealt with', ['projector', 'topic']);
  const failures = metrics.counter('weft_projector_failures_total', 'Batches that failed and come again', ['projector']);
  // From the start on, or the first failure would be a series that comes, which is no increase to Prometheus.
  failures.inc({ projector }, 0);
  /** By partition, because the others go on; and under no name what failed beside them. */
  const failing = new Map<string, { readonly since: number; readonly last: number }>();
  const stillFailing = (lane: string) => {
    const run = failing.get(lane);
    return run !== undefined && clock.steady() - run.last <= OVER_AFTER_MS ? run : undefined;
  };
  readiness.register(projector, async () => {
    for (const lane of failing.keys()) {
      const run = stillFailing(lane);
      if (run === undefined) failing.delete(lane);
      else if (run.last - run.since > FAILING_TOO_LONG_MS) throw new Error(`batches keep failing${lane && ` in ${lane}`}`);
    }
  });
  return {
    onBatch(batch) {
      failing.delete(laneOf(batch));
      messages.inc({ projector, topic: batch.topic }, batch.messages.length);
    },
    onFailure(err, batch) {
      // However many there are: what is about anybody else goes on.
      if (err instanceof RecordUnreadable)
        return log.error({ err, projector }, 'a record cannot be read: nothing of it is shown or published');
      const lane = batch === undefined ? '' : laneOf(batch);
      failing.set(lane, { since: stillFailing(lane)?.since ?? clock.steady(), last: clock.steady() });
      failures.inc({ projector });
      log.warn(
        { err, projector, ...(batch && { topic: batch.topic, partition: batch.partition }) },
        'a batch failed and comes again',
      );
    },
  };
}
