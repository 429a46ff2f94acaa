import { PURPOSES } from '@weft/domain';
import { type AuditEntry, EngineUnavailable, type Timers } from '@weft/processing';
import { AuditLog, systemTimers } from '@weft/service';
import { Disclosures } from './disclosures.js';
import { ANNE, BERT, observation, openRegion, type Region } from './region.fixture.js';
import { isUpToDate, type LastLine, Subscriber } from './subscriber.fixture.js';

describe('a subscription', () => {
  let region: Region;
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead, steady: () => performance.now() + ahead };
  /** Long sleeps end when the test says so. */
  const sleepers = new Set<() => void>();
  const timers: Timers = {
    sleep(ms, signal) {
      if (ms < 30_000 || signal?.aborted === true) return systemTimers.sleep(ms, signal);
      return new Promise((wake) => {
        sleepers.add(wake);
        signal?.addEventListener('abort', () => wake());
      });
    },
  };
  beforeAll(async () => {
    region = await openRegion({ service: { clock, timers } });
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
  });
  afterAll(() => region.close());
  const auditOf = async (subject: string) => {
    const { body } = await region.ask('/audit', { roles: ['governance'] });
    return (body.entries as AuditEntry[]).filter(({ who, action }) => who === subject && action === 'subscribe');
  };

  it('ends with its token, and says so, with where to go on with another one', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care?from=beginning', { expiresIn: 60 });
    await subscriber.until(isUpToDate);
    ahead += 60_000;
    for (const wake of sleepers) wake();
    await subscriber.ended;
    expect(subscriber.changes).toHaveLength(1);
    const last = subscriber.lines.at(-1) as LastLine;
    expect(last).toEqual({ kind: 'ended', reason: 'token-ended', detail: expect.any(String), cursor: expect.any(String) });
    expect(last.cursor).toBe(subscriber.changes[0]!.cursor);
    const again = await Subscriber.open(region, `direct-care?after=${last.cursor}`);
    await again.until(isUpToDate);
    expect(again.changes).toEqual([]);
    await again.leave();
  });

  it('tells nothing once the clock is past the end of its token, whatever timers do', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care', { expiresIn: 3_600 });
    await subscriber.until(isUpToDate);
    ahead += 3_600_000;
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    await subscriber.ended;
    expect(subscriber.changes).toEqual([]);
    expect(subscriber.lines.at(-1)).toMatchObject({ kind: 'ended', reason: 'token-ended' });
  });

  it('keeps the age of the cursor that it began with', async () => {
    const before = await Subscriber.open(region, 'direct-care');
    await before.until(isUpToDate);
    await before.leave();
    ahead += 3_600_000;
    const after = await Subscriber.open(region, `direct-care?after=${before.cursor}`);
    await after.until(isUpToDate);
    await after.leave();
    expect(after.cursor).toBe(before.cursor);
  });

  it('is in the audit when it begins and when it ends, with whose it was and why it ended', async () => {
    const subscriber = await Subscriber.open(region, 'research', { subject: 'a project', organisation: 'RX902' });
    await subscriber.until(isUpToDate);
    await subscriber.leave();
    while ((await auditOf('a project')).length < 2) await new Promise(setImmediate);
    const who = { organisation: 'RX902', roles: ['subscriber'], purpose: 'research', patient: null };
    expect(await auditOf('a project')).toEqual([
      expect.objectContaining({ ...who, outcome: 'given' }),
      expect.objectContaining({ ...who, outcome: 'ended', about: 'left' }),
    ]);
  });

  it('that is refused is in the audit too', async () => {
    const as = { roles: ['subscriber'], subject: 'curious', purposes: ['research'] } as const;
    await region.ask('/record-changes/direct-care', { as });
    expect(await auditOf('curious')).toEqual([expect.objectContaining({ outcome: 'refused', purpose: 'direct-care' })]);
  });

  it('is cut, and nobody is told, where it cannot be written who is', async () => {
    const { store } = region.wiring;
    const append = store.append.bind(store);
    store.append = async (stream, ...rest) => {
      if (stream.startsWith('auditOf-')) throw new EngineUnavailable('store', 'the disk is full');
      return append(stream, ...rest);
    };
    try {
      const subscriber = await Subscriber.open(region, 'direct-care?from=beginning', { subject: 'another' });
      await subscriber.ended;
      expect(subscriber.lines).toEqual([]);
    } finally {
      store.append = append;
    }
  });
});

describe('telling a subscriber', () => {
  let region: Region;
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead, steady: () => performance.now() + ahead };
  beforeAll(async () => {
    region = await openRegion({ service: { clock } });
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
  });
  afterAll(() => region.close());
  const toldOf = async (nhsNumber: string): Promise<AuditEntry[]> => {
    const { body } = await region.ask(`/records/${nhsNumber}/audit`, { roles: ['governance'] });
    return (body.entries as AuditEntry[]).filter(({ action }) => action === 'told');
  };
  const follow = async (path: string, subject: string) => {
    const subscriber = await Subscriber.open(region, path, { subject, organisation: 'RX902' });
    await subscriber.until(isUpToDate);
    return subscriber;
  };

  it.each(PURPOSES)('for %s is in the audit of the person, named by the region’s key, and of nobody else', async (purpose) => {
    const all = await follow(`${purpose}?from=beginning`, `reads ${purpose}`);
    await all.leave();
    const expected = all.changes.length === 0 ? [] : [expect.objectContaining({ purpose, organisation: 'RX902' })];
    if (purpose !== 'care-coordination') expect(expected).toHaveLength(1);
    for (const nhsNumber of [ANNE, BERT]) {
      const told = (await toldOf(nhsNumber)).filter(({ who }) => who === `reads ${purpose}`);
      expect(told).toEqual(expected);
      for (const { patient } of told) expect(patient).toBe(region.wiring.keys.patient(nhsNumber));
    }
  });

  it('is there once a day, however often and by however many connections they are told', async () => {
    const two = await Promise.all([1, 2].map(() => follow('direct-care', 'twice')));
    for (const version of ['2', '3']) {
      await region.publish('RX901', ANNE, { ...observation(ANNE, 'o1'), meta: { versionId: version } });
      for (const one of two) await one.until(({ changes }) => changes.length === Number(version) - 1);
    }
    const mine = async () => (await toldOf(ANNE)).filter(({ who }) => who === 'twice');
    expect(await mine()).toHaveLength(1);
    await Promise.all(two.map((one) => one.leave()));
    ahead += 24 * 3_600_000;
    const tomorrow = await follow('direct-care?from=beginning', 'twice');
    await tomorrow.leave();
    expect(new Set((await mine()).map(({ time }) => time.slice(0, 10))).size).toBe(2);
    expect(await mine()).toHaveLength(2);
  });

  it('is not there a second time for a process that was started again', async () => {
    const first = await follow('direct-care?from=beginning', 'again');
    await first.leave();
    const caller = {
      subject: 'again',
      organisation: 'RX902',
      roles: ['subscriber'],
      purposes: PURPOSES,
      expiresAt: Infinity,
    } as const;
    const anew = () => new Disclosures(region.wiring, new AuditLog(region.wiring));
    await anew().note(caller, 'direct-care', [region.wiring.keys.patient(ANNE)]);
    expect((await toldOf(ANNE)).filter(({ who }) => who === 'again')).toHaveLength(1);
    await anew().note({ ...caller, organisation: 'RX903' }, 'direct-care', [region.wiring.keys.patient(ANNE)]);
    expect((await toldOf(ANNE)).filter(({ who }) => who === 'again')).toHaveLength(2);
  });

  it('of a withdrawal discloses nothing, and is not there', async () => {
    const subscriber = await follow('direct-care', 'withdrawn from');
    await region.decide(BERT, {});
    await subscriber.until(({ changes }) => changes.length > 0);
    await subscriber.leave();
    expect(subscriber.changes.every(({ kind }) => kind === 'withdrawn')).toBe(true);
    expect((await toldOf(BERT)).filter(({ who }) => who === 'withdrawn from')).toEqual([]);
  });

  it('for research names in the audit of the day nobody by what research calls them', async () => {
    const key = region.wiring.keys.view('research', region.wiring.keys.patient(ANNE));
    const names: string[] = [];
    for await (const { stream } of region.wiring.store.streams('audit')) names.push(stream);
    expect(names).toContain(`auditOf-${key}`);
    const days = names.filter((name) => name.startsWith('audit-'));
    for (const name of days) {
      const day = name.replace(/audit-(....)(..)(..)/, '$1-$2-$3');
      const { body, text } = await region.ask(`/audit?day=${day}`, { roles: ['governance'] });
      expect(text).not.toContain(key);
      const told = (body.entries as AuditEntry[]).filter(({ action }) => action === 'told');
      for (const { purpose, patient } of told)
        expect(patient === null).toBe(purpose === 'research' || purpose === 'population-health');
    }
    expect((await region.ask(`/records/${ANNE}/audit`, { roles: ['governance'] })).text).not.toContain(key);
  });
});
