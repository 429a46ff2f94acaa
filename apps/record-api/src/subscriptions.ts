import { once } from 'node:events';
import type { PassThrough } from 'node:stream';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Purpose } from '@weft/domain';
import { CatchingUp, StoreWatch, type Wiring } from '@weft/processing';
import { AuditLog, type Caller, Service, WIRING } from '@weft/service';
import { type Change, feedChanges, type FeedOptions } from './change-feed.js';
import { Cursors } from './cursors.js';
import { Disclosures } from './disclosures.js';
import { LiveChanges } from './live-changes.js';
import { Subscribers } from './subscribers.js';

/** Quiet connections are cut by what stands between: half a minute is common. */
const HEARTBEAT_MS = 15_000;
/** A timer takes no more than 24 days, and counts none of a machine's sleep: the clock is looked at again after so long. */
const LONGEST_SLEEP_MS = 60_000;

/** Why a subscription is over, as its last line and the audit have it. */
type Ending = 'token-ended' | 'stopping' | 'restored' | 'left' | 'broke-off';

const LAST_WORDS = {
  'token-ended': 'The token of this subscription has ended: go on with a new one, after the cursor where there is one.',
  stopping: 'This Weft is stopping: go on with the next one, after the cursor where there is one.',
  restored: 'The region was restored to an earlier state: begin anew, and drop what is not told by the first empty line.',
} as const;

export interface Subscription {
  readonly caller: Caller;
  readonly purpose: Purpose;
  readonly epoch: number;
  readonly from: FeedOptions['from'];
  /** Of `from`, where it has one. */
  readonly cursor?: string;
  readonly lines: PassThrough;
}

/** Subscribers that are being told, each until one side ends it or its token does. */
@Injectable()
export class Subscriptions implements OnModuleDestroy {
  private isStopping = false;
  /** What ends each of those that are running. */
  private readonly endings = new Set<(why: Ending) => void>();
  private readonly running = new Set<Promise<void>>();
  private readonly disclosures: Disclosures;
  private readonly subscribers: Subscribers;

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
    private readonly audit: AuditLog,
    private readonly cursors: Cursors,
    private readonly live: LiveChanges,
    private readonly watch: StoreWatch,
  ) {
    this.disclosures = new Disclosures(wiring, audit);
    this.subscribers = new Subscribers(wiring);
  }

  /** Resolves once the beginning is in the audit, and the subscriber among those that plans of policies name. */
  async begin(caller: Caller, purpose: Purpose): Promise<void> {
    await this.audit.note(caller, 'subscribe', { outcome: 'given', purpose });
    await this.subscribers.note(caller, purpose);
  }

  /** Resolves once it is over, and in the audit. */
  async follow(subscription: Subscription): Promise<void> {
    const run = this.run(subscription);
    this.running.add(run);
    await run.finally(() => this.running.delete(run));
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    for (const end of this.endings) end('stopping');
    await Promise.allSettled(this.running);
  }

  private async run(subscription: Subscription): Promise<void> {
    const { caller, purpose, lines } = subscription;
    // The first to abort gives the reason.
    const over = new AbortController();
    const end = (why: Ending): void => over.abort(why);
    lines.once('close', () => end('left'));
    this.endings.add(end);
    if (this.isStopping) end('stopping');
    void this.untilTokenEnds(caller, over.signal).then(() => end('token-ended'));
    try {
      const cursor = await this.tell(subscription, over);
      lines.end(lastLine(over.signal.reason as Ending, cursor));
    } catch (err) {
      end('broke-off');
      this.service.log.warn({ err, purpose }, 'a subscription broke off');
      // Cut, not ended: the subscriber must not take it for all there is.
      lines.destroy(err as Error);
    } finally {
      this.endings.delete(end);
    }
    await this.noteEnd(caller, purpose, over.signal.reason as Ending);
  }

  /** Tells until it is over; gives the last cursor that the subscriber has. */
  private async tell(
    { caller, purpose, epoch, from, cursor, lines }: Subscription,
    over: AbortController,
  ): Promise<string | undefined> {
    const { log, clock } = this.service;
    const { signal } = over;
    let last = cursor;
    await feedChanges(this.wiring, this.live, {
      ...{ purpose, epoch, from, signal },
      tell: async (changes, reached) => {
        if (clock.now() >= caller.expiresAt) over.abort('token-ended' satisfies Ending);
        await this.endUnlessStill(epoch, over);
        if (signal.aborted) return;
        await this.disclosures.note(caller, purpose, subjectsShown(changes));
        if (signal.aborted) return;
        const at = reached === undefined ? undefined : this.cursors.at(purpose, { epoch, position: reached });
        last = at ?? last;
        await write(lines, linesOf(changes, at), signal);
      },
      onCaughtUp: () => void this.beat(epoch, lines, over),
      onFailure: (err) => log.warn({ err, purpose }, 'a subscriber waits'),
    });
    return last;
  }

  /** What is told of a store that was put back is not what is shared, until all is read again; and then it is another epoch. */
  private async endUnlessStill(epoch: number, over: AbortController): Promise<void> {
    try {
      if ((await this.watch.epoch()) !== epoch) over.abort('restored' satisfies Ending);
    } catch (error) {
      if (!(error instanceof CatchingUp)) throw error;
      over.abort('restored' satisfies Ending);
    }
  }

  private async beat(epoch: number, lines: PassThrough, over: AbortController): Promise<void> {
    const { signal } = over;
    while (!signal.aborted) {
      await this.endUnlessStill(epoch, over).catch((err: unknown) => this.service.log.warn({ err }, 'a subscriber waits'));
      if (signal.aborted) return;
      await write(lines, '\n', signal);
      await this.service.timers.sleep(HEARTBEAT_MS, signal);
    }
  }

  private async untilTokenEnds({ expiresAt }: Caller, signal: AbortSignal): Promise<void> {
    const { clock, timers } = this.service;
    for (let left = expiresAt - clock.now(); left > 0 && !signal.aborted; left = expiresAt - clock.now()) {
      await timers.sleep(Math.min(left, LONGEST_SLEEP_MS), signal);
    }
  }

  private async noteEnd(caller: Caller, purpose: Purpose, about: Ending): Promise<void> {
    const { log } = this.service;
    const entry = { outcome: 'ended', purpose, about } as const;
    await this.audit.note(caller, 'subscribe', entry).catch((err: unknown) => log.warn({ err }, 'an end is not in the audit'));
  }
}

async function write(lines: PassThrough, text: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || lines.write(text)) return;
  await once(lines, 'drain', { signal }).catch(() => undefined);
}

function linesOf(changes: readonly Change[], cursor: string | undefined): string {
  const last = changes.length - 1;
  return changes.map((change, index) => `${lineOf(change, index === last ? cursor : undefined)}\n`).join('');
}

/** The entry is JSON already. */
function lineOf({ entry, ...change }: Change, cursor: string | undefined): string {
  const then = cursor === undefined ? '' : `,"cursor":${JSON.stringify(cursor)}`;
  return `${JSON.stringify(change).slice(0, -1)},"entry":${entry ?? 'null'}${then}}`;
}

/** An end that is meant says so; nothing is left to say to one who has gone. */
function lastLine(reason: Ending, cursor: string | undefined): string {
  if (reason === 'left' || reason === 'broke-off') return '';
  return `${JSON.stringify({ kind: 'ended', reason, detail: LAST_WORDS[reason], ...(cursor !== undefined && { cursor }) })}\n`;
}

/** A withdrawal shows nothing of the person: it only takes back what was shown before. */
function subjectsShown(changes: readonly Change[]): ReadonlySet<string> {
  return new Set(changes.filter(({ entry }) => entry !== null).map(({ subject }) => subject));
}
