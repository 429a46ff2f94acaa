import type { ReleasedCodes } from '@weft/domain';
import { TooLarge, WrongExpectedRevision } from './errors.js';
import { APPEND_LIMIT_BYTES, type NewEvent, type StoredEvent } from './ports.js';
import { ReleasedCodesBook, sameCodes } from './released-codes.js';

const SNOMED = 'http://snomed.info/sct';
const FEW: ReleasedCodes = { [SNOMED]: ['44054006'] };
const MORE: ReleasedCodes = { [SNOMED]: ['44054006', '38341003'] };
const [anna, bert] = ['anna', 'bert'].map((subject) => ({ subject, organisation: null })) as [Person, Person];
type Person = { readonly subject: string; readonly organisation: null };

/** A store of released codes that takes what the engines take; `kills` are the appends that a process never hears of, by number. */
function openStore(kills: ReadonlySet<number> = new Set()) {
  const events: StoredEvent[] = [];
  let [appends, ids] = [0, 0];
  const store = {
    head: async () => events.length - 1,
    read: async (_: string, { from = 0 }: { from?: number } = {}) => events.slice(from),
    append: async (stream: string, expected: number, more: readonly NewEvent[]) => {
      if (kills.has((appends += 1))) return new Promise<never>(() => undefined);
      const bytes = more.reduce((sum, { data }) => sum + data.length, 0);
      if (bytes > APPEND_LIMIT_BYTES) throw new TooLarge(stream, bytes, APPEND_LIMIT_BYTES);
      if (expected !== events.length - 1) throw new WrongExpectedRevision(stream, expected, events.length - 1);
      for (const event of more) events.push({ meta: {}, ...event, stream, revision: events.length, position: '' });
      return events.length - 1;
    },
  };
  const random = { uuid: () => `id-${(ids += 1)}`, fraction: () => 0 };
  return { events, begun: () => appends, book: () => new ReleasedCodesBook(store, { now: () => 0, steady: () => 0 }, random) };
}

const region = () => openStore().book();

describe('the codes that population health and research are told', () => {
  it('are those that the region began with, whatever the settings of a later start say', async () => {
    const book = region();
    expect(await book.current()).toBeNull();
    await Promise.all([book.seed(FEW), book.seed(MORE)]);
    await book.seed(MORE);
    expect(await book.current()).toEqual({ codes: FEW, proposal: null, authorisedBy: null, waiting: null });
  });

  it('are other ones once two people have said so', async () => {
    const book = region();
    await book.seed(FEW);
    const { codes, waiting } = (await book.propose(MORE, anna, 'The committee agreed'))!;
    expect([codes, waiting]).toMatchObject([FEW, { codes: MORE, by: anna }]);
    await expect(book.authorise(waiting!.id, anna)).rejects.toMatchObject({ why: 'same-person' });
    await expect(book.authorise('another', bert)).rejects.toMatchObject({ why: 'unknown' });
    const inForce = { codes: MORE, authorisedBy: bert, waiting: null, proposal: { by: anna, reason: 'The committee agreed' } };
    expect(await book.authorise(waiting!.id, bert)).toMatchObject(inForce);
    await expect(book.authorise(waiting!.id, bert)).rejects.toMatchObject({ why: 'unknown' });
  });

  it('are none that a second person has not seen: the last proposal takes the place of the one before', async () => {
    const book = region();
    await book.seed({});
    const first = (await book.propose(FEW, anna, 'x'))!;
    await book.propose(MORE, anna, 'y');
    await expect(book.authorise(first.waiting!.id, bert)).rejects.toMatchObject({ why: 'unknown' });
    expect((await book.current())!.codes).toEqual({});
  });

  it('are none that somebody proposed in a region that has not begun any: that one begins none the worse', async () => {
    const book = region();
    expect(await book.propose(MORE, anna, 'x')).toBeNull();
    await book.seed(FEW);
    expect(await book.current()).toEqual({ codes: FEW, proposal: null, authorisedBy: null, waiting: null });
  });

  it('are the same in any order of their code systems', () => {
    expect(sameCodes({ a: ['1'], b: [] }, { b: [], a: ['1'] })).toBe(true);
    expect(sameCodes(FEW, MORE)).toBe(false);
  });
});

describe('a list of released codes that is too large for one event', () => {
  const megabytes = (prefix: number, count: number): ReleasedCodes => ({
    'http://loinc.org': [],
    [SNOMED]: Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(9, '0')}1000000`),
    'https://dmd.nhs.uk': ['44054006'],
  });
  const [ONE, OTHER, LESS] = [megabytes(1, 150_000), megabytes(2, 150_000), megabytes(3, 60_000)];
  /** Comparing large lists member by member takes long where they differ. */
  const isOf = (codes: ReleasedCodes | undefined, list: ReleasedCodes) => JSON.stringify(codes) === JSON.stringify(list);

  it('begins a region, and is replaced, in parts', async () => {
    const { book, events } = openStore();
    await book().seed(ONE);
    expect(JSON.stringify(ONE).length).toBeGreaterThan(2_900_000);
    expect(events.length).toBeGreaterThan(3);
    expect(isOf((await book().current())?.codes, ONE)).toBe(true);
    const { waiting, codes } = (await book().propose(OTHER, anna, 'The committee agreed'))!;
    expect([isOf(codes, ONE), isOf(waiting!.codes, OTHER)]).toEqual([true, true]);
    await book().authorise(waiting!.id, bert);
    const { codes: now, proposal } = (await book().current())!;
    expect(isOf(now, OTHER)).toBe(true);
    expect({ ...proposal, codes: null }).toEqual({ ...waiting, codes: null });
    await book().propose(FEW, bert, 'The committee thought again');
    expect((await book().current())!.waiting!.codes).toEqual(FEW);
  });

  it('is whole or not there, wherever the process that writes it is killed', async () => {
    const { book: whole, begun } = openStore();
    await whole().seed(FEW);
    await whole().propose(LESS, anna, 'x');
    expect(begun()).toBeGreaterThan(2);
    for (let kill = 2; kill <= begun(); kill += 1) {
      const { book, events, begun: appends } = openStore(new Set([kill]));
      await book().seed(FEW);
      void book().propose(LESS, anna, 'x');
      while (appends() < kill) await new Promise(setImmediate);
      expect(events.length).toBeGreaterThanOrEqual(kill - 1);
      expect(await book().current()).toEqual({ codes: FEW, proposal: null, authorisedBy: null, waiting: null });
      const { waiting } = (await book().propose(LESS, bert, 'y'))!;
      expect(isOf(waiting!.codes, LESS)).toBe(true);
      expect((await book().authorise(waiting!.id, anna)).authorisedBy).toEqual(anna);
    }
  });

  it('begins a region after a process was killed that had written parts of it', async () => {
    const { book, events, begun } = openStore(new Set([3]));
    void book().seed(ONE);
    while (begun() < 3) await new Promise(setImmediate);
    expect(events.length).toBeGreaterThan(2);
    expect(await book().current()).toBeNull();
    await Promise.all([book().seed(OTHER), book().seed(ONE)]);
    const { codes } = (await book().current())!;
    expect([isOf(codes, ONE), isOf(codes, OTHER)].filter(Boolean)).toHaveLength(1);
  });

  it('is not read where a part of it is lost', async () => {
    const { book, events } = openStore();
    await book().seed(ONE);
    const [, ...others] = events.splice(0);
    events.push(...others.map((event, revision) => ({ ...event, revision })));
    await expect(book().current()).rejects.toThrow(/parts of a list/);
  });
});
