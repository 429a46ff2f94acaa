import type { ValueTable } from './rows.js';

const SNOMED = 'http://snomed.info/sct';
const ICD_10 = 'http://hl7.org/fhir/sid/icd-10';
const OPCS_4 = 'https://fhir.hl7.org.uk/CodeSystem/OPCS-4';
const DMD = 'https://dmd.nhs.uk';

/** One `code meaning` a line; `_` is an empty place, and `*` any code that stands on no line, which is noted. */
function table(lines: string): ValueTable {
  const rows = lines
    .trim()
    .split('\n')
    .map((line) => /^\s*(\S+)\s+(.*)$/.exec(line)!);
  return Object.fromEntries(rows.map(([, code, meaning]) => [code === '_' ? '' : code!.replaceAll('_', ' '), meaning!]));
}

const each = (codes: string, meaning: string): string =>
  codes
    .split(' ')
    .map((code) => `${code} ${meaning}`)
    .join('\n');

/**
 * What codes mean. `system|code|display` is a coding; `-` is a code that is understood and has no meaning in FHIR; `@` is the HL7 table whose
 * codes they are too: a code of another table that looks the same means something else. A site adds its own, and those win.
 */
export const VALUES: Readonly<Record<string, ValueTable>> = {
  // England writes the NHS Data Dictionary's person gender; F and M come from systems that were made elsewhere.
  gender: table(`1 male
2 female
9 other
0 unknown
X unknown
M male
F female
O other
A other
N other
U unknown`),
  'yes-no': table(`${each('Y YES 1 TRUE', 'yes')}\n${each('N NO 0 FALSE', 'no')}\n_ -`),
  marital: table(
    `@ 0002\n` +
      [
        ['A', 'L', 'Legally Separated'],
        ['S', 'S', 'Never Married'],
        ['M', 'M', 'Married'],
        ['D', 'D', 'Divorced'],
        ['W', 'W', 'Widowed'],
        ['P', 'T', 'Domestic partner'],
      ]
        .map(([code, ours, display]) => `${code} http://terminology.hl7.org/CodeSystem/v3-MaritalStatus|${ours}|${display}`)
        .join('\n'),
  ),
  ethnic: table(
    [
      ...['A British, Mixed British', 'B Irish', 'C Any other White background', 'D White and Black Caribbean'],
      ...['E White and Black African', 'F White and Asian', 'G Any other mixed background', 'H Indian or British Indian'],
      ...['J Pakistani or British Pakistani', 'K Bangladeshi or British Bangladeshi', 'L Any other Asian background'],
      ...['M Caribbean', 'N African', 'P Any other Black background', 'R Chinese', 'S Any other ethnic group', 'Z Not stated'],
    ]
      .map((line) => `${line[0]} https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland|${line[0]}|${line.slice(2)}`)
      .join('\n'),
  ),
  // PV1-2: table 0004, and what English systems write beyond it.
  'patient-class': table(
    `@ 0004\n` +
      [
        ['I IP INPATIENT', 'IMP|inpatient encounter'],
        ['E A AE ED EMERGENCY', 'EMER|emergency'],
        ['O OP R OUTPATIENT', 'AMB|ambulatory'],
        ['D DC DAY_CASE DAYCASE NH RDA', 'SS|short stay'],
        ['P', 'PRENC|pre-admission'],
        ['B', 'IMP|inpatient encounter'],
      ]
        .map(([codes, meaning]) => each(codes!, `http://terminology.hl7.org/CodeSystem/v3-ActCode|${meaning}`))
        .join('\n'),
  ),
  // What stands in OBX-11, as Observation.status; `retract` takes the result back, and W says that it was another patient's.
  'observation-status': table(`P preliminary
R preliminary
S preliminary
I registered
O registered
F final
U final
V final
C corrected
A amended
B amended
N not-asked
X cancelled
D retract
W retract
_ -
* unknown`),
  'report-status': table(`O registered
I registered
S registered
A partial
P preliminary
R preliminary
F final
C corrected
X cancelled
_ -
* unknown`),
  interpretation: table(
    [...'L H LL HH < > N A AA U D B W R S I MS VS POS NEG IND DET ND'.split(' ')].map((code) => `${code} ${code}`).join('\n'),
  ),
  'document-status': table(`${each('AU LA', 'final')}\n${each('DI DO IN IP PA PR', 'preliminary')}\n_ -`),
  availability: table(`AV current\nUN current\nOB superseded\nCA retract\n_ -`),
  // "Usual control" is what v3 calls normal; its own U would be unrestricted. What is not understood is restricted.
  confidentiality: table(`U N\nN N\n1 N\nR R\n3 R\nV V\n5 V\nL L\nM M\n_ -\n* R`),
  'appointment-status': table(
    `${each('BOOKED PENDING NEW', 'booked')}\n${each('CANCELLED CANCELED DELETED DC', 'cancelled')}\n` +
      `${each('COMPLETE COMPLETED', 'fulfilled')}\n${each('STARTED ARRIVED', 'arrived')}\nNOSHOW noshow\nNO_SHOW noshow\n` +
      `WAITLIST waitlist\nBLOCKED -\nOVERBOOK booked\n_ -`,
  ),
  'vaccination-completion': table(`CP completed\nPA completed\nRE not-done\nNA not-done\n_ completed`),
  'vaccination-action': table(`A record\nU record\nX -\nD retract\n_ record`),
  // ORC-1.
  'order-control': table(
    `${each('NW OK SN NA RE RP RO RU SC SR OE OR XO XR XX PA CH PR RQ RR UA UR', 'active')}\n` +
      `${each('CA OC CR DC OD DR RC', 'revoked')}\n${each('HD OH HR', 'on-hold')}\n${each('RL', 'active')}\nDE retract\n_ active`,
  ),
  // ORC-5, where it says more than ORC-1.
  'order-status': table(
    `CM completed\nCA revoked\nDC revoked\nER -\nHD on-hold\nIP active\nSC active\nA active\nRP revoked\n_ -`,
  ),
  'medicine-control': table(
    `${each('NW OK SN NA RE RP RO RU SC SR XO XR XX RF AF PA CH', 'active')}\n${each('CA OC CR DC OD DR', 'stopped')}\n` +
      `${each('HD OH HR', 'on-hold')}\nRL active\nDE retract\n_ active`,
  ),
  'list-action': table(
    `${each('A AD ADD', 'record')}\n${each('U UP UPDATE CO', 'record')}\n${each('D DE DELETE', 'retract')}\n` +
      `${each('X LI UN UC', '-')}\n_ record`,
  ),
  'diagnosis-action': table(`A record\nU record\nD retract\n_ record`),
  'problem-status': table(
    `${each('ACTIVE A', 'active')}\n${each('INACTIVE I CHRONIC', 'inactive')}\n${each('RESOLVED R', 'resolved')}\nRECURRENCE recurrence\n_ active`,
  ),
  'allergy-category': table(
    `${each('DA DRUG MEDICATION', 'medication')}\n${each('FA FOOD', 'food')}\n${each('EA ENVIRON ENVIRONMENT', 'environment')}\nLA environment\nPA environment\nAA environment\nMA -\nMC -\n_ -`,
  ),
  criticality: table(
    `${each('SV SEVERE HIGH H', 'high')}\n${each('MO MODERATE MEDIUM MI MILD LOW', 'low')}\nU unable-to-assess\n_ -`,
  ),
  'name-use': table(
    `L official\nD usual\nU usual\nM maiden\nB official\nN nickname\nA nickname\nC official\nT temp\nS anonymous\n_ -`,
  ),
  'address-use': table(`H home\nL home\nP home\nB work\nO work\nC temp\nM -\nBA old\n_ -`),
  'telecom-use': table(`PRN home\nORN home\nVHN home\nWPN work\nASN work\nPRS mobile\nEMR -\nNET -\nBPN -\n_ -`),
  'telecom-system': table(`PH phone\nCP phone\nFX fax\nBP pager\nINTERNET email\nSAT phone\n_ phone\n* other`),
  'minutes-per': table(
    `${each('M MIN MINUTE MINUTES', '1')}\n${each('H HR HOUR HOURS', '60')}\n${each('S SEC SECONDS', '0.016666666666666666')}\n_ 1`,
  ),
  'referral-status': table(`${each('P A E', 'active')}\nR revoked\nC completed\n_ active`),
  // Code systems by the names that stand in the third component of a code.
  systems: table(`${each('SCT SNOMED SNOMED-CT SNOMEDCT SCT2 SNM3 2.16.840.1.113883.6.96', SNOMED)}
${each('LN LOINC', 'http://loinc.org')}
${each('ICD10 ICD-10 I10 I10P', ICD_10)}
I10UK ${ICD_10}-uk
${each('OPCS4 OPCS-4 OPCS', OPCS_4)}
${each('DMD DM+D', DMD)}
CVX http://hl7.org/fhir/sid/cvx
${each('RC2 READ2 READV2', 'http://read.info/readv2')}
${each('CTV3 READCTV3', 'http://read.info/ctv3')}
UCUM http://unitsofmeasure.org`),
  // Units that mean the same in UCUM, letter for letter; others stay text.
  ucum: Object.fromEntries(
    [
      'g/L',
      'mmol/L',
      'umol/L',
      'nmol/L',
      'pmol/L',
      'mg/L',
      'ug/L',
      'ng/L',
      'mg/dL',
      'g/dL',
      'kPa',
      'fL',
      'pg',
      '%',
      'kg',
      'g',
      'mg',
    ]
      .concat(['mL', 'L', 'cm', 'mm', 's', 'h', 'U/L', '10*9/L', '10*12/L', 'mL/min', 'mmol/mol'])
      .map((unit) => [unit, unit]),
  ),
  // Kinds of identifiers that an MRN is not, in CX.5.
  'not-an-mrn': table(each('SS SSN DL PPN AN VN CHI HC HCN NI NIIP EI XX BA BC', '-')),
  // What makes an identifier an NHS number: its type, or who gave it.
  'nhs-number-type': table(each('NH HN NHS NHSNBR NHSNMBR NHSN', '-')),
  'nhs-number-authority': table(each('NHS NHSNBR 2.16.840.1.113883.2.1.4.1', '-')),
};

/** A value table's answer for a code as a sender wrote it; undefined where it has none, `-` where it is understood and means nothing. */
export function meaningIn(table: ValueTable | undefined, code: string): string | undefined {
  return table?.[code] ?? table?.[code.toUpperCase()];
}
