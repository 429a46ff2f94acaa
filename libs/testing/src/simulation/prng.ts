const TWO_TO_32 = 0x1_0000_0000;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** sfc32 (Chris Doty-Humphrey): 128 bits of state, about 3 ns a number, the same numbers on every machine. Not for secrets. */
export class Prng {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** `stream` gives independent sequences for one seed, so that more draws of one kind do not shift the others. */
  constructor(seed: number, stream = 0) {
    this.a = seed | 0;
    this.b = Math.floor(seed / TWO_TO_32) | 0;
    this.c = Math.imul(stream + 1, 0x9e3779b1);
    for (let round = 0; round < 15; round++) this.uint32();
  }

  uint32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return sum >>> 0;
  }

  /** From 0 to, not including, 1. */
  fraction(): number {
    return this.uint32() / TWO_TO_32;
  }

  /** An integer from 0 to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  /** Each element with a probability of one half. */
  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.chance(0.5));
  }

  /** A UUID, version 4. */
  uuid(): string {
    const [w0, w1, w2, w3] = [this.uint32(), this.uint32(), this.uint32(), this.uint32()];
    const low = (w1 & 0xffff0fff) | 0x4000;
    const high = (w2 & 0x3fffffff) | 0x80000000;
    return `${hex16(w0 >>> 16)}${hex16(w0)}-${hex16(low >>> 16)}-${hex16(low)}-${hex16(high >>> 16)}-${hex16(high)}${hex16(w3 >>> 16)}${hex16(w3)}`;
  }
}

function hex16(word: number): string {
  return `${HEX[(word >>> 8) & 0xff]}${HEX[word & 0xff]}`;
}
