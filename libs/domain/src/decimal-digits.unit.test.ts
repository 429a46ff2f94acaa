import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';
import { digitsOf, jsonWithDigits, mayImitateMarks, parseWithDigits, withDigits } from './decimal-digits.js';

/** A number as JSON allows it. */
const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9]\d{0,22}$/)),
    fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^\.\d{1,20}$/),
      fc.stringMatching(/^\.0{1,9}\d{0,3}$/).filter((text) => text !== '.'),
    ),
    fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][+-]?[1-9]\d?$/)),
  )
  .map((parts) => parts.join(''));

const space = fc.constantFrom('', '', ' ', '\n\t');
/** What looks like numbers, marks and names, in strings. */
const string = fc
  .array(
    fc.constantFrom('5.00', ' 5.00 ', ':1.0}', '"', '\\', '"#v":"1.0"', '[', ']', '{', '}', ',', ':', '#', 'é', '\u0001', 'v'),
    { maxLength: 6 },
  )
  .map((parts) => JSON.stringify(parts.join('')));
const name = fc.constantFrom('"value"', '"precision"', '"v"', '"value5"', '"low"', '"E1"');

const spaced = (parts: readonly string[], [open, close]: readonly [string, string]) =>
  space.map((gap) => `${open}${gap}${parts.join(`${gap},${gap}`)}${gap}${close}`);
const list = fc.array(fc.oneof(number, fc.constant('null')), { maxLength: 4 }).chain((items) => spaced(items, ['[', ']']));

const { document } = fc.letrec<{ document: string; value: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, number, list, string, fc.constantFrom('true', 'null'), tie('document')),
  document: fc
    .uniqueArray(fc.tuple(name, tie('value'), space), { maxLength: 5, selector: ([text]) => JSON.parse(text) as string })
    .chain((members) =>
      spaced(
        members.map(([text, value, gap]) => `${text}${gap}:${gap}${value}`),
        ['{', '}'],
      ),
    ),
}));

/** What JSON's own reader and writer make of a text, but for its numbers: each stands as it was written, in quotes. */
const quoted = (text: string): string =>
  text.replace(
    /("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)/g,
    (_, string: string | undefined, digits: string) => string ?? `"=${digits}"`,
  );
const same = (text: string): string => JSON.stringify(JSON.parse(quoted(text)));

describe("a number's digits", () => {
  it.each([
    '5.00',
    '0.010',
    '1.0e2',
    '71.0',
    '1E3',
    '-0',
    '-0.0',
    '0.0000001',
    '1e21',
    '12345678901234567890',
    '0.1234567890123456789',
  ])('stay %s from the text that is read to the text that is written', (digits) => {
    const text = `{"valueQuantity":{"value":${digits},"unit":"mg"}}`;
    const value = parseWithDigits(text) as { valueQuantity: { value: number } };
    expect(value.valueQuantity.value).toBe(Number(digits));
    expect(digitsOf(value.valueQuantity, 'value')).toBe(digits);
    expect(jsonWithDigits(value)).toBe(text);
  });

  it('stay whatever they are and wherever they stand in objects, and through what stores and copies by plain JSON', () => {
    fc.assert(
      fc.property(document, (text) => {
        const value = parseWithDigits(text);
        const stored = JSON.stringify(value);
        expect(same(jsonWithDigits(value))).toBe(same(text));
        expect(same(withDigits(stored))).toBe(same(text));
        const sorted = jsonWithDigits(structuredClone(JSON.parse(canonicalJson(value))));
        expect(canonicalJson(JSON.parse(quoted(sorted)))).toBe(canonicalJson(JSON.parse(quoted(text))));
      }),
      { numRuns: 500 },
    );
  });

  it('cost nothing where JavaScript writes the number as its sender did', () => {
    const text = '{"a":5,"b":-7.25,"c":[71.00418833,0,1e+21],"d":"5.00","e":0.000001}';
    expect(JSON.stringify(parseWithDigits(text))).toBe(text);
    expect(JSON.stringify(parseWithDigits(jsonWithDigits({ a: 0.1 + 0.2, b: 1e-7, c: 2 ** 60 })))).toBe(
      JSON.stringify({ a: 0.1 + 0.2, b: 1e-7, c: 2 ** 60 }),
    );
  });

  it('are part of what is said: 5.00 is other content than 5.0, in whatever order the members come', () => {
    const [two, one] = [parseWithDigits('{"u":1,"v":5.00}'), parseWithDigits('{"v":5.0,"u":1}')];
    expect(canonicalJson(two)).not.toBe(canonicalJson(one));
    expect(canonicalJson(two)).toBe(canonicalJson(parseWithDigits('{"v":5.00,"u":1}')));
  });

  it('of another number are forgotten: whoever changes a value need not know of them', () => {
    const changed = { ...(parseWithDigits('{"value":5.00,"unit":"mg"}') as object), value: 6 };
    expect(jsonWithDigits(changed)).toBe('{"value":6,"unit":"mg"}');
    const { value: _, ...without } = parseWithDigits('{"value":5.00,"unit":"mg"}') as { value: number };
    expect(jsonWithDigits(without)).toBe('{"unit":"mg"}');
  });

  it('are written as a number or not at all', () => {
    expect(jsonWithDigits({ value: 5, '#value': '5.00,"admin":true' })).toBe('{"value":5}');
    expect(jsonWithDigits({ value: 5, '#value': ' 5' })).toBe('{"value":5}');
  });

  it('are looked for in any text, however long and however made, before the test runner gives up', () => {
    const many = 200_000;
    for (const text of [
      `{"a":[true,${'1.0,'.repeat(many)}1.0]}`,
      `{"a":[${'[1.0],'.repeat(many)}[1.0]]}`,
      `[${'1.0,'.repeat(many)}1.0]`,
      `{"a":${' '.repeat(many)}[${'[1.0],'.repeat(many)}[1.0]]}`,
      `{"a":"${'\\\\'.repeat(many)}","b":1.0}`,
      `{"a":"${':1.0}'.repeat(many)}","b":1.0}`,
      `{"a":"${'\\"#b'.repeat(many)}","b":1.0}`,
      `{"a":": ${'1'.repeat(many)}","b":1.${'0'.repeat(many)}}`,
    ]) {
      const plain = (one: string): string => JSON.stringify(JSON.parse(one));
      expect(plain(jsonWithDigits(parseWithDigits(text))) === plain(text)).toBe(true);
    }
  });

  it("marks' names are known in the text of others, however they are escaped", () => {
    for (const text of ['{"#value":"5.00"}', '{"a":{"\\u0023value" :"5.00"}}', '{"#":1}'])
      expect(mayImitateMarks(text)).toBe(true);
    for (const text of ['{"value":"5.00"}', '{"v#":1}', '{"a":"5 # 7"}']) expect(mayImitateMarks(text)).toBe(false);
  });
});
