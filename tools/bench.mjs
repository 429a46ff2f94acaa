// npm run bench: transpiles what changed, then measures.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../test/bench/dist/main.js');
