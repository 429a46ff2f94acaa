import { placeOf, type Coordinates } from '@weft/domain';

/** What stands still for so long is waited for in vain. */
const PATIENCE_MS = 60_000;

/** How long messages have waited for others. Where those others get fewer, as in a long backlog, waiting is not in vain. */
export class Patience {
  private readonly waiting = new Map<string, { readonly others: number; readonly since: number }>();

  /** Whether the message at this place need not wait, or not any longer: for no others, or for too long already. */
  isOver(at: Coordinates, others: number, now: number): boolean {
    const place = placeOf(at);
    const known = this.waiting.get(place);
    const isOver = others === 0 || (known?.others === others && now - known.since >= PATIENCE_MS);
    if (isOver) this.waiting.delete(place);
    else if (known?.others !== others) this.waiting.set(place, { others, since: now });
    return isOver;
  }
}
