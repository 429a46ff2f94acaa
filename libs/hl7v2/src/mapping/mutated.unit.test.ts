import fc from 'fast-check';
import { Filed } from './filed.fixture.js';
import { adt, fields, message, obx, oru, pv1 } from './messages.fixture.js';

/** Of each kind that is mapped one, with much in it. */
const MESSAGES = [
  adt(
    'A28',
    { pid: '2||A|1 HIGH ST^^LEEDS^^LS1 1AA^^H||0113 000 0000^PRN^PH||EN|M' },
    'PD1|||SURGERY^^Y90001',
    'NK1|1|LARCH^FERN|MTH',
  ),
  adt(
    'A01',
    {},
    pv1(),
    fields('AL1', { 2: 'DA', 3: '91936005^Penicillin^SCT', 4: 'SV', 5: 'Rash' }),
    fields('DG1', { 3: 'I10^H^ICD10', 5: '20240609' }),
  ),
  adt('A60', {}, fields('IAM', { 2: 'DA', 3: '^Penicillin', 4: 'High', 6: 'A', 7: 'AL7^PAS' })),
  oru(
    {},
    'F1',
    'FBC',
    {},
    obx('NM', 'HB', '5.00', { 6: 'g/L', 7: '1-2', 8: 'H' }),
    obx('CE', 'ISO', 'E^Coli^L'),
    obx('TM', 'T', '1530'),
  ),
  message(
    'MDM^T02',
    {},
    fields('TXA', { 2: 'DS^x', 6: '20240610093000', 9: 'C1^R', 12: 'D1', 16: 'x.txt', 17: 'AU', 18: 'U' }),
    obx('ED', 'P', '^AP^PDF^Base64^JVBERi0x'),
  ),
  message(
    'SIU^S12',
    {},
    fields('SCH', { 2: 'AP1^C', 7: 'x', 8: 'NORMAL', 9: '30', 10: 'm', 11: '^^30^20240701090000', 25: 'Booked' }),
    fields('AIL', { 3: 'R1', 6: '20240701090000' }),
  ),
  message(
    'VXU^V04',
    {},
    'ORC|RE||VX1^I',
    fields('RXA', { 3: '20240609', 5: '1^V^SCT', 6: '0.5', 7: 'ml', 15: 'L', 16: '20250101', 20: 'CP', 21: 'A' }),
    'RXR|IM^x',
  ),
  message('ORM^O01', {}, 'ORC|NW|P1^O|F1^L||||||20240610', fields('OBR', { 4: 'FBC^x^L', 16: 'C1^R', 31: 'x' })),
  message('RDE^O11', {}, 'ORC|NW|M1^E', fields('RXE', { 2: '1^x^SCT', 3: '2', 5: 'tablet', 7: '^x' }), 'RXR|PO'),
  message(
    'PPR^PC1',
    {},
    fields('PRB', { 1: 'AD', 3: '1^x^SCT', 4: 'PB1', 7: '20200101', 9: '20210101', 14: 'ACTIVE', 16: '2019' }),
  ),
  message('REF^I12', {}, fields('RF1', { 1: 'A', 3: 'x', 6: 'R1', 7: '20240610', 10: 'x' })),
] as const;

const TEXTS = [
  '',
  '""',
  '|',
  '^',
  '~',
  '&',
  '\\',
  '\n',
  '\r',
  ' ',
  '\t',
  '0',
  '9',
  '-1',
  '20241301',
  '2024',
  '999999',
  'Z',
  '\u00a0',
  '\u0001',
  'é',
  '\\X41\\',
  '~""',
  '^^^^',
];

describe('a message with a part of it overwritten', () => {
  it('is mapped to what the gateway takes, waits, or is at fault: it never throws', () => {
    const mutation = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      drop: fc.nat(6),
      text: fc.constantFrom(...TEXTS),
    });
    fc.assert(
      fc.property(fc.constantFrom(...MESSAGES), fc.array(mutation, { minLength: 1, maxLength: 3 }), (text, mutations) => {
        const [header = '', ...rest] = text.split('\n');
        let body = rest.join('\r');
        for (const { at, drop, text: put } of mutations) {
          const place = Math.floor(at * body.length);
          body = body.slice(0, place) + put + body.slice(place + drop);
        }
        const filed = new Filed();
        filed.take(new TextEncoder().encode(`${header}\r${body}`));
        expect(filed.refused).toEqual([]);
      }),
      { numRuns: 1500 },
    );
  });
});
