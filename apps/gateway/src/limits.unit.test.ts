import { tooManyValues } from './limits.js';

const bytes = (text: string) => Buffer.from(text);

describe('limits', () => {
  it('refuse a body that is mostly values, which would cost many times its size', () => {
    const zeros = bytes(`[${'0,'.repeat(500)}0]`);
    expect(tooManyValues(zeros, 1_600)).toMatchObject({
      field: 'body',
      code: 'too-large',
      message: expect.stringContaining('100 values'),
    });
    expect(tooManyValues(zeros, 16_000)).toBeUndefined();
  });

  it('count exactly to the limit', () => {
    const numbers = (count: number) => bytes(`[${Array.from({ length: count }, () => '1').join(' , ')}]`);
    expect(tooManyValues(numbers(100), 1_600)).toBeUndefined();
    expect(tooManyValues(numbers(101), 1_600)).toBeDefined();
  });

  it.each([',', '\\",', '\\\\\\",', 'é,'])('do not take the commas of a text (%s) for values', (piece) => {
    expect(tooManyValues(bytes(`["${piece.repeat(1_000)}"]`), 1_600)).toBeUndefined();
  });

  it('see that a text ends at a quote behind two backslashes', () => {
    expect(tooManyValues(bytes(`["\\\\",${'0,'.repeat(200)}"x"]`), 1_600)).toBeDefined();
  });

  it('leave what is no JSON to the parser, however it ends', () => {
    for (const text of ['"', '"\\', '"\\"']) expect(tooManyValues(bytes(text.padEnd(200, ' ')), 1_600)).toBeUndefined();
  });
});
