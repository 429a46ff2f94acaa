import type { Purpose } from '@weft/domain';
import { noteSubscriber, timestamp, type Wiring } from '@weft/processing';
import type { Caller } from '@weft/service';

/** So many are remembered as noted today; one that is forgotten is noted again. */
const NOTED_MAX = 10_000;

/** Who was ever told of a purpose: written once a day (UTC) and process for each subscriber, however often it comes again. */
export class Subscribers {
  private readonly noted = new Map<string, string>();

  constructor(private readonly wiring: Wiring) {}

  async note({ subject, organisation: named }: Caller, purpose: Purpose): Promise<void> {
    const organisation = named ?? null;
    const name = JSON.stringify([purpose, organisation, subject]);
    const day = timestamp(this.wiring.clock).slice(0, 10);
    if (this.noted.get(name) === day) return;
    await noteSubscriber(this.wiring, purpose, { subject, organisation });
    if (this.noted.size >= NOTED_MAX) this.noted.clear();
    this.noted.set(name, day);
  }
}
