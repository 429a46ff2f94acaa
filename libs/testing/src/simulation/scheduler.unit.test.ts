import { Prng } from './prng.js';
import { Scheduler, drive, type Owner } from './scheduler.js';

const START = 1_000_000;
const scheduler = (seed = 1): Scheduler => new Scheduler(new Prng(seed), START);
const owner = (name: string): Owner & { alive: boolean; paused: boolean } => ({ name, alive: true, paused: false, held: [] });

async function* links(count: number): AsyncGenerator<number> {
  for (let link = 0; link < count; link++) yield link;
}

describe('the scheduler', () => {
  it('lets every continuation of a step run before the next step, however long the chain', async () => {
    const plan = scheduler();
    const happened: string[] = [];
    const longChain = async (): Promise<void> => {
      for (let link = 0; link < 1_000; link++) await Promise.resolve();
      await Promise.all([1, 2, 3].map((n) => Promise.resolve(n).finally(() => undefined)));
      for await (const link of links(3)) expect(link).toBeLessThan(3);
      await new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
      happened.push('chain');
    };
    plan.soon(undefined, 'first', '', () => {
      void longChain();
      plan.soon(undefined, 'second', '', () => happened.push('second'));
    });
    await drive(() => plan.step());
    expect(happened).toEqual(['chain', 'second']);
  });

  it('takes no step before the continuations of whoever called it have run', async () => {
    const happened: string[] = [];
    void Promise.resolve()
      .then(() => undefined)
      .then(() => happened.push('caller'));
    let left = 1;
    await drive(() => {
      happened.push('step');
      return left-- > 0;
    });
    expect(happened).toEqual(['caller', 'step', 'step']);
  });

  it('fails the run when a step throws', async () => {
    const plan = scheduler();
    plan.soon(undefined, 'bad', '', () => {
      throw new Error('broken');
    });
    await expect(drive(() => plan.step())).rejects.toThrow('broken');
  });

  it('draws every order of what is ready', () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const plan = scheduler(seed);
      let order = '';
      for (const name of ['a', 'b', 'c']) plan.soon(undefined, name, '', () => (order += name));
      while (plan.step());
      orders.add(order);
    }
    expect([...orders].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  });

  it('leaps to what is due next, in the order of time', () => {
    const plan = scheduler();
    const at: number[] = [];
    const delays = Array.from({ length: 100 }, (_, index) => 10 + ((index * 37) % 100) * 100);
    for (const ms of delays) plan.after(ms, undefined, 'timer', '', () => at.push(ms));
    while (plan.step());
    expect(at).toEqual([...delays].sort((a, b) => a - b));
    expect(plan.now).toBeGreaterThanOrEqual(START + Math.max(...delays));
  });

  it('runs nothing of the dead, and holds what belongs to the paused until they wake', () => {
    const plan = scheduler();
    const [dead, paused] = [owner('dead'), owner('paused')];
    const ran: string[] = [];
    for (const one of [dead, paused]) {
      plan.soon(one, 'now', '', () => ran.push(`${one.name} now`));
      plan.after(5, one, 'later', '', () => ran.push(`${one.name} later`));
    }
    dead.alive = false;
    paused.paused = true;
    while (plan.step());
    expect(ran).toEqual([]);
    paused.paused = false;
    plan.wake(paused);
    while (plan.step());
    expect(ran.sort()).toEqual(['paused later', 'paused now']);
  });

  it('never runs what was cancelled, nor waits for it', () => {
    const plan = scheduler();
    plan.after(1_000, undefined, 'cancelled', '', () => undefined).cancelled = true;
    expect(plan.step()).toBe(false);
    expect(plan.now).toBeLessThan(START + 1_000);
  });
});

describe('the generator of chance', () => {
  it('gives UUIDs of version 4 that do not repeat', () => {
    const prng = new Prng(5);
    const uuids = Array.from({ length: 1_000 }, () => prng.uuid());
    expect(new Set(uuids).size).toBe(1_000);
    for (const uuid of uuids) expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('spreads evenly, and differently for each seed and stream', () => {
    const prng = new Prng(9);
    const buckets = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) buckets[prng.below(10)]!++;
    for (const bucket of buckets) expect(Math.abs(bucket - 10_000)).toBeLessThan(500);
    const firsts = [0, 1, 2].flatMap((seed) => [0, 1, 2].map((stream) => new Prng(seed, stream).uint32()));
    expect(new Set(firsts).size).toBe(9);
  });
});
