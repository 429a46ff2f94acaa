import { codeSystemsWith, DEFAULT_CODE_SYSTEMS, faultOfReleasedCodes, listedCode } from './release-codes.js';

const SNOMED = 'http://snomed.info/sct';
const LOINC = 'http://loinc.org';
const ICD_10 = 'http://hl7.org/fhir/sid/icd-10';

describe('codes that are told', () => {
  it.each([
    ['a SNOMED CT concept', SNOMED, '44054006'],
    ['a LOINC code', LOINC, '8480-6'],
    ['a LOINC code of five digits', LOINC, '85354-9'],
    ['a code of a system that is listed whole', 'http://terminology.hl7.org/CodeSystem/v3-ActCode', 'AMB'],
  ])('%s', (_, system, code) => expect(listedCode(DEFAULT_CODE_SYSTEMS, system, code)).toBe(true));
});

describe('codes that are not', () => {
  it.each([
    ['an identifier', 'https://fhir.nhs.uk/Id/nhs-number', '9990000018'],
    ['a code of a sender’s own system', 'https://trust.example/codes', '44054006'],
    ['a code without a system', undefined, '44054006'],
    ['a member of every object', 'constructor', 'name'],
    ['a number made up as SNOMED CT would make it', SNOMED, '712345009'],
    ['the same in the namespace of the UK clinical edition', SNOMED, '712341000000108'],
    ['a number made up as LOINC would make it', LOINC, '71234-5'],
    ['a code of a system whose codes the region does not list', ICD_10, 'E11.9'],
    ['a SNOMED CT number with another check digit', SNOMED, '44054007'],
    ['a SNOMED CT description', SNOMED, '680946014'],
    ['a concept of an organisation’s own namespace', SNOMED, '71004188331999105'],
    ['a number longer than SNOMED International’s own', SNOMED, '71004188335001'],
    ['words for a SNOMED CT number', SNOMED, 'Isabel-was-upset'],
    ['a LOINC code with another check digit', LOINC, '8480-7'],
    ['words for an ICD-10 code', ICD_10, 'ISABEL'],
    ['a word that its system does not have', 'http://terminology.hl7.org/CodeSystem/v3-ActCode', 'ISABEL'],
  ])('%s', (_, system, code) => expect(listedCode(DEFAULT_CODE_SYSTEMS, system, code)).toBe(false));
});

describe('a region’s own list', () => {
  const OWN = {
    [SNOMED]: ['999004351000000109'],
    [ICD_10]: ['E11.9', 'E119'],
    'https://dmd.nhs.uk': ['322236009'],
    'https://fhir.hl7.org.uk/CodeSystem/OPCS-4': ['W37.1'],
  };

  it('stands for the shipped one of its code systems, and leaves the others as they are', () => {
    const systems = codeSystemsWith(OWN);
    for (const [system, codes] of Object.entries(OWN))
      for (const code of codes) expect(listedCode(systems, system, code)).toBe(true);
    expect(listedCode(systems, SNOMED, '44054006')).toBe(false);
    expect(listedCode(systems, LOINC, '8480-6')).toBe(true);
  });

  it.each([
    ['another identifier', { [SNOMED]: ['9990000018'] }, /snomed.info.*\[0\]/],
    ['a word', { [ICD_10]: ['E11.9', 'ISABEL'] }, /icd-10 at \[1\]/],
    ['a number for a text', { [LOINC]: [8480] }, /loinc.*\[0\]/],
    ['a system of a sender’s own', { 'https://trust.example/codes': [] }, /trust.example/],
    ['one code for a list', { [LOINC]: '8480-6' }, /no list/],
    ['a list for an object', ['8480-6'], /no object/],
  ])('is refused with %s in it, which it does not repeat', (_, list, says) => {
    const fault = faultOfReleasedCodes(list);
    expect(fault).toMatch(says);
    expect(fault).not.toMatch(/9990000018|ISABEL/);
    expect(faultOfReleasedCodes(OWN)).toBeUndefined();
  });
});
