import { RecordUnreadable } from '@weft/processing';
import { createLogger } from './log.js';
import { Metrics } from './metrics.js';
import { projectorObserver } from './projector-observer.js';
import { Readiness } from './readiness.js';
import type { Service } from './service.js';
import { readSettings } from './settings.js';
import { systemTimers } from './system.js';

function observed() {
  const clock = { at: 0, now: () => clock.at, steady: () => clock.at };
  const log = createLogger({ ...readSettings({}).settings, logLevel: 'silent' });
  const readiness = new Readiness(systemTimers, () => {});
  const service = { clock, log, metrics: new Metrics(), readiness } as unknown as Service;
  const { onBatch, onFailure } = projectorObserver(service, 'record-projector');
  const failAt = (...times: number[]) => failBy(new Error('the store is away'), ...times);
  const failBy = (error: unknown, ...times: number[]) =>
    times.forEach((time) => ((clock.at = time), onFailure?.(error, { topic: 't', partition: 0 })));
  const handle = (partition = 0) => onBatch?.({ topic: 't', partition, messages: [] });
  const isReadyAt = async (time: number) => ((clock.at = time), (await readiness.check()).status === 'ready');
  return { failAt, failBy, handle, isReadyAt };
}

describe('a projector whose batches fail', () => {
  it('is not ready once they have failed for ten seconds, and is again with the first of the same partition that succeeds', async () => {
    const { failAt, handle, isReadyAt } = observed();
    failAt(0, 5_000, 10_000);
    expect(await isReadyAt(10_000)).toBe(true);
    failAt(12_000);
    expect(await isReadyAt(12_000)).toBe(false);
    handle(1);
    expect(await isReadyAt(12_000)).toBe(false);
    handle();
    expect(await isReadyAt(12_000)).toBe(true);
  });

  it('is ready again where nothing comes any more that could fail or succeed', async () => {
    const { failAt, isReadyAt } = observed();
    failAt(0, 10_000, 20_000);
    expect(await isReadyAt(50_000)).toBe(false);
    expect(await isReadyAt(50_001)).toBe(true);
    failAt(60_000);
    expect(await isReadyAt(65_000)).toBe(true);
  });

  it('is not made unready by records that cannot be read, however many', async () => {
    const { failBy, isReadyAt } = observed();
    failBy(new RecordUnreadable('record-damaged', 'k'), 0, 5_000, 10_000, 15_000);
    expect(await isReadyAt(15_000)).toBe(true);
  });

  it('is not made unready by a single failure that nothing follows', async () => {
    const { failAt, isReadyAt } = observed();
    failAt(0);
    expect([await isReadyAt(15_000), await isReadyAt(31_000)]).toEqual([true, true]);
  });
});
