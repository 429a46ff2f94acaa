import fc from 'fast-check';
import { jsonWithDigits } from '@weft/domain';
import { jsonErrorPosition } from './json-error-position.js';
import { JSON_DEPTH_MAX, jsonParts, memberBytes, readFhirJson, readJson } from './json.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (part: Uint8Array | null): string | null => part && new TextDecoder().decode(part);

function problemsOf(input: Uint8Array, limit?: number) {
  const reading = readJson(input, 'data', limit);
  return reading.ok ? [] : reading.problems;
}

describe('reading JSON that anybody may have sent', () => {
  it('gives what JSON.parse gives, with or without a byte order mark', () => {
    expect(readJson(bytes('{"a":[1,"ü",null]}'), 'data')).toEqual({ ok: true, event: { a: [1, 'ü', null] } });
    expect(readJson(bytes('\ufeff[1]'), 'data')).toEqual({ ok: true, event: [1] });
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => expect(typeof readJson(input, 'data').ok).toBe('boolean')),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]{}",:\\u0-9a-f \n-]{0,60}$/), (input) => {
        expect(typeof readJson(bytes(input), 'data').ok).toBe('boolean');
      }),
    );
  });

  it('refuses what is above the limit, and says how much it is', () => {
    expect(problemsOf(bytes('"12345678"'), 10)).toEqual([]);
    expect(problemsOf(bytes('"123456789"'), 10)).toEqual([
      { field: 'data', code: 'too-large', message: '11 bytes are above the limit of 10' },
    ]);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(problemsOf(Uint8Array.of(0x22, 0xff, 0x22))[0]?.code).toBe('not-utf-8');
    expect(problemsOf(Uint8Array.of(0x22, 0xc3))[0]?.code).toBe('not-utf-8');
  });

  it('refuses what nests too deep before anything could recurse into it', () => {
    const nested = (depth: number) => bytes('['.repeat(depth) + ']'.repeat(depth));
    expect(problemsOf(nested(JSON_DEPTH_MAX))).toEqual([]);
    expect(problemsOf(nested(JSON_DEPTH_MAX + 1))[0]).toMatchObject({
      code: 'too-deep',
      message: expect.stringContaining('byte 64'),
    });
    expect(problemsOf(bytes('{"a":'.repeat(100_000)))[0]?.code).toBe('too-deep');
    expect(problemsOf(bytes(JSON.stringify('[{"'.repeat(1000))))).toEqual([]);
  });

  it('says where a text stops being JSON, and never what stands there', () => {
    expect(problemsOf(bytes('{"subject":"9990033471"'))[0]?.message).toBe('not JSON: it ends too early, at character 23');
    expect(problemsOf(bytes('{"subject":9990033471,}'))[0]?.message).toBe('not JSON at character 22');
    expect(problemsOf(bytes(''))[0]?.message).toBe('not JSON: it ends too early, at character 0');
  });

  it.each(['{"__proto__":{"admin":true}}', '{"a":[{"__proto__":1}]}', '{"\\u005f_proto__":1}', '{"__proto__":1,"__proto__":2}'])(
    'refuses a key that would change what an object is: %s',
    (input) => expect(problemsOf(bytes(input))[0]?.code).toBe('forbidden-key'),
  );

  it('refuses a number that no double holds, which would be stored as null', () => {
    expect(problemsOf(bytes('{"a":[1,-1e999]}'))).toEqual([
      { field: 'data.a[1]', code: 'number-too-large', message: 'a number that no double holds' },
    ]);
  });
});

describe('reading FHIR', () => {
  it('keeps the digits of its numbers, and nothing else differs', () => {
    const sent = '{"valueQuantity":{"value":5.00,"unit":"mg"},"precision":[1.0,null,2],"count":5}';
    const reading = readFhirJson(bytes(sent), 'data');
    expect(reading.ok && jsonWithDigits(reading.event)).toBe(sent);
    expect(readJson(bytes(sent), 'data')).toEqual({ ok: true, event: JSON.parse(sent) });
  });

  it.each([
    ['{"valueQuantity":{"value":5,"#value":"5.00"}}', 'data.valueQuantity.…'],
    ['{"valueQuantity":{"value":5.00,"\\u0023value":"6.00"}}', 'data.valueQuantity.…'],
    ['{"a":[{"#x":1}]}', 'data.a[0].…'],
    ['{"#resourceType":"Patient"}', 'data.…'],
  ])('refuses what would say for Weft which digits a number had: %s', (sent, field) => {
    expect(readFhirJson(bytes(sent), 'data')).toMatchObject({ ok: false, problems: [{ field, code: 'forbidden-key' }] });
  });

  it('takes texts that look like digits, or like the notes of them, for texts', () => {
    const sent = '{"reference":"#med1","text":"\\"#value\\":\\"5.00\\"","note":[" 5.00 ",":1.0}"],"value":5.0}';
    const reading = readFhirJson(bytes(sent), 'data');
    expect(reading.ok && jsonWithDigits(reading.event)).toBe(sent);
  });

  it('reads the same as any JSON, whatever it is', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (sent) => {
        const reading = readFhirJson(bytes(sent), 'data', 1_000_000);
        const plain = readJson(bytes(sent), 'data', 1_000_000);
        if (!reading.ok)
          return expect(plain.ok ? reading.problems[0]!.code : reading.problems).toEqual(
            plain.ok ? 'forbidden-key' : plain.problems,
          );
        expect(JSON.parse(jsonWithDigits(reading.event))).toEqual(plain.ok ? plain.event : undefined);
      }),
    );
  });
});

describe('the place where JSON breaks', () => {
  it('of a text cut off anywhere is its end', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.nat(), (json, where) => {
        const whole = `[${json},"é\\u00e9"]`;
        const cut = whole.slice(0, where % whole.length);
        expect(jsonErrorPosition(cut)).toBe(cut.length);
      }),
    );
  });

  it('is where the engine sees it, whenever the engine says', () => {
    let compared = 0;
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('}', ']', ',', ':', '"', 'x', '0', '\\', '\n'),
        (json, where, put) => {
          const at = where % (json.length + 1);
          const broken = json.slice(0, at) + put + json.slice(at);
          try {
            JSON.parse(broken);
          } catch (error) {
            const place = /at position (\d+)/.exec((error as Error).message)?.[1];
            if (place === undefined) return;
            compared += 1;
            expect(jsonErrorPosition(broken)).toBe(Number(place));
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});

describe('taking JSON apart without reading it', () => {
  it('gives each part of an array as it was sent', () => {
    expect(jsonParts(bytes(' [ {"a":"],"} ,2, "x" ]\n'), '[')?.map(text)).toEqual([' {"a":"],"} ', '2', ' "x" ']);
    expect(jsonParts(bytes('[ ]'), '[')).toEqual([]);
  });

  it.each(['', '{}', '[1', '[1] 2', 'x[1]', '["1]'])('knows that %j is no closed array', (input) => {
    expect(jsonParts(bytes(input), '[')).toBeNull();
  });

  it('finds the very value that JSON.parse would have taken', () => {
    expect(text(memberBytes(bytes('{"a":{"data":1}, "data" : {"x": 1.00} }'), 'data'))).toBe('{"x": 1.00}');
    expect(text(memberBytes(bytes('{"data":1,"d\\u0061ta":2}'), 'data'))).toBe('2');
    expect(memberBytes(bytes('{"a":1}'), 'data')).toBeNull();
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (others, value) => {
        const object = JSON.parse(JSON.stringify({ ...others, data: value })) as Record<string, unknown>;
        expect(JSON.parse(text(memberBytes(bytes(JSON.stringify(object, null, 1)), 'data'))!)).toEqual(object['data']);
      }),
    );
  });
});

describe('an object with one member twice', () => {
  const read = (text: string) => readJson(Buffer.from(text), 'data');

  it.each([
    ['{"type":"deny","type":"permit"}', 'data.type'],
    ['{"a":1,"\\u0061":1}', 'data.a'],
    ['{"a":[{"b":1},{"b":1,"c":{"d":":","d":2}}]}', 'data.a[1].c.d'],
    ['[[],{"a":{},"a":{}}]', 'data[1].a'],
    ['{"9990000018":1,"9990000018":2}', 'data.…'],
  ])('is malformed, and it is said where: %s', (text, field) => {
    expect(read(text)).toMatchObject({ ok: false, problems: [{ field, code: 'repeated-member' }] });
  });

  it.each(['{"a":{"b":1},"c":{"b":1}}', '[{"a":1},{"a":1}]', '{"a":":,{\\"a\\":1"}', '{"1":1,"2":{"1":[]}}', '5', '"a:b"'])(
    'is not one whose members have names of their own: %s',
    (text) => expect(read(text)).toEqual({ ok: true, event: JSON.parse(text) }),
  );
});
