import type { Prng } from '@weft/testing';
import { isOfConcern, type Purpose, seenIn } from './entries.js';
import { type Line, Picture } from './picture.js';
import type { Region } from './region.js';
import { nameOf, pause, type World } from './world.js';

/**
 * live: stays, and goes on at its cursor where it was cut off; resumed: leaves, and comes back to its cursor; late: leaves, and
 * begins anew with nothing.
 */
export const HABITS = ['live', 'resumed', 'late'] as const;
export type Habit = (typeof HABITS)[number];

/**
 * So long may a line be under way, from the look that allowed it to its being read here, in ms. A connection that is younger
 * has looked after it began.
 */
const UNDER_WAY_MS = 5_000;

export interface Subscriber {
  readonly name: string;
  readonly purpose: Purpose;
  readonly picture: Picture;
}

/** Follows a purpose until the storm is over; once it is quiet nobody leaves any more. */
export async function keepSubscribing(
  world: World,
  region: Region,
  { name, purpose, picture }: Subscriber,
  habit: Habit,
  draw: Prng,
): Promise<void> {
  const { signal } = world.over;
  while (!signal.aborted) {
    if (habit === 'late') {
      picture.clear();
      await world.untilSomethingBegins(draw);
    }
    picture.begin();
    const leaving = new AbortController();
    const stayMs = draw.between(500, 5_000);
    const timer = setTimeout(() => (habit !== 'live' && world.isStormy ? leaving.abort() : undefined), stayMs);
    const query = picture.cursor === null ? 'from=beginning' : `after=${picture.cursor}`;
    const openedAt = Date.now();
    const asking = { roles: ['subscriber'], organisation: 'RX901', signal: AbortSignal.any([signal, leaving.signal]) } as const;
    const response = await region.open('record-api', `/record-changes/${purpose}?${query}`, asking);
    if (response?.status === 200) {
      await follow(response, (line) => take(world, { name, purpose, picture }, line, openedAt)).catch(() => undefined);
    } else if (response !== null && response.status !== 503) {
      world.violation(`${name} was answered ${response.status} ${(await response.text()).slice(0, 300)}`);
    }
    clearTimeout(timer);
    if (!signal.aborted) await pause(draw.between(50, habit === 'live' || !world.isStormy ? 200 : 2_000));
  }
}

async function follow(response: Response, take: (line: string) => void): Promise<void> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
  }
}

function take(world: World, { name, purpose, picture }: Subscriber, text: string, openedAt: number): void {
  if (text === '') return picture.complete();
  const line = JSON.parse(text) as Line;
  if (picture.take(line)) world.counts.withdrawals += 1;
  if (line.kind !== 'included' && line.kind !== 'amended') return;
  const until = Date.now();
  const during = { since: Math.max(openedAt, until - UNDER_WAY_MS), until };
  for (const { number } of seenIn(text)) {
    const entry = world.entries[number]!;
    world.counts.messages += 1;
    if (isOfConcern(entry, purpose) && world.verdict(entry, purpose, during) !== 'hidden') continue;
    world.violation(`${name} was told of ${nameOf(entry)}, which is forbidden`);
  }
}
