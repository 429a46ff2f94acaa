/*
 * Keys, pseudonyms and digests are written as hexadecimal, and no packer shortens what is random: each such letter carries
 * half a byte. So a run of 32 of them is kept as the 16 bytes they stand for, behind a byte that UTF-8 never has.
 */

const RUN = 32;
const MARK = 0xff;
const FOLDED = 1 + RUN / 2;
/** 1 for each digit. Capitals are none: they would come back as small letters. */
const IS_DIGIT = new Uint8Array(256);
for (const digit of Buffer.from('0123456789abcdef')) IS_DIGIT[digit] = 1;

/** Where the next run begins, or -1. Looks at one byte in 32 of what has no digits. */
function nextRun(bytes: Buffer, from: number): number {
  for (let start = from; start + RUN <= bytes.length;) {
    let at = start + RUN - 1;
    while (at >= start && IS_DIGIT[bytes[at] as number] === 1) at -= 1;
    if (at < start) return start;
    start = at + 1;
  }
  return -1;
}

/** The same in fewer bytes where there are runs: then a mark stands in front. `bytes` must begin with text. */
export function foldHex(bytes: Buffer): Buffer {
  let run = nextRun(bytes, 0);
  if (run < 0 || bytes.includes(MARK)) return bytes;
  const folded = Buffer.allocUnsafe(bytes.length);
  folded[0] = MARK;
  let [to, from] = [1, 0];
  for (; run >= 0; run = nextRun(bytes, from)) {
    to += bytes.copy(folded, to, from, run);
    folded[to] = MARK;
    folded.write(bytes.toString('latin1', run, run + RUN), to + 1, 'hex');
    to += FOLDED;
    from = run + RUN;
  }
  to += bytes.copy(folded, to, from);
  return folded.subarray(0, to);
}

/** What was folded; anything that does not begin with a mark is given back as it is. Throws RangeError where a run is cut off. */
export function unfoldHex(bytes: Buffer): Buffer {
  if (bytes[0] !== MARK) return bytes;
  const unfolded = Buffer.allocUnsafe(Math.ceil((bytes.length / FOLDED) * RUN) + RUN);
  let [to, from] = [0, 1];
  for (let run = bytes.indexOf(MARK, from); run >= 0; run = bytes.indexOf(MARK, from)) {
    if (run + FOLDED > bytes.length) throw new RangeError('a run of digits is cut off');
    to += bytes.copy(unfolded, to, from, run);
    from = run + FOLDED;
    to += unfolded.write(bytes.toString('hex', run + 1, from), to, 'latin1');
  }
  to += bytes.copy(unfolded, to, from);
  return unfolded.subarray(0, to);
}
