// npm run attack: transpiles what changed, then tries to find people in what research and population health are told.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../test/attack/dist/main.js');
