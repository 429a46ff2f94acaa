// npm run fuzz: transpiles what changed, then sends Weft what nobody should.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../test/fuzz/dist/main.js');
