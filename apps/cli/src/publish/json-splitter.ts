/** A part of a JSON document, as its bytes: an element of the array that is split, or another member of the outermost object. */
export type Part =
  | { readonly kind: 'element'; readonly index: number; readonly bytes: Buffer; readonly offset: number }
  | { readonly kind: 'member'; readonly name: string; readonly bytes: Buffer };

/** The document cannot be taken apart; the message says where. */
export class NotSplittable extends Error {}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Some systems put one first. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Takes a JSON document of any size apart without holding it: `[…]` into its elements, `{…, "entry": […]}` into the entries
 * and its other members. What is inside a part is not checked. Memory is bounded by the largest part allowed.
 */
export class JsonSplitter {
  private depth = 0;
  private inString = false;
  private escaped = false;
  private root: 'none' | 'array' | 'object' | 'over' = 'none';
  /** The name of the member whose value is being read; null while its name is. */
  private member: string | null = null;
  private readonly members = new Set<string>();
  private isInList = false;
  private elements = 0;
  /** Bytes before the chunk at hand. */
  private before = 0;
  private held: Buffer[] = [];
  private heldBytes = 0;
  /** Where the part at hand began, in the whole document; -1 while only space has come. */
  private began = -1;

  constructor(
    private readonly list: string,
    private readonly limitBytes: number,
  ) {}

  *push(chunk: Buffer): Generator<Part> {
    let start = 0;
    const take = (end: number): Buffer => {
      const bytes = Buffer.concat([...this.held, chunk.subarray(start, end)]);
      this.held = [];
      this.heldBytes = 0;
      return bytes;
    };
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (byte === BACKSLASH) this.escaped = true;
        else if (byte === QUOTE) this.inString = false;
        continue;
      }
      if (isSpace(byte)) continue;
      if (this.root === 'none' || this.root === 'over') {
        this.begin(byte, at);
        start = at + 1;
        continue;
      }
      const splitAt = this.isInList ? 2 : 1;
      const closes = byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;
      if (this.depth === splitAt && (byte === COMMA || closes)) {
        const bytes = take(at);
        start = at + 1;
        yield* this.end(bytes);
        if (closes) this.close();
      } else if (this.root === 'object' && this.depth === 1 && byte === COLON && this.member === null) {
        this.member = nameOf(take(at), this.before + at);
        if (this.members.has(this.member))
          throw new NotSplittable(`a member stands twice in it, again at byte ${this.before + at}`);
        this.members.add(this.member);
        start = at + 1;
        this.began = -1;
      } else if (this.opensList(byte)) {
        this.isInList = true;
        this.depth = 2;
        take(at);
        start = at + 1;
        this.began = -1;
      } else {
        if (this.began < 0) this.began = this.before + at;
        if (byte === QUOTE) this.inString = true;
        else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) this.depth += 1;
        else if (closes) this.depth -= 1;
      }
    }
    this.before += chunk.length;
    if (this.root === 'array' || this.root === 'object') this.hold(chunk.subarray(start));
  }

  /** Throws NotSplittable where the document is not over. */
  finish(): void {
    if (this.root !== 'over') throw new NotSplittable(`it ends too early, at byte ${this.before}`);
  }

  private begin(byte: number, at: number): void {
    if (this.before + at < BYTE_ORDER_MARK.length && byte === BYTE_ORDER_MARK[this.before + at]) return;
    if (this.root === 'over') throw new NotSplittable(`something follows behind its end, at byte ${this.before + at}`);
    if (byte === OPEN_ARRAY) this.root = 'array';
    else if (byte === OPEN_OBJECT) this.root = 'object';
    else throw new NotSplittable(`it begins with neither { nor [, at byte ${this.before + at}`);
    this.depth = 1;
  }

  private opensList(byte: number): boolean {
    return byte === OPEN_ARRAY && this.root === 'object' && this.depth === 1 && this.member === this.list && this.began < 0;
  }

  private *end(bytes: Buffer): Generator<Part> {
    const { began, member } = this;
    this.began = -1;
    const trimmed = trim(bytes);
    if (this.root === 'array' || this.isInList) {
      // Nothing stands between the brackets of an empty list.
      if (began >= 0) yield { kind: 'element', index: this.elements++, bytes: trimmed, offset: began };
      return;
    }
    this.member = null;
    // Behind the list itself nothing is left of its member.
    if (member !== null && began >= 0) yield { kind: 'member', name: member, bytes: trimmed };
  }

  private close(): void {
    this.depth -= 1;
    if (this.depth === 0) this.root = 'over';
    else this.isInList = false;
  }

  private hold(rest: Buffer): void {
    if (rest.length === 0) return;
    this.heldBytes += rest.length;
    if (this.heldBytes > this.limitBytes) {
      throw new NotSplittable(`one part of it, at byte ${this.before - this.heldBytes}, is above ${this.limitBytes} bytes`);
    }
    // A copy: the chunk's memory may be used again by whoever reads the file.
    this.held.push(Buffer.from(rest));
  }
}

function trim(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && isSpace(bytes[start]!)) start += 1;
  while (end > start && isSpace(bytes[end - 1]!)) end -= 1;
  return bytes.subarray(start, end);
}

function nameOf(bytes: Buffer, at: number): string {
  try {
    return String(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw new NotSplittable(`a member's name cannot be read, at byte ${at}`);
  }
}
