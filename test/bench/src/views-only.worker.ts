import { parentPort, workerData } from 'node:worker_threads';
import { replayChunk, type EventBus, type ReplayChunk } from '@weft/processing';
import { openService, openWiring, type Settings } from '@weft/service';

/** A lane of a replay as `@weft/service` has it, but for the subscribers: they are told nothing, so what is left are the views. */
const port = parentPort!;
const service = await openService(workerData as Settings);
const wiring = await openWiring(service, { validates: false });
const untold = { ...wiring, bus: silent(wiring.bus) };

port.on('message', (chunk: ReplayChunk | 'end') => {
  if (chunk === 'end') void service.close().finally(() => port.close());
  else void replayChunk(untold, chunk).then((progress) => port.postMessage(progress));
});

function silent(bus: EventBus): EventBus {
  return new Proxy(bus, {
    get: (target, name) => (name === 'publish' ? async () => [] : target[name as keyof EventBus].bind(target)),
  });
}
