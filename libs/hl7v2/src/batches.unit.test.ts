import fc from 'fast-check';
import { headerIn, messagesIn } from './batches.js';
import { bytesAsText, textAsBytes } from './bytes.js';

const of = (text: string): string[] => messagesIn(textAsBytes(text)).messages.map(bytesAsText);
const [ONE, TWO] = ['MSH|^~\\&|||||||ADT^A31|F1\rPID|1\r', 'MSH$*!%@$$$$$$$ADT*A31$F2\rPID$2\r'];

describe('a frame', () => {
  it.each([
    ['one message, whole', `\xef\xbb\xbf${ONE}\n`, [`\xef\xbb\xbf${ONE}\n`]],
    ['two messages without a batch', ONE + TWO, [ONE, TWO]],
    ['two messages in a file of a batch', `FHS|^~\\&\rBHS|^~\\&\r${ONE}${TWO}BTS|2\rFTS|1\r`, [ONE, TWO]],
    ['a marked batch', `\xef\xbb\xbfBHS|^~\\&\r${ONE}BTS|1\r`, [ONE]],
    ['two messages with line feeds', (ONE + ONE).replaceAll('\r', '\n'), [ONE, ONE].map((one) => one.replaceAll('\r', '\n'))],
    ['an empty batch', 'BHS|^~\\&\rBTS|0\r', []],
    ['what is no HL7 v2', 'GET / HTTP/1.1\r\n', []],
    ['a message behind something else', `PID|1\r${ONE}`, []],
    ['nothing', '', []],
  ])('holds %s', (_, text, messages) => expect(of(text)).toEqual(messages));

  it.each(['\r', '\n'])('takes no longer for a line however many there are (ended by %j)', (end) => {
    const message = ONE + `OBX|1|NM|HB||140${end}`.repeat(200_000);
    const begun = performance.now();
    expect(of(message)).toHaveLength(1);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('is miscounted where its batch’s trailer counts other messages than came', () => {
    const isMiscounted = (said: string) => messagesIn(textAsBytes(`BHS|^~\\&\r${ONE}${TWO}${said}`)).isMiscounted;
    expect(['BTS|2\r', 'BTS|\r', 'BTS\r', '', 'BTS|3\r', 'BTS|02\r'].map(isMiscounted)).toEqual([
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  it('is cut without a byte lost from its first message on, whatever is in it', () => {
    const part = fc.constantFrom(ONE, TWO, 'BHS|\r', '\n', 'x', 'NTE|1\r', '\xe4');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const text = ONE + parts.join('');
        const cut = of(text);
        expect(cut[0]!.startsWith(ONE.slice(0, -1))).toBe(true);
        if (!text.includes('BHS')) expect(cut.join('')).toBe(text);
      }),
    );
  });

  it('has the header of its first message, each byte one character', () => {
    const header = headerIn(textAsBytes('\xef\xbb\xbfMSH|^~\\&|L\xe4b|||||||F1\rPID|1'));
    expect([header?.field(3).raw, header?.field(10).value]).toEqual(['L\xe4b', 'F1']);
    expect(headerIn(textAsBytes('GET /'))).toBeNull();
  });
});
