import type { Coverage } from './coverage.js';
import type { Limit, NamedEntry } from './decision.js';
import { entry } from './decisions.fixture.js';
import { coverageOf, Looking, looksAround } from './limits.js';
import type { JudgedEntry } from './judged-entry.js';
import { Surroundings } from './surroundings.js';

const SNOMED = 'http://snomed.info/sct';
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const [YES, NO, UNCLEAR]: [Coverage, Coverage, Coverage] = ['covers', 'does-not-cover', 'cannot-tell'];

const concept = (code: string, system?: string) => ({ coding: [{ ...(system !== undefined && { system }), code }] });
const condition = entry('RX901', 'Condition/c1', { code: concept('38341003', SNOMED), onsetDateTime: '2020-01-01' });
const labelled = (...codes: string[]) =>
  entry('RX901', 'Condition/x', { meta: { security: codes.map((code) => ({ system: CONFIDENTIALITY, code })) } });

/** With what is about nobody, as the gateway keeps it with an entry, beside what its sender contained. */
const CONTAINED = {
  contained: [
    { resourceType: 'Practitioner', id: 'Practitioner-7' },
    { resourceType: 'Medication', id: 'm1' },
    { resourceType: 'Device', id: '6f1c2f0e-6f0a-8f5e-9f6e-0f5a5b8f3b01' },
  ],
};
const prescribed = entry('RX901', 'MedicationRequest/m', CONTAINED);

const recordedBy = (...organisations: (string | null)[]): Limit => ({ kind: 'recorded-by', organisations });
const named = (name: string | null, reach: 'instance' | 'related' | 'dependents' = 'instance'): Limit => ({
  kind: 'entries',
  entries: [name === null ? null : { entry: name, reach }],
});
const codes = (...of: ({ system?: string; code: string } | null)[]): Limit => ({ kind: 'codes', codes: of });
const classes = (...of: ({ system?: string; code: string } | null)[]): Limit => ({ kind: 'classes', codes: of });
const labels = (...of: ({ system?: string; code: string } | null)[]): Limit => ({ kind: 'labels', codes: of });
const level = (code: string): Limit => labels({ system: CONFIDENTIALITY, code });
const happened = (from?: string, until?: string): Limit => ({
  kind: 'data-period',
  ...(from !== undefined && { from: Date.parse(from) }),
  ...(until !== undefined && { until: Date.parse(until) }),
});

interface Row {
  readonly why: string;
  readonly limit: Limit;
  readonly of?: JudgedEntry;
  readonly denied: Coverage;
  readonly permitted: Coverage;
  readonly beside?: readonly JudgedEntry[];
}

/** What each limit answers about the condition c1 of RX901, unless another entry is given: in a denial, and in a permission. */
const ROWS: readonly Row[] = [
  { why: 'who recorded it', limit: recordedBy('RX901'), denied: YES, permitted: YES },
  { why: 'somebody else recorded it', limit: recordedBy('RX902'), denied: NO, permitted: NO },
  { why: 'one of several recorded it', limit: recordedBy('RX902', 'RX901'), denied: YES, permitted: YES },
  { why: 'who cannot be read', limit: recordedBy(null), denied: UNCLEAR, permitted: UNCLEAR },
  { why: 'somebody else, or who cannot be read', limit: recordedBy('RX902', null), denied: UNCLEAR, permitted: UNCLEAR },
  { why: 'who recorded it, or who cannot be read', limit: recordedBy('RX901', null), denied: YES, permitted: YES },

  { why: 'named whole', limit: named('RX901/Condition/c1'), denied: YES, permitted: YES },
  { why: 'named without its organisation', limit: named('Condition/c1'), denied: YES, permitted: YES },
  {
    why: 'named as two entries are',
    limit: named('Condition/c1'),
    beside: [entry('RX902', 'Condition/c1')],
    denied: YES,
    permitted: UNCLEAR,
  },
  { why: 'named with its organisation in lower case', limit: named('rx901/Condition/c1'), denied: YES, permitted: NO },
  { why: 'named as another', limit: named('RX901/Condition/c2'), denied: NO, permitted: NO },
  { why: 'named as an id that ends alike', limit: named('Condition/1'), denied: NO, permitted: NO },
  { why: 'a name that cannot be read', limit: named(null), denied: UNCLEAR, permitted: UNCLEAR },
  { why: 'named, with what hangs on it', limit: named('Condition/c1', 'related'), denied: YES, permitted: YES },

  { why: 'the name of what it contains', limit: named('Practitioner/7'), of: prescribed, denied: YES, permitted: NO },
  { why: 'that with its organisation', limit: named('rx901/Practitioner/7'), of: prescribed, denied: YES, permitted: NO },
  { why: 'that of another organisation', limit: named('RX902/Practitioner/7'), of: prescribed, denied: NO, permitted: NO },
  { why: 'that of another type', limit: named('Location/7'), of: prescribed, denied: NO, permitted: NO },
  { why: 'that of another one', limit: named('RX901/Practitioner/8'), of: prescribed, denied: NO, permitted: NO },
  { why: 'that as its sender contained it', limit: named('Medication/m1'), of: prescribed, denied: YES, permitted: NO },
  { why: 'that under an id that Weft made', limit: named('RX901/Device/x'), of: prescribed, denied: UNCLEAR, permitted: NO },
  {
    why: 'the name of what another entry contains',
    limit: named('Practitioner/7'),
    beside: [prescribed],
    denied: NO,
    permitted: NO,
  },
  {
    why: 'the name of what an entry contains that hangs on it',
    limit: named('Practitioner/7', 'dependents'),
    beside: [entry('RX901', 'MedicationRequest/m', { ...CONTAINED, encounter: { reference: 'Condition/c1' } })],
    denied: YES,
    permitted: NO,
  },

  { why: 'a code of its own', limit: codes({ system: SNOMED, code: '38341003' }), denied: YES, permitted: YES },
  { why: 'its code of another system', limit: codes({ system: 'http://x', code: '38341003' }), denied: YES, permitted: NO },
  { why: 'its code of no system', limit: codes({ code: '38341003' }), denied: YES, permitted: NO },
  { why: 'a code that nobody knows', limit: codes({ system: SNOMED, code: '64572001' }), denied: UNCLEAR, permitted: NO },
  { why: 'a code of the locality’s list', limit: codes({ system: SNOMED, code: '999' }), denied: NO, permitted: NO },
  {
    why: 'a code that another entry has',
    limit: codes({ system: SNOMED, code: '86406008' }),
    beside: [entry('RX902', 'Condition/c2', { code: concept('86406008', SNOMED) })],
    denied: NO,
    permitted: NO,
  },
  { why: 'a code that cannot be read', limit: codes(null), denied: UNCLEAR, permitted: UNCLEAR },
  {
    why: 'a code of what it refers to',
    limit: codes({ system: SNOMED, code: '38341003' }),
    of: entry('RX901', 'Encounter/e', { reasonReference: [{ reference: 'Condition/c1' }] }),
    beside: [condition],
    denied: YES,
    permitted: NO,
  },
  {
    why: 'a code of what another organisation has under the name that it refers to',
    limit: codes({ system: SNOMED, code: '38341003' }),
    of: entry('RX902', 'Encounter/e', { reasonReference: [{ reference: 'Condition/c1' }] }),
    beside: [condition],
    denied: NO,
    permitted: NO,
  },
  {
    why: 'a unit of measure is a code too',
    limit: codes({ code: 'mmol/L' }),
    of: entry('RX901', 'Observation/o', { valueQuantity: { value: 5, code: 'mmol/L' } }),
    denied: YES,
    permitted: YES,
  },

  { why: 'its resource type', limit: classes({ code: 'Condition' }), denied: YES, permitted: YES },
  { why: 'another resource type', limit: classes({ code: 'Observation' }), denied: NO, permitted: NO },
  { why: 'its resource type in lower case', limit: classes({ code: 'condition' }), denied: UNCLEAR, permitted: NO },
  {
    why: 'its resource type of a list of somebody’s',
    limit: classes({ system: 'http://x', code: 'Condition' }),
    denied: YES,
    permitted: NO,
  },
  { why: 'a class that nobody knows', limit: classes({ code: 'mental-health' }), denied: UNCLEAR, permitted: NO },
  {
    why: 'another type, or a class that nobody knows',
    limit: classes({ code: 'Flag' }, { code: 'x' }),
    denied: UNCLEAR,
    permitted: NO,
  },
  { why: 'its type, or a class that cannot be read', limit: classes({ code: 'Condition' }, null), denied: YES, permitted: YES },
  { why: 'a class that it has as a code', limit: classes({ system: SNOMED, code: '38341003' }), denied: YES, permitted: YES },

  { why: 'no label is N: N', limit: level('N'), denied: YES, permitted: YES },
  { why: 'no label is N: R', limit: level('R'), denied: NO, permitted: YES },
  { why: 'no label is N: M', limit: level('M'), denied: YES, permitted: NO },
  { why: 'R and R', limit: level('R'), of: labelled('R'), denied: YES, permitted: YES },
  { why: 'R and V', limit: level('R'), of: labelled('V'), denied: YES, permitted: NO },
  { why: 'R and U', limit: level('R'), of: labelled('U'), denied: NO, permitted: YES },
  { why: 'R, and N with V', limit: level('R'), of: labelled('N', 'V'), denied: YES, permitted: NO },
  { why: 'R, and one that HL7 does not have', limit: level('R'), of: labelled('X'), denied: UNCLEAR, permitted: UNCLEAR },
  { why: 'a level without a system', limit: labels({ code: 'R' }), of: labelled('R'), denied: YES, permitted: YES },
  {
    why: 'a level of somebody else’s system is a code',
    limit: labels({ system: 'http://x', code: 'R' }),
    denied: UNCLEAR,
    permitted: NO,
  },
  { why: 'a label that cannot be read', limit: labels(null), denied: UNCLEAR, permitted: UNCLEAR },
  { why: 'a level that it has, or a label that cannot be read', limit: labels({ code: 'N' }, null), denied: YES, permitted: YES },

  { why: 'in the period', limit: happened('2019-12-31T00:00:00Z', '2020-01-03T00:00:00Z'), denied: YES, permitted: YES },
  { why: 'before the period', limit: happened('2020-01-02T00:00:00Z'), denied: NO, permitted: NO },
  { why: 'after the period', limit: happened(undefined, '2020-01-01T00:00:00Z'), denied: NO, permitted: NO },
  { why: 'partly in the period', limit: happened('2020-01-01T12:00:00Z'), denied: UNCLEAR, permitted: UNCLEAR },
  { why: 'in a period without bounds', limit: happened(), denied: YES, permitted: YES },
  { why: 'at no time', limit: happened('2020-01-01T00:00:00Z'), of: labelled(), denied: UNCLEAR, permitted: UNCLEAR },

  { why: 'a limit that cannot be read', limit: { kind: 'unread', field: 'actor' }, denied: UNCLEAR, permitted: UNCLEAR },
];

/** A source that records no entries. */
const BY_GOVERNANCE = 'urn:weft:governance';

describe('a limit', () => {
  it.each(ROWS)(
    '$why: in a denial it $denied, in a permission it $permitted',
    ({ limit, of = condition, beside = [], ...row }) => {
      const record = [of, ...beside];
      const looking = new Looking(new Surroundings(() => record), new Set(['999']));
      expect(coverageOf(limit, of, 'deny', looking, BY_GOVERNANCE)).toBe(row.denied);
      expect(coverageOf(limit, of, 'permit', looking, BY_GOVERNANCE)).toBe(row.permitted);
      // And again, from what is kept.
      expect(coverageOf(limit, of, 'deny', looking, BY_GOVERNANCE)).toBe(row.denied);
    },
  );

  it('says whether one more entry may change what it says of the others', () => {
    const around = (limit: Limit) => [looksAround(limit, 'deny'), looksAround(limit, 'permit')];
    expect(around(recordedBy('RX901'))).toEqual([false, false]);
    expect(around(happened())).toEqual([false, false]);
    expect(around(named('RX901/Condition/c1'))).toEqual([false, false]);
    expect(around(named('Condition/c1'))).toEqual([false, true]);
    expect(around(named('RX901/Condition/c1', 'related'))).toEqual([true, true]);
    expect(around(codes({ code: 'x' }))).toEqual([true, true]);
    expect(around(classes({ code: 'x' }))).toEqual([true, true]);
    expect(around(labels({ code: 'x' }))).toEqual([true, true]);
  });

  it('about a named entry covers one that comes only later, without a look at the rest', () => {
    const record = [condition];
    const looking = new Looking(new Surroundings(() => record), new Set());
    const limit = named('RX901/Condition/late');
    expect(coverageOf(limit, condition, 'deny', looking, BY_GOVERNANCE)).toBe(NO);
    expect(coverageOf(limit, entry('RX901', 'Condition/late'), 'deny', looking, BY_GOVERNANCE)).toBe(YES);
  });

  describe('that names an entry', () => {
    const record = ['RX901', 'RX901:lab', 'RX902'].map((source) => ({
      ...entry('RX901', 'Condition/c1'),
      id: `${source}/Condition/c1`,
    }));
    const covered = (name: string, effect: 'permit' | 'deny', source: string, reach: NamedEntry['reach'] = 'instance') => {
      const looking = new Looking(new Surroundings(() => record), new Set());
      return record.filter((one) => coverageOf(named(name, reach), one, effect, looking, source) === YES).map(({ id }) => id);
    };
    const [own, lab, other] = record.map(({ id }) => id);

    it.each<[string, string, (string | undefined)[]]>([
      ['without its source', 'Condition/c1', [own, lab, other]],
      ['of an organisation, for all of its systems', 'RX901/Condition/c1', [own, lab]],
      ['however the organisation is spelt', 'rx901/Condition/c1', [own, lab]],
      ['of one system', 'RX901:lab/Condition/c1', [lab]],
      ['however the system is spelt', 'rx901:LAB/Condition/c1', [lab]],
    ])('denies it %s', (_, name, ids) => {
      for (const reach of ['instance', 'related'] as const) expect(covered(name, 'deny', 'urn:ods:RX902', reach)).toEqual(ids);
    });

    it.each<[string, string, string, (string | undefined)[]]>([
      ['without a source: that of its own source', 'Condition/c1', 'urn:ods:RX901', [own]],
      ['without a source: that of its own system', 'Condition/c1', 'urn:ods:RX901:lab', [lab]],
      ['without a source, by who records no entries: the only one, and of several none', 'Condition/c1', BY_GOVERNANCE, []],
      ['whole', 'RX901:lab/Condition/c1', 'urn:ods:RX902', [lab]],
      ['whole, and not what its systems have', 'RX901/Condition/c1', 'urn:ods:RX902', [own]],
      ['and spelt otherwise: none', 'rx901/Condition/c1', 'urn:ods:RX902', []],
    ])('permits it %s', (_, name, source, ids) => {
      for (const reach of ['instance', 'related'] as const) expect(covered(name, 'permit', source, reach)).toEqual(ids);
    });
  });

  it('reaches along a chain of any length, in a circle too, and only within what is linked', () => {
    const chain = Array.from({ length: 500 }, (_, index) =>
      entry('RX901', `Observation/o${index}`, { derivedFrom: [{ reference: `Observation/o${(index + 1) % 500}` }] }),
    ).reverse();
    const other = entry('RX901', 'Observation/other', { performer: [{ reference: 'Practitioner/x' }] });
    const looking = new Looking(new Surroundings(() => [...chain, other]), new Set());
    const limit = named('RX901/Observation/o250', 'dependents');
    expect(chain.every((one) => coverageOf(limit, one, 'deny', looking, BY_GOVERNANCE) === YES)).toBe(true);
    expect(chain.every((one) => coverageOf(limit, one, 'permit', looking, BY_GOVERNANCE) === YES)).toBe(true);
    expect(coverageOf(limit, other, 'deny', looking, BY_GOVERNANCE)).toBe(NO);
  });

  it('reaches nothing by way of the person, to whom everything refers', () => {
    const patient = entry('RX901', 'Patient/p');
    const [one, other] = ['a', 'b'].map((id) => entry('RX901', `Observation/${id}`, { focus: [{ reference: 'Patient/p' }] }));
    const looking = new Looking(new Surroundings(() => [patient, one!, other!]), new Set());
    expect(coverageOf(named('RX901/Observation/a', 'related'), other!, 'deny', looking, BY_GOVERNANCE)).toBe(NO);
  });

  it('does not take an identifier without a system for the same in another organisation', () => {
    const visit = entry('RX901', 'Encounter/e', { identifier: [{ value: '1' }] });
    const refers = { encounter: { type: 'Encounter', identifier: { value: '1' } } };
    const [own, foreign] = [entry('RX901', 'Observation/a', refers), entry('RX902', 'Observation/b', refers)];
    const looking = new Looking(new Surroundings(() => [visit, own, foreign]), new Set());
    const limit = named('RX901/Encounter/e', 'dependents');
    expect([own, foreign].map((one) => coverageOf(limit, one, 'permit', looking, BY_GOVERNANCE))).toEqual([YES, NO]);
  });

  it('is asked about many entries without looking for each of its members in each', () => {
    let looked = 0;
    class Counting extends Surroundings {
      override factsOf(of: JudgedEntry) {
        looked += 1;
        return super.factsOf(of);
      }
      override entriesNamed(name: string) {
        looked += 1;
        return super.entriesNamed(name);
      }
    }
    const record = Array.from({ length: 300 }, (_, index) =>
      entry('RX901', `Observation/o${index}`, {
        code: concept(`k${index}`),
        derivedFrom: [{ reference: `Observation/o${index + 1}` }],
      }),
    );
    const looking = new Looking(new Counting(() => record), new Set());
    const many = Array.from({ length: 300 }, (_, index) => index);
    const listed = many.map((index) => ({ system: SNOMED, code: `k${index}` }));
    const all: Limit[] = [
      ...[codes(...listed), classes(...listed), labels(...listed)],
      ...(['instance', 'related'] as const).map((reach): Limit => ({
        kind: 'entries',
        entries: many.map((index) => ({ entry: `Observation/o${index}`, reach })),
      })),
    ];
    for (const limit of all) for (const one of record) coverageOf(limit, one, 'deny', looking, BY_GOVERNANCE);
    expect(looked).toBeLessThan(record.length * all.length * 10);
  });
});
