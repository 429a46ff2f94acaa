import * as fixture from './summary.fixture.js';
import {
  allergy,
  allergyVerifiedAs,
  condition,
  observation,
  order,
  procedure,
  report,
  statement,
  subject,
  verifiedAs,
} from './summary.fixture.js';

/** The sections, by what a clinician calls them. */
export const LOINC = {
  problems: '11450-4',
  allergies: '48765-2',
  medications: '10160-0',
  alerts: '104605-1',
  immunizations: '11369-6',
  results: '30954-2',
  procedures: '47519-4',
  plan: '18776-5',
  vitals: '8716-3',
  functional: '47420-5',
  social: '29762-2',
  past: '11348-0',
} as const;
export type Where = keyof typeof LOINC | 'none';

const vaccination = (changes: object) => ({
  resourceType: 'Immunization',
  status: 'completed',
  patient: subject,
  vaccineCode: { text: 'MMR' },
  occurrenceDateTime: '2020',
  ...changes,
});
const plan = (changes: object) => ({
  resourceType: 'CarePlan',
  status: 'active',
  intent: 'plan',
  subject,
  title: 'Asthma plan',
  ...changes,
});
const flag = (changes: object) => ({ resourceType: 'Flag', status: 'active', code: { text: 'Falls' }, subject, ...changes });
const until = (end: string) => ({ start: '2001-01-01', end });
const dosedUntil = (end: string) => ({ text: 'one a day', timing: { repeat: { boundsPeriod: until(end) } } });
const nameless = (resource: Record<string, unknown>, field: string) =>
  Object.fromEntries(Object.entries(resource).filter(([key]) => key !== field));
const { medicationCodeableConcept: _, ...unnamedOrder } = order('x');
const [mmol, lab] = [fixture.mmol(6.9), (changes: object) => observation('x', 'laboratory', changes)];

/**
 * What one entry is, the section that lists it on 1 March 2026, and the words that must be read of it: in that section, or, where it is in
 * none, in what the summary says of the rest. Add a row for what you fear.
 */
export const ROWS: readonly (readonly [what: string, resource: Record<string, unknown>, where: Where, words: string])[] = [
  // Medicines
  ['a medicine that is prescribed', order('x'), 'medications', 'Aspirin'],
  ['a medicine that must not be given', order('x', { doNotPerform: true }), 'alerts', 'Aspirin (DO NOT GIVE)'],
  ['the same, only proposed', order('x', { doNotPerform: true, intent: 'proposal' }), 'alerts', 'DO NOT GIVE; proposal only'],
  ['the same, long ended', order('x', { doNotPerform: true, status: 'completed' }), 'none', 'Ended'],
  ['a proposal', order('x', { intent: 'proposal' }), 'none', 'Only proposed or planned: Aspirin'],
  ['a plan to prescribe', order('x', { intent: 'plan' }), 'none', 'Only proposed or planned: Aspirin'],
  ['one of several options', order('x', { intent: 'option' }), 'none', 'Only proposed or planned: Aspirin'],
  ['a draft', order('x', { status: 'draft' }), 'none', 'Not begun: Aspirin'],
  [
    'a medicine on hold',
    order('x', { status: 'on-hold', statusReason: { text: 'bleeding' } }),
    'medications',
    'on hold (bleeding)',
  ],
  ['a medicine of unknown status', order('x', { status: 'unknown' }), 'medications', 'status unknown'],
  ['a stopped medicine', order('x', { status: 'stopped' }), 'none', 'completed or cancelled: 1 medication request'],
  ['a cancelled one', order('x', { status: 'cancelled' }), 'none', 'completed or cancelled: 1 medication request'],
  ['a completed one', order('x', { status: 'completed' }), 'none', 'completed or cancelled: 1 medication request'],
  ['one entered in error', order('x', { status: 'entered-in-error' }), 'none', 'Entered in error: 1 medication request'],
  [
    'a dose in no words',
    order('x', { dosageInstruction: [{ doseAndRate: [{ doseQuantity: { value: 1 } }] }] }),
    'medications',
    'Aspirin: dose not given in words, see the entry',
  ],
  ['one whose last dose is past', order('x', { dosageInstruction: [dosedUntil('2002-01-01')] }), 'none', 'Ended'],
  [
    'one with a further dose',
    order('x', { dosageInstruction: [dosedUntil('2002-01-01'), dosedUntil('2027')] }),
    'medications',
    'Aspirin: one a day',
  ],
  [
    'one that may no longer be dispensed',
    order('x', { dispenseRequest: { validityPeriod: until('2025-06-30') } }),
    'medications',
    'prescription valid until 30-Jun-2025',
  ],
  ['a medicine taken until 2002', statement('x', { effectivePeriod: until('2002-01-01') }), 'none', 'Ended'],
  ['a medicine taken until this year', statement('x', { effectivePeriod: until('2026') }), 'medications', 'Aspirin'],
  ['a medicine that is not taken', statement('x', { status: 'not-taken' }), 'none', 'not taken: Aspirin (medication statement)'],
  ['a medicine to be taken', statement('x', { status: 'intended' }), 'medications', 'Aspirin (intended)'],
  [
    'a medicine that is contained',
    {
      ...unnamedOrder,
      contained: [{ resourceType: 'Medication', id: 'm', code: { text: 'Warfarin' } }],
      medicationReference: { reference: '#m' },
    },
    'medications',
    'Warfarin',
  ],
  [
    'a contained medicine that names only what is in it',
    {
      ...unnamedOrder,
      contained: [{ resourceType: 'Medication', id: 'm', ingredient: [{ itemCodeableConcept: { text: 'Codeine' } }] }],
      medicationReference: { reference: '#m' },
    },
    'medications',
    'Codeine',
  ],
  [
    'a medicine that the record does not hold',
    { ...unnamedOrder, medicationReference: { reference: 'Medication/none', display: 'Digoxin' } },
    'medications',
    'Digoxin',
  ],
  [
    'the same without a name',
    { ...unnamedOrder, medicationReference: { reference: 'Medication/none' } },
    'medications',
    'Medicine that is not named here',
  ],
  // Problems
  ['a problem', condition('x', 'active'), 'problems', 'Condition x'],
  ['a problem that came back', condition('x', 'recurrence'), 'problems', 'Condition x (recurrence)'],
  ['a resolved problem', condition('x', 'resolved'), 'past', 'Condition x (resolved)'],
  ['an inactive problem', condition('x', 'inactive'), 'past', 'Condition x (inactive)'],
  ['a problem in remission', condition('x', 'remission'), 'past', 'Condition x (remission)'],
  [
    'a problem that ended in 2020',
    nameless({ ...condition('x', ''), abatementDateTime: '2020' }, 'clinicalStatus'),
    'past',
    'ended: 2020',
  ],
  [
    'a problem that is to end',
    nameless({ ...condition('x', ''), abatementDateTime: '2027' }, 'clinicalStatus'),
    'problems',
    'ended: 2027',
  ],
  [
    'a problem whose end is words',
    nameless({ ...condition('x', ''), abatementString: 'perhaps' }, 'clinicalStatus'),
    'problems',
    'ended: perhaps',
  ],
  [
    'a differential diagnosis',
    condition('x', 'active', verifiedAs('differential')),
    'problems',
    'differential: one of several possible',
  ],
  ['an unconfirmed problem', condition('x', 'active', verifiedAs('unconfirmed')), 'problems', 'Condition x (unconfirmed)'],
  ['a provisional diagnosis', condition('x', 'active', verifiedAs('provisional')), 'problems', 'Condition x (provisional)'],
  [
    'a refuted problem',
    condition('x', 'active', verifiedAs('refuted')),
    'none',
    'Refuted: it was thought, and is not so: Condition x',
  ],
  [
    'a mistaken problem',
    nameless(condition('x', '', verifiedAs('entered-in-error')), 'clinicalStatus'),
    'none',
    'Entered in error: 1 condition',
  ],
  ['a problem without a name', nameless(condition('x', 'active'), 'code'), 'problems', 'Problem without a name'],
  // Allergies
  ['an allergy', allergy('x', 'active', { criticality: 'high' }), 'allergies', 'Penicillin (high risk)'],
  [
    'a severe reaction',
    allergy('x', 'active', { reaction: [{ manifestation: [{ text: 'Anaphylaxis' }], severity: 'severe' }] }),
    'allergies',
    'Penicillin: Anaphylaxis (severe)',
  ],
  ['a resolved allergy', allergy('x', 'resolved'), 'allergies', 'Penicillin (resolved)'],
  ['an inactive allergy', allergy('x', 'inactive'), 'allergies', 'Penicillin (inactive)'],
  ['an unconfirmed allergy', allergy('x', 'active', allergyVerifiedAs('unconfirmed')), 'allergies', 'Penicillin (unconfirmed)'],
  [
    'a refuted allergy',
    allergy('x', 'inactive', allergyVerifiedAs('refuted')),
    'none',
    'Refuted: it was thought, and is not so: Penicillin',
  ],
  [
    'an allergy that names the substance of its reaction alone',
    nameless(
      { ...allergy('x', 'active'), reaction: [{ substance: { text: 'Amoxicillin' }, manifestation: [{ text: 'Rash' }] }] },
      'code',
    ),
    'allergies',
    'Amoxicillin: Rash',
  ],
  [
    'an allergy of a general code',
    allergy('x', 'active', {
      code: { text: 'Drug allergy' },
      reaction: [{ substance: { text: 'Amoxicillin' }, manifestation: [{ text: 'Rash' }] }],
    }),
    'allergies',
    'Drug allergy, Amoxicillin: Rash',
  ],
  [
    'an allergy without a name',
    nameless(allergy('x', 'active'), 'code'),
    'allergies',
    'Allergy to a substance that is not named',
  ],
  // Results
  ['a result', lab(mmol), 'results', 'Potassium: 6.9 mmol/L'],
  ['a result of no category', observation('x', null, mmol), 'results', 'Potassium: 6.9 mmol/L'],
  [
    'a result of a category that nobody knows',
    observation('x', 'vital-sign', { ...mmol, category: [{ coding: [{ code: 'vital-sign' }] }] }),
    'results',
    'Potassium: 6.9 mmol/L',
  ],
  ['a preliminary result', lab({ ...mmol, status: 'preliminary' }), 'results', 'Potassium: 6.9 mmol/L (preliminary)'],
  ['a result of unknown status', lab({ ...mmol, status: 'unknown' }), 'results', 'status unknown'],
  [
    'a high result',
    lab({ ...mmol, interpretation: [{ coding: [{ code: 'HH', display: 'Critical high' }] }] }),
    'results',
    'Critical high',
  ],
  [
    'a result below what can be measured',
    lab({ valueQuantity: { value: 5, comparator: '<', unit: 'ng/L' } }),
    'results',
    '< 5 ng/L',
  ],
  ['a result with a remark', lab({ ...mmol, note: [{ text: 'haemolysed' }] }), 'results', '6.9 mmol/L; remark: haemolysed'],
  ['a remark without a result', lab({ note: [{ text: 'haemolysed' }] }), 'results', 'remark: haemolysed (no value given)'],
  ['a result without a value', lab({}), 'results', 'Potassium (no value given)'],
  ['a result whose value is missing', lab({ dataAbsentReason: { text: 'haemolysed' } }), 'results', 'no value: haemolysed'],
  ['a result that is awaited', lab({ status: 'registered' }), 'none', 'Result awaited: Potassium'],
  ['a cancelled test', lab({ status: 'cancelled' }), 'none', 'cancelled: 1 observation'],
  ['a result about the unborn child', lab({ ...mmol, focus: [{ display: 'Fetus' }] }), 'results', 'than the patient'],
  [
    'a code without words',
    lab({ ...mmol, code: { coding: [{ system: 'http://loinc.org', code: '2823-3' }] } }),
    'results',
    '2823-3 (LOINC): 6.9',
  ],
  [
    'a value of parts',
    lab({ component: [{ code: { text: 'Systolic' }, valueQuantity: { value: 120, unit: 'mmHg' } }] }),
    'results',
    'Systolic 120 mmHg',
  ],
  ['a smear that is true', lab({ valueBoolean: true }), 'results', 'Potassium: true'],
  ['a dilution', lab({ valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }), 'results', '1 : 128'],
  ['a report that concludes', report('x', { conclusion: 'adenocarcinoma' }), 'results', 'adenocarcinoma'],
  ['a report that says nothing', report('x'), 'results', '(no result given)'],
  ['a vital sign', observation('x', 'vital-signs', mmol), 'vitals', '6.9'],
  [
    'what somebody can do',
    observation('x', 'functional-status', { ...mmol, category: [{ coding: [{ code: 'functional-status' }] }] }),
    'functional',
    '6.9',
  ],
  ['how somebody lives', observation('x', 'social-history', mmol), 'social', '6.9'],
  // What is done, planned, and warned of
  ['a vaccination', vaccination({}), 'immunizations', 'MMR'],
  ['a dose too small', vaccination({ isSubpotent: true }), 'immunizations', 'MMR (subpotent dose)'],
  [
    'a vaccination not given',
    vaccination({ status: 'not-done' }),
    'none',
    'Not done, not given or not taken: MMR (immunization)',
  ],
  ['a procedure', procedure('x', 'completed'), 'procedures', 'Hip replacement'],
  ['a procedure under way', procedure('x', 'in-progress'), 'procedures', 'Hip replacement (in progress)'],
  ['a procedure broken off', procedure('x', 'stopped'), 'procedures', 'Hip replacement (stopped)'],
  ['a procedure of unknown status', procedure('x', 'unknown'), 'procedures', 'Hip replacement (status unknown)'],
  ['a procedure not done', procedure('x', 'not-done'), 'none', 'Not done, not given or not taken: Hip replacement (procedure)'],
  ['a procedure in preparation', procedure('x', 'preparation'), 'none', 'Not begun: Hip replacement'],
  ['a care plan', plan({}), 'plan', 'Asthma plan'],
  ['a care plan on hold', plan({ status: 'on-hold' }), 'plan', 'Asthma plan (on hold)'],
  ['a proposed care plan', plan({ intent: 'proposal' }), 'none', 'Only proposed or planned: Asthma plan'],
  ['a care plan that ended', plan({ period: until('2020-01-01') }), 'none', 'Ended'],
  [
    'a care plan that forbids',
    plan({ activity: [{ detail: { status: 'not-started', doNotPerform: true, code: { text: 'Nebulise' } } }] }),
    'plan',
    'DO NOT DO: Nebulise',
  ],
  ['an alert', flag({}), 'alerts', 'Falls'],
  ['an alert that is over', flag({ period: until('2020-01-01') }), 'none', 'Ended'],
  [
    'what must not be done',
    {
      resourceType: 'ServiceRequest',
      status: 'active',
      intent: 'order',
      doNotPerform: true,
      subject,
      code: { text: 'Resuscitation' },
    },
    'alerts',
    'Resuscitation (DO NOT DO)',
  ],
  // Anything
  [
    'what no section is for',
    { resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject },
    'none',
    'In no section of a summary: 1 encounter',
  ],
  ['what is dated in the future', condition('x', 'active', { onsetDateTime: '2062-01-01' }), 'problems', 'date in the future'],
  [
    'what an unknown extension changes',
    condition('x', 'active', { modifierExtension: [{ url: 'https://example.org/x', valueBoolean: true }] }),
    'problems',
    'not understood here',
  ],
];

const DATED = (effectiveDateTime: string | null, changes: object = {}) => ({
  ...(effectiveDateTime !== null && { effectiveDateTime }),
  ...changes,
});
export const potassium = (date: string | null, value: number, changes: object = {}) =>
  lab(DATED(date, { ...fixture.mmol(value), ...changes }));
const culture = (specimen: object, date: string) => ({
  ...lab(
    DATED(date, { code: fixture.inSystem(fixture.SCT, '61594008', 'Culture'), valueCodeableConcept: { text: `grown ${date}` } }),
  ),
  ...specimen,
});
const ofSpecimen = (name: string) => ({
  contained: [{ resourceType: 'Specimen', id: 's', type: { text: name } }],
  specimen: { reference: '#s' },
});
const MASKED = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }],
};
const site = (text: string) => ({ bodySite: { text } });
const pressure = (date: string, ...parts: string[]) =>
  observation(
    'x',
    'laboratory',
    DATED(date, {
      code: fixture.inSystem(fixture.LOINC, '85354-9', `BP ${date}`),
      component: parts.map((code) => ({
        code: fixture.inSystem(fixture.LOINC, code),
        valueQuantity: { value: 1, unit: 'mmHg' },
      })),
    }),
  );

type Pair = readonly [what: string, one: Record<string, unknown>, other: Record<string, unknown>, listed: readonly string[]];
/** Two results, and what of them is read on 1 March 2026. */
export const PAIRS: readonly Pair[] = [
  ['the later of two', potassium('2026-02-01', 4.1), potassium('2026-03-01T09:00:00Z', 6.9), ['6.9']],
  [
    'the later of two, whatever their words',
    potassium('2026-02-01', 4.1),
    potassium('2026-02-02', 6.9, { code: fixture.inSystem(fixture.LOINC, '2823-3', 'K') }),
    ['6.9'],
  ],
  ['both, of which one is dated 2062', potassium('2026-03-01', 6.9), potassium('2062-01-01', 4.1), ['6.9', '4.1']],
  ['both, of which one has no date', potassium(null, 7.9), potassium('2021-01-01', 4.1), ['7.9', '4.1']],
  ['both of one moment', potassium('2026-02-01T09:00:00Z', 4.1), potassium('2026-02-01T10:00:00+01:00', 6.9), ['6.9', '4.1']],
  [
    'both of one day, of which one has a time',
    potassium('2026-02-01', 4.1),
    potassium('2026-02-01T10:00:00Z', 6.9),
    ['6.9', '4.1'],
  ],
  ['both of a year and a day in it', potassium('2025', 4.1), potassium('2025-06-01', 6.9), ['6.9', '4.1']],
  [
    'both of two code systems',
    potassium('2026-01-01', 4.1),
    potassium('2026-02-01', 6.9, { code: fixture.inSystem(fixture.SCT, '2823-3') }),
    ['6.9', '4.1'],
  ],
  [
    'both of two codes of the same words',
    potassium('2026-01-01', 4.1),
    potassium('2026-02-01', 6.9, { code: fixture.inSystem(fixture.LOINC, '6298-4', 'Potassium') }),
    ['6.9', '4.1'],
  ],
  [
    'both of words alone',
    potassium('2026-01-01', 4.1, { code: { text: 'K' } }),
    potassium('2026-02-01', 6.9, { code: { text: 'K' } }),
    ['6.9', '4.1'],
  ],
  ['both, of which the later has no value', potassium('2026-01-01', 4.1), lab(DATED('2026-02-01')), ['no value given', '4.1']],
  ['the later, where the earlier has no value', lab(DATED('2026-01-01')), potassium('2026-02-01', 6.9), ['6.9']],
  [
    'both, of which the earlier has a remark',
    potassium('2026-01-01', 4.1, { note: [{ text: 'haemolysed' }] }),
    potassium('2026-02-01', 6.9),
    ['6.9', '4.1'],
  ],
  [
    'a blood culture and a urine culture',
    culture(ofSpecimen('Blood'), '2026-01-01'),
    culture(ofSpecimen('Urine'), '2026-02-01'),
    ['grown 2026-01-01', 'grown 2026-02-01'],
  ],
  [
    'the later of two blood cultures',
    culture(ofSpecimen('Blood'), '2026-01-01'),
    culture(ofSpecimen('Blood'), '2026-02-01'),
    ['grown 2026-02-01'],
  ],
  [
    'both of specimens that are not in the record',
    culture({ specimen: { reference: 'Specimen/1' } }, '2026-01-01'),
    culture({ specimen: { reference: 'Specimen/2' } }, '2026-02-01'),
    ['grown 2026-01-01', 'grown 2026-02-01'],
  ],
  [
    'both of specimens that are masked',
    culture({ specimen: MASKED }, '2026-01-01'),
    culture({ specimen: MASKED }, '2026-02-01'),
    ['grown 2026-01-01', 'grown 2026-02-01'],
  ],
  ['both eyes', potassium('2026-01-01', 4.1, site('Left eye')), potassium('2026-02-01', 6.9, site('Right eye')), ['6.9', '4.1']],
  [
    'both of two methods',
    potassium('2026-01-01', 4.1, { method: { text: 'Dipstick' } }),
    potassium('2026-02-01', 6.9, { method: { text: 'Assay' } }),
    ['6.9', '4.1'],
  ],
  [
    'mother and child',
    potassium('2026-01-01', 4.1, { focus: [{ display: 'Fetus' }] }),
    potassium('2026-02-01', 6.9),
    ['6.9', '4.1'],
  ],
  [
    'both, of which the later is changed by what nobody knows',
    potassium('2026-01-01', 4.1),
    potassium('2026-02-01', 6.9, { modifierExtension: [{ url: 'https://example.org/x', valueBoolean: true }] }),
    ['6.9', '4.1'],
  ],
  [
    'both pressures and a single one',
    pressure('2026-01-01', '8480-6', '8462-4'),
    pressure('2026-02-01', '8480-6'),
    ['BP 2026-01-01', 'BP 2026-02-01'],
  ],
  [
    'the later of two pairs of pressures',
    pressure('2026-01-01', '8480-6', '8462-4'),
    pressure('2026-02-01', '8480-6', '8462-4'),
    ['BP 2026-02-01'],
  ],
  [
    'both reports of one fixed code',
    report('x', DATED('2026-01-01', { conclusion: 'adenocarcinoma' })),
    report('x', DATED('2026-02-01', { conclusion: 'FBC normal' })),
    ['adenocarcinoma', 'FBC normal'],
  ],
  [
    'both, where the code alone says it',
    report('x', DATED('2026-01-01', { code: fixture.inSystem(fixture.SCT, '721981007', 'adenocarcinoma') })),
    report('x', DATED('2026-02-01', { code: fixture.inSystem(fixture.SCT, '721981007', 'FBC normal') })),
    ['adenocarcinoma', 'FBC normal'],
  ],
  [
    'both results in words',
    lab(DATED('2026-01-01', { valueString: 'adenocarcinoma' })),
    lab(DATED('2026-02-01', { valueString: 'FBC normal' })),
    ['adenocarcinoma', 'FBC normal'],
  ],
];
