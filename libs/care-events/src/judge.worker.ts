import { parentPort } from 'node:worker_threads';
import { judgeMany } from './judge-many.js';
import type { Many } from './judge-many.js';
import { packed } from './packed.js';

/** Judges large bodies away from the thread that answers everybody, one after the other. */
const port = parentPort!;
port.on('message', (many: Many) => {
  const reading = judgeMany(many);
  if (!reading.ok) return port.postMessage(reading);
  const { items, bytes, ...rest } = packed(reading.event);
  port.postMessage({ ok: true, items, bytes, ...rest }, [bytes.buffer as ArrayBuffer]);
});
