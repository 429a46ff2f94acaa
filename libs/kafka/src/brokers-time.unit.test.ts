import { BrokersTime } from './brokers-time.js';

const MINUTE_MS = 60_000;

function asking(answer: (time: BrokersTime) => Promise<unknown>) {
  const state = { now: 1_000, asked: 0 };
  const surroundings = {
    clock: { now: () => 0, steady: () => state.now },
    timers: { sleep: async () => {} },
    random: { uuid: () => '', fraction: () => 0 },
  };
  const time: BrokersTime = new BrokersTime(surroundings, async () => {
    state.asked += 1;
    await answer(time);
  });
  return { state, time };
}

describe('the brokers’ time', () => {
  it('goes on from their last stamp by a clock that nobody sets, and is asked for every ten minutes', async () => {
    const { state, time } = asking(async (one) => one.stamped('5000000'));
    expect(await time.now()).toBe(5_000_000);
    state.now += 9 * MINUTE_MS;
    expect(await time.now()).toBe(5_000_000 + 9 * MINUTE_MS);
    expect(state.asked).toBe(1);
    state.now += 2 * MINUTE_MS;
    await time.now();
    expect(state.asked).toBe(2);
  });

  it('need not be asked for while they stamp what is published', async () => {
    const { state, time } = asking(async () => {});
    time.stamped('7000000');
    state.now += MINUTE_MS;
    expect(await time.now()).toBe(7_000_000 + MINUTE_MS);
    expect(state.asked).toBe(0);
  });

  it('is not known where they are away, or stamp nothing, and they are not asked at each call', async () => {
    for (const answer of [async () => Promise.reject(new Error('away')), async (one: BrokersTime) => one.stamped('-1')]) {
      const { state, time } = asking(answer);
      expect([await time.now(), await time.now()]).toEqual([null, null]);
      expect(state.asked).toBe(1);
      state.now += 11_000;
      await time.now();
      expect(state.asked).toBe(2);
    }
  });
});
