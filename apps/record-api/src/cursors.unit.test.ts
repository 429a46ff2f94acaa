import { InvalidCall } from '@weft/processing';
import { type HttpProblem, readSettings, type Service } from '@weft/service';
import { Cursors, refuseUnlessStill } from './cursors.js';

const cursorsOf = (secret: string) =>
  new Cursors({
    settings: readSettings({ WEFT_REGION_SECRET: secret, WEFT_RESEARCH_SECRET: 'another-secret-of-these-tests-alone' }).settings,
  } as Service);
const cursors = cursorsOf('the-region-secret-of-these-tests-alone');
const POSITION = '1234567/1234560';
const PLACE = { epoch: 0, position: POSITION };

function refusal(act: () => unknown): [status: number, code: string | undefined] {
  try {
    act();
  } catch (error) {
    const { statusCode, code, more } = error as HttpProblem;
    return [statusCode, more.errors?.[0]?.code ?? code];
  }
  return [200, undefined];
}
const opened = (cursor: string, of = cursors) => refusal(() => of.open(cursor, 'research'));

describe('a cursor', () => {
  it.each([POSITION, '7', null])('gives back where it stood (%s)', (position) => {
    for (const epoch of [0, 1, 40])
      expect(cursors.open(cursors.at('research', { epoch, position }), 'research')).toEqual({ epoch, position });
  });

  it('says nothing of the position, nor whether two purposes were told of the same', () => {
    const [one, other] = (['research', 'direct-care'] as const).map((purpose) => cursors.at(purpose, PLACE).split('.')[1]!);
    expect(one).not.toBe(other);
    for (const text of [one!, other!]) {
      const bytes = Buffer.from(text, 'base64url').toString('latin1');
      expect(text + bytes).not.toContain('1234567');
    }
  });

  it.each<[string, (cursor: string) => string]>([
    ['other bytes', (cursor) => cursor.replace(/\.(.)/, (_, first) => (first === 'A' ? '.B' : '.A'))],
    ['another purpose', (cursor) => cursor.replace('research', 'direct-care')],
    ['an end cut off', (cursor) => cursor.slice(0, -1)],
    ['nothing but its seal', (cursor) => cursor.slice(0, 'research.'.length + 22)],
    ['another end', (cursor) => `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`],
    ['something behind it', (cursor) => `${cursor}.1-1`],
    ['nothing', () => ''],
  ])('that was given %s is refused as none', (_, changed) => {
    const cursor = changed(cursors.at('research', PLACE));
    expect(opened(cursor)).toEqual([400, 'malformed']);
    expect(refusal(() => cursors.open(cursor, 'direct-care'))).toEqual([400, 'malformed']);
  });

  it('of another region is none', () => {
    const others = cursorsOf('the-region-secret-of-another-region');
    expect(opened(cursors.at('research', PLACE), others)).toEqual([400, 'malformed']);
  });

  it('of another purpose is refused as that', () => {
    expect(opened(cursors.at('population-health', PLACE))).toEqual([400, 'other-purpose']);
  });

  it.each([
    'research.1767225600000.0-17.3-4.9p2Yd0a3b1c5e7f9h1j3kA',
    'research.1767225600000.9p2Yd0a3b1c5e7f9h1j3kA',
    '1767225600000.0-17',
  ])('that names offsets of a topic (%s) is refused as that: begin anew', (cursor) =>
    expect(opened(cursor)).toEqual([410, 'cursor-of-a-topic']),
  );

  it.each([
    ['17', '17', 200],
    ['17', '18', 200],
    [null, null, 200],
    ['18', '17', 410],
    ['17', null, 410],
    ['4/2', '17', 410],
  ])('at %s of a store that ends at %s is answered %s', (cursor, end, status) => {
    const comparePositions = (one: string, other: string): number => {
      if (one.includes('/') || other.includes('/')) throw new InvalidCall('no position of this store');
      return Number(one) - Number(other);
    };
    const [place, now] = [cursor, end].map((position) => ({ epoch: 1, position }));
    expect(refusal(() => refuseUnlessStill({ comparePositions }, place!, now!))).toEqual([
      status,
      status === 410 ? 'cursor-ahead' : undefined,
    ]);
  });

  it('of before the store was put back is refused though the store has grown past it', () => {
    const comparePositions = (one: string, other: string): number => Number(one) - Number(other);
    const now = { epoch: 2, position: '18' };
    expect(refusal(() => refuseUnlessStill({ comparePositions }, { epoch: 1, position: '17' }, now))).toEqual([
      410,
      'cursor-of-before-a-restore',
    ]);
  });
});
