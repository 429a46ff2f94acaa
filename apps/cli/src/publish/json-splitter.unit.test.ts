import fc from 'fast-check';
import { JsonSplitter, NotSplittable, type Part } from './json-splitter.js';

/** The parts of a document that arrives in chunks of these sizes, the last one repeated. */
function split(text: string, sizes: readonly number[] = [7], limit = 1 << 20): Part[] {
  const splitter = new JsonSplitter('entry', limit);
  const bytes = Buffer.from(text);
  const parts: Part[] = [];
  for (let at = 0, chunk = 0; at < bytes.length; chunk += 1) {
    const size = sizes[Math.min(chunk, sizes.length - 1)] ?? 1;
    // Handed over in a buffer that is written over afterwards, as a file reader may do.
    const lent = Buffer.from(bytes.subarray(at, at + size));
    parts.push(...[...splitter.push(lent)].map((part) => ({ ...part, bytes: Buffer.from(part.bytes) })));
    lent.fill(0);
    at += size;
  }
  splitter.finish();
  return parts;
}

const value = (part: Part): unknown => JSON.parse(part.bytes.toString('utf8'));
const elements = (parts: readonly Part[]): unknown[] => parts.filter(({ kind }) => kind === 'element').map(value);
const members = (parts: readonly Part[]): Record<string, unknown> =>
  Object.fromEntries(parts.flatMap((part) => (part.kind === 'member' ? [[part.name, value(part)]] : [])));

describe('taking a JSON document apart', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
  const space = fc.constantFrom(undefined, 1, '\t');

  it('gives the elements of any list, however the chunks fall', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), sizes, space, (list, chunks, indent) => {
        expect(elements(split(JSON.stringify(list, undefined, indent), chunks))).toEqual(JSON.parse(JSON.stringify(list)));
      }),
    );
  });

  it('gives the entries of any Bundle and its other members, wherever entry stands', () => {
    const others = fc.dictionary(
      fc.string().filter((name) => name !== 'entry' && name !== '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(others, others, fc.array(fc.jsonValue()), sizes, space, (before, after, entry, chunks, indent) => {
        const bundle = JSON.stringify({ ...before, entry, ...after }, undefined, indent);
        const { entry: _, ...rest } = JSON.parse(bundle) as Record<string, unknown>;
        const parts = split(bundle, chunks);
        expect(elements(parts)).toEqual((JSON.parse(bundle) as { entry: unknown[] }).entry);
        expect(members(parts)).toEqual(rest);
      }),
    );
  });

  it('says at which byte of the document an element stands', () => {
    const text = '{"type": "batch", "entry": [ {"a": 1} , {"é": "]},["} ]}';
    const bytes = Buffer.from(text);
    for (const part of split(text, [1])) {
      if (part.kind === 'element') expect(bytes.subarray(part.offset, part.offset + part.bytes.length)).toEqual(part.bytes);
    }
  });

  it('takes an entry member that is no list for a member like others', () => {
    expect(members(split('{"entry": {"entry": [1, 2]}, "a": [3]}'))).toEqual({ entry: { entry: [1, 2] }, a: [3] });
  });

  it('passes over a byte order mark', () => {
    expect(elements(split('\uFEFF[1]', [1]))).toEqual([1]);
  });

  it.each([
    ['{"entry": [1, 2', /ends too early/],
    ['', /ends too early/],
    ['"text"', /neither/],
    ['[1] [2]', /follows behind its end/],
    ['{x: 1}', /name cannot be read/],
    ['{"entry": [1], "entry": [2]}', /stands twice/],
    ['{"type": "batch", "\\u0074ype": "history"}', /stands twice/],
  ])('says where %s cannot be taken apart', (text, message) => {
    expect(() => split(text)).toThrow(NotSplittable);
    expect(() => split(text)).toThrow(message);
  });

  it('holds no part that is larger than allowed', () => {
    expect(() => split(`["${'x'.repeat(200)}"]`, [10], 100)).toThrow(/above 100 bytes/);
  });
});
