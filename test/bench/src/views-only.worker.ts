import { parentPort, workerData } from 'node:worker_threads';
import { replayChunk, type ReplayChunk } from '@weft/processing';
import { openService, openWiring, type Settings } from '@weft/service';

/** A lane of a replay as `@weft/service` has it, but for the subscribers: they are told nothing, so what is left are the views. */
const port = parentPort!;
const service = await openService(workerData as Settings);
const wiring = openWiring(service);
/** As while a new version of every view is filled: the one listed first of its purpose serves, and only its changes are told. */
const serving = wiring.projections.map((projection) => ({ ...projection, version: projection.version + 1 }));
const unheard = { ...wiring, projections: [...serving, ...wiring.projections] };

port.on('message', (chunk: ReplayChunk | 'end') => {
  if (chunk === 'end') void service.close().finally(() => port.close());
  else void replayChunk(unheard, chunk).then((progress) => port.postMessage(progress));
});
