import { afterWaiting, areRead, type Awaiting, type LaneEnd, type Mark } from './marks.js';

const marks = (...list: readonly (readonly [partition: number, mark: Mark])[]) => new Map(list);
const at = (next: number, epoch = 0, whole = 0): Mark => ({ epoch, next, whole });

describe('the decisions before an end', () => {
  it.each<[string, LaneEnd, Mark | undefined, boolean]>([
    ['are read once the mark is there', [1, 0, 5], at(5), true],
    ['are read once the mark is beyond', [1, 0, 5], at(6), true],
    ['are not read while one is left', [1, 0, 5], at(4), false],
    ['are not read where there is no mark', [1, 0, 1], undefined, false],
    ['are none where nothing was ever decided', [1, 0, 0], undefined, true],
    ['of a topic that is gone are not read by the mark of the next, however far that is', [1, 0, 5], at(90, 1, 100), false],
    ['of a topic that is gone wait for the next as far as that was when it was found', [1, 0, 500], at(100, 1, 100), true],
    ['of the next topic are not read by a mark of the one before', [1, 1, 5], at(500, 0), false],
  ])('%s', (_, end, mark, expected) => {
    expect(areRead([end], mark === undefined ? new Map() : marks([1, mark]))).toBe(expected);
  });

  it('are read where those before each end are', () => {
    const ends: readonly LaneEnd[] = [
      [0, 0, 1],
      [1, 0, 1],
    ];
    expect(areRead(ends, marks([0, at(1)]))).toBe(false);
    expect(areRead(ends, marks([0, at(1)], [1, at(1)]))).toBe(true);
  });
});

describe('what individual care waits for no longer', () => {
  const one: Awaiting = { ends: [[0, 0, 5]], noted: 7, isWaited: false };

  it.each<[string, Parameters<typeof afterWaiting>[1], boolean]>([
    ['was noted by then, for decisions before that end', { ends: [[0, 0, 5]], noted: 7 }, true],
    ['is nothing that was noted later', { ends: [[0, 0, 5]], noted: 6 }, false],
    ['is nothing that waits for later decisions', { ends: [[0, 0, 4]], noted: 7 }, false],
    ['is nothing that waits for decisions elsewhere', { ends: [[1, 0, 5]], noted: 7 }, false],
    ['is nothing that waits for those of another topic', { ends: [[0, 1, 5]], noted: 7 }, false],
  ])('%s', (_, until, expected) => {
    expect(afterWaiting(one, until).isWaited).toBe(expected);
  });
});
