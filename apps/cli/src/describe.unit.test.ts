import { parseWithDigits, type Resource } from '@weft/domain';
import { describe as line, spaced } from './describe.js';

describe('one line of a resource', () => {
  it.each([
    [{ resourceType: 'Condition', code: { coding: [{ code: '38341003', display: 'Hypertension' }] } }, 'Hypertension'],
    [
      { resourceType: 'Condition', code: { text: 'Asthma' }, clinicalStatus: { coding: [{ code: 'resolved' }] } },
      'Asthma (resolved)',
    ],
    [
      { resourceType: 'Observation', status: 'final', code: { text: 'Weight' }, valueQuantity: { value: 71.5, unit: 'kg' } },
      'Weight 71.5 kg',
    ],
    [
      { resourceType: 'Observation', status: 'preliminary', code: { coding: [{ code: 'x' }] }, valueString: 'clear' },
      'x clear (preliminary)',
    ],
    [
      {
        resourceType: 'Observation',
        code: { text: 'Blood pressure' },
        component: [{ valueQuantity: { value: 120, unit: 'mmHg' } }, { valueQuantity: { value: 80, unit: 'mmHg' } }],
      },
      'Blood pressure 120 mmHg / 80 mmHg',
    ],
    [
      { resourceType: 'Patient', name: [{ family: 'Rao', given: ['Ruth'] }], gender: 'female', birthDate: '1991-08-21' },
      'Ruth Rao, female, born 1991-08-21',
    ],
    [
      { resourceType: 'Observation', code: { text: 'Troponin' }, valueQuantity: { value: 5, comparator: '<', unit: 'ng/L' } },
      'Troponin <5 ng/L',
    ],
    [
      { resourceType: 'Condition', code: { text: 'Gout' }, verificationStatus: { coding: [{ code: 'refuted' }] } },
      'Gout (refuted)',
    ],
    [
      {
        resourceType: 'AllergyIntolerance',
        code: { text: 'Penicillin' },
        clinicalStatus: { coding: [{ code: 'inactive' }] },
        verificationStatus: { coding: [{ code: 'unconfirmed', display: 'Unconfirmed' }] },
      },
      'Penicillin (inactive, Unconfirmed)',
    ],
    [
      { resourceType: 'MedicationRequest', status: 'active', doNotPerform: true, medicationCodeableConcept: { text: 'Aspirin' } },
      'Aspirin (not to be done)',
    ],
    [{ resourceType: 'Patient', name: [{ text: 'Ruth Rao' }], deceasedBoolean: true }, 'Ruth Rao, has died'],
    [
      { resourceType: 'Patient', name: [{ text: 'Ruth Rao' }], deceasedDateTime: '2026-02-03T04:05:06Z' },
      'Ruth Rao, died 2026-02-03',
    ],
    [{ resourceType: 'Encounter', status: 'planned', class: { code: 'AMB' } }, 'AMB (planned)'],
    [{ resourceType: 'Basic' }, ''],
    [{ resourceType: 'Observation', code: 7, component: 'x', valueQuantity: [] }, ''],
  ])('%#: says what, how much and how it stands', (resource, expected) => {
    expect(line(resource)).toBe(expected);
  });

  it('says a number as its sender wrote it', () => {
    const text = '{"resourceType":"Observation","code":{"text":"Potassium"},"valueQuantity":{"value":5.00,"unit":"mmol/L"}}';
    expect(line(parseWithDigits(text) as Resource)).toBe('Potassium 5.00 mmol/L');
  });

  it('writes an NHS number as people read it', () => {
    expect(spaced('9990000018')).toBe('999 000 0018');
  });
});
