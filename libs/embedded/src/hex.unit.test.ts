import { foldHex, unfoldHex } from './hex.js';

const DIGEST = 'de9c508df37da139e63805233c366413';
const bytesOf = (text: string): Buffer => Buffer.from(text);

describe('Hexadecimal in what is stored', () => {
  it.each([
    ['a key alone', DIGEST],
    ['keys in a text', `{"id":"${DIGEST}","subject":"Patient/${DIGEST}"}`],
    ['two keys with a dot between', `${DIGEST}.${DIGEST}`],
    ['a digest of 64 digits', DIGEST + DIGEST],
    ['a run that is no whole number of keys', `é${DIGEST}${DIGEST}abc`],
    ['a run at the end, after one that is a digit too short', `${DIGEST.slice(1)} ${DIGEST}`],
    ['a key of which every byte is a mark', 'f'.repeat(32)],
  ])('gives back %s, in fewer bytes', (_, text) => {
    const folded = foldHex(bytesOf(text));
    expect(folded.length).toBeLessThan(bytesOf(text).length);
    expect(unfoldHex(folded).toString()).toBe(text);
  });

  it.each([
    ['words made of digits', '{"display":"deadbeef faced a cafe"}'],
    ['capitals, which small letters would replace', DIGEST.toUpperCase()],
    ['a run that is a digit too short', DIGEST.slice(1)],
    ['nothing', ''],
  ])('leaves %s as it is', (_, text) => {
    expect(foldHex(bytesOf(text)).toString()).toBe(text);
    expect(unfoldHex(bytesOf(text)).toString()).toBe(text);
  });

  it('leaves a value that is no UTF-8 as it is, for the mark may stand in it', () => {
    const value = Buffer.concat([bytesOf(`key\0{}\0${DIGEST}`), Buffer.from([0xff, 0, 1])]);
    expect(unfoldHex(foldHex(value))).toEqual(value);
  });

  it('gives back any mixture of digits and other bytes', () => {
    let state = 7;
    const next = (limit: number): number => (state = (state * 48_271) % 2_147_483_647) % limit;
    for (let round = 0; round < 2_000; round += 1) {
      const parts = Array.from({ length: next(12) }, () =>
        next(3) === 0 ? String.fromCodePoint(1 + next(0x2ff)) : DIGEST.repeat(3).slice(next(32), 32 + next(40)),
      );
      const text = `t${parts.join('')}`;
      expect(unfoldHex(foldHex(bytesOf(text))).toString()).toBe(text);
    }
  });

  it('does not read past a run that was cut off', () => {
    const folded = foldHex(bytesOf(`id ${DIGEST}`));
    expect(() => unfoldHex(folded.subarray(0, -1))).toThrow(RangeError);
  });
});
