import { Rates, Shares, type Who } from './limits.js';

const who = (token: string, organisation: string): Who => ({ token, organisation, total: 'total' });
const [a1, a2, a3, b1] = [who('a1', 'A'), who('a2', 'A'), who('a3', 'A'), who('b1', 'B')] as const;

describe('shares', () => {
  it('are taken up to the bounds of a token, of its organisation and of all, and nothing is taken where there is no room', () => {
    const shares = new Shares({ token: 2, organisation: 3, total: 4 });
    expect([shares.take(a1, 2), shares.take(a1, 1)]).toEqual([null, 'token']);
    expect([shares.take(a2, 1), shares.take(a3, 1)]).toEqual([null, 'organisation']);
    expect([shares.take(b1, 1), shares.take(b1, 1)]).toEqual([null, 'total']);
    shares.giveBack(a1, 2);
    expect([shares.full(b1, 2), shares.full(b1, 1), shares.take(b1, 1)]).toEqual(['token', null, null]);
    expect(shares.take(a3, 1)).toBeNull();
  });

  it('without a bound are without end', () => {
    expect(new Shares({ organisation: 1 }).take(a1, 1)).toBeNull();
    expect(new Shares({}).take(a1, 1e12)).toBeNull();
  });
});

describe('rates', () => {
  it('let two seconds’ worth through at once, then as fast as they say, and say how long to wait', () => {
    const rates = new Rates({ token: 10 });
    const passed = Array.from({ length: 30 }, () => rates.take(a1, 1_000)).filter((one) => one === null).length;
    expect(passed).toBe(21);
    expect(rates.take(a1, 1_000)).toEqual({ scope: 'token', waitMs: 100 });
    expect(rates.take(a2, 1_000)).toBeNull();
    expect(rates.take(a1, 1_100)).toBeNull();
    expect(rates.take(a1, 1_100)).not.toBeNull();
  });

  it('hold an organisation together, and another one not', () => {
    const rates = new Rates({ token: 10, organisation: 15 });
    for (let index = 0; index < 21; index += 1) rates.take(a1, 0);
    for (let index = 0; index < 10; index += 1) rates.take(a2, 0);
    expect(rates.take(a2, 0)).toMatchObject({ scope: 'organisation' });
    expect(rates.take(b1, 0)).toBeNull();
  });

  it('cost a caller nothing that is refused: it does not wait the longer', () => {
    const rates = new Rates({ token: 1 });
    for (let index = 0; index < 100; index += 1) rates.take(a1, 0);
    expect(rates.take(a1, 1_000)).toBeNull();
  });

  it('remember those who ask, and forget those who are quiet', () => {
    const rates = new Rates({ token: 1 });
    for (let index = 0; index < 30_000; index += 1) rates.take(who(`t${index}`, 'A'), index * 10);
    expect((rates as unknown as { due: Map<string, number> }).due.size).toBeLessThanOrEqual(10_001);
  });
});
