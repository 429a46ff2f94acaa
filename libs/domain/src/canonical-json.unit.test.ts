import fc from 'fast-check';
import { canonicalJson, sameJson } from './canonical-json.js';

describe('canonical JSON (RFC 8785)', () => {
  it('gives equal characters for equal values, whatever the order of their keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(object));
      }),
    );
  });

  it('keeps the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))),
    );
  });

  it('orders keys by UTF-16 code units and leaves out what is undefined', () => {
    expect(canonicalJson({ b: 1, a: [undefined, 'x'], '\u20ac': 2, A: undefined, '\r': 3 })).toBe(
      '{"\\r":3,"a":[null,"x"],"b":1,"€":2}',
    );
  });
});

describe('two values', () => {
  const small = fc.jsonValue({ maxDepth: 2, noUnicodeString: true });

  it('are the same if, and only if, their canonical forms are', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(sameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
        expect(sameJson(a, JSON.parse(canonicalJson(a)))).toBe(true);
      }),
    );
  });

  it.each([
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [{ toString: 1 }, {}, false],
    [{}, [], false],
    [[1], [1, 2], false],
    [{ a: [{ b: 1 }] }, { a: [{ b: '1' }] }, false],
  ])('%j and %j: %j', (a, b, same) => expect(sameJson(a, b)).toBe(same));
});
