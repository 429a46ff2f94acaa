import { isObject } from '../is-object.js';
import { CVX_CODES, LOINC_CODES, RXNORM_CODES, SNOMED_CODES } from './released-codes.js';

/** Which codes of a code system are told. */
export interface CodeSystemRule {
  /** These and no others: a code that fits the system's form and that nobody else has is somebody's mark. */
  readonly codes: ReadonlySet<string>;
  /** A regular expression that the whole code matches: a list may hold by mistake what is none. */
  readonly shape?: string;
  readonly check?: 'sctid' | 'loinc';
  /** Of SNOMED CT: the namespaces whose extensions are national editions. Codes of any other are somebody's own. */
  readonly namespaces?: readonly string[];
}

/** Codes that a region releases, by the address of their code system. */
export type ReleasedCodes = Readonly<Record<string, readonly string[]>>;

const HL7 = 'http://terminology.hl7.org/CodeSystem';
const words = (text: string): CodeSystemRule => ({ codes: new Set(text.split(' ')) });
/** None is told until a region says which it releases. */
const NONE: ReadonlySet<string> = new Set();

/** SNOMED International's NHS Digital clinical and drug extensions, and the United States' edition, which synthetic data use. */
const NATIONAL = ['1000000', '1000001', '1000119', '1000124'];

export const DEFAULT_CODE_SYSTEMS: Readonly<Record<string, CodeSystemRule>> = {
  'http://snomed.info/sct': { codes: SNOMED_CODES, shape: '[1-9]\\d{5,17}', check: 'sctid', namespaces: NATIONAL },
  'https://dmd.nhs.uk': { codes: NONE, shape: '[1-9]\\d{5,17}', check: 'sctid', namespaces: NATIONAL },
  'http://loinc.org': { codes: LOINC_CODES, shape: '[1-9]\\d{0,4}-\\d|1\\d{5}-\\d', check: 'loinc' },
  'http://hl7.org/fhir/sid/icd-10': { codes: NONE, shape: '[A-Z]\\d\\d(\\.?[\\dX]\\d?)?[DA]?' },
  'http://hl7.org/fhir/sid/icd-10-uk': { codes: NONE, shape: '[A-Z]\\d\\d(\\.?[\\dX]\\d?)?[DA]?' },
  'https://fhir.hl7.org.uk/CodeSystem/OPCS-4': { codes: NONE, shape: '[A-HJ-Z]\\d\\d(\\.?\\d)?' },
  'http://hl7.org/fhir/sid/cvx': { codes: CVX_CODES, shape: '\\d{2,3}' },
  'http://www.nlm.nih.gov/research/umls/rxnorm': { codes: RXNORM_CODES, shape: '[1-9]\\d{3,6}' },
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

/** The shipped systems, each of which a region has listed codes with these alone. Of what is no listed system nothing is taken. */
export function codeSystemsWith(codes: ReleasedCodes): Readonly<Record<string, CodeSystemRule>> {
  const systems = Object.entries(DEFAULT_CODE_SYSTEMS).map(([system, rule]): [string, CodeSystemRule] => {
    const own = Object.hasOwn(codes, system) ? codes[system] : undefined;
    return [system, own === undefined ? rule : { ...rule, codes: new Set(own) }];
  });
  return Object.fromEntries(systems);
}

/** What is wrong with a region's list of the codes that it releases; undefined for nothing. Does not repeat a code. */
export function faultOfReleasedCodes(list: unknown): string | undefined {
  if (!isObject(list)) return 'holds no object of lists of codes, each by the address of its code system';
  for (const [system, codes] of Object.entries(list)) {
    if (!Object.hasOwn(DEFAULT_CODE_SYSTEMS, system)) return `names ${system}, of which no codes are told`;
    if (!Array.isArray(codes)) return `has no list of codes for ${system}`;
    const wrong = codes.findIndex((code) => !fits(DEFAULT_CODE_SYSTEMS[system] as CodeSystemRule, code));
    if (wrong >= 0) return `has for ${system} at [${wrong}] what has not the form of a code of that system`;
  }
  return undefined;
}

/** Whether a code may be told: its system is listed, and so is it. */
export function listedCode(systems: Readonly<Record<string, CodeSystemRule>>, system: unknown, code: unknown): boolean {
  if (typeof system !== 'string' || typeof code !== 'string' || !Object.hasOwn(systems, system)) return false;
  const rule = systems[system] as CodeSystemRule;
  return rule.codes.has(code) && fits(rule, code);
}

function fits({ shape, check, namespaces }: Omit<CodeSystemRule, 'codes'>, code: unknown): boolean {
  if (typeof code !== 'string' || code === '') return false;
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
