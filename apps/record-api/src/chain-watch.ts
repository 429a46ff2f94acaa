import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { verifyChains, type Wiring } from '@weft/processing';
import { Service, WIRING } from '@weft/service';

/** Between two pages of a stream: reading it all again must be nothing that anybody else notices. */
const PAUSE_MS = 50;
const BETWEEN_PASSES_MS = 60 * 60_000;
const AFTER_FAILURE_MS = 60_000;

/**
 * Follows the chains of audit and decisions from their beginnings, slowly and again and again, as `weft verify` does at once. What
 * is broken is a metric as soon as it is found, for an alert; which events they are is for `weft verify` to say.
 */
@Injectable()
export class ChainWatch implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController();
  private readonly damaged;
  private readonly verified;
  private watching = Promise.resolve();
  /** Found by the last whole pass. */
  private found = 0;

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
  ) {
    const { metrics } = service;
    this.damaged = metrics.gauge(
      'weft_chain_damages',
      'Places where a chain of audit or decisions is broken, as far as it was followed',
    );
    this.verified = metrics.gauge('weft_chain_verified_timestamp_seconds', 'When every chain was last followed to its end');
  }

  onModuleInit(): void {
    this.watching = this.watch();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.watching;
  }

  private async watch(): Promise<void> {
    const { timers, log } = this.service;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const pause = await this.pass().then(
        () => BETWEEN_PASSES_MS,
        (err: unknown) => {
          if (!signal.aborted) log.warn({ err }, 'the chains could not be followed, and are again later');
          return AFTER_FAILURE_MS;
        },
      );
      await timers.sleep(pause, signal);
    }
  }

  private async pass(): Promise<void> {
    const { timers, clock, log } = this.service;
    const { signal } = this.stopping;
    const { damaged } = await verifyChains(this.wiring, async (_, soFar) => {
      this.damaged.set(Math.max(this.found, soFar));
      await timers.sleep(PAUSE_MS, signal);
      signal.throwIfAborted();
    });
    this.found = damaged.length;
    this.damaged.set(this.found);
    this.verified.set(clock.now() / 1_000);
    if (this.found > 0) log.error({ places: this.found }, 'a chain of audit or decisions is broken: weft verify says where');
  }
}
