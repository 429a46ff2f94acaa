import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEventStore } from '@weft/testing';
import { openEmbeddedStore } from './embedded.js';

describeEventStore('the embedded store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weft-store-'));
  return {
    open: () => openEmbeddedStore({ directory, retryPauseMs: 5 }),
    stop: () => rm(directory, { recursive: true }),
  };
});
