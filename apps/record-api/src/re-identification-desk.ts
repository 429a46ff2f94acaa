import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { keyOfPseudonym, numberOfKey, type ReIdentification, within, type Wiring } from '@weft/processing';
import { Service, WIRING } from '@weft/service';

/** A pseudonym is searched for among everybody. A request waits so long for it, and is asked again. */
const PATIENCE_MS = 20_000;

/** Whom a pseudonym names. */
export interface Found {
  readonly key: string;
  /** Null where the person's number stands nowhere. */
  readonly nhsNumber: string | null;
}

/** Searches that were begun here, each until it was asked for what it found. */
@Injectable()
export class ReIdentificationDesk implements OnModuleDestroy {
  private readonly searches = new Map<string, Promise<Found | null>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {}

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.searches.values());
  }

  /** Null where the pseudonym names nobody. */
  async find({ id, purpose }: ReIdentification, pseudonym: string): Promise<Found | null | 'searching'> {
    const search = this.searches.get(id) ?? this.search(purpose, pseudonym);
    this.searches.set(id, search);
    const forget = (): void => void this.searches.delete(id);
    try {
      const outcome = await within(this.service.timers, PATIENCE_MS, search);
      if (outcome === undefined) return 'searching';
      forget();
      return outcome;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** Whether the pseudonym names somebody. Where that takes too long to find out, it may. */
  async mayName(purpose: ReIdentification['purpose'], pseudonym: string): Promise<boolean> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.stopping.signal]);
    const patience = this.service.timers.sleep(PATIENCE_MS, signal).then(() => true);
    const search = keyOfPseudonym(this.wiring, purpose, pseudonym, signal).then((key) => key !== null);
    // Nobody waits for it any more once patience is over.
    search.catch(() => undefined);
    return Promise.race([search, patience]).finally(() => over.abort());
  }

  private search(purpose: ReIdentification['purpose'], pseudonym: string): Promise<Found | null> {
    const search = keyOfPseudonym(this.wiring, purpose, pseudonym, this.stopping.signal).then(
      async (key) => key && { key, nhsNumber: await numberOfKey(this.wiring, key) },
    ) as Promise<Found | null>;
    // Nobody may be waiting when it fails; who asks next is told.
    search.catch(() => undefined);
    return search;
  }
}
