import { DEFAULT_CODE_SYSTEMS, listedCode } from './release-codes.js';

const SNOMED = 'http://snomed.info/sct';
const LOINC = 'http://loinc.org';
const ICD_10 = 'http://hl7.org/fhir/sid/icd-10';

describe('codes that are told', () => {
  it.each([
    ['a SNOMED CT concept', SNOMED, '44054006'],
    ['a concept of the UK clinical edition', SNOMED, '999004351000000109'],
    ['a dm+d product', 'https://dmd.nhs.uk', '322236009'],
    ['a LOINC code', LOINC, '8480-6'],
    ['a LOINC code of five digits', LOINC, '85354-9'],
    ['an ICD-10 code', ICD_10, 'E11.9'],
    ['an ICD-10 code as English trusts write it', ICD_10, 'E119'],
    ['an OPCS-4 code', 'https://fhir.hl7.org.uk/CodeSystem/OPCS-4', 'W37.1'],
    ['a code of a system that is listed whole', 'http://terminology.hl7.org/CodeSystem/v3-ActCode', 'AMB'],
  ])('%s', (_, system, code) => expect(listedCode(DEFAULT_CODE_SYSTEMS, system, code)).toBe(true));
});

describe('codes that are not', () => {
  it.each([
    ['an identifier', 'https://fhir.nhs.uk/Id/nhs-number', '9990000018'],
    ['a code of a sender’s own system', 'https://trust.example/codes', '44054006'],
    ['a code without a system', undefined, '44054006'],
    ['a member of every object', 'constructor', 'name'],
    ['a SNOMED CT number with another check digit', SNOMED, '44054007'],
    ['a SNOMED CT description', SNOMED, '680946014'],
    ['a concept of an organisation’s own namespace', SNOMED, '71004188331999105'],
    ['a number longer than SNOMED International’s own', SNOMED, '71004188335001'],
    ['words for a SNOMED CT number', SNOMED, 'Isabel-was-upset'],
    ['a LOINC code with another check digit', LOINC, '8480-7'],
    ['words for an ICD-10 code', ICD_10, 'ISABEL'],
    ['a word that its system does not have', 'http://terminology.hl7.org/CodeSystem/v3-ActCode', 'ISABEL'],
  ])('%s', (_, system, code) => expect(listedCode(DEFAULT_CODE_SYSTEMS, system, code)).toBe(false));

  it('are those that a region does not list', () => {
    const systems = { [LOINC]: { ...DEFAULT_CODE_SYSTEMS[LOINC], codes: ['8480-6'] } };
    expect(listedCode(systems, LOINC, '8480-6')).toBe(true);
    expect(listedCode(systems, LOINC, '8462-4')).toBe(false);
  });
});
