import { setTimeout as sleep } from 'node:timers/promises';
import type { Purpose } from '@weft/domain';
import { type Client, Refused } from '../client.js';
import { EXIT, Failure } from '../failure.js';
import { wholeLines } from './lines.js';

/** What Weft says last when it ends a subscription. */
export interface LastWord {
  readonly reason: 'token-ended' | 'stopping' | 'restored';
  readonly cursor?: string;
}

const LAST_WORD = '{"kind":"ended"';
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

export interface Follower {
  readonly purpose: Purpose;
  /** Where to begin when there is no cursor yet. */
  readonly begin: 'beginning' | 'end';
  readonly cursor?: string;
  /** A client with a token of its own, which is good for one connection. */
  connect(): Client;
  /** Whether the next client's token is another one. */
  readonly hasNewTokens: boolean;
  /** Resolves once the line is out. */
  tell(line: string): Promise<void>;
  /** Everything up to this cursor is out. */
  keep(cursor: string): Promise<void>;
  note(text: string): void;
  readonly signal: AbortSignal;
}

/** Why a connection is over: Weft said so, or it was cut. */
type End = LastWord | { readonly reason: 'cut'; readonly why: string };

/** Follows one purpose over as many connections as it takes, each behind what the one before has told. */
export class Subscription {
  private hasFollowed = false;
  private isCaughtUp = false;
  private failures = 0;

  /** Behind everything that is out. */
  cursor: string | undefined;

  constructor(private readonly of: Follower) {
    this.cursor = of.cursor;
  }

  /** Resolves when the signal says stop. Throws Failure where going on cannot help. */
  async run(): Promise<void> {
    const { signal } = this.of;
    while (!signal.aborted) {
      const end = await this.connection();
      if (signal.aborted) return;
      if (end.reason === 'token-ended') {
        this.refuseOldToken();
        if (this.failures === 0) {
          this.of.note('its token has ended; it goes on with a new one');
          continue;
        }
      }
      await this.pause(end.reason === 'cut' ? end.why : SAID[end.reason]);
    }
  }

  private async connection(): Promise<End> {
    try {
      return await this.follow(this.of.connect());
    } catch (error) {
      if (this.of.signal.aborted) return { reason: 'cut', why: '' };
      if (!this.hasFollowed || !mayPass(error)) throw error;
      return { reason: 'cut', why: error instanceof Failure ? error.message : 'the connection broke off' };
    }
  }

  private async follow(client: Client): Promise<End> {
    const { purpose, begin, tell, note } = this.of;
    const path = `/record-changes/${purpose}?`;
    // Taken before anything is told: once everything up to now is, it is behind all of that.
    const end = cursorOf(await client.ask(`${path}from=end`, { method: 'HEAD' }));
    const after = this.cursor === undefined ? `from=${begin}` : `after=${encodeURIComponent(this.cursor)}`;
    const response = await client.ask(path + after);
    if (this.failures > 0) note('it is back; this goes on where it was');
    else if (!this.hasFollowed) note(`following ${purpose}; Ctrl-C ends it`);
    this.hasFollowed = true;
    if (this.cursor === undefined) await this.keep(cursorOf(response));
    let told: string | undefined;
    let isCaughtUp = false;
    for await (const line of wholeLines(response.body as unknown as AsyncIterable<Uint8Array>)) {
      if (line.startsWith(LAST_WORD)) return await this.ended(line);
      if (line !== '') {
        await tell(line);
        const { cursor } = JSON.parse(line) as { readonly cursor?: string };
        await this.keep(cursor);
        told = cursor ?? told;
      } else if (!isCaughtUp) {
        isCaughtUp = true;
        await this.caughtUp(told ?? end);
      }
    }
    return { reason: 'cut', why: 'the connection ended without a word' };
  }

  private async caughtUp(cursor: string | undefined): Promise<void> {
    this.failures = 0;
    if (cursor !== this.cursor) await this.keep(cursor);
    if (!this.isCaughtUp) this.of.note('up to now; what comes next is new');
    this.isCaughtUp = true;
  }

  private async ended(line: string): Promise<LastWord> {
    const word = JSON.parse(line) as LastWord;
    await this.keep(word.cursor);
    if (word.reason === 'token-ended' && !this.of.hasNewTokens) await this.of.tell(line);
    return word;
  }

  private async keep(cursor: string | undefined): Promise<void> {
    if (cursor === undefined) return;
    await this.of.keep(cursor);
    this.cursor = cursor;
  }

  private refuseOldToken(): void {
    if (this.of.hasNewTokens) return;
    throw new Failure(EXIT.finding, 'the token of this subscription has ended', 'put a new one into WEFT_TOKEN');
  }

  private async pause(why: string): Promise<void> {
    const { note, signal } = this.of;
    if (this.failures === 0) note(`${why}; trying again until it is back, Ctrl-C ends it`);
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.failures, LONGEST_PAUSE_MS) * (0.75 + Math.random() / 2);
    this.failures += 1;
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** Whatever is no word of Weft's own is the connection's. */
function mayPass(error: unknown): boolean {
  if (error instanceof Refused) return error.status === 429;
  return error instanceof Failure ? error.exitCode === EXIT.unreachable : isOfConnection(error);
}

/** What fetch throws while a body arrives. */
const isOfConnection = (error: unknown): boolean => (error as Error).message === 'terminated';

const SAID = { 'token-ended': 'its token has ended', stopping: 'Weft is stopping', restored: 'the region was restored' } as const;

const cursorOf = (response: Response): string | undefined => response.headers.get('weft-cursor') ?? undefined;
