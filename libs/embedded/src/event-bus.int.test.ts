import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEventBus } from '@weft/testing';
import { openEmbeddedBus } from './embedded.js';
import type { EmbeddedBus } from './event-bus.js';

describeEventBus('the embedded bus', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weft-bus-'));
  return {
    open: () => openEmbeddedBus({ directory, retryPauseMs: 5, leaseMs: 300, handlerTimeoutMs: 300 }),
    stop: () => rm(directory, { recursive: true }),
    maintain: async (bus) => void (await (bus as EmbeddedBus).maintain()),
  };
});
