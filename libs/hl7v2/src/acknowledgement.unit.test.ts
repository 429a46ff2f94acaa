import fc from 'fast-check';
import { acknowledgement, type Outcome, type RefusalReason } from './acknowledgement.js';
import { headerIn, messagesIn } from './batches.js';
import { bytesAsText, textAsBytes } from './bytes.js';
import { bytesOfCase, casesOf, whereThereAreCases } from './cases.fixture.js';
import { readMessages } from './message.js';

const STORED: Outcome = { stored: true };
const AT = { mode: 'auto', at: Date.parse('2024-06-10T09:00:00Z'), id: 'w1' } as const;
const message = (version: string, accept = '', application = ''): string =>
  `MSH|^~\\&|PAS|RX901|WEFT|RX9|20240610100000||ADT^A31^ADT_A05|F1|P|${version}|||${accept}|${application}\rPID|1||M1||LARCH`;
const answer = (text: string, outcome: Outcome, mode: 'auto' | 'original' = 'auto') =>
  acknowledgement(headerIn(textAsBytes(text)), outcome, { ...AT, mode });
const codeOf = (text: string | null) => text && readMessages(text)[0]!.first('MSA')!.field(1).value;

describe('an acknowledgement', () => {
  it('answers who sent, in the sender’s version and separators', () => {
    expect(answer(message('2.4'), STORED)).toBe(
      'MSH|^~\\&|WEFT|RX9|PAS|RX901|20240610090000+0000||ACK^A31^ACK|w1|P|2.4\rMSA|AA|F1\r',
    );
    expect(answer('MSH$*!%@$A$B$C$D$$$ADT*A31$F%T%1$T$2.3\r', STORED)).toBe(
      'MSH$*!%@$C$D$A$B$20240610090000+0000$$ACK*A31*ACK$w1$T$2.3\rMSA$AA$F%T%1\r',
    );
  });

  it('of what is no message names no control id', () => {
    expect(answer('GET / HTTP/1.1', { stored: false, reason: 'not-hl7' })).toBe(
      'MSH|^~\\&|||||20240610090000+0000||ACK|w1|P|2.4\rMSA|AR||the frame does not begin with MSH, FHS or BHS\r',
    );
  });

  it('says in MSA-3 where the message is, up to version 2.6 alone', () => {
    const stored = { stored: true, place: 'weft.hl7v2.RX901/3/1234' } as const;
    expect(answer(message('2.6'), stored)).toContain('MSA|AA|F1|weft.hl7v2.RX901/3/1234\r');
    expect(answer(message('2.7'), stored)).toContain('MSA|AA|F1\r');
  });

  it('says in ERR what is wrong where, from version 2.5 on', () => {
    const refused = { stored: false, reason: 'processing-id' } as const;
    const error =
      'ERR||MSH^1^11|202^Unsupported processing id^HL70357|E|processing-id|||this listener takes messages of another processing id\r';
    expect(answer(message('2.5'), refused)).toContain(error);
    expect(answer(message('2.8.1'), refused)).toContain(error);
    expect(answer(message('2.4'), refused)).not.toContain('ERR');
    expect(answer(message('x'), refused)).not.toContain('ERR');
  });

  it.each([
    ['', '', 'AA', 'AR'],
    ['""', '""', 'AA', 'AR'],
    ['AL', 'NE', 'CA', 'CR'],
    ['AL', 'AL', 'CA', 'CR'],
    ['NE', 'AL', 'AA', 'AR'],
    ['', 'AL', 'AA', 'AR'],
    ['NE', 'NE', null, null],
    ['ER', 'NE', null, 'CR'],
    ['ER', 'AL', 'AA', 'CR'],
    ['SU', 'NE', 'CA', null],
    ['NE', 'ER', null, 'AR'],
    ['AL', '', 'CA', 'CR'],
  ])('of MSH-15 %j and MSH-16 %j is %s, a refusal %s', (accept, application, stored, refused) => {
    const text = message('2.4', accept, application);
    expect(codeOf(answer(text, STORED))).toBe(stored);
    expect(codeOf(answer(text, { stored: false, reason: 'not-the-sender' }))).toBe(refused);
    expect(codeOf(answer(text, STORED, 'original'))).toBe('AA');
  });

  it('is AE or CE where the message is to be sent again', () => {
    const away = { stored: false, reason: 'unavailable' } as const;
    expect([codeOf(answer(message('2.4'), away)), codeOf(answer(message('2.4', 'AL', 'NE'), away))]).toEqual(['AE', 'CE']);
  });

  it('is two or three segments, names the control id as it was sent, and nothing behind MSH, whatever is sent', () => {
    const reasons: RefusalReason[] = [
      'not-hl7',
      'too-large',
      'truncated',
      'no-control-id',
      'processing-id',
      'not-the-sender',
      'unavailable',
    ];
    const outcome = fc.oneof(
      fc.constant<Outcome>(STORED),
      fc.constantFrom(...reasons).map((reason): Outcome => ({ stored: false, reason })),
    );
    const id = fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(
        outcome,
        id.filter((text) => !text.includes('|')),
        fc.constantFrom('2.3', '2.5.1', '2.7', ''),
        (result, given, version) => {
          const text = answer(
            message(version).replace('|F1|', () => `|${given}|`),
            result,
          )!;
          const segments = text.split('\r').slice(0, -1);
          expect(segments.map((segment) => segment.slice(0, 3)).join()).toMatch(/^MSH,MSA(,ERR)?$/);
          expect(segments[1]!.split('|')[2]).toBe(given);
          expect(text.replace(`|${given}`, '')).not.toContain('LARCH');
        },
      ),
    );
  });
});

whereThereAreCases('the cases of acknowledgement', () => {
  it.each(casesOf('k'))('$id: $about', ({ id, messages, expect: { acks, reason } }) => {
    const outcome: Outcome = reason === undefined ? STORED : { stored: false, reason: reason as RefusalReason };
    const codes = messages!.map((_, index) => {
      const bytes = bytesOfCase(id, messages!.length > 1 ? index + 1 : undefined);
      const only = messagesIn(bytes).messages.map(bytesAsText);
      expect(only).toHaveLength(1);
      return codeOf(answer(only[0]!, outcome));
    });
    expect(codes).toEqual(acks);
  });
});
