import type { Policy } from '@weft/domain';
import { maySendAt, OrganisationBook, type Organisations, type RegionOrganisation, type Wiring } from '@weft/processing';
import type { Logger } from './log.js';

/** How long a change by another process may stay unnoticed. */
const LOOK_EVERY_MS = 2_000;

/** Why an organisation may not do something, or that it may. */
export type Standing = 'may' | 'unknown' | 'suspended' | 'kind-not-in-force';

interface Look {
  /** Suspended ones too, by ODS code. */
  readonly known: Organisations;
  /** As the policy in force says them. */
  readonly kinds: Policy['organisations'];
}

/**
 * The organisations of the region, as this process knows them. It looks every two seconds, and remembers its last look while the store is
 * away. What is late in between harms nothing: what the gateway took of one that was just suspended travels sealed, and nobody refuses it
 * later; one that was just added is refused for two seconds, and sends again.
 */
export class RegionOrganisations {
  private last: Look = { known: new Map(), kinds: {} };
  private everSuspended: readonly RegionOrganisation[] = [];

  constructor(private readonly ask: () => Promise<Look>) {}

  get known(): Organisations {
    return this.last.known;
  }

  /** Looks what is new. Throws what the store throws. */
  async look(): Promise<void> {
    this.last = await this.ask();
    this.everSuspended = [...this.known.values()].filter(({ suspensions }) => suspensions.length > 0);
  }

  /** Those from which something may be taken that the bus has since a time, milliseconds since 1970. */
  sendingAt(time: number): Organisations {
    // It is asked for each message: the list is copied only where one may not have sent.
    if (this.everSuspended.every((one) => maySendAt(one, time))) return this.known;
    return new Map([...this.known].filter(([, one]) => maySendAt(one, time)));
  }

  toSend(ods: string): Standing {
    const one = this.known.get(ods);
    if (one === undefined) return 'unknown';
    return one.suspended === null ? 'may' : 'suspended';
  }

  /** One that may not send reads on: people are cared for there. What one person added waits for the second, who puts its kind in force. */
  toRead(ods: string): Standing {
    if (!this.known.has(ods)) return 'unknown';
    return this.kindInForce(ods) === null ? 'kind-not-in-force' : 'may';
  }

  kindInForce(ods: string): RegionOrganisation['kind'] | null {
    return this.last.kinds[ods] ?? null;
  }

  /** Looks again and again, until it is told to stop. */
  follow({ timers }: Pick<Wiring, 'timers'>, log: Logger): () => Promise<void> {
    const stopping = new AbortController();
    const { signal } = stopping;
    const following = (async () => {
      let isBlind = false;
      for (;;) {
        await timers.sleep(LOOK_EVERY_MS, signal);
        if (signal.aborted) return;
        try {
          await this.look();
          isBlind = false;
        } catch (err) {
          if (!isBlind) log.warn({ err }, 'the organisations cannot be looked at: those known last count');
          isBlind = true;
        }
      }
    })();
    return async () => {
      stopping.abort();
      await following;
    };
  }
}

/** What a region knows: its list, or, of a region of before there was one, the organisations that its policy names. */
export function organisationsIn(wiring: Pick<Wiring, 'store' | 'clock' | 'random' | 'policies'>): RegionOrganisations {
  const book = new OrganisationBook(wiring.store, wiring.clock, wiring.random);
  return new RegionOrganisations(async () => {
    const kinds = (await wiring.policies.latestAdopted())?.policy.organisations ?? {};
    const known = await book.current();
    return { known: known.size > 0 ? known : namedBy(kinds), kinds };
  });
}

function namedBy(kinds: Policy['organisations']): Organisations {
  return new Map(
    Object.entries(kinds).map(([ods, kind]) => [
      ods,
      { ods, name: ods, kind, added: null, suspended: null, reinstatement: null, suspensions: [] },
    ]),
  );
}
