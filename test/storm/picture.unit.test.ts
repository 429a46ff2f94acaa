import { baseEntries, markerOf, peopleOf, seenIn } from './src/entries.js';
import { type Line, Picture } from './src/picture.js';
import { report } from './src/report.js';

const [first, second] = baseEntries(peopleOf(1)[0]!, 0);
const line = (kind: Line['kind'], viewRevision: number, entry = first!, version = viewRevision): Line => ({
  kind,
  key: `key-${entry.number}`,
  viewRevision,
  entry: kind === 'withdrawn' ? null : { code: markerOf(entry, version) },
  cursor: `cursor-${viewRevision}`,
});

describe('what a subscriber of the storm holds', () => {
  let picture: Picture;
  beforeEach(() => (picture = new Picture()));
  const take = (...lines: readonly Line[]) => lines.map((one) => picture.take(one));

  it('is what it was told last of each entry, and goes on at the cursor', () => {
    picture.begin();
    expect(take(line('included', 1), line('amended', 2), line('included', 1, second))).toEqual([false, false, false]);
    expect(picture.seen).toEqual([
      { number: 0, version: 2 },
      { number: 1, version: 1 },
    ]);
    expect(picture.cursor).toBe('cursor-1');
  });

  it('loses what is withdrawn, and is not given it back by what is older', () => {
    picture.begin();
    expect(take(line('included', 1), line('withdrawn', 3), line('included', 2))).toEqual([false, true, false]);
    expect(picture.seen).toEqual([]);
  });

  it('loses, once it has begun anew and caught up, what it was not told of again', () => {
    picture.begin();
    take({ ...line('included', 1), cursor: undefined }, { ...line('included', 1, second), cursor: undefined });
    picture.begin();
    take({ ...line('included', 1, second), cursor: undefined });
    expect(picture.seen).toHaveLength(2);
    picture.complete();
    expect(picture.seen).toEqual([{ number: 1, version: 1 }]);
  });

  it('loses it with the first cursor too: whoever is cut off before the empty line goes on behind everything', () => {
    picture.begin();
    take({ ...line('included', 1), cursor: undefined }, { ...line('included', 1, second), cursor: undefined });
    picture.begin();
    take(line('included', 1, second));
    expect(picture.seen).toEqual([{ number: 1, version: 1 }]);
  });

  it('keeps, where it went on at a cursor, what it was not told of again', () => {
    picture.begin();
    take(line('included', 1));
    picture.begin();
    picture.complete();
    expect(picture.seen).toHaveLength(1);
  });
});

describe('a text', () => {
  it('gives away every entry whose code is anywhere in it, once', () => {
    const [twelfth, seventh] = [markerOf({ ...first!, number: 12 }, 3), markerOf({ ...first!, number: 7 }, 1)];
    expect(seenIn(JSON.stringify({ a: twelfth, b: [twelfth, seventh], c: `x${seventh} ${seventh.slice(0, -1)}` }))).toEqual([
      { number: 12, version: 3 },
      { number: 7, version: 1 },
    ]);
  });
});

describe('the report of a storm', () => {
  const counts = { kills: 3, decisions: 4, events: 5, reads: 6, entriesRead: 7, messages: 8, withdrawals: 9 };
  const how = { seconds: 61.25, again: 'npm run storm -- --seed 5', directory: '/tmp/storm' };

  it('says how much was done, and that nothing was broken', () => {
    const lines = report({ counts, violated: 0, violations: [], seed: 5 }, how);
    expect(lines).toHaveLength(8);
    expect(lines[0]).toMatch(/^ {2}processes killed with -9 and started again +3$/);
    expect(lines.at(-1)).toBe('storm of 61.3 s, seed 5: every promise kept');
  });

  it('says what was broken, how many more, and how to see it again', () => {
    const lines = report({ counts, violated: 3, violations: ['1.0 s: one', '2.0 s: two'], seed: 5 }, how);
    expect(lines.slice(7)).toEqual([
      '  BROKEN 1.0 s: one',
      '  BROKEN 2.0 s: two',
      '  and 1 more',
      '  data and logs: /tmp/storm',
      '  again: npm run storm -- --seed 5',
      'storm of 61.3 s, seed 5: 3 broken promises',
    ]);
  });
});
