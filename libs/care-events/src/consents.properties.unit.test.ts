import fc from 'fast-check';
import { AUTHORITIES } from '@weft/domain';
import { acceptEvent } from './accept-event.js';
import { decisionsOfConsent } from './consent-in.js';
import {
  ACT_REASON,
  actor,
  ANNE,
  concept,
  consent,
  decide,
  deny,
  entry,
  labelled,
  NOW,
  organisations,
  person,
  policy,
  RECORD,
  sent,
  withheld,
  type Sent,
} from './consents.fixture.js';
import { createMessageReader } from './message.js';

type Json = Record<string, unknown>;

const RECORD_AT_LARGE = [
  ...RECORD,
  entry('Y90001', { resourceType: 'Observation', id: 'x1', encounter: { reference: 'Encounter/e1' }, effectiveDateTime: '2024' }),
  entry('RX901', { resourceType: 'Observation', id: 'x2', code: concept('38341003'), issued: '2023-05-01T10:00:00Z' }),
  entry('RX902', { resourceType: 'Observation', id: 'x3', meta: { security: labelled('R', 'PSY')['securityLabel'] } }),
  entry('Y90001', { resourceType: 'Patient', id: 'p', birthDate: '1960-01-01' }),
];
const later = NOW + 3_600_000;
const left = (consents: readonly Sent[]) => withheld(decide(consents, { validate: false }).decisions, RECORD_AT_LARGE, later);

const some = <T>(...choices: T[]) => fc.subarray(choices, { minLength: 1 });
const coding = (code: string) => ({ system: ACT_REASON, code });
const limits: Record<string, fc.Arbitrary<unknown>> = {
  purpose: some(...['TREAT', 'COC', 'POPHLTH', 'HRESCH', 'ETREAT', 'HMARKT'].map(coding)),
  actor: some(actor('CST', 'RX901'), actor('CST', 'Y90001'), actor('PROV', 'RX9S1', 'site'), actor('IRCP', 'RX902')),
  data: some(
    ...['RX901/Condition/c1', 'Encounter/e1', 'Observation/x3', 'https://x/Condition/m1/_history/1'].flatMap((reference) =>
      ['instance', 'related'].map((meaning) => ({ meaning, reference: { reference } })),
    ),
  ),
  code: some(concept('38341003'), concept('35489007'), { coding: [{ code: '75367002' }, { system: 'http://x', code: 'y' }] }),
  class: some(...['Condition', 'Observation', 'Flag', 'mental-health'].map((code) => ({ code }))),
  securityLabel: some(...(labelled('N', 'R', 'V', 'PSY')['securityLabel'] as Json[])),
  dataPeriod: fc.constantFrom({ start: '2020', end: '2023' }, { end: '2024-02' }, { start: '2023-05-01T10:00:00Z' }),
  period: fc.constantFrom(
    { start: '2026-01-01' },
    { end: '2026-12-31' },
    { start: '2026-01-01', end: '2030' },
    { start: '2027' },
  ),
  action: some(...['access', 'correct'].map((code) => concept(code, 'http://terminology.hl7.org/CodeSystem/consentaction'))),
};

/** A provision of every sort that the reader knows, nested up to three deep. */
const provision = (types: fc.Arbitrary<string>, depth = 2): fc.Arbitrary<Json> =>
  fc.record(
    {
      type: types,
      ...limits,
      ...(depth > 0 && {
        provision: fc.array(provision(fc.constantFrom('permit', 'deny'), depth - 1), { minLength: 1, maxLength: 2 }),
      }),
    },
    { requiredKeys: ['type'] },
  );

/** What no reader of any of these members can understand. */
const junk = fc.constantFrom<unknown>(7, null, true, '', {}, [], [[]], [7], [null], [{}], { toString: 1 });

type Place = readonly (string | number)[];
function places(value: unknown, at: Place = []): Place[] {
  if (value === null || typeof value !== 'object') return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([key, below]) => places(below, [...at, Array.isArray(value) ? Number(key) : key])),
  ];
}
function replaced(value: unknown, [first, ...rest]: Place, by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value)) return value.map((one: unknown, index) => (index === first ? replaced(one, rest, by) : one));
  return { ...(value as Json), [first]: replaced((value as Json)[first], rest, by) };
}
/** An empty list of exceptions is none, and one that says nothing says so: both can be read. */
const isSaidOtherwise = (place: Place, by: unknown): boolean =>
  place.includes('provision') && ['[]', '{}', '[{}]'].includes(JSON.stringify(by)) && isAnException(place);
const isAnException = (place: Place): boolean => place.filter((member) => typeof member === 'string').at(-1) === 'provision';

const spoilt = (whole: Json, members: readonly string[], choice: number, by: unknown): Json | null => {
  const there = places(whole).filter(([member]) => members.includes(String(member)));
  const place = there[choice % there.length]!;
  return isSaidOtherwise(place, by) ? null : (replaced(whole, place, by) as Json);
};
const MAY_BE_SPOILT = ['provision', 'policy', 'dateTime', 'performer', 'verification', 'status', 'category', 'meta'];

describe('for any Consent', () => {
  it('what of a denial cannot be read narrows it by nothing', () => {
    const any = fc.record({
      said: provision(fc.constantFrom('permit', 'deny')),
      more: fc.constantFrom({}, { dateTime: '2026-05-01' }, { performer: [person()] }),
    });
    const under = fc
      .subarray([...AUTHORITIES], { minLength: 1 })
      .map((names) => names.map((name) => ({ uri: `urn:weft:authority:${name}` })));
    fc.assert(
      fc.property(any, under, fc.nat(), junk, ({ said, more }, names, choice, by) => {
        const whole = consent('local-dissent', said, { ...more, policy: names });
        const broken = spoilt(whole, MAY_BE_SPOILT, choice, by);
        fc.pre(broken !== null);
        const [before, after] = [left([sent('governance', whole)]), left([sent('governance', broken!)])];
        expect(before.filter((one) => !after.includes(one))).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });

  it('what of a permission cannot be read widens it by nothing', () => {
    const objections = [
      sent('governance', consent('national-data-opt-out', deny(''))),
      sent('governance', consent('local-dissent', deny(''))),
      sent('governance', consent('local-dissent', deny('', { actor: [actor('CST', 'RX901')] }))),
    ];
    const some1 = fc.constantFrom('explicit-consent', 'local-dissent', 'national-data-opt-out');
    const by1 = fc.constantFrom('governance', 'RX901');
    fc.assert(
      fc.property(
        provision(fc.constantFrom('permit', 'permit', 'deny')),
        some1,
        by1,
        fc.nat(),
        junk,
        (said, under, by, choice, trash) => {
          const whole = consent(under, said, {
            performer: [person()],
            verification: [{ verified: true }],
            dateTime: '2026-06-15',
          });
          const broken = spoilt(whole, MAY_BE_SPOILT, choice, trash);
          fc.pre(broken !== null);
          for (const before of [objections.slice(0, 1), objections]) {
            const [shared, then] = [left([...before, sent(by, whole)]), left([...before, sent(by, broken!)])];
            expect(shared.filter((one) => !then.includes(one))).toEqual([]);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('the order of what it lists does not matter', () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned).reverse();
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, below]) => [key, turned(below)]),
      );
    };
    fc.assert(
      fc.property(provision(fc.constantFrom('permit', 'deny')), fc.constantFrom('governance', 'RX901'), (said, by) => {
        const before = [
          sent('governance', consent('national-data-opt-out', deny(''))),
          sent(by, consent('explicit-consent', deny(''))),
        ];
        const whole = consent('explicit-consent', said, { performer: [person()] });
        expect(left([...before, sent(by, turned(whole) as Json)])).toEqual(left([...before, sent(by, whole)]));
      }),
    );
  });
});

describe('whoever else permits', () => {
  it('frees nothing that others denied, save what they recorded themselves', () => {
    const others = fc.array(
      fc.record({
        said: provision(fc.constantFrom('permit', 'deny')),
        under: fc.constantFrom(...AUTHORITIES),
        by: fc.constantFrom('governance', 'Y90001', 'RX901'),
        id: fc.option(fc.constant('v')),
      }),
      { minLength: 1, maxLength: 4 },
    );
    const foreign = fc.record({
      said: provision(fc.constant('permit')),
      under: fc.constantFrom(...AUTHORITIES),
      status: fc.constantFrom('active', 'inactive'),
    });
    fc.assert(
      fc.property(others, foreign, (all, { said, under, status }) => {
        const before = all.map(({ said: one, under: name, by, id }) =>
          sent(by, consent(name, one, { performer: [person()], ...(id !== null && { id }) })),
        );
        const more = sent('RX902', consent(under, said, { performer: [person()], id: 'v', status }));
        const notTheirs = (names: readonly string[]) => names.filter((one) => !/^(m1|x3):/.test(one));
        const [then, now] = [notTheirs(left(before)), notTheirs(left([...before, more]))];
        expect(then.filter((one) => !now.includes(one))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('whatever is sent as a Consent', () => {
  const member = fc.constantFrom(
    ...[
      'status',
      'scope',
      'coding',
      'code',
      'system',
      'patient',
      'identifier',
      'value',
      'reference',
      'dateTime',
      'performer',
      'policy',
      'uri',
    ],
    ...[
      'policyRule',
      'provision',
      'type',
      'purpose',
      'actor',
      'role',
      'data',
      'meaning',
      'class',
      'securityLabel',
      'period',
      'dataPeriod',
    ],
    ...[
      'start',
      'end',
      'action',
      'verification',
      'verified',
      'meta',
      'versionId',
      'lastUpdated',
      'id',
      'modifierExtension',
      'text',
    ],
    ...['toString', 'valueOf', 'constructor', 'hasOwnProperty', 'length'],
  );
  const said = fc.constantFrom(
    ...[
      'deny',
      'permit',
      'inactive',
      'active',
      'patient-privacy',
      'adr',
      'HRESCH',
      'CST',
      'instance',
      'urn:weft:authority:type-1',
      '2026-02-30',
    ],
    ...[
      'Observation/1',
      `Patient/${ANNE}`,
      'RX901',
      '',
      'https://fhir.nhs.uk/Id/ods-organization-code',
      'https://fhir.nhs.uk/Id/nhs-number',
    ],
  );
  const { object } = fc.letrec<{ value: unknown; object: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      said,
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
    ),
    object: fc.dictionary(member, tie('value'), { maxKeys: 8 }),
  }));
  const context = { id: 'e', source: 'urn:ods:RX901', receivedAt: NOW, digest: '', organisations };
  const recorder = { as: 'organisation', organisation: 'RX901', subject: null } as const;

  it('nothing throws, neither in reading it nor in judging by it', () => {
    fc.assert(
      fc.property(object, fc.constantFrom('Consent', 'consent', 'Patient'), (body, resourceType) => {
        const resource = { ...body, resourceType };
        expect(typeof decisionsOfConsent(resource, { ...context, recorder }).ok).toBe('boolean');
        expect(decide([{ by: 'RX901', consent: resource }], { validate: false }).answers).toHaveLength(1);
      }),
      { numRuns: 250 },
    );
  });

  it('nothing throws on the topic either, and what may deny closes until it is mended', () => {
    const type = fc.constantFrom('consent-decision-recorded-1', 'consent-decision-recorded-2', undefined);
    const reader = createMessageReader({ organisations, now: () => NOW });
    fc.assert(
      fc.property(fc.oneof(object, fc.jsonValue()), type, fc.boolean(), (body, ceType, isConsent) => {
        const resource =
          isConsent && body !== null && typeof body === 'object' && !Array.isArray(body)
            ? { ...body, resourceType: 'Consent' }
            : body;
        const headers = {
          ce_id: 'e',
          ce_source: 'urn:ods:RX901',
          ce_specversion: '1.0',
          ...(ceType !== undefined && { ce_type: ceType }),
        };
        const value = new TextEncoder().encode(JSON.stringify(resource));
        const reading = reader.decision({
          topic: 'weft.consent',
          key: ANNE,
          headers,
          value,
          partition: 0,
          offset: 1,
          timestamp: NOW,
        });
        expect(typeof reading.ok).toBe('boolean');
      }),
      { numRuns: 150 },
    );
  });

  it('the gateway answers it, FHIR’s rules included', () => {
    fc.assert(
      fc.property(object, (body) => {
        const attributes = {
          specversion: '1.0',
          id: 'e',
          source: 'urn:ods:RX901',
          type: 'consent-decision-recorded-1',
          subject: ANNE,
          time: '2026-06-15T11:00:00Z',
          datacontenttype: 'application/fhir+json',
        };
        const received = {
          attributes,
          data: { ok: true as const, event: { ...body, resourceType: 'Consent' } },
          bytes: new Uint8Array(),
        };
        expect(typeof acceptEvent(received, { organisations, now: NOW, policy }).ok).toBe('boolean');
      }),
    );
  });
});
