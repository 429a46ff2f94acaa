import { type HttpProblem, readSettings, type Service } from '@weft/service';
import type { Offsets } from './change-feed.js';
import { Cursors, refuseAhead } from './cursors.js';

const START = Date.UTC(2026, 0, 1);
const DAY = 24 * 60 * 60_000;
let now = START;
const cursorsOf = (secret: string) =>
  new Cursors({
    settings: readSettings({ WEFT_REGION_SECRET: secret, WEFT_RESEARCH_SECRET: 'another-secret-of-these-tests-alone' }).settings,
    clock: { now: () => now },
  } as Service);
const cursors = cursorsOf('the-region-secret-of-these-tests-alone');
const places: Offsets = new Map([
  [0, 17],
  [3, 4],
]);

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

beforeEach(() => (now = START));

describe('a cursor', () => {
  it('gives back where it stood, for a day', () => {
    const cursor = cursors.at('research', places);
    now = START + DAY;
    expect(cursors.open(cursor, 'research')).toEqual(places);
    now += 1;
    expect(opened(cursor)).toEqual([410, 'cursor-too-old']);
    expect(cursors.open(cursors.at('research', new Map()), 'research')).toEqual(new Map());
  });

  it.each<[string, (cursor: string) => string]>([
    ['a later time', (cursor) => cursor.replace(String(START), String(START + DAY))],
    ['an earlier place', (cursor) => cursor.replace('0-17', '0-16')],
    ['a place less', (cursor) => cursor.replace('.3-4', '')],
    ['another purpose', (cursor) => cursor.replace('research', 'direct-care')],
    ['no seal', (cursor) => cursor.slice(0, -23)],
    ['another seal', (cursor) => `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`],
    ['something behind it', (cursor) => `${cursor}.1-1`],
    ['nothing', () => ''],
  ])('that was given %s is refused as none', (_, changed) => {
    const cursor = changed(cursors.at('research', places));
    expect(opened(cursor)).toEqual([400, 'malformed']);
    expect(refusal(() => cursors.open(cursor, 'direct-care'))).toEqual([400, 'malformed']);
  });

  it('of another region is none', () => {
    expect(opened(cursors.at('research', places), cursorsOf('the-region-secret-of-another-region'))).toEqual([400, 'malformed']);
  });

  it('of another purpose is refused as that', () => {
    expect(opened(cursors.at('population-health', places))).toEqual([400, 'other-purpose']);
  });

  it('as versions before gave them says nothing that can be relied on: begin anew', () => {
    expect(opened(`${START}.0-17.3-4`)).toEqual([410, 'cursor-too-old']);
  });

  it.each([
    [17, 4, 200],
    [18, 9, 200],
    [16, 4, 410],
    [17, 3, 410],
    [17, undefined, 410],
  ])('of a topic that ends at %s and %s is answered %s', (first, other, status) => {
    const ends = [
      { partition: 0, high: first },
      ...(other === undefined ? [] : [{ partition: 3, high: other }]),
      { partition: 4, high: 0 },
    ];
    expect(refusal(() => refuseAhead(places, ends))).toEqual([status, status === 410 ? 'cursor-ahead' : undefined]);
  });
});
