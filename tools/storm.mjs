// npm run storm: builds what changed, then lets a storm loose on a region of processes.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../test/storm/dist/main.js');
