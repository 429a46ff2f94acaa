import { FoundOnce, foundOnce, Lists } from './src/once.js';

describe('what the oracle finds out once', () => {
  it('is found again for a list that has grown, and for no other', () => {
    let asked = 0;
    const sumOf = foundOnce((numbers: readonly number[]) => {
      asked += 1;
      return numbers.reduce((sum, one) => sum + one, 0);
    });
    const numbers = [1, 2];
    expect([sumOf(numbers), sumOf(numbers), asked]).toEqual([3, 3, 1]);
    numbers.push(4);
    expect([sumOf(numbers), asked]).toEqual([7, 2]);
    expect([sumOf([1, 2]), asked]).toEqual([3, 3]);
  });

  it('is kept by every value that it follows from', () => {
    const found = new FoundOnce<number>();
    const [one, other] = [{}, {}];
    let next = 0;
    const of = (...values: readonly [object, ...unknown[]]): number => found.of(values[0], values.slice(1), () => next++);
    expect([of(one, 'a', 1), of(one, 'a', 2), of(one, 'b', 1), of(other, 'a', 1), of(one, 'a')]).toEqual([0, 1, 2, 3, 4]);
    expect([of(one, 'a', 1), of(one, 'a', 2), of(one, 'b', 1), of(other, 'a', 1), of(one, 'a')]).toEqual([0, 1, 2, 3, 4]);
  });

  it('is kept by the members of a list in their order, whoever puts it together', () => {
    const lists = new Lists();
    const [a, b] = [{ name: 'a' }, { name: 'a' }];
    const list = lists.of([a, b]);
    expect(lists.of([a, b])).toBe(list);
    expect(lists.of([])).toBe(lists.of([]));
    for (const others of [[b, a], [a], [a, b, a], []]) expect(lists.of(others)).not.toBe(list);
    expect(lists.of([a])).toEqual([a]);
  });
});
