import fc from 'fast-check';
import { textAsBytes } from './bytes.js';
import { bytesOfCase, whereThereAreCases } from './cases.fixture.js';
import { readMessage } from './character-sets.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const message = (declared: string, name: string): string => `MSH|^~\\&|A|||||||1|P|2.4||||||${declared}\rPID|1||||${name}\r`;

function read(bytes: Uint8Array): string {
  const { message: found, characterSet, note } = readMessage(bytes)!;
  return [found.first('PID')!.field(5).value, characterSet, ...(note === null ? [] : [note])].join(' ');
}

describe('the character set', () => {
  it.each([
    ['', 'L\xc4RCH\x92S', 'LÄRCH’S windows-1252 charset-guessed'],
    ['ASCII', 'L\xc4RCH', 'LÄRCH windows-1252 charset-guessed'],
    ['8859/1', 'L\xc4RCH\x92S', 'LÄRCH’S iso-8859-1'],
    ['8859/1~UNICODE UTF-8', 'L\xc4RCH', 'LÄRCH iso-8859-1'],
    ['8859/2', '\xa3ukasz', 'Łukasz iso-8859-2'],
    ['8859/15', '\xa4', '€ iso-8859-15'],
    ['UNICODE UTF-8', 'L\xc4RCH', 'LÄRCH windows-1252 charset-contradicted'],
    ['ISO IR87', 'L\xc4RCH', 'LÄRCH windows-1252 charset-unknown'],
    ['8859/12', 'x', 'x utf-8 charset-unknown'],
    ['8859/1', 'x', 'x iso-8859-1'],
    ['8859/1', '\\XC4\\', 'Ä iso-8859-1'],
    ['', '\\XC4\\', 'Ä utf-8'],
  ])('declared as %j, with %j, reads %j', (declared, name, expected) => {
    expect(read(textAsBytes(message(declared, name)))).toBe(expected);
  });

  it.each([
    ['', 'LÄRCH utf-8'],
    ['UNICODE', 'LÄRCH utf-8'],
    ['UNICODE UTF-8', 'LÄRCH utf-8'],
    ['8859/1', 'LÄRCH utf-8 charset-contradicted'],
    ['GB 18030-2000', 'LÄRCH utf-8 charset-unknown'],
  ])('declared as %j, of UTF-8, reads %j', (declared, expected) => {
    expect(read(utf8(message(declared, 'LÄRCH')))).toBe(expected);
  });

  it('is not contradicted by a byte order mark', () => {
    expect(read(utf8(`\ufeff${message('8859/1', 'LARCH')}`))).toBe('LARCH iso-8859-1');
  });

  it('of any bytes is some, and their text is read without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('', '8859/1', '8859/7', 'UNICODE', 'x'), (bytes, declared) => {
        const all = Uint8Array.from([...utf8(message(declared, '')), ...bytes]);
        expect(readMessage(all)!.message.first('PID')).toBeDefined();
        expect(() => readMessage(bytes)).not.toThrow();
      }),
    );
  });
});

whereThereAreCases('the cases of character sets', () => {
  it.each([
    ['p08-latin1-declared', 'LÄRCH iso-8859-1'],
    ['p09-latin1-undeclared', 'LÄRCH’S windows-1252 charset-guessed'],
    ['p10-declared-wrong', 'LÄRCH utf-8 charset-contradicted'],
  ])('%s', (id, expected) => expect(read(bytesOfCase(id))).toBe(expected));
});
