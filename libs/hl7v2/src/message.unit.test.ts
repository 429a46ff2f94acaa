import fc from 'fast-check';
import { bytesOfCase, whereThereAreCases } from './cases.fixture.js';
import { readMessage } from './character-sets.js';
import { type Message, readMessages } from './message.js';

const HEAD = 'MSH|^~\\&|PAS|RX901|WEFT|RX9|20240610100000||ADT^A31^ADT_A05|1|P|2.4\r';
const read = (text: string): Message => readMessages(HEAD + text)[0]!;
const family = (text: string) => read(`PID|1||||${text}`).first('PID')!.field(5).component(1).value;

describe('a message', () => {
  it('counts fields, repetitions, components and subcomponents from 1', () => {
    const pid = read('PID|1||M1^^^RX901&x^MR~9990000018^^^NHS^NH||').first('PID')!;
    expect(pid.field(3).repetition(2).component(1).value).toBe('9990000018');
    expect(pid.field(3).component(4).subcomponent(2).value).toBe('x');
    expect(pid.field(3).repetitions.map((one) => one.component(5).value)).toEqual(['MR', 'NH']);
    expect(pid.field(3).repetition(1).components).toHaveLength(5);
    expect(pid.field(3).component(4).subcomponents).toHaveLength(2);
    expect(pid.field(0).value).toBeUndefined();
  });

  it('has its own separators as MSH-1 and MSH-2, whole', () => {
    const { header } = read('');
    expect([header.field(1).value, header.field(2).value, header.field(2).text]).toEqual(['|', '^~\\&', '^~\\&']);
    expect(header.field(2).repetitions).toHaveLength(1);
    expect(header.field(3).value).toBe('PAS');
  });

  it('tells what is missing, what is empty and what is null apart', () => {
    const pid = read('PID|1||""^x|').first('PID')!;
    expect([2, 3, 4, 5].map((number) => pid.field(number).value)).toEqual(['', null, '', undefined]);
    expect(pid.field(3).component(3).value).toBeUndefined();
    expect(pid.field(3).component(2).value).toBe('x');
    expect(pid.field(5).repetitions).toEqual([]);
    expect(pid.field(5).text).toBeUndefined();
    expect(pid.field(3).text).toBe('""^x');
  });

  it('numbers segments among their name, and knows one whatever follows its name', () => {
    const message = read('OBX|1\rOBX|2\rZZZ\rOBX\r');
    expect(message.segments.map(({ name, index }) => `${name}${index}`)).toEqual(['MSH1', 'OBX1', 'OBX2', 'ZZZ1', 'OBX3']);
    expect(message.all('OBX')[1]!.field(1).value).toBe('2');
    expect(message.first('PV1')).toBeUndefined();
  });

  it('keeps what came of a line break within a text as a segment of no name', () => {
    expect(read('NTE|1||one\rtwo|three').segments.at(-1)).toMatchObject({ name: 'two', raw: 'two|three' });
  });

  it.each([
    ['ADT^A31^ADT_A05', 'ADT^A31'],
    [' ORU^R01 ', 'ORU^R01'],
    ['ACK', 'ACK^'],
  ])('%j is the type %j', (type, expected) => {
    expect(readMessages(`MSH|^~\\&|||||||${type}|1`)[0]!.type).toBe(expected);
  });

  it('is one of several in a text, each with its own separators, without what a batch puts around them', () => {
    const text = `FHS|^~\\&\rBHS|^~\\&\r${HEAD}PID|1\rMSH$*!%@$A\rPID$1*2\rBTS|2\rFTS|1\rPID|9\r`;
    const messages = readMessages(text);
    expect(messages.map(({ segments }) => segments.map(({ name }) => name))).toEqual([
      ['MSH', 'PID'],
      ['MSH', 'PID'],
    ]);
    expect(messages[1]!.first('PID')!.field(1).component(2).value).toBe('2');
  });

  it.each(['', 'GET / HTTP/1.1\r\n', 'PID|1\r', 'MSH', 'MSHA|', 'MSH\r', '\r\r'])('is not in %j', (text) => {
    expect(readMessages(text)).toEqual([]);
  });
});

describe('an escape sequence', () => {
  it.each([
    ['O\\T\\B\\F\\C\\S\\D\\R\\E\\E\\F', 'O&B|C^D~E\\F'],
    ['\\P\\', '#'],
    ['a\\.br\\b\\.sp\\c\\.sp2\\d', 'a\nb\nc\n\nd'],
    ['\\H\\bold\\N\\', 'bold'],
    ['\\X41\\\\X0d0A\\', 'A\r\n'],
    // A character cut in two by its sender.
    ['\\XC3\\\\X84\\', 'Ä'],
    ['C:\\temp\\q1.pdf', 'C:\\temp\\q1.pdf'],
    ['C:\\MIME\\x', 'C:\\MIME\\x'],
    ['\\C2842\\\\M123456\\\\Zlocal\\', '\\C2842\\\\M123456\\\\Zlocal\\'],
    ['\\X4\\\\XZZ\\', '\\X4\\\\XZZ\\'],
    ['50\\', '50\\'],
    ['\\t\\', '\\t\\'],
    ['\\.sp999999999\\', '\\.sp999999999\\'],
  ])('%j reads %j', (raw, text) => expect(family(raw)).toBe(text));

  it('never makes a separator of data, nor data of a separator', () => {
    const name = read('PID|1||||A\\S\\B^C').first('PID')!.field(5);
    expect(name.component(1).value).toBe('A^B');
    expect(name.component(2).value).toBe('C');
    expect(name.text).toBe('A^B^C');
  });
});

describe('the separators', () => {
  it('that MSH-2 leaves out are the usual ones, and a subcomponent’s that it leaves out is none', () => {
    const name = (marks: string) => readMessages(`MSH|${marks}|\rPID|A\\R\\B&C^D~E`)[0]!.first('PID')!.field(1);
    expect(name('^').component(1).value).toBe('A~B&C');
    expect(name('^').repetition(2).value).toBe('E');
    expect(name('').component(1).subcomponent(2).value).toBe('C');
  });
});

describe('a segment', () => {
  const names = (text: string) => readMessages(text)[0]!.segments.map(({ name }) => name);
  const [head, ...rest] = ['MSH|^~\\&|A', 'EVN|A31', 'PID|1||M1'];

  it.each(['\r', '\n', '\r\n', '\n\n', '\r\r\n'])('ends with %j', (end) => {
    const text = [head, ...rest, ''].join(end);
    expect(names(text)).toEqual(['MSH', 'EVN', 'PID']);
    expect(readMessages(text)[0]!.segments.map(({ raw }) => raw)).toEqual([head, ...rest]);
  });

  it('does not end with a line feed that no segment follows', () => {
    const message = read('OBX|1|TX|A||one\ntwo\nOBR alone\nNTE|1');
    expect(message.segments.map(({ name }) => name)).toEqual(['MSH', 'OBX', 'NTE']);
    expect(message.first('OBX')!.field(5).value).toBe('one\ntwo\nOBR alone');
  });
});

whereThereAreCases('the cases of a message', () => {
  const of = (id: string, number?: number) => readMessage(bytesOfCase(id, number))!.message;
  const name = (id: string) => of(id).first('PID')!.field(5).component(1).value;

  it.each([
    ['p01-escapes', 'O&B|C^D~E\\F'],
    ['p04-own-delimiters', 'O@B'],
    ['p13-short-msh2', 'O&B'],
    ['p08-latin1-declared', 'LÄRCH'],
    ['p09-latin1-undeclared', 'LÄRCH’S'],
    ['p10-declared-wrong', 'LÄRCH'],
  ])('%s: the family name is %j', (id, expected) => {
    // `%T%` with `@` for subcomponents is `@`.
    expect(name(id)).toBe(expected);
  });

  it.each(['p05-lf', 'p06-crlf', 'p07-bom', 'p15-z-segments', 'p17-mixed-line-ends'])('%s: the sex is 1', (id) => {
    expect(of(id).first('PID')!.field(8).value).toBe('1');
  });

  it('p02, p03, p16: a text keeps its backslashes and its lines', () => {
    expect(of('p02-stray-backslash').first('OBX')!.field(5).value).toBe('C:\\MIME\\q1.pdf');
    const lines = of('p03-br-and-tilde-lines')
      .first('OBX')!
      .field(5)
      .repetitions.map(({ value }) => value);
    expect(lines.join('\n')).toBe('one\ntwo\nthree');
    expect(of('p16-lf-inside-text').first('OBX')!.field(5).value).toBe('one\ntwo');
  });

  it('p11: null, empty and missing', () => {
    const pid = of('p11-null-empty-missing', 2).first('PID')!;
    expect([11, 13, 15].map((number) => pid.field(number).value)).toEqual([null, '', undefined]);
  });

  it('p14: an untidy type is its type', () => expect(of('p14-message-type-untidy').type).toBe('ORU^R01'));
});

describe('whatever is sent', () => {
  const alphabet = fc.constantFrom(...'\r\n|^~\\&"X.TSFMHPIDO10\u000b\u001c\ufeff', 'MSH|', '\rPID|', '""', 'Ä', '😀');
  const anything = fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join(''));

  it('no reading throws, and each place gives what is there', () => {
    fc.assert(
      fc.property(fc.boolean(), anything, (headed, text) => {
        for (const message of readMessages(headed ? HEAD + text : text)) {
          for (const segment of message.segments) {
            for (let number = 0; number < 20; number += 1) {
              const field = segment.field(number);
              const values = field.repetitions.flatMap(({ components }) =>
                components.flatMap(({ subcomponents }) => subcomponents.map(({ value }) => value)),
              );
              expect(field.value).toBe(values[0]);
            }
          }
          expect(message.type).toEqual(expect.any(String));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('the text comes back of its segments, but for the line ends', () => {
    const text = fc.stringMatching(/^[ -~äé]*$/);
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (lines) => {
        const given = lines.filter((line) => line !== '' && !/^(MSH|FHS|BHS)[^\s\w]|^[BF]TS(\W|$)/.test(line));
        expect(
          read(given.join('\r'))
            .segments.map(({ raw }) => `${raw}\r`)
            .join(''),
        ).toBe(HEAD + given.map((line) => `${line}\r`).join(''));
      }),
    );
  });

  it('any text that is escaped comes back as it was', () => {
    const escape = (text: string) =>
      text.replace(
        /[\\|^~&\r\n]/g,
        (mark) => ({ '\\': '\\E\\', '|': '\\F\\', '^': '\\S\\', '~': '\\R\\', '&': '\\T\\', '\r': '\\X0D\\' })[mark] ?? '\\X0A\\',
      );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => expect(family(escape(text))).toBe(text === '""' ? null : text)),
    );
  });
});
