import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { acknowledgement, Framer, type FrameEvent, headerIn, messagesIn, type Segment, textAsBytes } from '@weft/hl7v2';
import type { Hl7v2Listener } from '@weft/service';
import type { Held, Reader } from './held.js';
import { type RawIntake, refused, type Storing } from './raw-intake.js';
import type { Measures } from './measures.js';

/** How long is waited, in milliseconds, for what ends a frame by not coming. */
export const WAITS = {
  /** FS without CR ends a frame once nothing follows for so long. */
  silence: 500,
  /** An open frame of which nothing comes for so long was given up by its sender. A connection without one may rest for hours. */
  slow: 60_000,
};
const KEEP_ALIVE_MS = 60_000;
/** A sender that reads no acknowledgements is not read either. */
const UNANSWERED_MAX = 1_000;

/** One engine's connection: frames in, acknowledgements out, in the order of the messages. */
export class Connection implements Reader {
  private readonly framer: Framer;
  private answers: Promise<void> = Promise.resolve();
  private unanswered = 0;
  private mayBeRead = true;
  private silence: NodeJS.Timeout | undefined;
  private slow: NodeJS.Timeout | undefined;
  private isEnding = false;

  constructor(
    private readonly socket: Socket,
    private readonly listener: Hl7v2Listener,
    private readonly intake: RawIntake,
    private readonly held: Held,
    private readonly measures: Measures,
    private readonly waits: typeof WAITS,
  ) {
    this.framer = new Framer(listener.frameBytesMax);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('end', () => this.finish());
    // What went wrong is the sender's to notice: it repeats what was not acknowledged.
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed());
    held.join(this);
  }

  mayRead(may: boolean): void {
    this.mayBeRead = may;
    this.steer();
  }

  /** Reads no more, answers what was read, and closes. A frame that is still open is the sender's to repeat. */
  async stop(): Promise<void> {
    this.isEnding = true;
    this.steer();
    await this.settled();
    this.socket.destroySoon();
  }

  private read(chunk: Buffer): void {
    if (this.isEnding) return;
    this.take(this.framer.push(chunk));
    this.watch();
  }

  private take(events: readonly FrameEvent[]): void {
    for (const event of events) {
      if (event.kind === 'noise') this.measures.noise(event.size);
      else if (event.kind === 'frame') this.takeFrame(event.bytes);
      else if (event.kind === 'truncated')
        this.answer(headerIn(event.bytes), event.bytes.length, this.intake.receiveTruncated(event.bytes));
      else this.answer(headerIn(event.head), 0, refused('too-large'));
    }
    this.held.frame(this, this.framer.openBytes);
  }

  private takeFrame(bytes: Uint8Array): void {
    const { messages, isMiscounted } = messagesIn(bytes);
    if (isMiscounted) this.measures.noted('batch-count');
    if (messages.length === 0) this.answer(null, 0, refused('not-hl7'));
    for (const message of messages) {
      const header = headerIn(message);
      this.answer(header, message.length, this.intake.receive(message, header));
    }
  }

  /** Answers in turn, whichever is stored first. */
  private answer(header: Segment | null, bytes: number, { outcome, settled }: Storing): void {
    const began = performance.now();
    void this.held.waiting(bytes, settled);
    this.unanswered += 1;
    const before = this.answers;
    this.answers = (async () => {
      const given = await outcome;
      await before;
      this.measures.became(given.stored ? 'stored' : given.reason);
      const { acknowledge: mode } = this.listener;
      await this.write(
        acknowledgement(header, given, { mode, at: Date.now(), id: randomUUID().replaceAll('-', '').slice(0, 20) }),
      );
      this.measures.acknowledged((performance.now() - began) / 1_000);
      this.unanswered -= 1;
      this.steer();
    })();
    this.steer();
  }

  private async write(text: string | null): Promise<void> {
    if (text === null || !this.socket.writable) return;
    const isTaken = this.socket.write(textAsBytes(`\x0b${text}\x1c\r`));
    if (isTaken) return;
    const done = new AbortController();
    const { signal } = done;
    await Promise.race([once(this.socket, 'drain', { signal }), once(this.socket, 'close', { signal })]).catch(() => undefined);
    done.abort();
  }

  private steer(): void {
    const isRead = this.mayBeRead && this.unanswered < UNANSWERED_MAX && !this.isEnding;
    if (isRead && this.socket.isPaused()) this.socket.resume();
    else if (!isRead && !this.socket.isPaused()) this.socket.pause();
  }

  /** Waits for what ends an open frame by not coming. */
  private watch(): void {
    clearTimeout(this.silence);
    clearTimeout(this.slow);
    if (!this.framer.open) return;
    if (this.framer.endsInSilence) this.silence = setTimeout(() => this.take(this.framer.silence()), this.waits.silence);
    else this.slow = setTimeout(() => this.giveUp(), this.waits.slow);
  }

  private giveUp(): void {
    // Nothing came because nothing was read.
    if (this.socket.isPaused()) return this.watch();
    this.measures.ended('slow');
    this.finish();
  }

  /** The sender sends no more; it still gets its answers. */
  private finish(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.take(this.framer.end());
    void this.settled().then(() => this.socket.destroySoon());
  }

  private closed(): void {
    this.finish();
    clearTimeout(this.silence);
    clearTimeout(this.slow);
    this.held.leave(this);
  }

  private async settled(): Promise<void> {
    let last: Promise<void> | undefined;
    while (last !== this.answers) {
      last = this.answers;
      await last;
    }
  }
}
