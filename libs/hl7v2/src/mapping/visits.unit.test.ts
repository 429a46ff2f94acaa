import fc from 'fast-check';
import { Filed } from './filed.fixture.js';
import { A, B, adt, fields, pv1 } from './messages.fixture.js';

const VISIT = ['Encounter', 'RX901', 'V1'] as const;

function told(...messages: readonly string[]): Filed {
  const filed = new Filed();
  for (const message of messages) filed.say(message);
  expect(filed.refused).toEqual([]);
  return filed;
}

const visitAfter = (...messages: readonly string[]) => told(...messages).resource(A, ...VISIT);

describe('a visit', () => {
  it('is corrected by an A08 that was made before the discharge and came after it in its history alone', () => {
    const visit = visitAfter(
      adt('A01', { at: '20240610100000' }, pv1()),
      adt('A03', { at: '20240612150000' }, pv1({ end: '20240612143000' })),
      adt('A08', { at: '20240611100000' }, pv1({ place: 'W9^B9^9' })),
    );
    expect(visit).toMatchObject({ status: 'finished', period: { end: '2024-06-12T14:30:00+01:00' } });
    expect(visit?.['location']).toMatchObject([{ location: { display: 'W1 B1 1' } }]);
  });

  it.each(['A11', 'A38', 'A27'])('is taken back by %s, and comes back when somebody is admitted again', (event) => {
    const filed = told(adt('A01', {}, pv1()), adt(event, { at: '20240610110000' }, pv1()));
    expect(filed.entry(A, ...VISIT)?.retracted).toBe(true);
    filed.say(adt('A01', { at: '20240610120000' }, pv1()));
    expect(filed.resource(A, ...VISIT)).toMatchObject({ status: 'in-progress' });
  });

  it('goes back to the place before a transfer that is cancelled, whatever place the message has', () => {
    const visit = visitAfter(
      adt('A01', {}, pv1({ place: 'W1^B1^1' })),
      adt('A02', { at: '20240610110000' }, pv1({ place: 'W2^B2^2' })),
      adt('A12', { at: '20240610120000' }, pv1({ place: 'W2^B2^2' })),
    );
    expect(visit?.['location']).toMatchObject([{ location: { display: 'W1 B1 1' }, status: 'active' }]);
  });

  it('has a place planned by A15, none by A26 and none where it is deleted', () => {
    const planned = [adt('A01', {}, pv1()), adt('A15', { at: '20240610110000' }, pv1({ pending: 'W3^B3^3' }))];
    expect(visitAfter(...planned)?.['location']).toMatchObject([
      { status: 'active' },
      { location: { display: 'W3 B3 3' }, status: 'planned' },
    ]);
    const [cancelled, deleted] = [pv1(), pv1({ pending: '""' })];
    expect(visitAfter(...planned, adt('A26', { at: '20240610120000' }, cancelled))?.['location']).toHaveLength(1);
    expect(visitAfter(...planned, adt('A15', { at: '20240610120000' }, deleted))?.['location']).toHaveLength(1);
  });

  it.each([
    ['A04', 'O', 'arrived'],
    ['A04', 'E', 'in-progress'],
    ['A05', 'I', 'planned'],
    ['A14', 'I', 'planned'],
    ['A21', 'I', 'onleave'],
    ['A06', 'I', 'in-progress'],
    ['A08', 'I', 'unknown'],
  ])('that begins with %s of class %s is %s', (event, kind, status) => {
    expect(visitAfter(adt(event, {}, pv1({ kind })))).toMatchObject({ status });
  });

  it.each([
    ['DAY CASE', 'SS'],
    ['I', 'IMP'],
    ['e', 'EMER'],
    ['NH', 'SS'],
    ['Q', 'UNK'],
  ])('of class %s is %s', (kind, code) => {
    expect(visitAfter(adt('A01', {}, pv1({ kind })))).toMatchObject({ class: { code } });
  });

  it('ends without a time where the discharge has none', () => {
    expect(visitAfter(adt('A03', {}, pv1()))).toMatchObject({
      status: 'finished',
      period: { start: '2024-06-10T09:00:00+01:00' },
    });
  });

  it('keeps no end that an A08 still carries once the discharge was cancelled', () => {
    const end = '20240612143000';
    const visit = visitAfter(
      adt('A03', { at: '20240612150000' }, pv1({ end })),
      adt('A13', { at: '20240612160000' }, pv1({ end })),
      adt('A08', { at: '20240612170000' }, pv1({ end })),
    );
    expect(visit).toMatchObject({ status: 'in-progress', period: { start: '2024-06-10T09:00:00+01:00' } });
    expect((visit?.['period'] as { end?: string }).end).toBeUndefined();
  });

  it('without a number is known by the hospital’s number and its beginning, and without either is at fault', () => {
    const filed = told(adt('A01', {}, pv1({ visit: '' })));
    expect(filed.resource(A, 'Encounter', 'RX901', 'M1', '20240610090000')).toMatchObject({ status: 'in-progress' });
    const place = { segment: 'PV1', index: 1, field: 19, repetition: 1, component: 1 };
    expect(filed.say(adt('A01', {}, pv1({ visit: '', start: '' }))).faults).toEqual([{ ...place, code: 'required' }]);
    expect(filed.say(adt('A01', {})).faults).toEqual([{ ...place, code: 'required' }]);
    expect(filed.say(adt('A08', {}, pv1({ visit: '', start: '' }))).notes).toContainEqual({ ...place, code: 'no-visit-number' });
  });

  it('is the same in the end in whatever order its messages come', () => {
    const known = adt('A28', { at: '20240609100000' });
    const messages = [
      adt('A01', { at: '20240610100000' }, pv1(), fields('DG1', { 3: 'I10^Hypertension^ICD10', 5: '20240609' })),
      adt('A02', { at: '20240610110000' }, pv1({ place: 'W2^B2^2' })),
      adt('A12', { at: '20240610120000' }, pv1({ place: 'W2^B2^2' })),
      adt('A08', { at: '20240610130000', name: 'LARCH^RUE' }, pv1({ kind: 'E', place: '' })),
      adt('A15', { at: '20240610133000' }, pv1({ pending: 'W3^B3^3', place: '' })),
      adt('A03', { at: '20240611100000' }, pv1({ end: '20240611095900' })),
      adt('A13', { at: '20240611110000' }, pv1({ end: '20240611095900' })),
      adt('A03', { at: '20240612100000' }, pv1({ end: '20240612095900' })),
      adt('A08', { at: '20240612110000' }, pv1({ place: 'W4^B4^4' })),
    ];
    const inOrder = told(known, ...messages).standing();
    fc.assert(
      fc.property(fc.shuffledSubarray(messages, { minLength: messages.length }), (order) => {
        expect(told(known, ...order).standing()).toEqual(inOrder);
      }),
      { numRuns: 12 },
    );
  });

  it('is taken back in the end, or not, in whatever order its messages come', () => {
    const known = adt('A28', { at: '20240609100000' });
    const messages = [
      adt('A01', { at: '20240610100000' }, pv1()),
      adt('A02', { at: '20240610110000' }, pv1({ place: 'W2^B2^2' })),
      adt('A11', { at: '20240610120000' }, pv1()),
      adt('A01', { at: '20240610130000' }, pv1({ place: 'W3^B3^3' })),
      adt('A11', { at: '20240610140000' }, pv1()),
    ];
    for (const many of [3, 4, 5]) {
      const some = messages.slice(0, many);
      const inOrder = told(known, ...some).standing();
      fc.assert(
        fc.property(fc.shuffledSubarray(some, { minLength: many }), (order) => {
          expect(told(known, ...order).standing()).toEqual(inOrder);
        }),
        { numRuns: 12 },
      );
    }
  });

  it('is nobody else’s, however two persons’ messages come between each other', () => {
    const of = (mrn: string, number: string, visit: string) => [
      adt('A01', { mrn, number, at: '20240610100000' }, pv1({ visit })),
      adt('A02', { mrn, number, at: '20240610110000' }, pv1({ visit, place: 'W2^B2^2' })),
      adt('A03', { mrn, number, at: '20240610110000' }, pv1({ visit, end: '20240610105900' })),
    ];
    const [one, other] = [of('M1', A, 'V1'), of('M2', B, 'V2')];
    const inOrder = told(...one, ...other).standing();
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (turns) => {
        const left: [string[], string[]] = [[...one], [...other]];
        const order = turns.map((turn) => left[turn ? 0 : 1].shift() ?? left[turn ? 1 : 0].shift()!);
        expect(told(...order).standing()).toEqual(inOrder);
      }),
      { numRuns: 12 },
    );
  });

  it('that an A45 moves takes with it what hangs on it, and nothing else', () => {
    const filed = told(
      adt('A28', { mrn: 'M1', number: A }),
      adt('A28', { mrn: 'M2', number: B }),
      adt('A01', {}, pv1({ visit: 'V1' }), fields('DG1', { 3: 'I10^Hypertension^ICD10' })),
      adt('A01', {}, pv1({ visit: 'V2' })),
      adt('A45', { at: '20240611100000', mrn: 'M2', number: B }, fields('MRG', { 1: 'M1^^^RX901^MR', 5: 'V1^^^RX901^VN' })),
    );
    for (const name of [VISIT, ['Condition', 'V1', 'I10']]) {
      expect([filed.entry(A, ...name)?.retracted, filed.entry(B, ...name)?.retracted]).toEqual([true, false]);
    }
    expect(filed.entry(A, 'Encounter', 'RX901', 'V2')?.retracted).toBe(false);
    filed.say(adt('A03', { at: '20240612100000', mrn: 'M2', number: B }, pv1({ visit: 'V1', end: '20240612095900' })));
    expect(filed.resource(B, ...VISIT)).toMatchObject({ status: 'finished', period: { start: '2024-06-10T09:00:00+01:00' } });
  });

  it('has its diagnoses and procedures by its number and their codes, and DG1-21 takes one back', () => {
    const dg1 = (action: string) => fields('DG1', { 3: 'I10^Hypertension^ICD10', 21: action });
    const pr1 = fields('PR1', { 3: 'H20.1^Colonoscopy^OPCS4', 5: '20240610' });
    const filed = told(adt('A01', {}, pv1(), dg1('A'), pr1));
    expect(filed.resource(A, 'Condition', 'V1', 'I10')).toMatchObject({
      code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'I10' }] },
      encounter: { reference: `Encounter/${filed.idOf(...VISIT)}` },
    });
    expect(filed.resource(A, 'Procedure', 'V1', 'H20.1')).toMatchObject({ status: 'completed', performedDateTime: '2024-06-10' });
    filed.say(adt('A08', { at: '20240611100000' }, pv1(), dg1('D')));
    expect(filed.entry(A, 'Condition', 'V1', 'I10')?.retracted).toBe(true);
  });
});
