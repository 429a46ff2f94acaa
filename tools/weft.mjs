#!/usr/bin/env node
// The weft command from a checkout: transpiles what changed, then hands over to the CLI.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) await buildAll();
await import('../apps/cli/dist/main.js');
