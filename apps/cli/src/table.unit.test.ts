import { table, wrapped } from './table.js';

const red = (text: string): string => `\x1b[31m${text}\x1b[0m`;

describe('a table', () => {
  it('aligns its columns, to the right where the title says so', () => {
    expect(
      table(
        ['what', '>count'],
        [
          ['a', '1'],
          ['bcdef', '1,000'],
        ],
        80,
      ),
    ).toEqual(['what   count', 'a          1', 'bcdef  1,000']);
  });

  it('stays within the screen: the widest column gives way and wraps between words', () => {
    const lines = table(['', ''], [['key', 'one two three four five six seven eight nine ten']], 30);
    expect(lines).toEqual(['key  one two three four five', '     six seven eight nine ten']);
  });

  it('takes colour for nothing when it measures', () => {
    expect(
      table(
        ['', ''],
        [
          [red('ab'), 'c'],
          ['abcd', 'e'],
        ],
        80,
      ),
    ).toEqual([`${red('ab')}    c`, 'abcd  e']);
  });

  it('closes the colour of a wrapped text at the end of each line', () => {
    expect(wrapped(red('one two'), 4)).toEqual([red('one'), red('two')]);
  });

  it('breaks a word that is longer than the line', () => {
    expect(wrapped('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
  });
});
