#!/usr/bin/env node
// The weft command from a checkout: transpiles what changed, then hands over to the CLI.
import { build, isBuilt } from './build.mjs';

if (!isBuilt()) await build();
await import('../apps/cli/dist/main.js');
