import fc from 'fast-check';
import { bytesAsText, textAsBytes } from './bytes.js';
import { casesOf, whereThereAreCases, type WireStep } from './cases.fixture.js';
import { headerIn } from './batches.js';
import { Framer, type FrameEvent } from './framer.js';

const MIB = 1024 * 1024;
const [VT, FS] = ['\u000b', '\u001c'];

const shown = (event: FrameEvent): string =>
  'bytes' in event ? `${event.kind} ${bytesAsText(event.bytes)}` : `${event.kind} ${event.size}`;

function framed(chunks: readonly string[], bytesMax = MIB): string[] {
  const framer = new Framer(bytesMax);
  return [...chunks.flatMap((chunk) => framer.push(textAsBytes(chunk))), ...framer.end()].map(shown);
}

describe('a stream of MLLP', () => {
  it.each([
    ['one frame', `${VT}MSH|1${FS}\r`, ['frame MSH|1']],
    ['two frames', `${VT}MSH|1${FS}\r${VT}MSH|2${FS}\r`, ['frame MSH|1', 'frame MSH|2']],
    ['line ends between frames', `${VT}a${FS}\r\r\n${VT}b${FS}\r\n`, ['frame a', 'frame b']],
    ['noise between frames', `x${VT}a${FS}\r \r\n!${VT}b${FS}\ry`, ['noise 1', 'frame a', 'noise 2', 'frame b', 'noise 1']],
    ['a start that ends the one before', `${VT}a${FS}${VT}b${FS}\r`, ['frame a', 'frame b']],
    ['an end without CR', `${VT}a${FS}`, ['frame a']],
    ['an end block within a text', `${VT}a${FS}b${FS}${FS}\r`, [`frame a${FS}b${FS}`]],
    ['a start block within a text', `${VT}a${VT}b${VT}MSX${FS}\r`, [`frame a${VT}b${VT}MSX`]],
    ['a message begun anew', `${VT}MSH|1\r${VT}MSH|2${FS}\r`, ['truncated MSH|1\r', 'frame MSH|2']],
    ['a batch begun anew', `${VT}a${VT}BHS|${VT}FHS|${FS}\r`, ['truncated a', 'truncated BHS|', 'frame FHS|']],
    ['a marked message begun anew', `${VT}a${VT}\xef\xbb\xbfMSH|${FS}\r`, ['truncated a', 'frame \xef\xbb\xbfMSH|']],
    ['an open frame at the end', `${VT}a${VT}MS`, [`truncated a${VT}MS`]],
    ['nothing in a frame', `${VT}${FS}\r`, ['frame ']],
  ])('has %s', (_, text, expected) => {
    expect(framed([text])).toEqual(expected);
    expect(framed([...text])).toEqual(expected);
  });

  it('ends a frame after FS and silence, and after nothing else', () => {
    const framer = new Framer(MIB);
    framer.push(textAsBytes(`${VT}a`));
    expect([framer.open, framer.endsInSilence, framer.silence()]).toEqual([true, false, []]);
    framer.push(textAsBytes(FS));
    expect(framer.endsInSilence).toBe(true);
    expect(framer.silence().map(shown)).toEqual(['frame a']);
    expect(framer.push(textAsBytes(`\r${VT}b${FS}\r`)).map(shown)).toEqual(['frame b']);
  });

  it('counts a frame beyond the limit, keeps its head alone, and takes the next', () => {
    const framer = new Framer(10_000);
    const head = `MSH|^~\\&|${'x'.repeat(9_000)}`;
    framer.push(textAsBytes(VT + head));
    for (let i = 0; i < 100; i += 1) framer.push(textAsBytes('y'.repeat(1_000)));
    const [large, next] = framer.push(textAsBytes(`${FS}\r${VT}b${FS}\r`));
    expect(large).toEqual({ kind: 'too-large', size: head.length + 100_000, head: textAsBytes(head.slice(0, 4096)) });
    expect(shown(next!)).toBe('frame b');
    expect(framed([`${VT}12345${FS}\r${VT}123456${FS}\r${VT}1${FS}\r`], 5)).toEqual(['frame 12345', 'too-large 6', 'frame 1']);
  });

  it('gives the same frames however its bytes come in pieces', () => {
    const piece = fc.constantFrom(VT, FS, '\r', '\n', 'MSH|', 'M', 'S', 'H', 'FHS', 'B', '\xef', '\xbb', '\xbf', 'x', 'yyyyyy');
    const stream = fc.array(piece, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(stream, fc.array(fc.nat(60), { maxLength: 8 }), fc.integer({ min: 4, max: 40 }), (text, cuts, bytesMax) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
        const chunks = places.slice(1).map((place, index) => text.slice(places[index], place));
        const whole = framed([text], bytesMax);
        expect(framed(chunks, bytesMax)).toEqual(whole);
        expect(framed([...text], bytesMax)).toEqual(whole);
      }),
      { numRuns: 3_000 },
    );
  });

  it('loses no byte of any text that has neither block in it', () => {
    const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(
        text.filter((one) => !one.includes(VT) && !one.includes(FS)),
        (body) => {
          expect(framed([`${VT}${body}${FS}\r`])).toEqual([`frame ${body}`]);
        },
      ),
    );
  });
});

whereThereAreCases('the cases of framing', () => {
  it.each(casesOf('f').filter(({ wire }) => wire !== undefined))('$id: $about', ({ wire, expect: expected }) => {
    const framer = new Framer(16 * MIB);
    const events = [...wire!.flatMap((step) => played(framer, step)), ...framer.end()];
    const faults = events.map(({ kind }) => kind).filter((kind) => kind !== 'frame');
    // A frame that is no HL7 v2 is a frame.
    expect(faults).toEqual((expected.faults ?? []).filter((fault) => fault !== 'not-hl7'));
    const ids = events.flatMap((event) => (event.kind === 'frame' ? [headerIn(event.bytes)?.field(10).value] : []));
    for (const id of ids) if (id !== undefined) expect(expected.handled).toContain(id);
    const large = events.find((event) => event.kind === 'too-large');
    if (large !== undefined) expect(headerIn(large.head)!.field(10).value).toBe('BIG1');
  });
});

function played(framer: Framer, { send, sendUtf8, splitAfterByte, pauseMs, repeat, bytes = 0 }: WireStep): FrameEvent[] {
  const given = sendUtf8 === undefined ? textAsBytes(send ?? '') : new TextEncoder().encode(sendUtf8);
  if (repeat !== undefined)
    return Array.from({ length: bytes / MIB }, () => framer.push(new Uint8Array(MIB).fill(repeat.charCodeAt(0)))).flat();
  if (splitAfterByte !== undefined)
    return [given.subarray(0, splitAfterByte), given.subarray(splitAfterByte)].flatMap((part) => framer.push(part));
  return [...framer.push(given), ...((pauseMs ?? 0) >= 500 ? framer.silence() : [])];
}
