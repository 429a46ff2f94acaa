#!/usr/bin/env -S node --max-semi-space-size=32
// The weft command from a checkout: builds where something changed, then hands over to the CLI.
// Events live briefly: with more room for what is young, a replay spends a tenth less on collecting it.
import { buildAll, isBuilt } from './build.mjs';

if (!isBuilt()) {
  if (process.stderr.isTTY) process.stderr.write('building…\n');
  await buildAll();
}
await import('../apps/cli/dist/main.js');
