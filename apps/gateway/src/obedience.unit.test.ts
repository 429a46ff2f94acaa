import { EngineUnavailable, type EventBus } from '@weft/processing';
import { Obedience } from './obedience.js';

const at = { topic: 'weft.consent', partition: 1, offset: 7 };

/** A bus whose group has committed what `answers` say, one answer a question; time passes only in sleeps. */
function world(...answers: (number | Error)[]) {
  let now = 0;
  let asked = 0;
  const committed = async () => {
    const answer = answers[Math.min(asked, answers.length - 1)]!;
    asked += 1;
    if (answer instanceof Error) throw answer;
    return [
      { partition: 0, offset: 1_000 },
      { partition: 1, offset: answer },
    ];
  };
  const sleep = async (ms: number) => void (now += ms);
  const obedience = new Obedience({ committed } as unknown as EventBus, { now: () => now }, { sleep });
  return { obedience, elapsed: () => now, asked: () => asked };
}

describe('obedience', () => {
  it('is the commit of the decision’s own offset, not of the one before, nor of another partition', async () => {
    expect(await world(7).obedience.isObeyed(at)).toBe(false);
    expect(await world(8).obedience.isObeyed(at)).toBe(true);
    expect(await world(-1).obedience.isObeyed({ ...at, offset: 0 })).toBe(false);
  });

  it('is waited for, and no longer than it takes', async () => {
    const { obedience, elapsed } = world(-1, 7, 7, 8);
    expect(await obedience.waitUntilObeyed(at, 10_000)).toBe(true);
    expect(elapsed()).toBeLessThan(20);
  });

  it('is waited for until the limit and not beyond it', async () => {
    const { obedience, elapsed } = world(7);
    expect(await obedience.waitUntilObeyed(at, 1_000)).toBe(false);
    expect(elapsed()).toBe(1_000);
  });

  it('is asked once also when nobody wants to wait', async () => {
    expect(await world(8).obedience.waitUntilObeyed(at, 0)).toBe(true);
    expect(await world(7).obedience.waitUntilObeyed(at, 0)).toBe(false);
  });

  it('is still waited for while the bus is away: the decision is durable', async () => {
    const { obedience } = world(new EngineUnavailable('bus', 'away'), 8);
    expect(await obedience.waitUntilObeyed(at, 1_000)).toBe(true);
  });

  it('does not hide an error that waiting cannot mend', async () => {
    await expect(world(new TypeError('broken')).obedience.waitUntilObeyed(at, 1_000)).rejects.toThrow('broken');
  });

  it('is one question to the bus, however many wait', async () => {
    const { obedience, asked } = world(8);
    await Promise.all(Array.from({ length: 50 }, () => obedience.waitUntilObeyed(at, 1_000)));
    expect(asked()).toBe(1);
  });

  it('lets everyone go when the process stops', async () => {
    const { obedience } = world(7);
    obedience.stop();
    expect(await obedience.waitUntilObeyed(at, 1e9)).toBe(false);
  });
});
