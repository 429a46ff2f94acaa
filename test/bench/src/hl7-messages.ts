/** The listener that the bench's messages are sent to. */
export const LISTENER = { name: 'pas', organisation: 'RX901' } as const;

/** MSH-7 of the first message: nothing says that it is sent after it was received. */
const FIRST = Date.UTC(2020, 0, 1);
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const FAMILY = ['LARCH', 'ROWAN', 'HAZEL', 'ALDER', 'ASPEN', 'MAPLE', 'SPRUCE'] as const;
const GIVEN = ['ADA', 'BRAM', 'CLEO', 'DAVID', 'EMMA'] as const;
const WARDS = ['W1', 'W2', 'AMU', 'ITU', 'DAY'] as const;

/** Of each test its code, name, unit, reference range, least value, and by how much values differ. */
const PANELS = [
  {
    ...{ code: 'FBC', name: 'Full blood count' },
    tests: [
      ['HB', 'Haemoglobin', 'g/L', '130-170', 118, 3],
      ['WBC', 'White cell count', '10*9/L', '4.0-11.0', 4.2, 0.7],
      ['PLT', 'Platelets', '10*9/L', '150-400', 190, 17],
      ['RBC', 'Red cell count', '10*12/L', '4.50-5.50', 4.05, 0.11],
      ['HCT', 'Haematocrit', 'L/L', '0.400-0.500', 0.365, 0.012],
      ['MCV', 'Mean cell volume', 'fL', '80-100', 82, 2],
      ['MCH', 'Mean cell haemoglobin', 'pg', '27.0-32.0', 27.1, 0.4],
      ['NEUT', 'Neutrophils', '10*9/L', '2.0-7.5', 2.1, 0.6],
    ],
  },
  {
    ...{ code: 'UE', name: 'Urea and electrolytes' },
    tests: [
      ['NA', 'Sodium', 'mmol/L', '133-146', 134, 1],
      ['K', 'Potassium', 'mmol/L', '3.5-5.3', 3.4, 0.2],
      ['UREA', 'Urea', 'mmol/L', '2.5-7.8', 2.9, 0.5],
      ['CREA', 'Creatinine', 'umol/L', '59-104', 61, 7],
      ['EGFR', 'Estimated GFR', 'mL/min/1.73m2', '90-120', 74, 3],
    ],
  },
] as const;

/** What a visit is made of, in its order; each message of one follows some hours behind the last. */
const VISIT = ['A01', 'A08', 'FBC', 'A02', 'UE', 'A03'] as const;

/** Who a message is about, which of the person's visits, and which message of it. */
interface About {
  readonly index: number;
  readonly patient: number;
  readonly number: string;
  readonly visit: number;
  /** How often the person's address was corrected. */
  readonly corrections: number;
  readonly at: string;
  readonly admitted: string;
}

/**
 * One HL7 v2 message of the bench, of 1 to 2 kB: a visit is an admission, a correction, two reports, a transfer and a discharge. The same message
 * for the same index; neighbours are of different patients, whose `numbers` are theirs by MRN.
 */
export function hl7Message(index: number, numbers: readonly string[]): string {
  const patient = index % numbers.length;
  const told = Math.floor(index / numbers.length);
  const [visit, step] = [Math.floor(told / VISIT.length), told % VISIT.length];
  const what = VISIT[step]!;
  const admitted = FIRST + visit * 30 * 24 * HOUR_MS + patient * SECOND_MS;
  const about: About = {
    ...{ index, patient, visit, corrections: visit + (step > 0 ? 1 : 0), number: numbers[patient]! },
    ...{ at: stamp(admitted + step * 5 * HOUR_MS), admitted: stamp(admitted) },
  };
  const panel = PANELS.find(({ code }) => code === what);
  const segments = panel === undefined ? adt(what, about) : report(panel, about);
  return segments.map((segment) => `${segment}\r`).join('');
}

const stamp = (at: number): string => new Date(at).toISOString().replace(/\D/g, '').slice(0, 14);

/** Fields by their numbers, and nothing between them. */
function segment(name: string, values: Readonly<Record<number, string>>): string {
  const last = Math.max(...Object.keys(values).map(Number));
  return [name, ...Array.from({ length: last }, (_, field) => values[field + 1] ?? '')].join('|');
}

const header = (type: string, from: string, { index, at }: About): string =>
  `MSH|^~\\&|${from}|RX901|WEFT|RX9|${at}||${type}|${from}${index}|P|2.4|||||GBR|UNICODE UTF-8|EN`;

function person({ patient, number, corrections }: About): string {
  const [family, given] = [FAMILY[patient % FAMILY.length]!, GIVEN[patient % GIVEN.length]!];
  return segment('PID', {
    ...{ 1: '1', 3: `M${patient}^^^RX901^MR~${number}^^^NHS^NH`, 5: `${family}^${given}^J^^MX^^L` },
    ...{ 7: `19${40 + (patient % 60)}0${1 + (patient % 9)}1${patient % 10}`, 8: patient % 2 === 0 ? 'F' : 'M' },
    11: `${1 + ((patient + corrections) % 200)} ORCHARD ROAD^UPPER THORPE^SOMEWHERE^SOUTH COUNTY^ZZ99 3CZ^GBR^H`,
    ...{ 13: `^PRN^PH^^44^1632^960${String(patient % 1_000).padStart(3, '0')}`, 15: 'en^English', 16: 'M', 22: 'A', 30: 'N' },
  });
}

function visitOf({ patient, visit, admitted, at }: About, event: string): string {
  const ward = WARDS[(patient + visit + (event === 'A02' ? 1 : 0)) % WARDS.length]!;
  return segment('PV1', {
    ...{ 1: '1', 2: 'I', 3: `${ward}^BAY${1 + (patient % 6)}^BED${1 + (patient % 4)}^RX901`, 4: '21' },
    ...{ 7: 'C1234567^FERN^IVY^^^DR^^^GMC', 9: 'C7654321^SEDGE^OWEN^^^MR^^^GMC', 10: '300', 14: '19' },
    ...{ 18: 'NHS', 19: `V${patient}-${visit}^^^RX901^VN`, 36: event === 'A03' ? '19' : '', 44: admitted },
    ...{ 45: event === 'A03' ? at : '' },
  });
}

function adt(event: string, about: About): string[] {
  const { at, admitted, patient, number } = about;
  return [
    header(`ADT^${event}^ADT_A01`, 'PAS', about),
    `EVN|${event}|${at}||||${at}`,
    person(about),
    'PD1|||ORCHARD SURGERY^^Y90001|G9876543^REED^ANN^^^DR^^^GMP',
    segment('NK1', {
      ...{ 1: '1', 2: `${FAMILY[(patient + 1) % FAMILY.length]}^KIT^^^MX`, 3: 'SPO^Spouse' },
      ...{ 4: '7 MILL LANE^^SOMEWHERE^SOUTH COUNTY^ZZ99 3WZ^GBR^H', 5: '^PRN^PH^^44^1632^960999', 7: 'N^Next of kin' },
    }),
    visitOf(about, event),
    `PV2|||R07.4^Chest pain, unspecified^I10|||||${at.slice(0, 8)}`,
    'AL1|1|DA|91936005^Allergy to penicillin^SCT|MO|Rash, seen at the last admission|20180402',
    segment('DG1', { 1: '1', 3: 'R07.4^Chest pain, unspecified^I10', 4: 'Chest pain', 5: admitted, 6: 'A', 15: '1' }),
    segment('DG1', { 1: '2', 3: 'I10X^Essential (primary) hypertension^I10', 4: 'Hypertension', 5: admitted, 6: 'W', 15: '2' }),
    `ZPV|NHS^${number}|READMISSION RISK^LOW^LOCAL|EXPECTED^${at.slice(0, 8)}|NO SPECIAL NEEDS RECORDED`,
  ];
}

function report({ code, name, tests }: (typeof PANELS)[number], about: About): string[] {
  const { index, at } = about;
  const order = `P${index}^PAS|L${index}^LAB`;
  const doctor = 'C7654321^SEDGE^OWEN^^^MR^^^GMC';
  const results = tests.map(([test, called, unit, range, least, step], place) =>
    segment('OBX', {
      ...{ 1: String(place + 1), 2: 'NM', 3: `${test}^${called}^LAB`, 4: '1', 5: valueOf(least, step, index + place), 6: unit },
      ...{ 7: range, 8: 'N', 11: 'F', 14: at, 15: 'RX901^ORCHARD PATHOLOGY', 16: 'T24680^RUSH^MAY' },
    }),
  );
  return [
    header('ORU^R01^ORU_R01', 'LAB', about),
    person(about),
    visitOf(about, code),
    `ORC|RE|${order}||CM||||${at}|||${doctor}`,
    segment('OBR', {
      ...{ 1: '1', 2: `P${index}^PAS`, 3: `L${index}^LAB`, 4: `${code}^${name}^LAB`, 7: at, 14: at, 15: 'BLD&Blood&HL70487' },
      ...{ 16: doctor, 22: at, 24: 'HM', 25: 'F', 27: '1^^^^^R' },
    }),
    ...results,
    'NTE|1|L|Sample received in good condition. Results were authorised automatically.',
  ];
}

const valueOf = (least: number, step: number, which: number): string =>
  (least + (which % 9) * step).toFixed(String(step).split('.')[1]?.length ?? 0);
