import type { EventBus } from '@weft/processing';
import { describeEventBus } from '../contracts/event-bus-contract.js';
import { World } from './world.js';

describeEventBus(
  'the simulated bus',
  async () => {
    const world = new World({ seed: 1 });
    const stop = world.runInRealTime();
    let connections = 0;
    return {
      open: () =>
        new Promise<EventBus>((resolve) => {
          world.process(`connection ${connections++}`, async ({ bus }) => resolve(bus));
        }),
      stop: async () => stop(),
    };
  },
  // Retention is one of the world's faults, and so is a member that falls silent.
  { removesLater: true, keepsSilentMembers: true },
);
