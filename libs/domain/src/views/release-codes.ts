/** Which codes of a code system are told. */
export interface CodeSystemRule {
  /** A regular expression that the whole code matches. */
  readonly shape?: string;
  readonly check?: 'sctid' | 'loinc';
  /** Of SNOMED CT: the namespaces whose extensions are national editions. Codes of any other are somebody's own. */
  readonly namespaces?: readonly string[];
  /** Where the system is small, or the region told which codes it releases: these and no others. */
  readonly codes?: readonly string[];
}

const HL7 = 'http://terminology.hl7.org/CodeSystem';
const words = (text: string): CodeSystemRule => ({ codes: text.split(' ') });

/** SNOMED International's NHS Digital clinical and drug extensions, and the United States' edition, which synthetic data use. */
const NATIONAL = ['1000000', '1000001', '1000119', '1000124'];

export const DEFAULT_CODE_SYSTEMS: Readonly<Record<string, CodeSystemRule>> = {
  'http://snomed.info/sct': { shape: '[1-9]\\d{5,17}', check: 'sctid', namespaces: NATIONAL },
  'https://dmd.nhs.uk': { shape: '[1-9]\\d{5,17}', check: 'sctid', namespaces: NATIONAL },
  'http://loinc.org': { shape: '[1-9]\\d{0,4}-\\d|1\\d{5}-\\d', check: 'loinc' },
  'http://hl7.org/fhir/sid/icd-10': { shape: '[A-Z]\\d\\d(\\.?[\\dX]\\d?)?[DA]?' },
  'http://hl7.org/fhir/sid/icd-10-uk': { shape: '[A-Z]\\d\\d(\\.?[\\dX]\\d?)?[DA]?' },
  'https://fhir.hl7.org.uk/CodeSystem/OPCS-4': { shape: '[A-HJ-Z]\\d\\d(\\.?\\d)?' },
  'http://hl7.org/fhir/sid/cvx': { shape: '\\d{2,3}' },
  'http://www.nlm.nih.gov/research/umls/rxnorm': { shape: '[1-9]\\d{3,6}' },
  [`${HL7}/condition-clinical`]: words('active recurrence relapse inactive remission resolved'),
  [`${HL7}/condition-ver-status`]: words('unconfirmed provisional differential confirmed refuted entered-in-error'),
  [`${HL7}/condition-category`]: words('problem-list-item encounter-diagnosis'),
  [`${HL7}/allergyintolerance-clinical`]: words('active inactive resolved'),
  [`${HL7}/allergyintolerance-verification`]: words('unconfirmed confirmed refuted entered-in-error'),
  [`${HL7}/observation-category`]: words('social-history vital-signs imaging laboratory procedure survey exam therapy activity'),
  [`${HL7}/v3-ActCode`]: words('AMB EMER FLD HH IMP ACUTE NONAC OBSENC PRENC SS VR'),
  [`${HL7}/v3-ObservationInterpretation`]: words(
    'A AA HH LL H L N HU LU U D B W S R I MS VS SDD NS SYN-R SYN-S POS NEG IND DET ND NR RR WR EX HX LX UNE EXP TOX CAR NCL OBX',
  ),
  [`${HL7}/data-absent-reason`]: words(
    'unknown asked-unknown temp-unknown not-asked asked-declined masked not-applicable unsupported as-text error ' +
      'not-a-number negative-infinity positive-infinity not-performed not-permitted',
  ),
  [`${HL7}/goal-achievement`]: words(
    'in-progress improving worsening no-change achieved sustaining not-achieved no-progress not-attainable',
  ),
  [`${HL7}/goal-category`]: words('dietary safety behavioral nursing physiotherapy'),
  [`${HL7}/v2-0074`]: words(
    'AU BG BLB CG CH CP CT CTH CUS EC EN GE HM ICU IMM LAB MB MCB MYC NMR NMS NRS OSL OT OTH OUS PAR PAT PF PHR PHY PT RAD RC RT ' +
      'RUS RX SP SR TX VR VUS XRC',
  ),
};

/** Whether a code may be told: its system is listed, and it looks like a code of that system. */
export function listedCode(systems: Readonly<Record<string, CodeSystemRule>>, system: unknown, code: unknown): boolean {
  if (typeof system !== 'string' || typeof code !== 'string' || !Object.hasOwn(systems, system)) return false;
  const { shape, check, namespaces, codes } = systems[system] as CodeSystemRule;
  if (codes !== undefined && !codes.includes(code)) return false;
  if (shape !== undefined && !wholly(shape).test(code)) return false;
  if (check === 'sctid') return isSnomedConcept(code, namespaces ?? []);
  return check !== 'loinc' || hasLoincCheckDigit(code);
}

const compiled = new Map<string, RegExp>();

function wholly(shape: string): RegExp {
  let expression = compiled.get(shape);
  if (expression === undefined) compiled.set(shape, (expression = new RegExp(`^(?:${shape})$`)));
  return expression;
}

/** The longest identifier of a SNOMED International concept in use: more digits would be a number of somebody's choice. */
const LONGEST_CORE_ID = 10;

/**
 * SNOMED CT technical implementation guide, "SCTID": item, partition, check digit. Of partition 00 an item of SNOMED
 * International's own, of 10 an item with its namespace before the partition; others name descriptions and relationships.
 */
function isSnomedConcept(code: string, namespaces: readonly string[]): boolean {
  if (!hasVerhoeffCheckDigit(code)) return false;
  const partition = code.slice(-3, -1);
  if (partition === '00') return code.length <= LONGEST_CORE_ID;
  return partition === '10' && code.length > 10 && namespaces.includes(code.slice(-10, -3));
}

/** Verhoeff's multiplication in the dihedral group of order 10, and his permutation. */
const TIMES = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const PERMUTED = ['0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'];

function hasVerhoeffCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place]);
    sum = Number(TIMES[sum]?.[Number(PERMUTED[place % 8]?.[digit])]);
  }
  return sum === 0;
}

/** LOINC users' guide, appendix C: modulus 10 over the number before the dash, every other digit from the right doubled. */
function hasLoincCheckDigit(code: string): boolean {
  const [number, check] = code.split('-') as [string, string];
  let sum = 0;
  for (let place = 0; place < number.length; place += 1) {
    const digit = Number(number[number.length - 1 - place]) * (place % 2 === 0 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return (10 - (sum % 10)) % 10 === Number(check);
}
