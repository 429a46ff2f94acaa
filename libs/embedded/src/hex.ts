/*
 * Keys, pseudonyms and digests are written as hexadecimal, and no packer shortens what is random: each such letter carries
 * half a byte. So a run of 32 of them is kept as the 16 bytes they stand for, behind a byte that UTF-8 never has.
 */

const RUN = 32;
const MARK = 0xff;
const FOLDED = 1 + RUN / 2;
const DIGITS = Buffer.from('0123456789abcdef');
/** The value of each lower-case digit, -1 of every other byte: capitals would come back as small letters. */
const VALUES = new Int8Array(256).fill(-1);
for (const [value, digit] of DIGITS.entries()) VALUES[digit] = value;

/** Where the next run begins, or -1. Looks at one byte in 32 of what has no digits. */
function nextRun(bytes: Buffer, from: number): number {
  for (let start = from; start + RUN <= bytes.length;) {
    let at = start + RUN - 1;
    while (at >= start && (VALUES[bytes[at] as number] as number) >= 0) at -= 1;
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
    for (let at = 0; at < RUN / 2; at += 1) {
      const high = VALUES[bytes[run + 2 * at] as number] as number;
      folded[to + 1 + at] = (high << 4) | (VALUES[bytes[run + 2 * at + 1] as number] as number);
    }
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
    for (let at = run + 1; at < run + FOLDED; at += 1) {
      const byte = bytes[at] as number;
      unfolded[to] = DIGITS[byte >> 4] as number;
      unfolded[to + 1] = DIGITS[byte & 15] as number;
      to += 2;
    }
    from = run + FOLDED;
  }
  to += bytes.copy(unfolded, to, from);
  return unfolded.subarray(0, to);
}
