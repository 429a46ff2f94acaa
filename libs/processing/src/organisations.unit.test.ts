import type { Organisation } from '@weft/domain';
import { bytesOf } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { maySendAt, OrganisationBook } from './organisations.js';
import type { NewEvent, StoredEvent } from './ports.js';

const PRACTICE: Organisation = { ods: 'Y90001', name: 'GP practice', kind: 'gp' };
const TRUST: Organisation = { ods: 'RX901', name: 'Acute trust', kind: 'acute', sites: ['RX901A'] };
const [anna, bert] = ['anna', 'bert'].map((subject) => ({ subject, organisation: null })) as [Person, Person];
type Person = { readonly subject: string; readonly organisation: null };

/** Two processes on one store of one stream, and a clock that is moved by hand. */
function region() {
  const events: StoredEvent[] = [];
  const now = { time: 1_000 };
  const store = {
    read: async (_: string, { from = 0 }: { from?: number } = {}) => events.slice(from),
    append: async (stream: string, expected: number, more: readonly NewEvent[]) => {
      if (expected !== events.length - 1) throw new WrongExpectedRevision(stream, expected, events.length - 1);
      for (const event of more) events.push({ meta: {}, ...event, stream, revision: events.length, position: '' });
      return events.length - 1;
    },
  };
  const book = () =>
    new OrganisationBook(store, { now: () => now.time, steady: () => now.time }, { uuid: () => 'id', fraction: () => 0 });
  return { events, now, one: book(), other: book() };
}

describe('the organisations of a region', () => {
  it('are first those that it was made with, of several makers the first one’s', async () => {
    const { one, other } = region();
    const seeded = await Promise.all([one.seed([PRACTICE, TRUST]), other.seed([{ ...PRACTICE, kind: 'acute' }])]);
    for (const organisations of seeded) expect([...organisations.values()]).toMatchObject([PRACTICE, TRUST]);
    expect([...(await other.seed([]))]).toHaveLength(2);
  });

  it('are known to every process once one has added them, and say who did and why', async () => {
    const { one, other } = region();
    await one.seed([PRACTICE]);
    await one.add(TRUST, anna, 'Joined');
    const added = { by: anna, reason: 'Joined', at: '1970-01-01T00:00:01.000Z' };
    expect((await other.current()).get('RX901')).toMatchObject({ ...TRUST, added, suspended: null });
  });

  it('are added once, and not again by another name or with other sites', async () => {
    const { events, one, other } = region();
    await Promise.all([one.add(TRUST, anna, 'Joined'), other.add(TRUST, bert, 'Joined too')]);
    await one.add({ ...TRUST, kind: 'gp' }, anna, 'Its kind is the policy’s to say');
    expect(events).toHaveLength(1);
    await expect(one.add({ ...TRUST, name: 'Other' }, anna, 'x')).rejects.toMatchObject({ why: 'known-otherwise' });
    await expect(one.add({ ...TRUST, sites: [] }, anna, 'x')).rejects.toMatchObject({ why: 'known-otherwise' });
  });

  it('stay on the list when they are suspended, and what came before may still be taken', async () => {
    const { now, one, other } = region();
    await one.seed([TRUST]);
    now.time = 2_000;
    await one.suspend('RX901', anna, 'Wrong numbers');
    const suspended = (await other.current()).get('RX901')!;
    expect(suspended).toMatchObject({ ...TRUST, suspended: { by: anna, reason: 'Wrong numbers' } });
    expect([1_999, 2_000, 9_000].map((time) => maySendAt(suspended, time))).toEqual([true, false, false]);
    await expect(other.suspend('RX901', bert, 'Again')).rejects.toMatchObject({ why: 'suspended-already' });
    await expect(other.suspend('RX999', bert, 'Who')).rejects.toMatchObject({ why: 'unknown' });
  });

  it('send again on the word of two people, and not for the time in between', async () => {
    const { now, one, other } = region();
    await one.seed([TRUST]);
    await expect(one.reinstate('RX901', anna, 'Mended')).rejects.toMatchObject({ why: 'not-suspended' });
    now.time = 2_000;
    await one.suspend('RX901', anna, 'Wrong numbers');
    for (let time = 0; time < 2; time += 1)
      expect(await one.reinstate('RX901', anna, 'Mended')).toMatchObject({ suspended: {}, reinstatement: { by: anna } });
    now.time = 3_000;
    const reinstated = await other.reinstate('RX901', bert, 'So it is');
    expect(reinstated).toMatchObject({ suspended: null, reinstatement: null });
    expect([1_999, 2_999, 3_000].map((time) => maySendAt(reinstated, time))).toEqual([true, false, true]);
    await other.suspend('RX901', bert, 'Again');
    expect(await one.reinstate('RX901', anna, 'Mended')).toMatchObject({ suspended: { by: bert } });
  });

  it('that a newer Weft wrote of are not guessed at', async () => {
    const { events, one } = region();
    events.push({
      id: 'id',
      stream: 's',
      type: 'organisation-merged-1',
      meta: {},
      data: bytesOf('{}'),
      revision: 0,
      position: '',
    });
    await expect(one.current()).rejects.toThrow('organisation-merged-1');
  });
});
