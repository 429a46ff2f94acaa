import { type AuditEntry, EngineUnavailable, type EventStore, WrongExpectedRevision } from '@weft/processing';
import { AuditLog } from './audit-log.js';

describe('audit entries that come together', () => {
  /** A store that holds its appends back until it is told, and counts them. */
  function heldStore() {
    const appends: { stream: string; expected: number; count: number; go: (error?: Error) => void }[] = [];
    const revisions = new Map<string, number>();
    const store = {
      head: async (stream: string) => revisions.get(stream) ?? -1,
      append: (stream: string, expected: number, events: readonly object[]) =>
        new Promise<number>((resolve, reject) => {
          const go = (error?: Error): void => {
            if (error !== undefined) return reject(error);
            revisions.set(stream, expected + events.length);
            resolve(expected + events.length);
          };
          appends.push({ stream, expected, count: events.length, go });
        }),
    };
    const audit = new AuditLog({
      store: store as unknown as EventStore,
      random: { uuid: () => 'id', fraction: () => 0 },
    } as never);
    const next = async (index: number) => {
      while (appends.length <= index) await new Promise(setImmediate);
      return appends[index]!;
    };
    return { audit, appends, next };
  }
  const entry = (time: string, who = 'x') => ({ time, who }) as AuditEntry;

  it('are written together while another append is under way, each acknowledged only once it is durable', async () => {
    const { audit, next } = heldStore();
    const acknowledged: number[] = [];
    const write = (n: number) => audit.append(entry('2026-01-01T10:00:00Z')).then(() => void acknowledged.push(n));
    const early = [write(0), write(1)];
    const first = await next(0);
    expect(first).toMatchObject({ stream: 'audit-20260101', expected: -1, count: 2 });
    const late = [write(2), write(3), write(4)];
    expect(acknowledged).toEqual([]);
    first.go();
    await Promise.all(early);
    const second = await next(1);
    expect(second).toMatchObject({ stream: 'audit-20260101', expected: 1, count: 3 });
    expect(acknowledged).toEqual([0, 1]);
    second.go();
    await Promise.all(late);
    expect(acknowledged).toEqual([0, 1, 2, 3, 4]);
  });

  it('go on behind what another process wrote, and fail alone when the store fails', async () => {
    const { audit, next } = heldStore();
    const first = audit.append(entry('2026-01-01T10:00:00Z'));
    (await next(0)).go(new WrongExpectedRevision('audit-20260101', -1, 41));
    const again = await next(1);
    expect(again.expected).toBe(41);
    again.go();
    await first;
    const failing = audit.append(entry('2026-01-01T10:00:00Z'));
    (await next(2)).go(new EngineUnavailable('store', 'gone'));
    await expect(failing).rejects.toThrow('gone');
    const after = audit.append(entry('2026-01-01T10:00:00Z'));
    (await next(3)).go();
    await after;
  });

  it('are split by day and by what one append may carry', async () => {
    const { audit, appends, next } = heldStore();
    const large = 'x'.repeat(400_000);
    const written = [
      audit.append(entry('2026-01-01T23:59:59Z')),
      ...[1, 2, 3].map(() => audit.append(entry('2026-01-01T23:59:59Z', large))),
      audit.append(entry('2026-01-02T00:00:00Z')),
    ];
    for (let index = 0; index < 3; index += 1) (await next(index)).go();
    await Promise.all(written);
    expect(appends.map(({ stream, count }) => [stream, count])).toEqual([
      ['audit-20260101', 3],
      ['audit-20260101', 1],
      ['audit-20260102', 1],
    ]);
  });
});
