import { PRIMITIVES } from './primitives.js';

const UUID = 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7';

/** By type: values that R4 takes, and values of the right kind that it does not. */
const VALUES: Record<string, { right: unknown[]; wrong: unknown[] }> = {
  boolean: { right: [true, false], wrong: [] },
  integer: { right: [0, -2_147_483_648, 2_147_483_647], wrong: [1.5, 2_147_483_648, -2_147_483_649, 1e300, Infinity] },
  unsignedInt: { right: [0, 2_147_483_647], wrong: [-1, 0.5, 2_147_483_648] },
  positiveInt: { right: [1], wrong: [0, -1, 1.5] },
  decimal: { right: [0, -1.5, 1e-300], wrong: [Infinity, NaN] },
  string: { right: ['x', ' ', 'a\u00a0b\n'], wrong: ['', 'x'.repeat(1_048_577)] },
  markdown: { right: ['# x'], wrong: [''] },
  elementId: { right: ['a_b'], wrong: ['', 'a b'] },
  id: { right: ['a-1.B', 'x'.repeat(64)], wrong: ['', 'a_b', 'a b', 'x'.repeat(65), 'ä'] },
  code: { right: ['a', 'not in', '<='], wrong: ['', ' a', 'a ', 'a  b', 'a\tb', 'a\u00a0b '] },
  uri: { right: ['x', '#a', 'https://example.org/a?b#c', UUID, `${UUID}#x`, 'urn:oid:1.2.3', 'urn:x'], wrong: ['', 'a b', ' '] },
  url: { right: ['https://example.org', 'mailto:a@example.org'], wrong: ['', 'a b'] },
  canonical: { right: ['https://example.org/a|1.0', '#a', `${UUID}|1`], wrong: ['', 'a b'] },
  oid: { right: ['urn:oid:1.2.0', 'urn:oid:2.16.840.1'], wrong: ['', '1.2', 'urn:oid:3.1', 'urn:oid:1.02', 'urn:oid:1'] },
  uuid: { right: [UUID], wrong: ['', UUID.toUpperCase(), UUID.slice(0, -1), UUID.slice(9)] },
  date: {
    right: ['2024', '2024-02', '2024-02-29', '2000-02-29', '2023-12-31'],
    wrong: [
      '',
      '0000',
      '24',
      '2024-2',
      '2024-13',
      '2024-02-30',
      '2023-02-29',
      '1900-02-29',
      '2024-04-31',
      '2024-01-01T00:00:00Z',
    ],
  },
  dateTime: {
    right: [
      '2024',
      '2024-02-29',
      '2024-02-29T23:59:59Z',
      '2016-12-31T23:59:60Z',
      '2017-01-01T05:29:60+05:30',
      '2024-01-01T00:00:00.123456+14:00',
    ],
    wrong: [
      '2024-01-01T00:00Z',
      '2024-01-01T00:00:00',
      '2024-01-01T24:00:00Z',
      '2023-02-29T00:00:00Z',
      '2024-01-01T00:00:00+15:00',
      '2024-01-01 00:00:00Z',
      '2024-01-01T00:00:61Z',
      '2016-12-31T22:59:60Z',
      '2016-12-31T23:59:60+01:00',
    ],
  },
  instant: {
    right: ['2024-02-29T10:00:00Z', '2024-02-29T10:00:00.5-00:30', '2017-01-01T00:59:60+01:00'],
    wrong: ['2024-02-29T10:00:60Z', '2024-02-29', '2024-02-29T10:00Z', '2023-02-29T10:00:00Z'],
  },
  time: {
    right: ['00:00:00', '23:59:60', '05:29:60', '10:00:00.5'],
    wrong: ['', '10:00:60', '10:00', '24:00:00', '10:00:00Z', '1:00:00'],
  },
  base64Binary: {
    right: ['QUJD', 'QUI=', 'QQ==', 'QU\nJD', ' QUJD ', 'QQ= ='],
    wrong: ['', ' ', 'QUJ', 'QUJDRA', 'QU=D', 'QUJD=', 'QUJ_', '%%%2@()()'],
  },
  xhtml: { right: ['<div>x</div>'], wrong: ['', 'x'] },
};

const problemOf = (type: string, value: unknown): string | null => PRIMITIVES[type]!.problem(value as never);

describe('a primitive type of R4', () => {
  it('is known by every value that R4 names', () => expect(Object.keys(PRIMITIVES).sort()).toEqual(Object.keys(VALUES).sort()));

  it.each(Object.entries(VALUES))('%s takes what R4 takes, and nothing else', (type, { right, wrong }) => {
    expect(right.filter((value) => problemOf(type, value) !== null)).toEqual([]);
    expect(wrong.filter((value) => problemOf(type, value) === null)).toEqual([]);
  });

  it('says of a urn:uuid or urn:oid in a URI that it is none', () => {
    const rule = PRIMITIVES['uri']!.rule!;
    expect([UUID, `${UUID}|1`, 'urn:oid:1.2#x', 'urn:x:y', 'https://x'].filter((value) => rule(value) !== null)).toEqual([]);
    expect(
      [UUID.toUpperCase().replace('URN:UUID', 'urn:uuid'), 'urn:uuid:x', 'urn:oid:x'].filter((value) => rule(value) === null),
    ).toEqual([]);
  });

  it('is judged in one go, however long the value and however it is made', () => {
    const spaces = ' '.repeat(1_000_000);
    expect(problemOf('base64Binary', `${spaces}!`)).toBe('must be base64');
    expect(problemOf('base64Binary', `=${spaces}!`)).toBe('must be base64');
    expect(problemOf('code', `${'a '.repeat(500_000)} `)).toMatch(/^must be a code/);
    expect(problemOf('oid', `urn:oid:1${'.1'.repeat(400_000)}x`)).toMatch(/^must be an OID/);
  });
});
