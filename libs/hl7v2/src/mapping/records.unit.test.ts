import fc from 'fast-check';
import { Filed } from './filed.fixture.js';
import { A, fields, message, obx, pv1 } from './messages.fixture.js';

function told(...messages: readonly string[]): Filed {
  const filed = new Filed();
  for (const one of messages) filed.say(one);
  expect(filed.refused).toEqual([]);
  return filed;
}

const txa = (id: string, more: Readonly<Record<number, string>> = {}): string =>
  fields('TXA', {
    1: '1',
    2: 'DS^Discharge summary',
    3: 'TX',
    6: '20240610093000',
    9: 'C123^REED^S',
    12: id,
    17: 'AU',
    18: 'U',
    19: 'AV',
    ...more,
  });

const mdm = (event: string, at: string, ...segments: readonly string[]): string =>
  message(`MDM^${event}`, { from: 'DOCS', at }, ...segments);

const document = (filed: Filed, id: string) => filed.resource(A, 'DocumentReference', 'DOCS', id);

describe('a document', () => {
  const first = mdm('T02', '20240610100000', pv1(), txa('D1'), obx('TX', 'NOTE', 'Dear Dr Reed'));

  it('is corrected by an edit, which is a version of it, and by its status alone', () => {
    const filed = told(first, mdm('T08', '20240611100000', txa('D1', { 17: 'LA' }), obx('TX', 'NOTE', 'Dear Dr Rood')));
    const content = () => document(filed, 'D1')?.['content'] as { attachment: { data: string } }[];
    expect(Buffer.from(content()[0]!.attachment.data, 'base64').toString()).toBe('Dear Dr Rood');
    filed.say(mdm('T04', '20240612100000', txa('D1', { 17: 'IP', 19: 'OB' })));
    expect(document(filed, 'D1')).toMatchObject({ status: 'superseded', docStatus: 'preliminary' });
    expect(content()).toHaveLength(1);
  });

  it('that another one replaced stays replaced, whatever is corrected in it', () => {
    const messages = [
      first,
      mdm('T10', '20240611100000', txa('D2', { 13: 'D1' }), obx('TX', 'NOTE', 'Dear Dr Reed,')),
      mdm('T08', '20240612100000', txa('D1'), obx('TX', 'NOTE', 'Dear all')),
    ];
    const filed = told(...messages);
    expect(document(filed, 'D1')).toMatchObject({ status: 'superseded' });
    const replaced = { reference: `DocumentReference/${filed.idOf('DocumentReference', 'DOCS', 'D1')}` };
    expect(document(filed, 'D2')).toMatchObject({ relatesTo: [{ code: 'replaces', target: replaced }] });
    fc.assert(
      fc.property(fc.shuffledSubarray(messages, { minLength: 3 }), (order) =>
        expect(told(...order).standing()).toEqual(filed.standing()),
      ),
      { numRuns: 6 },
    );
  });

  it('has an addendum that says what it is added to, and is at fault without', () => {
    const addendum = (parent: string) => mdm('T06', '20240611100000', txa('D3', { 13: parent }), obx('TX', 'NOTE', 'PS'));
    expect(document(told(first, addendum('D1')), 'D3')).toMatchObject({ relatesTo: [{ code: 'appends' }] });
    expect(new Filed().say(addendum('')).faults).toMatchObject([{ segment: 'TXA', field: 13, code: 'required' }]);
  });

  it.each([
    ['U', 'N'],
    ['R', 'R'],
    ['V', 'V'],
    ['', undefined],
    ['?', 'R'],
  ])('of confidentiality %j is labelled %s: what is not understood is restricted', (code, label) => {
    const labels = document(told(mdm('T02', '20240610100000', txa('D1', { 18: code }), obx('TX', 'NOTE', 'x'))), 'D1')?.[
      'securityLabel'
    ];
    expect(labels).toEqual(label && [{ coding: [expect.objectContaining({ code: label })] }]);
  });

  it('is what its bytes begin with, whatever its sender calls it', () => {
    const hex = Buffer.from('%PDF-1.4').toString('hex');
    const filed = told(mdm('T02', '20240610100000', txa('D1'), obx('ED', 'DOC', `^TEXT^plain^Hex^${hex}`)));
    expect(document(filed, 'D1')).toMatchObject({ content: [{ attachment: { contentType: 'application/pdf', size: 8 } }] });
    const rtf = told(mdm('T02', '20240610100000', txa('D1'), obx('ED', 'DOC', '^TEXT^RTF^A^plain words')));
    expect(document(rtf, 'D1')).toMatchObject({ content: [{ attachment: { contentType: 'text/rtf' } }] });
  });

  it('that is large is a Binary beside it, which comes with every version that names it', () => {
    const data = Buffer.from(`%PDF${'x'.repeat(1024 * 1024)}`).toString('base64');
    const filed = told(mdm('T02', '20240610100000', txa('D1'), obx('ED', 'DOC', `^AP^PDF^Base64^${data}`)));
    const { attached, resource } = filed.events[0]!;
    expect(attached).toMatchObject([{ resourceType: 'Binary', contentType: 'application/pdf', data }]);
    expect(resource).toMatchObject({ content: [{ attachment: { url: `Binary/${attached[0]!.id}`, size: 1024 * 1024 + 4 } }] });
  });

  it('keeps the address of a file, and does not follow it', () => {
    const filed = told(mdm('T02', '20240610100000', txa('D1'), obx('RP', 'DOC', 'https://docs.example/1')));
    expect(document(filed, 'D1')).toMatchObject({ content: [{ attachment: { url: 'https://docs.example/1' } }] });
  });

  it.each([
    ['^AP^PDF^Base64^JVBE*', 'base64', 5],
    ['^AP^PDF^Base64^JVBER', 'base64', 5],
    ['^AP^PDF^Hex^2', 'hex', 5],
    ['^AP^PDF^uu^x', 'encoding', 4],
  ])('that cannot be decoded is at fault: %s', (value, code, component) => {
    const taken = new Filed().say(mdm('T02', '20240610100000', txa('D1'), obx('ED', 'DOC', value)));
    expect(taken).toMatchObject({ events: [], faults: [{ segment: 'OBX', index: 1, field: 5, component, code }] });
  });
});

describe('an appointment', () => {
  const sch = (more: Readonly<Record<number, string>> = {}) =>
    fields('SCH', {
      1: 'P1^X',
      2: 'AP1^CLINIC',
      6: 'OP^Outpatient',
      9: '30',
      10: 'm',
      11: '^^30^20240701090000',
      25: 'Booked',
      ...more,
    });
  const siu = (event: string, at: string, first: string, ...segments: readonly string[]) => {
    const [header, ...rest] = message(`SIU^${event}`, { from: 'CLINIC', at }, ...segments).split('\n');
    return [header, first, ...rest].join('\n');
  };
  const appointment = (filed: Filed, ...name: readonly string[]) =>
    filed.resource(A, 'Appointment', ...(name.length > 0 ? name : ['CLINIC', 'AP1']));

  it.each([
    ['S12', 'Cancelled', 'booked'],
    ['S14', 'Complete', 'fulfilled'],
    ['S14', '', 'booked'],
    ['S16', 'Booked', 'cancelled'],
  ])('after %s with SCH-25 %j is %s', (event, said, status) => {
    expect(appointment(told(siu(event, '20240610100000', sch({ 25: said }))))).toMatchObject({
      status,
      end: '2024-07-01T09:30:00+01:00',
    });
  });

  it('begins when TQ1 or what is used says it, where SCH does not', () => {
    const without = sch({ 11: '' });
    const tq1 = fields('TQ1', { 7: '20240702100000', 8: '20240702104500' });
    const ail = fields('AIL', { 3: 'ROOM1', 6: '20240703110000' });
    expect(appointment(told(siu('S12', '20240610100000', `${without}\n${tq1}`)))).toMatchObject({
      start: '2024-07-02T10:00:00+01:00',
      end: '2024-07-02T10:45:00+01:00',
    });
    const filed = told(siu('S12', '20240610100000', without, 'RGS|1', ail));
    expect(appointment(filed)).toMatchObject({
      start: '2024-07-03T11:00:00+01:00',
      participant: [{}, { actor: { display: 'ROOM1' } }],
    });
    expect(filed.notes).toEqual([]);
  });

  it('lasts as long as it says in hours, and without a word ends as it begins, which is noted', () => {
    expect(appointment(told(siu('S12', '20240610100000', sch({ 9: '2', 10: 'hr' }))))).toMatchObject({ minutesDuration: 120 });
    const filed = told(siu('S12', '20240610100000', sch({ 9: '' })));
    expect(appointment(filed)).toMatchObject({ start: '2024-07-01T09:00:00+01:00', end: '2024-07-01T09:00:00+01:00' });
    expect(filed.notes).toMatchObject([{ segment: 'SCH', field: 9, code: 'no-duration' }]);
  });

  it('is known by its placer’s number where it has no other, and is at fault without one', () => {
    expect(appointment(told(siu('S12', '20240610100000', sch({ 2: '' }))), 'X', 'P1')).toBeDefined();
    expect(new Filed().say(siu('S12', '20240610100000', sch({ 1: '', 2: '' }))).faults).toMatchObject([
      { segment: 'SCH', field: 2 },
    ]);
    const unread = new Filed().say(siu('S12', '20240610100000', sch({ 11: '^^30^2024070109OO' })));
    expect(unread.faults).toMatchObject([{ segment: 'SCH', field: 11, component: 4, code: 'time' }]);
  });
});

describe('a vaccination', () => {
  const vxu = (more: Readonly<Record<number, string>>, at = '20240610100000') =>
    message(
      'VXU^V04',
      { from: 'IMMS', at },
      'ORC|RE||VX1^IMMS',
      fields('RXA', { 3: '20240609', 5: '1^Vaccine^SCT', 6: '0.50', 7: 'ml', 20: 'CP', 21: 'A', ...more }),
    );
  const vaccination = (filed: Filed) => filed.resource(A, 'Immunization', 'IMMS', 'VX1');

  it('that was refused has no dose, and says why', () => {
    const refused = vaccination(told(vxu({ 20: 'RE', 18: '00^Parental decision^L' })));
    expect(refused).toMatchObject({ status: 'not-done', statusReason: { text: 'Parental decision' } });
    expect(refused?.['doseQuantity']).toBeUndefined();
    expect(vaccination(told(vxu({})))).toMatchObject({
      status: 'completed',
      doseQuantity: { value: 0.5, '#value': '0.50', unit: 'ml' },
    });
  });

  it('of which a code says what no table knows is at fault: it may not have been given', () => {
    expect(new Filed().say(vxu({ 20: 'ZZ' })).faults).toMatchObject([{ segment: 'RXA', field: 20, code: 'code' }]);
    expect(new Filed().say(vxu({ 21: 'ZZ' })).faults).toMatchObject([{ segment: 'RXA', field: 21, code: 'code' }]);
    expect(new Filed().say(vxu({ 3: '' })).faults).toMatchObject([{ segment: 'RXA', field: 3, code: 'required' }]);
  });
});

describe('an order', () => {
  const orm = (type: string, control: string, placer: string, filler: string, at = '20240610100000') =>
    message(
      type,
      { from: 'OCS', at },
      fields('ORC', { 1: control, 2: placer, 3: filler }),
      fields('OBR', { 4: 'FBC^Full blood count^L' }),
    );

  it.each([
    ['NW', 'active'],
    ['CA', 'revoked'],
    ['OC', 'revoked'],
    ['CR', 'revoked'],
    ['DC', 'revoked'],
    ['HD', 'on-hold'],
  ])('of control %s is %s', (control, status) => {
    expect(told(orm('ORM^O01', control, 'P1^OCS', '')).resource(A, 'ServiceRequest', 'OCS', 'P1')).toMatchObject({ status });
  });

  it('whose placer’s number comes later is the same order', () => {
    const filed = told(
      orm('OML^O21', 'SN', '', 'F1^LAB'),
      orm('ORR^O02', 'NA', 'P1^OCS', 'F1^LAB', '20240610110000'),
      orm('ORM^O01', 'CA', 'P1^OCS', '', '20240610120000'),
    );
    expect(Object.keys(filed.standing())).toHaveLength(1);
    expect(filed.resource(A, 'ServiceRequest', 'LAB', 'F1')).toMatchObject({ status: 'revoked' });
  });

  it('of a control that no table knows, or without a number, is at fault', () => {
    expect(new Filed().say(orm('ORM^O01', 'QQ', 'P1', '')).faults).toMatchObject([{ segment: 'ORC', field: 1, code: 'code' }]);
    expect(new Filed().say(orm('ORM^O01', 'NW', '', '')).faults).toMatchObject([{ segment: 'ORC', field: 2, code: 'required' }]);
  });

  it('of a medicine is stopped by the order that stops it, and says how it is taken', () => {
    const rde = (control: string, at: string) =>
      message(
        'RDE^O11',
        { from: 'EPMA', at },
        `ORC|${control}|M1^EPMA`,
        fields('RXE', { 2: '322236009^Paracetamol 500mg tablets^SCT', 3: '2', 5: 'tablet', 7: '^Four times a day' }),
      );
    const filed = told(rde('NW', '20240610100000'));
    const medicine = () => filed.resource(A, 'MedicationRequest', 'EPMA', 'M1');
    expect(medicine()).toMatchObject({
      status: 'active',
      medicationCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code: '322236009' }] },
      dosageInstruction: [{ text: 'Four times a day', doseAndRate: [{ doseQuantity: { value: 2, unit: 'tablet' } }] }],
    });
    filed.say(rde('DC', '20240611100000'));
    expect(medicine()).toMatchObject({ status: 'stopped' });
  });
});

describe('a problem and a referral', () => {
  it('are known by their own numbers, and a problem is taken back by PRB-1', () => {
    const ppr = (action: string, at: string) =>
      message(
        'PPR^PC1',
        { from: 'EPR', at },
        fields('PRB', { 1: action, 2: at, 3: '38341003^Hypertension^SCT', 4: 'PB1^EPR', 7: '20200101', 14: 'ACTIVE' }),
      );
    const filed = told(ppr('AD', '20240610100000'));
    expect(filed.resource(A, 'Condition', 'EPR', 'PB1')).toMatchObject({
      recordedDate: '2020-01-01',
      code: { coding: [{ code: '38341003' }] },
    });
    filed.say(ppr('DE', '20240611100000'));
    expect(filed.entry(A, 'Condition', 'EPR', 'PB1')?.retracted).toBe(true);
    const ref = (event: string) =>
      message(`REF^${event}`, { from: 'ERS' }, fields('RF1', { 1: 'A', 6: 'R1^ERS', 7: '20240610' }));
    expect(told(ref('I12')).resource(A, 'ServiceRequest', 'ERS', 'R1')).toMatchObject({ status: 'active' });
    expect(told(ref('I14')).resource(A, 'ServiceRequest', 'ERS', 'R1')).toMatchObject({ status: 'revoked' });
  });
});
