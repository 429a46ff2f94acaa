import type { Measurement, Term } from './resources.js';

/** SNOMED CT, as far as the demo needs it. Medicines by their substance: products change with the week's dm+d. */

const term = (code: string, display: string): Term => ({ code, display });
const medicine = (code: string, display: string, dose: string) => ({ code, display, dose });

export interface LongTermCondition {
  readonly problem: Term;
  /** How likely somebody of 65 has it. */
  readonly likelihood: number;
  readonly youngest: number;
  readonly medicines: readonly (Term & { readonly dose: string })[];
}

export const LONG_TERM: readonly LongTermCondition[] = [
  {
    problem: term('38341003', 'Hypertension'),
    likelihood: 0.55,
    youngest: 35,
    medicines: [medicine('386864001', 'Amlodipine', '5 mg once daily'), medicine('386872004', 'Ramipril', '2.5 mg once daily')],
  },
  {
    problem: term('44054006', 'Type 2 diabetes mellitus'),
    likelihood: 0.22,
    youngest: 30,
    medicines: [medicine('372567009', 'Metformin', '500 mg twice daily with meals')],
  },
  {
    problem: term('195967001', 'Asthma'),
    likelihood: 0.14,
    youngest: 4,
    medicines: [medicine('372897005', 'Salbutamol', 'two puffs when needed')],
  },
  {
    problem: term('13645005', 'Chronic obstructive lung disease'),
    likelihood: 0.1,
    youngest: 50,
    medicines: [medicine('372897005', 'Salbutamol', 'two puffs when needed')],
  },
  {
    problem: term('49436004', 'Atrial fibrillation'),
    likelihood: 0.12,
    youngest: 55,
    medicines: [medicine('698090000', 'Apixaban', '5 mg twice daily')],
  },
  {
    problem: term('40930008', 'Hypothyroidism'),
    likelihood: 0.1,
    youngest: 25,
    medicines: [medicine('710809001', 'Levothyroxine', '75 micrograms once daily')],
  },
  { problem: term('396275006', 'Osteoarthritis'), likelihood: 0.25, youngest: 50, medicines: [] },
];

export const DEPRESSION = term('35489007', 'Depressive disorder');
export const SERTRALINE = medicine('372594008', 'Sertraline', '50 mg once daily');
export const PENICILLIN_ALLERGY = term('91936005', 'Allergy to penicillin');
export const INFLUENZA_VACCINE = term('46233009', 'Influenza virus vaccine');
export const COVID_VACCINE = term('1119349007', 'COVID-19 mRNA vaccine');

export const BLOOD_PRESSURE = term('75367002', 'Blood pressure');
export const bloodPressure = (systolic: number, diastolic: number): Measurement[] => [
  { code: '271649006', display: 'Systolic blood pressure', value: systolic, unit: 'mm[Hg]' },
  { code: '271650006', display: 'Diastolic blood pressure', value: diastolic, unit: 'mm[Hg]' },
];
export const HBA1C = term('43396009', 'Haemoglobin A1c measurement');
export const WEIGHT = term('27113001', 'Body weight');
export const POTASSIUM = term('59573005', 'Potassium measurement');
export const MOOD_SCORE = term('720433000', 'PHQ-9 score');

export const CONSULTATION = term('185317003', 'Telephone encounter');
export const EMERGENCY = term('4525004', 'Emergency department patient visit');
export const ADMISSION = term('32485007', 'Hospital admission');
export const OUTPATIENT = term('281036007', 'Follow-up consultation');
export const HOME_VISIT = term('439708006', 'Home visit');
export const FRACTURE = term('359817006', 'Closed fracture of hip');
export const CHEST_PAIN = term('29857009', 'Chest pain');
export const PNEUMONIA = term('233604007', 'Pneumonia');
export const REFERRAL = term('3457005', 'Patient referral');
