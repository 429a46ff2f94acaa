import type { ViewEntry } from './view-entry.js';
import { withoutPseudonyms } from './without-pseudonyms.js';

const PERSON = 'aaaa';
const entry = (id: string, code: string, more: Partial<ViewEntry> = {}, resource: object = {}): ViewEntry => ({
  id,
  organisation: 'cccc',
  resourceType: 'Observation',
  occurredAt: '2024',
  recordedAt: '2026',
  resource: { resourceType: 'Observation', id, status: 'final', code, subject: { reference: `Patient/${PERSON}` }, ...resource },
  ...more,
});
const visit = { encounter: { reference: 'Encounter/eeee' } };
const ENTRIES = [
  entry('bbb1', 'weight', {}, visit),
  entry('bbb2', 'height', { organisation: 'dddd' }, { encounter: { reference: 'Encounter/ffff' } }),
  entry('eeee', 'visit', { occurredAt: null, resourceType: 'Encounter' }),
];

describe('a view without pseudonyms', () => {
  const shown = withoutPseudonyms(ENTRIES, false);

  it('holds none of them, and all the content', () => {
    expect(JSON.stringify(shown)).not.toMatch(/aaaa|bbb|cccc|dddd|eeee|ffff/);
    expect(shown.map(({ resource }) => resource['code'])).toEqual(['visit', 'height', 'weight']);
  });

  it('still says what belongs together', () => {
    expect(shown.map(({ id, organisation }) => [id, organisation])).toEqual([
      ['entry-1', 'organisation-1'],
      ['entry-2', 'organisation-2'],
      ['entry-3', 'organisation-1'],
    ]);
    expect(shown[2]?.resource['encounter']).toEqual({ reference: 'Encounter/entry-1' });
    expect(shown[1]?.resource['encounter']).toEqual({ reference: 'Encounter/not-shown-1' });
  });

  it('is in an order that tells nothing of them: under others it is the same', () => {
    const others = new Map([['bbb1', '0003'], ['bbb2', '0002'], ['eeee', '0001'], ['ffff', '0009'], [PERSON, '0000']]); // prettier-ignore
    const renamed = JSON.parse(
      JSON.stringify(ENTRIES).replace(/bbb1|bbb2|eeee|ffff|aaaa/g, (name) => others.get(name) as string),
    ) as ViewEntry[];
    expect(withoutPseudonyms(renamed.reverse(), false)).toEqual(shown);
  });

  it('names organisations where the purpose does', () => {
    expect(withoutPseudonyms(ENTRIES, true).map(({ organisation }) => organisation)).toEqual(['cccc', 'dddd', 'cccc']);
  });
});
