/** What a stream of MLLP turned out to hold, in its order. */
export type FrameEvent =
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  /** The sender began anew, or went away, before the end: all that there was of it. */
  | { readonly kind: 'truncated'; readonly bytes: Uint8Array }
  /** Its first bytes, and how many there were. */
  | { readonly kind: 'too-large'; readonly head: Uint8Array; readonly size: number }
  /** So many bytes outside any frame, line ends not counted. */
  | { readonly kind: 'noise'; readonly size: number };

const [VT, FS, CR, LF] = [0x0b, 0x1c, 0x0d, 0x0a];
const HEAD_BYTES = 4096;
const SPARE_BYTES = 65_536;
const BEGINNINGS = ['MSH', 'FHS', 'BHS', '\xef\xbb\xbfMSH', '\xef\xbb\xbfFHS', '\xef\xbb\xbfBHS'];

/**
 * Cuts a stream of bytes into MLLP frames. The same bytes give the same frames however they come in pieces. What it holds is never more
 * than twice the largest frame.
 */
export class Framer {
  private isOpen = false;
  private buffer = new Uint8Array(1024);
  /** Bytes of the open frame, of which those beyond the limit are not kept. */
  private size = 0;
  /** What was read of an end or a beginning that is not decided yet: FS, or VT and some of a header's name. */
  private held: number[] = [];
  private noise = 0;

  constructor(private readonly bytesMax: number) {}

  /** Whether a frame has begun. */
  get open(): boolean {
    return this.isOpen;
  }

  /** Bytes of it that are kept. */
  get openBytes(): number {
    return this.isOpen ? Math.min(this.size, this.bytesMax) : 0;
  }

  /** Whether the open frame is over unless something follows. */
  get endsInSilence(): boolean {
    return this.held[0] === FS;
  }

  push(chunk: Uint8Array): FrameEvent[] {
    const events: FrameEvent[] = [];
    for (let at = 0; at < chunk.length;) {
      if (!this.isOpen) at = this.skip(chunk, at, events);
      else if (this.held.length === 0) at = this.take(chunk, at);
      else if (this.held[0] === FS) at = this.afterFs(chunk, at, events);
      else at = this.afterVt(chunk, at, events);
    }
    return events;
  }

  /** Nothing has followed for so long that FS alone was the end. */
  silence(): FrameEvent[] {
    return this.endsInSilence ? [this.close()] : [];
  }

  /** No more will come. */
  end(): FrameEvent[] {
    const events = this.silence();
    if (this.isOpen) {
      this.release();
      events.push(this.close('truncated'));
    }
    return [...events, ...this.heardNoise()];
  }

  private skip(chunk: Uint8Array, from: number, events: FrameEvent[]): number {
    let at = from;
    for (; at < chunk.length && chunk[at] !== VT; at += 1) if (chunk[at] !== CR && chunk[at] !== LF) this.noise += 1;
    if (at === chunk.length) return at;
    events.push(...this.heardNoise());
    this.isOpen = true;
    return at + 1;
  }

  private take(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length && chunk[at] !== FS && chunk[at] !== VT) at += 1;
    this.append(chunk.subarray(from, at));
    if (at === chunk.length) return at;
    this.held = [chunk[at]!];
    return at + 1;
  }

  private afterFs(chunk: Uint8Array, at: number, events: FrameEvent[]): number {
    const byte = chunk[at]!;
    if (byte !== CR && byte !== VT) {
      this.release();
      return at;
    }
    events.push(this.close());
    this.isOpen = byte === VT;
    return at + 1;
  }

  private afterVt(chunk: Uint8Array, at: number, events: FrameEvent[]): number {
    const read = String.fromCharCode(...this.held.slice(1), chunk[at]!);
    if (!BEGINNINGS.some((beginning) => beginning.startsWith(read))) {
      this.release();
      return at;
    }
    this.held.push(chunk[at]!);
    if (BEGINNINGS.includes(read)) {
      const beginning = this.held.slice(1);
      events.push(this.close('truncated'));
      this.isOpen = true;
      this.append(Uint8Array.from(beginning));
    }
    return at + 1;
  }

  /** What was held is text. */
  private release(): void {
    const held = Uint8Array.from(this.held);
    this.held = [];
    this.append(held);
  }

  private append(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, Math.max(0, this.bytesMax - this.size));
    const needed = this.size + kept.length;
    if (kept.length > 0 && needed > this.buffer.length) {
      const larger = new Uint8Array(Math.min(this.bytesMax, Math.max(needed, this.buffer.length * 2)));
      larger.set(this.buffer.subarray(0, this.size));
      this.buffer = larger;
    }
    this.buffer.set(kept, Math.min(this.size, this.buffer.length));
    this.size += bytes.length;
    if (this.size > this.bytesMax && this.buffer.length > SPARE_BYTES) this.buffer = this.buffer.slice(0, HEAD_BYTES);
  }

  private close(kind: 'frame' | 'truncated' = 'frame'): FrameEvent {
    const { size, buffer } = this;
    this.isOpen = false;
    this.held = [];
    this.size = 0;
    if (buffer.length > SPARE_BYTES) this.buffer = new Uint8Array(1024);
    if (size > this.bytesMax) return { kind: 'too-large', head: buffer.slice(0, Math.min(HEAD_BYTES, this.bytesMax)), size };
    return { kind, bytes: buffer.slice(0, size) };
  }

  private heardNoise(): FrameEvent[] {
    const size = this.noise;
    this.noise = 0;
    return size === 0 ? [] : [{ kind: 'noise', size }];
  }
}
