import type { Projection } from '@weft/domain';
import { replayView, type Wiring } from '@weft/processing';
import type { Prng, SimProcess } from '@weft/testing';
import { nextVersion } from './next-version.js';
import type { Work } from './operations.js';

/** Longer than any process is down, and any message of a process that went is on its way. */
const ALL_ARE_BACK_MS = 40_000;

/**
 * The way in which a region brings a new version of a view up while the old one serves, as docs/operations says: both written,
 * the new one filled by a replay, readers and subscribers given the new one, the old one left off.
 */
export class Upgrade {
  readonly next: Projection;
  private step = 0;
  private stage = 0;

  constructor(
    private readonly shipped: readonly Projection[],
    private readonly prng: Prng,
    private readonly processes: readonly SimProcess[],
  ) {
    this.next = nextVersion(prng.pick(shipped), prng);
  }

  /** Those that a process that starts now is to write; of each purpose the first one serves. */
  get projections(): readonly Projection[] {
    const { shipped, next } = this;
    switch (this.stage) {
      case 0:
        return shipped;
      case 1:
        return [...shipped, next];
      case 2:
        return [next, ...shipped];
      default:
        return shipped.map((projection) => (projection.purpose === next.purpose ? next : projection));
    }
  }

  /** Those that every process keeps in line at this moment. */
  get keptInLine(): readonly Projection[] {
    const { shipped, next, step } = this;
    if (step < 2) return shipped;
    return step < 4 ? [next, ...shipped] : [next, ...shipped.filter(({ purpose }) => purpose !== next.purpose)];
  }

  /** Goes on where it stopped, however often it is interrupted. */
  readonly work: Work = async (wiring) => {
    const steps: readonly Work[] = [
      (now) => this.restartAll(now, 1),
      async (now) => void (await replayView(now, this.next)),
      (now) => this.restartAll(now, 2, 'at once'),
      async (now) => void (await replayView(now, this.next, { tellAll: true })),
      (now) => this.restartAll(now, 3),
    ];
    while (this.step < steps.length) {
      await steps[this.step]?.({ ...wiring, projections: this.projections });
      this.step += 1;
    }
  };

  /** One process after the other, or all of them before any is back: no two may disagree about which version serves. */
  private async restartAll({ timers }: Wiring, stage: number, how: 'at once' | 'in turn' = 'in turn'): Promise<void> {
    this.stage = stage;
    for (const process of this.processes) {
      process.crash(this.prng.below(2_000));
      if (how === 'in turn') await timers.sleep(this.prng.below(2_000));
    }
    await timers.sleep(ALL_ARE_BACK_MS);
  }
}
