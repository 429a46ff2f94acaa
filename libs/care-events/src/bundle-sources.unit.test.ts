import { denies, grants, provision } from '@weft/domain';
import { careEventsOfBundle } from './bundle.js';
import { consentOf, type ConsentParts } from './consent-out.js';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const subject = { identifier: { system: NHS, value: '9000000009' } };
const options = {
  organisations: new Map([['RX901', { ods: 'RX901', name: 'A trust', kind: 'acute' as const }]]),
  organisation: 'RX901',
  now: Date.parse('2026-03-01T12:00:00Z'),
  keys: { fresh: 'request' },
};
type Loose = Record<string, unknown>;
const observation = (id: string | undefined, more: Loose = {}) => ({
  ...{ resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject, ...more },
  ...(id !== undefined && { id }),
});
const bundle = (entry: Loose[], more: Loose = {}) => ({ resourceType: 'Bundle', type: 'collection', entry, ...more });
const itemsOf = (input: unknown, source?: string) => {
  const reading = careEventsOfBundle(input, { ...options, ...(source !== undefined && { source }) });
  return reading.ok ? reading.event.map(({ reading: item }) => item) : [];
};
const named = (input: unknown, source?: string) =>
  itemsOf(input, source).map((item) =>
    item.ok ? `${item.event.source} ${item.event.resource.id}` : item.problems.map(({ field, code }) => `${field}: ${code}`),
  );

describe('the source of what a FHIR request carries', () => {
  const of = (system: string) => ({ meta: { source: `urn:ods:RX901:${system}` } });
  const carrying = (more: Loose = {}) => bundle([{ resource: observation('1') }], more);

  it('is that of the header, else that of the Bundle, else the organisation', () => {
    expect(named(carrying(of('lab')), 'urn:ods:RX901:epr')).toEqual(['urn:ods:RX901:epr 1']);
    expect(named(carrying(of('lab')))).toEqual(['urn:ods:RX901:lab 1']);
    expect(named(carrying())).toEqual(['urn:ods:RX901 1']);
  });

  it('is another system of the publisher where the resource says so, whatever request it came by', () => {
    const both = bundle([{ resource: observation('1', of('lab#request-7')) }, { resource: observation('1') }]);
    expect(named(both, 'urn:ods:RX901:epr')).toEqual(['urn:ods:RX901:lab 1', 'urn:ods:RX901:epr 1']);
  });

  it('is nobody else', () => {
    expect(named(carrying({ meta: { source: 'urn:ods:RX902' } }))).toEqual([expect.arrayContaining(['source: not-the-sender'])]);
    expect(named(carrying(), 'urn:ods:RX902')).toEqual([expect.arrayContaining(['source: not-the-sender'])]);
    expect(named(bundle([{ resource: observation('1', { meta: { source: 'urn:ods:RX902' } }) }]))).toEqual(['urn:ods:RX901 1']);
    expect(named(carrying({ meta: { source: 'https://lab.example/fhir' } }))).toEqual(['urn:ods:RX901 1']);
  });
});

describe('resources of two servers under one id', () => {
  const at = (server: string, more: Loose = {}) => ({
    fullUrl: `https://${server}.example/fhir/Observation/1`,
    resource: observation('1', more),
  });

  it('are refused by name, and what stands beside them is not', () => {
    const other = { fullUrl: 'https://lab.example/fhir/Observation/2', resource: observation('2') };
    expect(named(bundle([at('lab'), at('epr'), other]))).toEqual([
      ['entry[0].fullUrl: two-servers'],
      ['entry[1].fullUrl: two-servers'],
      'urn:ods:RX901 2',
    ]);
  });

  it('are two entries where they say which system each is of, and one where the server is the same', () => {
    const lab = at('lab', { meta: { source: 'urn:ods:RX901:lab' } });
    expect(named(bundle([lab, at('epr')]))).toEqual(['urn:ods:RX901:lab 1', 'urn:ods:RX901 1']);
    expect(named(bundle([at('lab'), at('lab')]))).toEqual(['urn:ods:RX901 1', 'urn:ods:RX901 1']);
  });
});

describe('Consents of two servers under one id', () => {
  const at = (server: string, more: Partial<ConsentParts> = {}, meta: Loose = {}) => ({
    fullUrl: `https://${server}.example/fhir/Consent/c1`,
    resource: {
      ...consentOf({
        ...{ subject: '9000000009', consentId: 'c1', authority: 'local-dissent', status: 'active', decidedBy: 'patient' },
        ...{ decidedAt: '2026-02-01T10:00:00.000Z', provision: provision('deny', ['research']), ...more },
      }),
      ...meta,
    },
  });
  const decided = (...entries: Loose[]) =>
    itemsOf(bundle(entries)).map((item) => {
      if (!item.ok) return item.problems.map(({ field, code }) => `${field}: ${code}`);
      const [decision] = item.event.decisions ?? [];
      return { ...decision!, warned: (item.event.warnings ?? []).map(({ code }) => code) };
    });
  const idOf = (one: ReturnType<typeof decided>[number]) => ('consentId' in one ? one.consentId : undefined);
  const coordination = { provision: provision('deny', ['care-coordination']) };

  it('are both obeyed where they deny, neither in the place of the other', () => {
    const both = decided(at('lab'), at('epr', coordination));
    expect(both).toMatchObject([
      { provision: { effect: 'deny', purposes: ['research'] }, liftsNothing: true, warned: ['two-servers'] },
      { provision: { effect: 'deny', purposes: ['care-coordination'] }, liftsNothing: true, warned: ['two-servers'] },
    ]);
    expect(new Set([...both.map(idOf), 'c1', undefined]).size).toBe(4);
  });

  it('are known by their server: each takes back its own, in whatever order', () => {
    const [lab, epr] = decided(at('lab'), at('epr')).map(idOf);
    const later = decided(at('epr', { status: 'withdrawn' }), at('lab'));
    expect(lab).not.toBe(epr);
    expect(later.map(idOf)).toEqual([epr, lab]);
    expect(later[0]).toMatchObject({ status: 'withdrawn' });
  });

  it('are refused where they permit alone, by a name, and the denial beside them is obeyed', () => {
    const permitting = { authority: 'explicit-consent' as const, provision: provision('permit', ['research']) };
    expect(decided(at('lab', permitting), at('epr'))).toMatchObject([
      ['entry[0].resource.id: two-servers'],
      { provision: { effect: 'deny' }, warned: ['two-servers'] },
    ]);
  });

  it('count for what they deny where they permit besides', () => {
    const exception = { ...provision('deny', ['research']), provisions: [provision('permit', ['research'])] };
    const [one] = decided(at('lab', { provision: exception }), at('epr'));
    if (one === undefined || !('provision' in one)) throw new Error('it was refused');
    expect([denies(one.provision), grants(one.provision)]).toEqual([true, false]);
  });

  it('are whose they say where they say it, and one where the server is the same', () => {
    const own = { meta: { source: 'urn:ods:RX901:lab' } };
    expect(decided(at('lab', {}, own), at('epr')).map(idOf)).toEqual(['c1', 'c1']);
    expect(decided(at('lab'), at('lab')).map(idOf)).toEqual(['c1', 'c1']);
  });
});

describe('an id that was made for one message', () => {
  const identifier = (value: string, more: Loose = {}) => ({ system: 'https://lab.example/results', value, ...more });
  const minted = (uuid: string, more: Loose = {}, id?: string) => ({
    fullUrl: `urn:uuid:${uuid}`,
    resource: observation(id, more),
  });
  const [A, B] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
  const idOf = (entry: Loose, source?: string) => named(bundle([entry]), source)[0];

  it('gives way to the business identifier, and is the same in the next message', () => {
    const more = { identifier: [identifier('7')] };
    expect(idOf(minted(A, more))).not.toContain(A);
    expect(idOf(minted(A, more))).toBe(idOf(minted(B, more)));
    expect(idOf(minted(A, more))).toBe(idOf(minted(B, more, B)));
    expect(idOf(minted(A, more))).not.toBe(idOf(minted(A, { identifier: [identifier('8')] })));
    const ofLab = itemsOf(bundle([minted(A, more)]), 'urn:ods:RX901:lab')[0];
    const own = itemsOf(bundle([minted(A, more)]))[0];
    expect(ofLab?.ok === true && own?.ok === true && ofLab.event.resource.id !== own.event.resource.id).toBe(true);
  });

  it('gives way to the official one of several', () => {
    const [one, official] = [identifier('1'), identifier('2', { use: 'official' })];
    expect(idOf(minted(A, { identifier: [one, official] }))).toBe(idOf(minted(B, { identifier: [official] })));
  });

  it.each<[string, Loose]>([
    ['there is none', {}],
    ['it has no system', { identifier: [{ value: '7' }] }],
    ['it is of another time', { identifier: [identifier('7', { use: 'old' })] }],
    ['it is an NHS number', { identifier: [{ system: NHS, value: '9000000009' }] }],
  ])('stays where %s', (_, more) => expect(idOf(minted(A, more))).toBe(`urn:ods:RX901 ${A}`));

  it('stays where several of the Bundle have the same identifier, and where a server gave the id', () => {
    const more = { identifier: [identifier('7')] };
    expect(named(bundle([minted(A, more), minted(B, more)]))).toEqual([`urn:ods:RX901 ${A}`, `urn:ods:RX901 ${B}`]);
    expect(idOf(minted(A, more, 'o1'))).toBe('urn:ods:RX901 o1');
  });

  it('is what the rest of the Bundle refers by, and leads to the entry as it is known', () => {
    const report = { resourceType: 'DiagnosticReport', id: 'r', status: 'final', code: { text: 'x' }, subject };
    const result = [{ reference: `urn:uuid:${A}` }, { reference: `Observation/${A}` }];
    const more = { identifier: [identifier('7')] };
    const [first, second] = itemsOf(bundle([minted(A, more), { resource: { ...report, result } }]));
    const id = first?.ok === true ? first.event.resource.id : '';
    const leadsTo = second?.ok === true ? second.event.resource['result'] : [];
    expect(leadsTo).toEqual([{ reference: `Observation/${id}` }, { reference: `Observation/${id}` }]);
  });
});
