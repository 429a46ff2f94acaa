// npm run simulate and simulate:mutants: transpiles what changed, then hands over.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../test/simulation/dist/main.js');
