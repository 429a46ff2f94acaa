import { keepDeciding } from './deciding.js';
import { checkAtRest } from './ending.js';
import { PURPOSES } from './entries.js';
import { keepKilling } from './killing.js';
import { Picture } from './picture.js';
import { keepPublishing, publishBase } from './publishing.js';
import { keepReading } from './reading.js';
import { PROCESSES, Region } from './region.js';
import { HABITS, keepSubscribing, type Subscriber } from './subscribing.js';
import { pause, World } from './world.js';

export interface StormOptions {
  readonly seed: number;
  readonly people: number;
  readonly minutes: number;
  /** Of kills, on average. */
  readonly killEveryMs: number;
  /** Of data and logs. */
  readonly directory: string;
  readonly onProgress: (world: World, elapsedMs: number, phase: 'starting' | 'storm' | 'at rest') => void;
}

const DECIDERS = 6;
const PUBLISHERS = 3;
const READERS = 10;
const SUBSCRIBERS_A_HABIT = 2;
/** A process that is told to stop has answered everybody, and let go of everything, within so long, in ms. */
const STOPPING_MS = 20_000;

/** A region in a storm, from its start to its end; what was broken is in the world given back. */
export async function storm({ seed, people, minutes, killEveryMs, directory, onProgress }: StormOptions): Promise<World> {
  const world = new World(seed, people);
  const region = new Region(directory, (name, text) => world.violation(`${name} was warned by Node: ${text}`));
  let actor = 0;
  const chance = () => world.chance((actor += 1));
  /** An actor who gives up, as where a process that was killed does not start again, breaks the storm and ends it. */
  const acting = (act: Promise<void>): Promise<void> =>
    act.catch((error: unknown) => {
      world.violation(String(error));
      world.isStormy = false;
    });
  const several = (count: number, act: () => Promise<void>): Promise<void>[] =>
    Array.from({ length: count }, () => acting(act()));
  try {
    onProgress(world, 0, 'starting');
    await region.make();
    await Promise.all(PROCESSES.map((name) => region.start(name)));
    await publishBase(world, region);
    await settled(region);

    const followers = PURPOSES.flatMap((purpose) =>
      HABITS.flatMap((habit) =>
        Array.from({ length: SUBSCRIBERS_A_HABIT }, (_, index) => {
          const subscriber: Subscriber = { name: `${habit} subscriber ${index} of ${purpose}`, purpose, picture: new Picture() };
          return { subscriber, following: acting(keepSubscribing(world, region, subscriber, habit, chance())) };
        }),
      ),
    );
    const actors = [
      ...several(DECIDERS, () => keepDeciding(world, region, chance())),
      ...several(PUBLISHERS, () => keepPublishing(world, region, chance())),
      ...several(READERS, () => keepReading(world, region, chance())),
      acting(keepKilling(world, region, killEveryMs, chance())),
    ];
    const begun = Date.now();
    const lengthMs = minutes * 60_000;
    while (world.isStormy && Date.now() < begun + lengthMs) {
      onProgress(world, Date.now() - begun, 'storm');
      await pause(Math.min(500, begun + lengthMs - Date.now()));
    }
    world.isStormy = false;
    onProgress(world, lengthMs, 'at rest');
    await Promise.all(actors);
    await checkAtRest(
      world,
      region,
      followers.map(({ subscriber }) => subscriber),
    );
    world.over.abort();
    await Promise.all(followers.map(({ following }) => following));
    for (const name of await region.stop(STOPPING_MS)) world.violation(`${name} did not stop within ${STOPPING_MS / 1_000} s`);
    return world;
  } finally {
    world.isStormy = false;
    world.over.abort();
    await region.stop(0);
  }
}

/** Once every entry of the beginning is in its views. */
async function settled(region: Region): Promise<void> {
  for (;;) {
    const answer = await region.ask('record-api', '/status', { roles: ['operations'], organisation: 'RX901' });
    if (answer?.status === 200 && (JSON.parse(answer.text) as { lag: number }).lag === 0) return;
    await pause(100);
  }
}
