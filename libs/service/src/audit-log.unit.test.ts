import { type AuditEntry, bytesOf, EngineUnavailable, type EventStore, WrongExpectedRevision } from '@weft/processing';
import { SimKeys } from '@weft/testing';
import { AuditLog } from './audit-log.js';

/** A store that holds its appends back until it is told, and counts them. */
function heldStore() {
  const appends: {
    stream: string;
    expected: number;
    events: readonly { id: string; data: Uint8Array }[];
    go: (error?: Error) => void;
  }[] = [];
  const revisions = new Map<string, number>();
  const store = {
    head: async (stream: string) => revisions.get(stream) ?? -1,
    read: async (stream: string) => {
      const revision = revisions.get(stream) ?? -1;
      return revision < 0
        ? []
        : [{ stream, revision, id: '', type: '', position: '', data: bytesOf(`{"chain of":"${revision}"}`) }];
    },
    append: (stream: string, expected: number, events: readonly { id: string; data: Uint8Array }[]) =>
      new Promise<number>((resolve, reject) => {
        const go = (error?: Error): void => {
          if (error !== undefined) return reject(error);
          revisions.set(stream, expected + events.length);
          resolve(expected + events.length);
        };
        appends.push({ stream, expected, events, go });
      }),
  };
  let ids = 0;
  const audit = new AuditLog({
    store: store as unknown as EventStore,
    random: { uuid: () => `id-${(ids += 1)}`, fraction: () => 0 },
    clock: { now: () => Date.parse('2026-01-01T10:00:00Z'), steady: () => 0 },
    keys: new SimKeys(),
  });
  const next = async (index: number) => {
    while (appends.length <= index) await new Promise(setImmediate);
    return appends[index]!;
  };
  const overtaken = (stream: string, revision: number) => void revisions.set(stream, revision);
  return { audit, appends, next, overtaken };
}
const entry = (time: string, more: Partial<AuditEntry> = {}) => ({ time, patient: null, ...more }) as AuditEntry;
const about = (patient: string) => entry('2026-01-01T10:00:00Z', { patient });

describe('audit entries that come together', () => {
  it('are written together while another append is under way, each acknowledged only once it is durable', async () => {
    const { audit, next } = heldStore();
    const acknowledged: number[] = [];
    const write = (n: number) => audit.append(entry('2026-01-01T10:00:00Z')).then(() => void acknowledged.push(n));
    const early = [write(0), write(1)];
    const first = await next(0);
    expect([first.stream, first.expected, first.events.length]).toEqual(['audit-20260101', -1, 2]);
    const late = [write(2), write(3), write(4)];
    expect(acknowledged).toEqual([]);
    first.go();
    await Promise.all(early);
    const second = await next(1);
    expect([second.stream, second.expected, second.events.length]).toEqual(['audit-20260101', 1, 3]);
    expect(acknowledged).toEqual([0, 1]);
    second.go();
    await Promise.all(late);
    expect(acknowledged).toEqual([0, 1, 2, 3, 4]);
  });

  it('go on behind what another process wrote, and fail alone when the store fails', async () => {
    const { audit, next, overtaken } = heldStore();
    const first = audit.append(entry('2026-01-01T10:00:00Z'));
    overtaken('audit-20260101', 41);
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
      ...[1, 2, 3].map(() => audit.append(entry('2026-01-01T23:59:59Z', { who: large }))),
      audit.append(entry('2026-01-02T00:00:00Z')),
    ];
    for (let index = 0; index < 3; index += 1) (await next(index)).go();
    await Promise.all(written);
    expect(appends.map(({ stream, events }) => [stream, events.length])).toEqual([
      ['audit-20260101', 3],
      ['audit-20260101', 1],
      ['audit-20260102', 1],
    ]);
  });
});

describe('an audit entry about a person', () => {
  it('goes into the stream of the day and of the person at once, and is acknowledged when it stands in both', async () => {
    const { audit, appends, next } = heldStore();
    const acknowledged: string[] = [];
    const written = ['anne', 'bert', 'anne'].map((key) => audit.append(about(key)).then(() => acknowledged.push(key)));
    await next(2);
    expect(appends.map(({ stream, events }) => [stream, events.map(({ id }) => id)])).toEqual([
      ['audit-20260101', ['id-1', 'id-2', 'id-3']],
      ['auditOf-anne', ['id-1', 'id-3']],
      ['auditOf-bert', ['id-2']],
    ]);
    appends[0]!.go();
    appends[2]!.go();
    await new Promise(setImmediate);
    expect(acknowledged).toEqual([]);
    appends[1]!.go();
    await Promise.all(written);
  });

  it('is not acknowledged where either stream fails, and others of its group are none the worse', async () => {
    const { audit, appends, next } = heldStore();
    const anne = audit.append(about('anne'));
    const bert = audit.append(about('bert'));
    await next(2);
    appends[1]!.go(new EngineUnavailable('store', 'gone'));
    appends[0]!.go();
    appends[2]!.go();
    await expect(anne).rejects.toThrow('gone');
    await bert;
  });

  it('goes on behind what another process wrote of the person, without writing the day’s again', async () => {
    const { audit, appends, next, overtaken } = heldStore();
    const written = audit.append(about('anne'));
    (await next(0)).go();
    overtaken('auditOf-anne', 7);
    (await next(1)).go(new WrongExpectedRevision('auditOf-anne', -1, 7));
    const again = await next(2);
    expect([again.stream, again.expected]).toEqual(['auditOf-anne', 7]);
    again.go();
    await written;
    expect(appends).toHaveLength(3);
  });
});
