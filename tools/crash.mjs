// npm run crash: transpiles what changed, then kills, starves and damages the embedded engines.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../test/crash/dist/main.js');
