import type { ProjectorOptions } from '@weft/processing';
import type { Service } from './service.js';

/** A projector whose batches fail so long in a row is not ready, whatever its engines say. */
const FAILING_TOO_LONG_MS = 10_000;
/**
 * What failed comes again within seconds. Where no failure follows for so long it is over, though no batch says so: on a
 * quiet topic none comes, and a batch that has moved to another projector succeeds there.
 */
const OVER_AFTER_MS = 30_000;

/** Counts and logs what a projector does, and makes readiness say no while its batches keep failing. */
export function projectorObserver(service: Service, projector: string): ProjectorOptions {
  const { clock, log, metrics, readiness } = service;
  const messages = metrics.counter('weft_projector_messages_total', 'Messages dealt with', ['projector', 'topic']);
  const failures = metrics.counter('weft_projector_failures_total', 'Batches that failed and come again', ['projector']);
  // From the start on, or the first failure would be a series that comes, which is no increase to Prometheus.
  failures.inc({ projector }, 0);
  let failing: { readonly since: number; readonly last: number } | null = null;
  const stillFailing = () => (failing !== null && clock.now() - failing.last <= OVER_AFTER_MS ? failing : null);
  readiness.register(projector, async () => {
    const run = stillFailing();
    if (run !== null && run.last - run.since > FAILING_TOO_LONG_MS) throw new Error('batches keep failing');
  });
  return {
    onBatch({ topic, messages: { length } }) {
      failing = null;
      messages.inc({ projector, topic }, length);
    },
    onFailure(err) {
      failing = { since: stillFailing()?.since ?? clock.now(), last: clock.now() };
      failures.inc({ projector });
      log.warn({ err, projector }, 'a batch failed and comes again');
    },
  };
}
