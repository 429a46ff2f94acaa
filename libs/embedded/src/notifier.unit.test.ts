import { Notifier } from './notifier.js';

describe('waiting for a change', () => {
  const never = new AbortController().signal;

  it('ends at once when the change came between looking and waiting', async () => {
    const notifier = new Notifier();
    const seen = notifier.version;
    notifier.notify();
    await expect(notifier.after(seen, never)).resolves.toBeUndefined();
  });

  it('ends for all who wait, once each', async () => {
    const notifier = new Notifier();
    let woken = 0;
    const waiting = [1, 2, 3].map(() => notifier.after(notifier.version, never).then(() => (woken += 1)));
    await Promise.resolve();
    expect(woken).toBe(0);
    notifier.notify();
    notifier.notify();
    await Promise.all(waiting);
    expect(woken).toBe(3);
  });

  it('ends when it is called off, before or while it waits', async () => {
    const notifier = new Notifier();
    const calledOff = new AbortController();
    const waiting = notifier.after(notifier.version, calledOff.signal);
    calledOff.abort();
    await expect(waiting).resolves.toBeUndefined();
    await expect(notifier.after(notifier.version, calledOff.signal)).resolves.toBeUndefined();
  });
});
