import fc from 'fast-check';
import { Filed, LISTENER } from './filed.fixture.js';
import { A, B, adt, fields, obx, oru, pv1 } from './messages.fixture.js';

const PATIENT = ['Patient', 'RX901', 'M1'] as const;
const HB = ['Observation', 'F1', 'FBC', 'HB', ''] as const;
const MRG = (mrn: string) => fields('MRG', { 1: `${mrn}^^^RX901^MR` });

function told(...messages: readonly string[]): Filed {
  const filed = new Filed();
  for (const message of messages) filed.say(message);
  expect(filed.refused).toEqual([]);
  return filed;
}

const result = (said = {}) => oru(said, 'F1', 'FBC', {}, obx('NM', 'HB', '140'));

describe('a person at a hospital', () => {
  it.each([
    ['1', 'male'],
    ['2', 'female'],
    ['9', 'other'],
    ['0', 'unknown'],
    ['F', 'female'],
  ])('of gender %s is %s', (code, gender) => {
    expect(told(adt('A28', { pid: code })).resource(A, ...PATIENT)).toMatchObject({ gender });
  });

  it('of a gender that no table knows has none, and it is noted', () => {
    const filed = told(adt('A28', { pid: 'Q' }));
    expect(filed.resource(A, ...PATIENT)?.['gender']).toBeUndefined();
    expect(filed.notes).toContainEqual({ segment: 'PID', index: 1, field: 8, repetition: 1, component: 1, code: 'code' });
  });

  it('has the number that the hospital gave, whatever stands in it', () => {
    const identifier = told(adt('A28', { mrn: 'M\\F\\1' })).resource(A, 'Patient', 'RX901', 'M|1')?.['identifier'];
    expect(identifier).toMatchObject([{ value: 'M|1', assigner: { display: 'RX901' } }, { value: A }]);
  });

  it('has practice, next of kin and ethnic category as England writes them, and no category of another table', () => {
    const pid = (ethnicity: string) => fields('x', { 1: '1', 15: ethnicity }).slice(2);
    const message = (ethnicity: string) =>
      adt('A28', { pid: pid(ethnicity) }, 'PD1|||HIGH ST SURGERY^^Y90001', 'NK1|1|LARCH^FERN|MTH^Mother^L||0113 496 0000^PRN^PH');
    const patient = told(message('M')).resource(A, ...PATIENT);
    expect(patient).toMatchObject({
      extension: [{ valueCodeableConcept: { coding: [{ code: 'M', display: 'Caribbean' }] } }],
      generalPractitioner: [{ identifier: { value: 'Y90001' }, display: 'HIGH ST SURGERY' }],
      contact: [{ name: { family: 'LARCH' }, telecom: [{ system: 'phone', value: '0113 496 0000', use: 'home' }] }],
    });
    const foreign = told(message('N^Not Hispanic^HL70189')).resource(A, ...PATIENT);
    expect(JSON.stringify(foreign)).not.toContain('African');
  });

  it('died when PID-30 says so, and did not when it is taken back', () => {
    const dead = (indicator: string, time: string) => `1${'|'.repeat(21)}${time}|${indicator}`;
    const filed = told(adt('A31', { pid: dead('Y', '20240609') }));
    expect(filed.events.at(-1)).toMatchObject({
      type: 'patient-died-1',
      subject: A,
      resource: { deceasedDateTime: '2024-06-09' },
    });
    filed.say(adt('A31', { at: '20240611100000', pid: dead('N', '') }));
    expect(filed.events.at(-1)).toMatchObject({ type: 'patient-death-retracted-1', subject: A });
    expect(told(adt('A31', { pid: dead('', '20240609') })).notes.map(({ code }) => code)).toEqual(['death-unconfirmed']);
    expect(told(adt('A03', { pid: dead('Y', '') }, pv1())).events.map(({ type }) => type)).toContain('patient-died-1');
  });

  it('is one whose allergies are told one by one, and taken back by name alone', () => {
    const iam = (action: string, id: string) => fields('IAM', { 1: '1', 2: 'DA', 3: '^Penicillin', 4: 'High', 6: action, 7: id });
    const filed = told(adt('A28'), adt('A60', { at: '20240611100000' }, iam('A', 'AL7^PAS'), iam('X', 'AL8^PAS')));
    const allergy = ['AllergyIntolerance', 'PAS', 'AL7'] as const;
    expect(filed.resource(A, ...allergy)).toMatchObject({
      code: { text: 'Penicillin' },
      criticality: 'high',
      category: ['medication'],
    });
    expect(filed.entry(A, 'AllergyIntolerance', 'PAS', 'AL8')).toBeUndefined();
    filed.say(adt('A60', { at: '20240612100000' }, iam('D', 'AL7^PAS')));
    expect(filed.entry(A, ...allergy)?.retracted).toBe(true);
    const local = told(adt('A28'), adt('A60', {}, fields('IAM', { 2: 'Environ', 3: 'X1^Cats^L', 6: 'A' })));
    expect(local.resource(A, 'AllergyIntolerance', 'RX901', 'Environ', 'X1')).toMatchObject({ code: { text: 'Cats' } });
  });
});

describe('two numbers of a hospital that become one', () => {
  it('of two known persons: what the old one filed moves, and no NHS number is merged', () => {
    const filed = told(
      adt('A28', { mrn: 'M1', number: A }),
      adt('A28', { mrn: 'M2', number: B }),
      result({ mrn: 'M2', number: B }),
    );
    filed.say(adt('A40', { at: '20240611100000', mrn: 'M1', number: '' }, MRG('M2')));
    expect([filed.entry(B, ...HB)?.retracted, filed.entry(A, ...HB)?.retracted]).toEqual([true, false]);
    expect(filed.review).toEqual(['merged-across-numbers']);
    expect(filed.events.map(({ type }) => type)).not.toContain('patient-merged-1');
    expect(filed.resource(A, ...PATIENT)?.['identifier']).toMatchObject([
      { value: 'M1' },
      { value: 'M2', use: 'old' },
      { value: A },
    ]);
    expect(filed.entry(B, 'Patient', 'RX901', 'M2')?.retracted).toBe(true);
  });

  it('has what left a number stand there again when it comes back by another MRN', () => {
    const filed = told(
      adt('A28', { mrn: 'M1', number: A }),
      adt('A28', { mrn: 'M2', number: B }),
      result({ mrn: 'M2', number: B }),
      adt('A40', { at: '20240611100000', mrn: 'M1', number: '' }, MRG('M2')),
      adt('A31', { at: '20240612100000', mrn: 'M1', number: B }),
    );
    expect([filed.entry(A, ...HB)?.retracted, filed.entry(B, ...HB)?.retracted]).toEqual([true, false]);
  });

  it('the inverse of a merge is a loop, and so is a longer way round', () => {
    const filed = told(
      ...['M1', 'M2', 'M3'].map((mrn) => adt('A28', { mrn })),
      adt('A40', { mrn: 'M1', number: '' }, MRG('M2')),
      adt('A40', { mrn: 'M3', number: '' }, MRG('M1')),
    );
    const place = { segment: 'MRG', index: 1, field: 1, repetition: 1, component: 1 };
    expect(filed.say(adt('A40', { mrn: 'M1', number: '' }, MRG('M3'))).faults).toEqual([{ ...place, code: 'loop' }]);
    expect(filed.say(adt('A40', { mrn: 'M2', number: '' }, MRG('M3'))).faults).toEqual([{ ...place, code: 'loop' }]);
    expect(filed.say(adt('A40', { mrn: 'M4', number: '' }, MRG('M2'))).faults).toEqual([{ ...place, code: 'replaced-already' }]);
    expect(filed.say(adt('A40', { mrn: 'M1', number: '' }, MRG('M2')))).toMatchObject({ faults: [], events: [] });
  });

  it('are followed by messages of the old one, and not undone by an A31 of it', () => {
    const filed = told(adt('A28', { mrn: 'M1' }), adt('A28', { mrn: 'M2' }), adt('A40', { mrn: 'M1', number: '' }, MRG('M2')));
    filed.say(result({ mrn: 'M2', number: '' }));
    expect(filed.resource(A, ...HB)).toMatchObject({ valueQuantity: { value: 140 } });
    const taken = filed.say(adt('A31', { at: '20240612100000', mrn: 'M2', number: B }));
    expect(taken).toMatchObject({
      events: [],
      review: ['replaced-mrn-used'],
      waiting: [{ mrn: 'RX901|M2', why: 'mrn-replaced' }],
    });
  });

  it('are of one whose number nobody had said: what waited is filed', () => {
    const filed = told(result({ mrn: 'M2', number: '' }), adt('A28', { mrn: 'M1' }));
    expect(filed.feed.stillWaiting()).toHaveLength(1);
    filed.say(adt('A40', { mrn: 'M1', number: '' }, MRG('M2')));
    expect(filed.feed.stillWaiting()).toEqual([]);
    expect(filed.resource(A, ...HB)).toBeDefined();
  });

  it('wait while it is not known whose they are, and are no other message’s fault when that shows a loop', () => {
    const filed = told(adt('A28', { mrn: 'M1', number: A }), adt('A28', { mrn: 'M2', number: A }));
    expect(filed.say(adt('A40', { mrn: 'M2', number: B }, MRG('M1'))).waiting).toMatchObject([
      { why: 'number-contradicts-index' },
    ]);
    const taken = filed.say(adt('A40', { at: '20240611100000', mrn: 'M1', number: '' }, MRG('M2')));
    expect(taken).toMatchObject({ faults: [], review: ['merge-loop'] });
    expect(filed.feed.stillWaiting()).toHaveLength(1);
  });

  it('match by authority before they match by their order', () => {
    const filed = told(adt('A28', { mrn: 'M1' }));
    filed.say(adt('A40', { mrn: 'M1', number: '' }, 'MRG|X9^^^OTHER~M2^^^RX901'));
    expect(filed.feed.index.of('RX901|M2')?.replacedBy).toBe('RX901|M1');
  });

  it('by an A47 are one Patient under the new number, in whichever order its messages come', () => {
    const messages = [
      adt('A28', { at: '20240610100000', mrn: 'M1', pid: '2||||||||||' }),
      adt('A47', { at: '20240611100000', mrn: 'M9', number: '' }, MRG('M1')),
      adt('A31', { at: '20240612100000', mrn: 'M9', name: 'LARCH^RUE', pid: '' }),
    ] as const;
    const filed = told(...messages);
    expect(filed.resource(A, 'Patient', 'RX901', 'M9')).toMatchObject({ gender: 'female', name: [{ given: ['RUE'] }] });
    expect(filed.entry(A, ...PATIENT)?.retracted).toBe(true);
    expect(told(messages[0], messages[2], messages[1]).standing()).toEqual(filed.standing());
  });
});

describe('the number under which a message is filed', () => {
  it.each([
    ['999 000 0018^^^^NHS'],
    ['999-000-0018^^^^HN'],
    ['9990000018^^^NHSNBR'],
    ['9990000018^^^x&2.16.840.1.113883.2.1.4.1&ISO'],
  ])('is read as it is written: %s', (text) => {
    expect([...told(adt('A28', { mrn: `${text}~M1`, number: '' })).records.keys()]).toEqual([A]);
  });

  it.each([
    ['9990000019', 'nhs-number-invalid'],
    ['1111111111', 'nhs-number-placeholder'],
    [`${A}^^^NHS^NH~${B}`, 'two-nhs-numbers'],
    ['', 'person-unknown'],
  ])('is none where it is %s', (number, why) => {
    const filed = told(adt('A28', { number }));
    expect(filed.feed.stillWaiting()).toMatchObject([{ mrn: 'RX901|M1', why }]);
    expect(filed.records.size).toBe(0);
  });

  it('is no number of Scotland or Northern Ireland, and no number that a listener calls nobody’s', () => {
    expect(told(adt('A28', { mrn: `${A}^^^SCT^CHI~M1`, number: '' })).records.size).toBe(0);
    const filed = new Filed({ ...LISTENER, placeholders: [A] });
    expect(filed.say(adt('A28')).waiting).toMatchObject([{ why: 'nhs-number-placeholder' }]);
  });

  it('stands in PID-19 of a listener that says so, without a type', () => {
    const filed = new Filed({ ...LISTENER, nhsNumberIn: ['PID-3', 'PID-19'] });
    filed.say(adt('A28', { number: '', pid: `1${'|'.repeat(11)}999 000 0018` }));
    expect([...filed.records.keys()]).toEqual([A]);
  });

  it.each([
    ['NSTS01', true],
    ['01', true],
    ['PDS1', true],
    ['', true],
    ['NSTS02', false],
    ['03', false],
    ['NSTS05', false],
    ['NSTS07', false],
  ])('with trace status %j files: %s', (status, files) => {
    const pid = `1${'|'.repeat(24)}${status}`;
    expect(told(adt('A28', { pid })).records.size).toBe(files ? 1 : 0);
  });

  it('is learned from ADT alone: what a laboratory states files its result, and nothing else', () => {
    const filed = told(result());
    expect(filed.resource(A, ...HB)).toBeDefined();
    expect(filed.feed.index.all().size).toBe(0);
    expect(filed.say(oru({ number: '' }, 'F2', 'K', {}, obx('NM', 'K', '4'))).waiting).toMatchObject([{ why: 'person-unknown' }]);
  });

  it('once known files all that waited, in the order in which it came and with its own versions', () => {
    const of = (value: string, status: string, at: string) =>
      oru({ number: '', at }, 'F1', 'FBC', { at, status }, obx('NM', 'HB', value, { 11: status }));
    const filed = told(of('141', 'F', '20240610120000'), of('140', 'P', '20240610110000'), adt('A28', { at: '20240613100000' }));
    expect(filed.feed.stillWaiting()).toEqual([]);
    expect(filed.resource(A, ...HB)).toMatchObject({ status: 'final', meta: { lastUpdated: '2024-06-10T12:00:00+01:00' } });
    expect(filed.entry(A, ...HB)?.versions).toBe(2);
  });

  it('is the same in the end whenever it becomes known', () => {
    const of = (value: string, at: string) => oru({ number: '', at }, 'F1', 'FBC', { at }, obx('NM', 'HB', value));
    const messages = [
      of('140', '20240610090000'),
      of('141', '20240610100000'),
      adt('A01', { number: '', at: '20240610110000' }, pv1()),
      adt('A03', { number: '', at: '20240611110000' }, pv1({ end: '20240611105900' })),
      adt('A28', { at: '20240612100000' }),
    ];
    const inOrder = told(...messages).standing();
    fc.assert(
      fc.property(fc.shuffledSubarray(messages, { minLength: messages.length }), (order) => {
        expect(told(...order).standing()).toEqual(inOrder);
      }),
      { numRuns: 12 },
    );
  });

  it('takes with it every version that there was, when it is corrected', () => {
    const of = (value: string, at: string) => oru({ number: '', at }, 'F1', 'FBC', { at }, obx('NM', 'HB', value));
    const filed = told(adt('A28', { at: '20240610080000' }), of('140', '20240610090000'), of('141', '20240610100000'));
    filed.say(adt('A31', { at: '20240611100000', number: B }));
    expect(filed.entry(A, ...HB)).toMatchObject({ retracted: true, versions: 3 });
    expect(filed.entry(B, ...HB)).toMatchObject({ retracted: false, versions: 2 });
    expect(filed.resource(B, ...HB)).toMatchObject({ valueQuantity: { value: 141 }, subject: { identifier: { value: B } } });
  });

  it('is corrected there and back: the entries follow each time, and stand', () => {
    const filed = told(adt('A28', { at: '20240610100000' }), result({ number: '' }));
    const other = (at: string, number: string) => filed.say(adt('A31', { at, number }));
    const retracted = () => [A, B].map((number) => filed.entry(number, ...HB)?.retracted);
    other('20240611100000', B);
    expect(retracted()).toEqual([true, false]);
    other('20240612100000', A);
    expect(retracted()).toEqual([false, true]);
    other('20240613100000', B);
    expect(retracted()).toEqual([true, false]);
    filed.say(oru({ number: '' }, 'F1', 'FBC', { status: 'C', at: '20240610230000' }, obx('NM', 'HB', '99', { 11: 'C' })));
    expect(filed.resource(B, ...HB)).toMatchObject({ status: 'corrected', valueQuantity: { value: 99 } });
    expect(filed.refused).toEqual([]);
  });

  it('that was verified is corrected by a verified one alone', () => {
    const verified = `1${'|'.repeat(24)}NSTS01`;
    const filed = told(adt('A28', { pid: verified }));
    expect(filed.say(adt('A31', { at: '20240611100000', number: B })).waiting).toMatchObject([
      { why: 'number-contradicts-index' },
    ]);
    filed.say(adt('A31', { at: '20240612100000', number: B, pid: verified }));
    expect(filed.feed.index.of('RX901|M1')).toMatchObject({ number: B, status: '01' });
  });

  it('is not corrected by a message that was made before what is known, nor by an A01', () => {
    const filed = told(adt('A31', { at: '20240612100000', number: B }), adt('A31', { at: '20240610100000', number: A }));
    expect(filed.feed.index.of('RX901|M1')?.number).toBe(B);
    expect(filed.notes.map(({ code }) => code)).toEqual(['number-superseded']);
    expect(filed.say(adt('A01', { at: '20240613100000', number: A }, pv1())).waiting).toMatchObject([
      { why: 'number-contradicts-index' },
    ]);
  });

  it('is never in an id of an entry or an event', () => {
    const filed = told(adt('A28', { mrn: `${A}^^^NHS~`, number: '' }), result());
    for (const { id, resource } of filed.events) expect(`${id} ${resource.id}`).not.toContain(A);
    expect(filed.entry(A, 'Patient', 'RX901')).toBeDefined();
  });
});

describe('the same messages', () => {
  const messages = [
    adt('A28'),
    result({ number: '' }),
    adt('A31', { at: '20240611100000', number: B }),
    adt('A01', { at: '20240612100000', number: B }, pv1()),
    adt('A40', { at: '20240613100000', number: '' }, MRG('M2')),
  ];

  it('lead to the same events, whenever they are mapped, each under an id of its own', () => {
    const events = told(...messages).events;
    expect(told(...messages).events).toEqual(events);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  });

  it('sent again lead to nothing new', () => {
    fc.assert(
      fc.property(fc.nat(messages.length - 1), (again) => {
        const filed = told(...messages);
        // The message that gave the number up is no correction any more.
        fc.pre(again !== 0);
        expect(filed.say(messages[again]!).events).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});
