import { PURPOSES } from '@weft/domain';
import { recordChangesTopic } from '@weft/processing';
import type { Prng, World } from '@weft/testing';
import type { History } from './history.js';

/** Whoever has to know at once that an engine is what it was. */
interface Told {
  storePutBack(): void;
  topicsPutBack(topics: readonly string[]): void;
}

/** Gives what puts back to this moment. */
type Backup = (told: Told) => void;

/** A second time, from the same backup: it has forgotten the first. */
const AGAIN = 0.3;
const TAKEN_WITHIN_STEPS = 1_200;
const APART_STEPS = [60, 1_200] as const;
/** While faults still happen. */
const AT_LAST = 2_800;
const DOWNTIME_MS = 20_000;
/** By then everybody is up, and has looked whether anything was put back. */
const NOTICED = { steps: 1_000, ms: 30_000 };
const CHANGES = PURPOSES.map(recordChangesTopic);

/** An operator's restores of an engine from a backup, with everybody stopped meanwhile. */
export class Restores {
  private readonly takenAt: number;
  private readonly at: readonly number[];
  private readonly isOfStore: boolean;
  private backup: Backup | undefined;
  private made = 0;
  private last = { steps: 0, now: 0 };

  constructor(
    private readonly world: World,
    private readonly prng: Prng,
  ) {
    this.isOfStore = prng.chance(0.6);
    this.takenAt = prng.below(TAKEN_WITHIN_STEPS);
    const first = this.takenAt + prng.between(...APART_STEPS);
    const at = prng.chance(AGAIN) ? [first, first + prng.between(...APART_STEPS)] : [first];
    this.at = at.map((step) => Math.min(step, AT_LAST));
  }

  /** Whether all were made, and each was noticed if ever it is. */
  get areOver(): boolean {
    const { steps, now } = this.world.scheduler;
    return this.made === this.at.length && steps > this.last.steps + NOTICED.steps && now > this.last.now + NOTICED.ms;
  }

  /** Makes what is due before the next step. */
  make(history: History, told: Told): void {
    const at = this.at[this.made];
    if (at === undefined) return;
    const { steps, now } = this.world.scheduler;
    if (steps >= this.takenAt) this.backup ??= this.isOfStore ? this.ofStore(history) : this.ofTopics(history);
    if (steps < at || this.backup === undefined) return;
    this.made += 1;
    this.last = { steps, now };
    this.world.stopAll(() => this.prng.below(DOWNTIME_MS));
    this.backup(told);
  }

  private ofStore(history: History): Backup {
    const { store } = this.world;
    const backup = store.backup();
    return (told) => {
      history.note(`restore the store, from ${store.size} events to ${backup.size}`);
      store.putBack(backup);
      told.storePutBack();
    };
  }

  private ofTopics(history: History): Backup {
    const { bus } = this.world;
    const backups = CHANGES.map((topic) => [topic, bus.backup(topic)] as const);
    return (told) => {
      history.note('restore the topics of changes');
      for (const [topic, backup] of backups) bus.putBack(topic, backup);
      told.topicsPutBack(CHANGES);
    };
  }
}
