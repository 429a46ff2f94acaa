import { Digests, digestOfName, passOf } from './tally.js';

describe('digests', () => {
  const names = Array.from({ length: 20_000 }, (_, index) => digestOfName([`n${index % 15_000}`]));

  it('are known by their index however many there are, each once', () => {
    const digests = new Digests();
    expect(names.map((name) => digests.add(name))).toEqual(names.map((_, index) => index % 15_000));
    expect(digests.size).toBe(15_000);
    expect(digests.find(digestOfName(['n14999']))).toBe(14_999);
    expect(digests.find(digestOfName(['another']))).toBe(-1);
  });

  it('of one pass all come before those of the next', () => {
    const sorted = [...names].sort(Buffer.compare);
    const passes = sorted.map((name) => passOf(name, 3));
    expect(passes).toEqual([...passes].sort());
    expect(new Set(passes)).toEqual(new Set([0, 1, 2]));
  });

  it('make one digest, whatever the order in which they came', () => {
    const [one, other] = [new Digests(), new Digests()];
    for (const name of names) one.add(name);
    for (const name of [...names].reverse()) other.add(name);
    const all = (digests: Digests): string => digests.digestWhere(() => true).digest('hex');
    expect(all(one)).toBe(all(other));
    expect(one.digestWhere((index) => index > 0).digest('hex')).not.toBe(all(one));
  });
});
