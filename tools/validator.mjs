// npm run validator: transpiles what changed, then compares and measures the FHIR validator.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../test/validator/dist/main.js');
