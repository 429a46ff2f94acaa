import { assign } from './assignment.js';

const partitions = (topic: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => ({ id: from + n, topic }));
const member = (id: string, ...topics: string[]) => ({ id, topics: new Set(topics) });

describe('sharing partitions among members', () => {
  it('gives each partition to exactly one, and nobody more than one above another', () => {
    for (let members = 1; members <= 7; members += 1) {
      const shares = assign(
        Array.from({ length: members }, (_, n) => member(`m${n}`, 't')),
        partitions('t', 1, 18),
      );
      const sizes = [...shares.values()].map((held) => held.length);
      expect([...shares.values()].flat().sort((a, b) => a - b)).toEqual(partitions('t', 1, 18).map(({ id }) => id));
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  it('comes out the same in whichever order members and partitions are given', () => {
    const members = [member('b', 't', 'u'), member('a', 't'), member('c', 'u')];
    const all = [...partitions('t', 1, 6), ...partitions('u', 6, 11)];
    expect(assign([...members].reverse(), [...all].reverse())).toEqual(assign(members, all));
  });

  it('gives a topic only to those who read it, and to nobody where none does', () => {
    const shares = assign([member('a', 't'), member('b', 'u')], [...partitions('t', 1, 4), ...partitions('v', 4, 6)]);
    expect(shares).toEqual(new Map([['a', [1, 2, 3]], ['b', []]])); // prettier-ignore
  });

  it('leaves some with nothing when there are more members than partitions', () => {
    const shares = assign([member('a', 't'), member('b', 't'), member('c', 't')], partitions('t', 1, 3));
    expect([...shares.values()].map((held) => held.length)).toEqual([1, 1, 0]);
  });
});
