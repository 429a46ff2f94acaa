import { AnswerTimes, answerTime } from './answer-times.js';

describe('an answer time', () => {
  it.each([
    ['reading', 0, 500],
    ['reading', 11, 500],
    ['reading', 499, 500],
    ['reading', 500, 1_000],
    ['reading', 3_999, 4_000],
    ['writing', 0, 1_000],
    ['writing', 91, 1_000],
    ['writing', 999, 1_000],
    ['writing', 1_000, 2_000],
    ['writing', 4_000, 8_000],
    ['writing', 8_000, 16_000],
    ['reading', 17_000, 24_000],
  ] as const)('of %s that took %d ms is %d ms after its request came', (kind, took, time) => {
    expect(answerTime(took, kind)).toBe(time);
  });
});

describe('an answer that may not tell what it took', () => {
  /** A clock that goes on where somebody sleeps, or works. */
  function held() {
    let now = 1_000;
    let signal: AbortSignal | undefined;
    const sleep = (ms: number, by?: AbortSignal): Promise<void> => {
      signal = by;
      now += ms;
      return Promise.resolve();
    };
    const times = new AnswerTimes({ clock: { now: () => now, steady: () => now }, timers: { sleep } });
    const taking = (ms: number, answer: () => string) => () => {
      now += ms;
      return Promise.resolve().then(answer);
    };
    return { times, taking, now: () => now - 1_000, isStopped: () => signal?.aborted };
  }
  const refuse = (): never => {
    throw new Error('refused');
  };

  it('leaves at the same time whether there was little to do or much', async () => {
    for (const took of [3, 260]) {
      const { times, taking, now } = held();
      expect(
        await times.hold(
          'reading',
          taking(took, () => 'answer'),
        ),
      ).toBe('answer');
      expect(now()).toBe(500);
    }
  });

  it('does so also where it is a refusal', async () => {
    const { times, taking, now } = held();
    await expect(times.hold('reading', taking(3, refuse), () => true)).rejects.toThrow('refused');
    expect(now()).toBe(500);
  });

  it('leaves at once where it turns out that it may', async () => {
    const { times, taking, now } = held();
    await times.hold(
      'reading',
      taking(3, () => 'answer'),
      (answer) => answer === 'answer',
    );
    expect(now()).toBe(3);
  });

  it('holds up nobody who stops', async () => {
    const { times, isStopped } = held();
    await times.next('reading', 1_000);
    times.onModuleDestroy();
    expect(isStopped()).toBe(true);
  });
});
