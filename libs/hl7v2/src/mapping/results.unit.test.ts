import fc from 'fast-check';
import { jsonWithDigits } from '@weft/domain';
import { Filed, LISTENER } from './filed.fixture.js';
import { A, adt, fields, message, obx, oru, pv1 } from './messages.fixture.js';

const HB = ['Observation', 'F1', 'FBC', 'HB', ''] as const;

function told(...messages: readonly string[]): Filed {
  const filed = new Filed();
  for (const one of messages) filed.say(one);
  expect(filed.refused).toEqual([]);
  return filed;
}

const one = (type: string, value: string, more: Readonly<Record<number, string>> = {}) =>
  told(oru({}, 'F1', 'FBC', {}, obx(type, 'HB', value, more))).resource(A, ...HB);

describe('a result', () => {
  it.each([
    ['P', 'preliminary'],
    ['R', 'preliminary'],
    ['S', 'preliminary'],
    ['I', 'registered'],
    ['O', 'registered'],
    ['F', 'final'],
    ['V', 'final'],
    ['C', 'corrected'],
    ['A', 'amended'],
    ['B', 'amended'],
    ['', 'final'],
    ['9', 'unknown'],
  ])('with OBX-11 %j is %s', (code, status) => {
    expect(one('NM', '140', { 11: code })).toMatchObject({ status, valueQuantity: { value: 140 } });
  });

  it('that was not asked for, or was cancelled, has no value', () => {
    expect(one('NM', '140', { 11: 'N' })).toMatchObject({ dataAbsentReason: { coding: [{ code: 'not-asked' }] } });
    for (const status of ['N', 'X']) expect(one('NM', '140', { 11: status })?.['valueQuantity']).toBeUndefined();
    expect(one('NM', '140', { 11: 'X' })).toMatchObject({ status: 'cancelled' });
  });

  it.each(['D', 'W'])('is taken back by %s: of the wrong patient every copy must hear it', (status) => {
    const filed = told(
      oru({}, 'F1', 'FBC', {}, obx('NM', 'HB', '140')),
      oru({}, 'F1', 'FBC', { at: '20240610110000' }, obx('NM', 'HB', '140', { 11: status })),
    );
    expect(filed.entry(A, ...HB)?.retracted).toBe(true);
    expect(filed.resource(A, 'DiagnosticReport', 'F1', 'FBC')?.['result']).toBeUndefined();
  });

  it('keeps the value that is not sent again when it becomes final', () => {
    const filed = told(
      oru({}, 'F1', 'FBC', { status: 'P' }, obx('NM', 'HB', '140', { 11: 'P' })),
      oru({}, 'F1', 'FBC', { at: '20240610110000' }, obx('NM', 'HB', '', { 11: 'U' })),
    );
    expect(filed.resource(A, ...HB)).toMatchObject({ status: 'final', valueQuantity: { value: 140 } });
  });

  it('that is corrected to text has no number any more', () => {
    const filed = told(
      oru({}, 'F1', 'FBC', {}, obx('NM', 'HB', '140')),
      oru({}, 'F1', 'FBC', { at: '20240610110000' }, obx('ST', 'HB', 'Haemolysed', { 11: 'C' })),
    );
    expect(filed.resource(A, ...HB)).toMatchObject({ valueString: 'Haemolysed' });
    expect(filed.resource(A, ...HB)?.['valueQuantity']).toBeUndefined();
  });

  it.each([
    ['NM', '<7', { valueQuantity: { value: 7, comparator: '<' } }],
    ['NM', '>=7.50', { valueQuantity: { value: 7.5, comparator: '>=' } }],
    ['NM', '?7', { valueString: '?7' }],
    ['NM', '', { dataAbsentReason: { coding: [{ code: 'unknown' }] } }],
    ['NM', '.5', { valueQuantity: { value: 0.5 } }],
    ['NM', '-007', { valueQuantity: { value: -7 } }],
    ['NM', '1e999', { valueString: '1e999' }],
    ['SN', '<^7', { valueQuantity: { value: 7, comparator: '<' } }],
    ['SN', '^1^-^5', { valueRange: { low: { value: 1 }, high: { value: 5 } } }],
    ['SN', '^1^:^128', { valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }],
    ['SN', '^many', { valueString: '^many' }],
    ['CE', 'ECOL^Escherichia coli^L', { valueCodeableConcept: { text: 'Escherichia coli' } }],
    ['DT', '20240609', { valueDateTime: '2024-06-09' }],
    ['TS', '202406091530', { valueDateTime: '2024-06-09T15:30:00+01:00' }],
    ['TM', '1530', { valueTime: '15:30:00' }],
    ['ST', 'a\\T\\b', { valueString: 'a&b' }],
  ])('%s %j is what it says', (type, value, resource) => {
    expect(one(type, value)).toMatchObject(resource);
  });

  it.each(['5.00', '7.0e3', '0.10', '100'])('keeps the digits of %s', (value) => {
    expect(jsonWithDigits(one('NM', value))).toContain(`"value":${value}`);
  });

  it.each([
    ['3.5-5.3', { low: { value: 3.5 }, high: { value: 5.3 }, text: '3.5-5.3' }],
    ['<5', { high: { value: 5 }, text: '<5' }],
    ['>5', { low: { value: 5 }, text: '>5' }],
    ['negative', { text: 'negative' }],
  ])('with the range %s has it as text, and as numbers where it is any', (range, expected) => {
    expect(one('NM', '4', { 7: range })).toMatchObject({ referenceRange: [expected] });
  });

  it('has its unit as UCUM where the table knows it, and as text always', () => {
    expect(one('NM', '4', { 6: 'mmol/L' })).toMatchObject({ valueQuantity: { unit: 'mmol/L', code: 'mmol/L' } });
    expect(one('NM', '4', { 6: 'x10' })).toMatchObject({ valueQuantity: { unit: 'x10' } });
    expect(one('NM', '4', { 6: 'x10' })?.['valueQuantity']).not.toHaveProperty('code');
  });

  it('is a code with its number, where two OBX have one name', () => {
    const both = [obx('CE', 'ORG', 'ECOL^Escherichia coli^L', { 4: '1' }), obx('NM', 'ORG', '100000', { 4: '1', 6: 'cfu' })];
    const filed = told(oru({}, 'F1', 'URNC', {}, ...both));
    expect(filed.resource(A, 'Observation', 'F1', 'URNC', 'ORG', '1')).toMatchObject({
      valueCodeableConcept: { text: 'Escherichia coli' },
      component: [{ valueQuantity: { value: 100_000, unit: 'cfu' } }],
    });
    expect(filed.notes).toEqual([]);
  });

  it('of a name that repeats otherwise is told apart by its place, and noted', () => {
    const filed = told(oru({}, 'F1', 'FBC', {}, ...['1', '2', '3'].map((value) => obx('NM', 'HB', value))));
    const values = ['', '#2', '#3'].map((sub) => filed.resource(A, 'Observation', 'F1', 'FBC', 'HB', sub)?.['valueQuantity']);
    expect(values).toMatchObject([{ value: 1 }, { value: 2 }, { value: 3 }]);
    expect(filed.notes).toMatchObject([{ segment: 'OBX', index: 2, field: 3, code: 'result-repeated' }]);
  });

  it('of a susceptibility is derived from the isolate that OBR-29 names by test, or that the message has', () => {
    const isolate = obx('CE', 'ISO', 'ECOL^E. coli^L', { 4: '1' });
    const parent = fields('OBR', { 3: '20V1', 4: 'URNC^Culture^L', 22: '20240610090000', 25: 'F' });
    const child = (order: string) =>
      fields('OBR', { 3: '20V1', 4: 'SENS^S^L', 22: '20240610090000', 25: 'F', 26: 'ISO&&Winpath^1', 29: order });
    const drug = obx('ST', 'AMOX', 'AMOX', { 8: 'R' });
    for (const order of ['^20V1&&URNC', '^20V1', '']) {
      const filed = told(message('ORU^R01', {}, parent, isolate, child(order), drug));
      const susceptibility = filed.resource(A, 'Observation', '20V1', 'SENS/ISO/1', 'AMOX', '');
      expect(susceptibility).toMatchObject({
        interpretation: [{ coding: [{ code: 'R' }] }],
        derivedFrom: [{ reference: `Observation/${filed.idOf('Observation', '20V1', 'URNC', 'ISO', '1')}` }],
      });
      expect([filed.notes, susceptibility?.['valueString']]).toEqual([[], undefined]);
    }
    expect(told(message('ORU^R01', {}, child('^20V9'), drug)).notes).toMatchObject([{ code: 'parent-unknown' }]);
  });

  it('without an order is at fault, and before one is the patient’s', () => {
    const place = { segment: 'OBX', index: 1, field: 1, repetition: 1, component: 1, code: 'no-order' };
    expect(new Filed().say(message('ORU^R01', {}, obx('NM', 'HB', '1'))).faults).toEqual([place]);
    const order = fields('OBR', { 3: 'F1', 4: 'FBC' });
    expect(new Filed().say(message('ORU^R01', {}, obx('NM', 'BMI', '21'), order, obx('NM', 'HB', '1')))).toMatchObject({
      faults: [],
      notes: [place],
    });
  });

  it('has the laboratory’s number from its ORC where the OBR has none, and is at fault without either', () => {
    const order = fields('OBR', { 4: 'FBC^Full^L', 25: 'F' });
    expect(told(message('ORU^R01', {}, 'ORC|RE||F1', order, obx('NM', 'HB', '1'))).resource(A, ...HB)).toBeDefined();
    expect(new Filed().say(message('ORU^R01', {}, order, obx('NM', 'HB', '1'))).faults).toMatchObject([
      { segment: 'OBR', index: 1, field: 3, code: 'required' },
    ]);
  });

  it('hangs on the visit that the message names', () => {
    const filed = told(adt('A28'), message('ORU^R01', {}, pv1(), fields('OBR', { 3: 'F1', 4: 'FBC' }), obx('NM', 'HB', '1')));
    expect(filed.resource(A, ...HB)).toMatchObject({
      encounter: { reference: `Encounter/${filed.idOf('Encounter', 'RX901', 'V1')}` },
    });
    expect(filed.entry(A, 'Encounter', 'RX901', 'V1')).toBeUndefined();
  });

  it('is the same in the end in whatever order its versions come', () => {
    const versions = [
      oru({}, 'F1', 'FBC', { at: '20240610090000', status: 'P' }, obx('NM', 'HB', '1', { 11: 'P' }), obx('NM', 'WBC', '7')),
      oru({}, 'F1', 'FBC', { at: '20240610100000' }, obx('NM', 'HB', '2')),
      oru(
        {},
        'F1',
        'FBC',
        { at: '20240610110000', status: 'C' },
        obx('NM', 'HB', '3', { 11: 'C' }),
        obx('NM', 'WBC', '', { 11: 'D' }),
      ),
      oru({}, 'F1', 'FBC', { at: '20240610120000', status: 'C' }, obx('NM', 'HB', '', { 11: 'U' })),
    ];
    const inOrder = told(...versions).standing();
    fc.assert(
      fc.property(fc.shuffledSubarray(versions, { minLength: versions.length }), (order) => {
        expect(told(...order).standing()).toEqual(inOrder);
      }),
      { numRuns: 12 },
    );
  });
});

describe('a report', () => {
  const both = [obx('NM', 'HB', '1'), obx('NM', 'WBC', '7')];

  it('that is cancelled takes all its results with it', () => {
    const filed = told(oru({}, 'F1', 'FBC', {}, ...both), oru({}, 'F1', 'FBC', { at: '20240610110000', status: 'X' }, both[0]!));
    for (const code of ['HB', 'WBC']) {
      const result = filed.resource(A, 'Observation', 'F1', 'FBC', code, '');
      expect([result?.['status'], result?.['valueQuantity']]).toEqual(['cancelled', undefined]);
    }
  });

  it('takes with it what it cancels in whatever order its messages come', () => {
    const messages = [
      oru({}, 'F1', 'FBC', {}, both[0]!),
      oru({}, 'F1', 'FBC', { at: '20240610100000' }, both[1]!),
      oru({}, 'F1', 'FBC', { at: '20240610110000', status: 'X' }, both[0]!),
    ];
    const inOrder = told(...messages).standing();
    fc.assert(
      fc.property(fc.shuffledSubarray(messages, { minLength: 3 }), (order) => expect(told(...order).standing()).toEqual(inOrder)),
      { numRuns: 6 },
    );
  });

  it('cancels no result that came after it', () => {
    const cancelled = oru({}, 'F1', 'FBC', { status: 'X' }, both[0]!);
    const filed = told(cancelled, oru({}, 'F1', 'FBC', { at: '20240610110000' }, both[1]!));
    expect(filed.resource(A, 'Observation', 'F1', 'FBC', 'WBC', '')).toMatchObject({ status: 'final' });
    expect(filed.entry(A, 'Observation', 'F1', 'FBC', 'WBC', '')?.versions).toBe(1);
  });

  it('that is corrected keeps what it does not name, unless its laboratory resends it whole', () => {
    const messages = [oru({}, 'F1', 'FBC', {}, ...both), oru({}, 'F1', 'FBC', { at: '20240610110000', status: 'C' }, both[0]!)];
    const incremental = told(...messages);
    expect(incremental.entry(A, 'Observation', 'F1', 'FBC', 'WBC', '')?.retracted).toBe(false);
    expect(incremental.notes).toEqual([{ code: 'result-left-out' }]);
    const whole = new Filed({ ...LISTENER, results: 'snapshot' });
    for (const one of messages) whole.say(one);
    expect(whole.entry(A, 'Observation', 'F1', 'FBC', 'WBC', '')?.retracted).toBe(true);
    expect(whole.notes).toEqual([{ code: 'result-left-out' }]);
  });

  it('of one number and several tests is several', () => {
    const filed = told(oru({}, 'F1', 'FBC', {}, ...both), oru({}, 'F1', 'U&E', {}, obx('NM', 'K', '4')));
    expect(filed.resource(A, 'DiagnosticReport', 'F1', 'FBC')?.['result']).toHaveLength(2);
    expect(filed.entry(A, 'DiagnosticReport', 'F1', 'U')).toBeDefined();
  });

  it('shows a PDF that stands in an ED, or behind an empty code, and no result of it', () => {
    const pdf = Buffer.from(`%PDF-1.4 ${'x'.repeat(120)}`).toString('base64');
    for (const segment of [obx('ED', 'PDF', `^AP^PDF^Base64^${pdf}`), obx('CE', 'PDF', `^^^^${pdf}`)]) {
      const filed = told(oru({}, 'F1', 'HIST', {}, segment));
      expect(filed.resource(A, 'DiagnosticReport', 'F1', 'HIST')).toMatchObject({
        presentedForm: [{ contentType: 'application/pdf', data: pdf }],
      });
      expect(filed.events).toHaveLength(1);
    }
  });

  it('has a specimen of its own number', () => {
    const order = fields('OBR', { 3: 'F1', 4: 'FBC', 25: 'F' });
    const filed = told(message('OUL^R22', {}, 'SPM|1|^S1&LAB||BLD^Blood^L', order, obx('NM', 'HB', '1')));
    expect(filed.resource(A, 'DiagnosticReport', 'F1', 'FBC')).toBeDefined();
    const after = told(
      message(
        'ORU^R01',
        {},
        order,
        obx('NM', 'HB', '1'),
        fields('SPM', { 2: '^S1&LAB', 4: 'BLD^Blood^L', 17: '20240610080000' }),
      ),
    );
    expect(after.resource(A, 'Specimen', 'LAB', 'S1')).toMatchObject({ type: { text: 'Blood' } });
    expect(after.resource(A, ...HB)).toMatchObject({
      specimen: { reference: `Specimen/${after.idOf('Specimen', 'LAB', 'S1')}` },
    });
  });
});
