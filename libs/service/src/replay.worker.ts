import { parentPort, workerData } from 'node:worker_threads';
import { EngineError, replayChunk, type ReplayChunk } from '@weft/processing';
import type { ReplayAnswer } from './replay-workers.js';
import { openEngines } from './engines.js';
import { openService } from './service.js';
import type { Settings } from './settings.js';
import { openWiring } from './wiring.js';

/** One core's share of a replay: engines of its own, one chunk after the other until it is told `end`. */
const port = parentPort!;
const settings = workerData as Settings;
const service = await openService(settings, await openEngines(settings, { isChecked: true }));
const wiring = openWiring(service);

port.on('message', (chunk: ReplayChunk | 'end') => {
  if (chunk === 'end') void service.close().finally(() => port.close());
  else void answer(chunk).then((result) => port.postMessage(result));
});

async function answer(chunk: ReplayChunk): Promise<ReplayAnswer> {
  try {
    return { ok: true, progress: await replayChunk(wiring, chunk) };
  } catch (error) {
    const { message } = error as Error;
    return error instanceof EngineError
      ? { ok: false, message, type: error.type, retriable: error.retriable }
      : { ok: false, message, type: 'fault', retriable: false };
  }
}
