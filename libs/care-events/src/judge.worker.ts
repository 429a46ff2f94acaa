import { randomUUID } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { judgeMany } from './judge-many.js';
import type { JudgedOne, Many } from './judge-many.js';
import { packed } from './packed.js';

/** Judges large bodies away from the thread that answers everybody, one after the other. */
const port = parentPort!;
port.on('message', (many: Many) => {
  const reading = judgeMany(many, randomUUID);
  if (!reading.ok) return port.postMessage(reading);
  const { items, bytes } = packed(reading.event as readonly JudgedOne[]);
  port.postMessage({ ok: true, items, bytes }, [bytes.buffer as ArrayBuffer]);
});
