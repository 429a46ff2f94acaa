import { PURPOSES, purposeOfUse } from '../vocabulary.js';
import { purposesOfCode } from './purposes.js';

const HL7 = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const WEFT = 'urn:weft:purpose';
const denied = (code: string, system: string | undefined = HL7) => purposesOfCode(code, system, 'deny');
const permitted = (code: string, system: string | undefined = HL7) => purposesOfCode(code, system, 'permit');

describe('a code of HL7’s purposes of use', () => {
  it.each<[string, readonly string[]]>([
    ['PurposeOfUse', PURPOSES],
    ['TREAT', ['direct-care', 'care-coordination', 'population-health']],
    ['COC', ['care-coordination']],
    ['POPHLTH', ['population-health']],
    ['HRESCH', ['research']],
    ['ETREAT', ['direct-care']],
    ['BTG', ['direct-care']],
    ['CLINTRCH', ['research']],
    ['PRECLINTRCH', ['research']],
    ['HMARKT', []],
    ['PUBHLTH', []],
    ['DISASTER', []],
    ['HTEST', []],
    ['ELIGVER', []],
  ])('%s covers in a denial %j', (code, purposes) => expect(denied(code)).toEqual(purposes));

  it('permits exactly what it is the code of', () => {
    for (const purpose of PURPOSES) expect(permitted(purposeOfUse[purpose])).toEqual([purpose]);
    for (const code of ['PurposeOfUse', 'ETREAT', 'CLINTRCH', 'HMARKT', 'PUBHLTH']) expect(permitted(code)).toBeNull();
  });

  it.each([undefined, 'http://hl7.org/fhir/v3/ActReason', 'urn:oid:2.16.840.1.113883.5.8'])(
    'is known of the system %j too',
    (system) => {
      expect(denied('CLINTRCH', system)).toEqual(['research']);
      expect(permitted('HRESCH', system)).toEqual(['research']);
    },
  );
});

it.each(['', 'treat', 'Treat', 'X', 'constructor', 'toString', '__proto__', 'hasOwnProperty'])(
  'a code %j cannot be told',
  (code) => {
    expect(denied(code)).toBeNull();
    expect(permitted(code)).toBeNull();
  },
);

it.each(['TREAT', 'HRESCH', 'HMARKT', 'research'])('%s of somebody else’s system cannot be told', (code) => {
  expect(denied(code, 'http://example.org/purposes')).toBeNull();
  expect(permitted(code, 'http://example.org/purposes')).toBeNull();
});

it.each(PURPOSES)('a code of Weft’s own means %s exactly', (purpose) => {
  for (const code of [purpose, purposeOfUse[purpose]]) {
    expect(denied(code, WEFT)).toEqual([purpose]);
    expect(permitted(code, WEFT)).toEqual([purpose]);
  }
  expect(denied('ETREAT', WEFT)).toBeNull();
});
