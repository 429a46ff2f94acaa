import type { Prng } from '@weft/testing';
import { PROCESSES, type Region } from './region.js';
import { pause, type World } from './world.js';

/** Kills one process after the other with -9 and starts it again, at once or after a while; all run when it ends. */
export async function keepKilling(world: World, region: Region, everyMs: number, draw: Prng): Promise<void> {
  while (world.isStormy) {
    const until = Date.now() + draw.between(everyMs / 2, everyMs * 1.5);
    while (world.isStormy && Date.now() < until) await pause(50);
    if (!world.isStormy) return;
    // The one on whom dates depend is away most often.
    const name = draw.chance(0.3) ? 'opt-out-projector' : draw.pick(PROCESSES);
    await region.kill(name);
    world.counts.kills += 1;
    await pause(draw.pick([0, 100, 1_500, 4_000]));
    await region.start(name);
  }
}
