import { createHash } from 'node:crypto';
import { canonicalJson } from '@weft/domain';

/** A name is known by the first 16 bytes of the SHA-256 of its canonical JSON. */
const DIGEST_BYTES = 16;
const WORDS = DIGEST_BYTES / 4;
const FIRST_CAPACITY = 1024;

export const digestOfName = (name: readonly (string | number)[]): Buffer =>
  createHash('sha256').update(canonicalJson(name)).digest().subarray(0, DIGEST_BYTES);

/** Which of `passes` a digest belongs to: each has a range of its own, one behind the other. */
export const passOf = (digest: Buffer, passes: number): number => Math.floor((digest.readUInt32BE(0) / 2 ** 32) * passes);

/**
 * Names by their digests, each with an index in the order in which it came: 16 bytes a name and four of a slot, where a Map of texts would
 * take some 150.
 */
export class Digests {
  size = 0;
  private words = new Uint32Array(FIRST_CAPACITY * WORDS);
  /** One more than the index of the name in the slot; 0 where it is free. */
  private slots = new Uint32Array(FIRST_CAPACITY * 2);

  /** The index of a digest that is in it, or -1. */
  find(digest: Buffer): number {
    return this.slots[this.slotOf(digest)]! - 1;
  }

  /** Its index, whether or not it was in it. */
  add(digest: Buffer): number {
    const slot = this.slotOf(digest);
    if (this.slots[slot] !== 0) return this.slots[slot]! - 1;
    if (this.size === this.capacity) {
      this.grow();
      return this.add(digest);
    }
    for (let word = 0; word < WORDS; word += 1) this.words[this.size * WORDS + word] = digest.readUInt32BE(word * 4);
    this.size += 1;
    this.slots[slot] = this.size;
    return this.size - 1;
  }

  /** SHA-256 of those digests of which the index is asked for, in ascending order: 64 hex digits. */
  digestWhere(isOne: (index: number) => boolean, hash = createHash('sha256')): typeof hash {
    const chosen: number[] = [];
    for (let index = 0; index < this.size; index += 1) if (isOne(index)) chosen.push(index);
    chosen.sort((one, other) => this.compare(one, other));
    const bytes = Buffer.alloc(DIGEST_BYTES);
    for (const index of chosen) {
      for (let word = 0; word < WORDS; word += 1) bytes.writeUInt32BE(this.words[index * WORDS + word]!, word * 4);
      hash.update(bytes);
    }
    return hash;
  }

  private get capacity(): number {
    return this.words.length / WORDS;
  }

  private compare(one: number, other: number): number {
    for (let word = 0; word < WORDS; word += 1) {
      const by = this.words[one * WORDS + word]! - this.words[other * WORDS + word]!;
      if (by !== 0) return by;
    }
    return 0;
  }

  /** Where it is, or where it would go. A digest is as good as random, so its last bytes are the hash. */
  private slotOf(digest: Buffer): number {
    const mask = this.slots.length - 1;
    for (let slot = digest.readUInt32BE(DIGEST_BYTES - 4) & mask; ; slot = (slot + 1) & mask) {
      const index = this.slots[slot]! - 1;
      if (index < 0 || this.isAt(index, digest)) return slot;
    }
  }

  private isAt(index: number, digest: Buffer): boolean {
    for (let word = 0; word < WORDS; word += 1) {
      if (this.words[index * WORDS + word] !== digest.readUInt32BE(word * 4)) return false;
    }
    return true;
  }

  private grow(): void {
    const { words } = this;
    this.words = new Uint32Array(words.length * 2);
    this.words.set(words);
    this.slots = new Uint32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let index = 0; index < this.size; index += 1) {
      let slot = words[index * WORDS + WORDS - 1]! & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = index + 1;
    }
  }
}

/** A whole number for each index, 0 where none was set. */
export class Counts {
  private values = new Uint32Array(FIRST_CAPACITY);

  of(index: number): number {
    return this.values[index] ?? 0;
  }

  add(index: number, more: number): void {
    if (index >= this.values.length) {
      const values = new Uint32Array(Math.max(this.values.length * 2, index + 1));
      values.set(this.values);
      this.values = values;
    }
    this.values[index]! += more;
  }
}
