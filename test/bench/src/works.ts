import { flow } from './flow-kafka.js';
import { ingest } from './w2-ingest.js';
import { decide } from './w3-decide.js';
import { read } from './w4-read.js';
import { replay } from './w1-replay.js';
import { restart } from './w5-restart.js';
import { size } from './w6-size.js';
import { hl7v2 } from './w7-hl7v2.js';
import { onKafka } from './w2k-kafka.js';
import type { Work } from './work.js';

/** Every work that `npm run bench` knows, in the order in which they are run. One file each. */
export const WORKS: readonly Work[] = [replay, ingest, onKafka, decide, read, restart, size, hl7v2, flow];
