import type { Resource } from '../vocabulary.js';
import { provision, type Decision } from './decision.js';
import { DEFAULT_RULES } from './default-policy.js';
import { judgeByNumber } from './numbers.js';
import type { Policy } from './policy.js';
import type { JudgedEntry } from './judged-entry.js';
import { Surroundings } from './surroundings.js';

const POLICY: Policy = { name: 'test', rules: DEFAULT_RULES, organisations: { RX901: 'acute' } };

const relatesTo = (reference: string, code = 'replaces') => ({ relatesTo: [{ code, target: { reference } }] });

function document(id: string, more: object = {}, source = 'RX901'): JudgedEntry {
  const resource = { resourceType: 'DocumentReference', id, status: 'current', ...more } as Resource;
  const entry = { id: `${source}/DocumentReference/${id}`, organisation: 'RX901', resourceType: 'DocumentReference' };
  return { ...entry, occurredAt: null, resource };
}

/** What direct care is shown of these documents, under denials of some by name. */
function shown(entries: readonly JudgedEntry[], denied: readonly string[] = [], gone: readonly JudgedEntry[] = []): string[] {
  const around = new Surroundings(
    () => entries,
    () => gone,
  );
  const judge = judgeByNumber('direct-care', { numbers: [denied.map(denial)], homeOf: () => 0 }, POLICY, 0, around);
  return entries
    .map((entry) => ({ entry, ...judge(entry) }))
    .filter(({ permitted, replacedBy }) => permitted && replacedBy === undefined)
    .map(({ entry }) => entry.id.split('/').at(-1) as string);
}

const denial = (entry: string): Decision => ({
  ...{
    id: `d ${entry}`,
    source: 'urn:ods:RX901',
    consentId: entry,
    authority: 'withheld-item',
    status: 'active',
    decidedBy: 'patient',
  },
  ...{
    receivedAt: 0,
    digest: '',
    recordedAt: '2026-01-01T00:00:00Z',
    recorder: { as: 'governance', organisation: null, subject: 'somebody' },
  },
  provision: provision('deny', ['direct-care'], { limits: [{ kind: 'entries', entries: [{ entry, reach: 'instance' }] }] }),
});

function* ordersOf<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [at, item] of items.entries())
    for (const rest of ordersOf(items.filter((_, index) => index !== at))) yield [item, ...rest];
}

describe('a document that replaces another', () => {
  const [one, two, three] = [
    document('a'),
    document('b', relatesTo('DocumentReference/a')),
    document('c', relatesTo('DocumentReference/b')),
  ];

  it('stands in its place, whichever came first, and so does what replaces that', () => {
    for (const order of ordersOf([one, two, three])) expect(shown(order)).toEqual(['c']);
    for (const order of ordersOf([one, two])) expect(shown(order)).toEqual(['b']);
  });

  it('gives the place back where it is gone, or replaces it no more', () => {
    expect(shown([one], [], [two])).toEqual(['a']);
    expect(shown([one, document('b')])).toEqual(['a', 'b']);
    expect(shown([one, three], [], [two])).toEqual(['a', 'c']);
  });

  it.each([
    ['an address with a version', relatesTo('DocumentReference/a/_history/1')],
    ['an absolute address', relatesTo('https://docs.rx901.nhs.uk/fhir/DocumentReference/a')],
    ['a uuid', relatesTo('urn:uuid:a')],
    ['an identifier', { relatesTo: [{ code: 'replaces', target: { identifier: { system: 'urn:documents', value: '1' } } }] }],
  ])('may name it by %s', (_, how) => {
    const named = document('a', { identifier: [{ system: 'urn:documents', value: '1' }] });
    expect(shown([named, document('b', how)])).toEqual(['b']);
  });

  it.each(['appends', 'transforms', 'signs'])('is none that %s it', (code) => {
    const other = document('b', relatesTo('DocumentReference/a', code));
    expect(shown([one, other])).toEqual(['a', 'b']);
    expect(shown([one, other], ['RX901/DocumentReference/a'])).toEqual(['b']);
  });

  it('means a document of its own source, whoever says so', () => {
    expect(shown([one, document('b', relatesTo('DocumentReference/a'), 'RX901:lab')])).toEqual(['a', 'b']);
    const byIdentifier = { relatesTo: [{ code: 'replaces', target: { identifier: { system: 'urn:documents', value: '1' } } }] };
    const named = document('a', { identifier: [{ system: 'urn:documents', value: '1' }] });
    expect(shown([named, document('b', byIdentifier, 'RX901:lab')])).toEqual(['a', 'b']);
  });

  it('does not vanish where each says that it replaces the other, nor where one says so of itself', () => {
    const [first, second] = [document('a', relatesTo('DocumentReference/b')), document('b', relatesTo('DocumentReference/a'))];
    expect(shown([first, second])).toEqual(['a', 'b']);
    expect(shown([document('a', relatesTo('DocumentReference/a'))])).toEqual(['a']);
    const round = [
      document('x', relatesTo('DocumentReference/z')),
      document('y', relatesTo('DocumentReference/x')),
      document('z', relatesTo('DocumentReference/y')),
    ];
    expect(shown(round)).toEqual(['x', 'y', 'z']);
  });

  it('is withheld where that one is, through what stood between, gone or not, and by what it once said', () => {
    const denied = ['RX901/DocumentReference/a'];
    expect(shown([one, two, three], denied)).toEqual([]);
    expect(shown([one, two], denied)).toEqual([]);
    expect(shown([one, three], denied, [{ ...two, replaces: ['DocumentReference/a'] }])).toEqual([]);
    expect(shown([two], denied, [one])).toEqual([]);
    expect(shown([one, { ...document('b'), replaces: ['DocumentReference/a'] }], denied)).toEqual([]);
    expect(shown([one, two], ['RX901/DocumentReference/b'])).toEqual([]);
  });
});
