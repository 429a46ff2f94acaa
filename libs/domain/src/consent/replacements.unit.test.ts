import type { Authority, Resource } from '../vocabulary.js';
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
  const numbers = [denied.map((entry) => denial(entry))];
  const judge = judgeByNumber('direct-care', { numbers, homeOf: () => 0 }, POLICY, 0, around);
  return entries
    .map((entry) => ({ entry, ...judge(entry) }))
    .filter(({ permitted, replacedBy }) => permitted && replacedBy === undefined)
    .map(({ entry }) => entry.id.split('/').at(-1) as string);
}

/** What a denial of its own decides of the document `c`, and by which. */
function ruled(
  entries: readonly JudgedEntry[],
  denials: readonly Decision[],
): readonly [rule: string, decision: string | undefined] {
  const judge = judgeByNumber('direct-care', { numbers: [denials], homeOf: () => 0 }, POLICY, 0, new Surroundings(() => entries));
  const { rule, decision } = judge(entries.find(({ resource }) => resource?.id === 'c') as JudgedEntry);
  return [rule, decision?.consentId];
}

const denial = (entry: string, authority: Authority = 'withheld-item', receivedAt = 0): Decision => ({
  ...{
    id: `d ${entry}`,
    source: 'urn:ods:RX901',
    consentId: entry,
    authority,
    status: 'active',
    decidedBy: 'patient',
  },
  ...{
    receivedAt,
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

  it('is withheld where that one is by another name than it has now, or had when it was retracted', () => {
    const identifier = { identifier: [{ system: 'urn:documents', value: '1' }] };
    const target = { identifier: { system: 'urn:documents', value: '1' } };
    const replaces = document('b', { relatesTo: [{ code: 'replaces', target }] });
    const renamed = { ...document('a'), names: ['urn:documents|1'] };
    const denied = ['RX901/DocumentReference/a'];
    expect(shown([document('a', identifier), replaces], denied)).toEqual([]);
    expect(shown([renamed, replaces], denied)).toEqual([]);
    expect(shown([replaces], denied, [renamed])).toEqual([]);
    expect(shown([renamed, replaces])).toEqual(['a', 'b']);
  });

  it('is withheld with what it names of another source, which it hides no more than before', () => {
    const target = { identifier: { system: 'urn:documents', value: '1' } };
    const named = document('a', { identifier: [target.identifier] });
    const elsewhere = document('b', { relatesTo: [{ code: 'replaces', target }] }, 'RX901:lab');
    expect(shown([named, elsewhere])).toEqual(['a', 'b']);
    expect(shown([named, elsewhere], ['RX901/DocumentReference/a'])).toEqual([]);
  });

  it('is no ring through one that is gone', () => {
    const gone = document('c', relatesTo('DocumentReference/b'));
    expect(
      shown([document('a', relatesTo('DocumentReference/c')), document('b', relatesTo('DocumentReference/a'))], [], [gone]),
    ).toEqual(['b']);
  });

  const [A, B, C] = ['a', 'b', 'c'].map((id) => `RX901/DocumentReference/${id}`) as [string, string, string];

  it.each([
    ['of the rule that the policy has first', [denial(A, 'withheld-item'), denial(B, 'local-dissent', 9)], ['withheld-item', A]],
    ['the same, the other way round', [denial(A, 'local-dissent', 9), denial(B, 'withheld-item')], ['withheld-item', B]],
    ['its own among them', [denial(A, 'withheld-item'), denial(C, 'local-dissent', 9)], ['withheld-item', A]],
    [
      'made last',
      [denial(A, 'local-dissent', 9), denial(B, 'local-dissent', 5), denial(C, 'local-dissent', 1)],
      ['local-dissent', A],
    ],
    ['not read', [{ ...denial(B, 'local-dissent'), unread: true }, denial(A, 'withheld-item', 9)], ['decision-not-read', B]],
  ] as const)('is explained by the denial %s, whatever the order of the documents', (_, denials, ruling) => {
    for (const [first, second] of ordersOf([A, B])) {
      const targets = [first, second].map((id) => ({ code: 'replaces', target: { reference: `https://rx901/${id}` } }));
      const documents = [document('a'), document('b'), document('c', { relatesTo: targets })];
      for (const order of ordersOf(documents)) expect(ruled(order, denials)).toEqual(ruling);
    }
    const chain = [
      document('a'),
      document('b', relatesTo('DocumentReference/a')),
      document('c', relatesTo('DocumentReference/b')),
    ];
    for (const order of ordersOf(chain)) expect(ruled(order, denials)).toEqual(ruling);
  });
});
