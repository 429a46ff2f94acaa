import { shareOut } from './assigner.js';

const partitions = (count: number) => Array.from({ length: count }, (_, partition) => partition);

describe('sharing partitions out', () => {
  it('gives every partition to exactly one member that asked for its topic', () => {
    const wanted = new Map([
      ['b', ['t', 'u']],
      ['a', ['t']],
    ]);
    const shares = shareOut(
      wanted,
      new Map([
        ['t', partitions(4)],
        ['u', partitions(2)],
      ]),
    );
    const given = [...shares].flatMap(([member, share]) =>
      Object.entries(share).flatMap(([topic, own]) => own.map((n) => `${topic}/${n} ${member}`)),
    );
    expect(given.map((one) => one.split(' ')[0]).sort()).toEqual(['t/0', 't/1', 't/2', 't/3', 'u/0', 'u/1']);
    expect(shares.get('a')).not.toHaveProperty('u');
  });

  it('shares many small topics as evenly as one large one', () => {
    const topics = Array.from({ length: 9 }, (_, n) => `t${n}`);
    const shares = shareOut(
      new Map([
        ['a', topics],
        ['b', topics],
        ['c', topics],
      ]),
      new Map(topics.map((topic) => [topic, [0]])),
    );
    expect([...shares.values()].map((share) => Object.keys(share).length)).toEqual([3, 3, 3]);
  });

  it('comes out the same whoever computes it', () => {
    const topics = new Map([['t', [2, 0, 1]]]);
    expect(
      shareOut(
        new Map([
          ['a', ['t']],
          ['b', ['t']],
        ]),
        topics,
      ),
    ).toEqual(
      shareOut(
        new Map([
          ['b', ['t']],
          ['a', ['t']],
        ]),
        new Map([['t', [0, 1, 2]]]),
      ),
    );
  });

  it('leaves a topic to nobody when nobody asked for it', () => {
    expect(shareOut(new Map([['a', []]]), new Map([['t', [0]]])).get('a')).toEqual({});
  });
});
