/** A connection as it is read, or not. */
export interface Reader {
  mayRead(may: boolean): void;
}

/**
 * What the connections of one listener hold: bytes of open frames, and of messages that are not durable yet. Above the limit they are not
 * read, but for the frame that has been open for longest, which must be able to end. With so many bytes waiting for the bus, none is.
 */
export class Held {
  private readonly readers = new Set<Reader>();
  /** Bytes of open frames, the oldest first. */
  private readonly frames = new Map<Reader, number>();
  private openBytes = 0;
  private waitingBytes = 0;
  /** Who may read; `all` is all. */
  private turn: Reader | 'all' | 'none' = 'all';

  constructor(private readonly bytesMax: number) {}

  get bytes(): number {
    return this.openBytes + this.waitingBytes;
  }

  get count(): number {
    return this.readers.size;
  }

  join(reader: Reader): void {
    this.readers.add(reader);
    if (this.turn !== 'all') reader.mayRead(false);
  }

  leave(reader: Reader): void {
    this.readers.delete(reader);
    this.frame(reader, 0);
  }

  /** The bytes of a reader's open frame, 0 for none. */
  frame(reader: Reader, bytes: number): void {
    const before = this.frames.get(reader) ?? 0;
    if (bytes === before) return;
    if (bytes === 0) this.frames.delete(reader);
    else this.frames.set(reader, bytes);
    this.openBytes += bytes - before;
    this.decide();
  }

  /** Holds a message until what becomes of it is known. */
  async waiting<T>(bytes: number, durable: Promise<T>): Promise<T> {
    this.waitingBytes += bytes;
    this.decide();
    try {
      return await durable;
    } finally {
      this.waitingBytes -= bytes;
      this.decide();
    }
  }

  private decide(): void {
    const turn = this.waitingBytes >= this.bytesMax ? 'none' : this.bytes >= this.bytesMax ? (this.oldest ?? 'none') : 'all';
    if (turn === this.turn) return;
    this.turn = turn;
    for (const reader of this.readers) reader.mayRead(turn === 'all' || turn === reader);
  }

  private get oldest(): Reader | undefined {
    return this.frames.keys().next().value;
  }
}
