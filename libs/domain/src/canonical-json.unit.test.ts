import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

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
