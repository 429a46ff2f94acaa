import { createHash } from 'node:crypto';

/** Some 10 MB. */
const EVENTS_MAX = 50_000;
const DIGITS = 22;

interface Named {
  readonly source: string;
  readonly id: string;
  readonly subject: string;
}

/**
 * What this gateway took lately, so that another event under a used id is refused while its sender waits. To ask the store would cost
 * the reading of a whole record for each event, and could not see what is still on its way there. The projector, which has the record at
 * hand, knows every conflict: what passes here stands in quarantine there.
 */
export class RecentEvents {
  /** Digests of contents by digests of names, the oldest first: no number and no content is kept. */
  private readonly known = new Map<string, string>();

  constructor(private readonly max = EVENTS_MAX) {}

  /** Whether something else was taken under this id about this person. */
  isOther(named: Named, content: string): boolean {
    return (this.known.get(nameOf(named)) ?? content) !== content;
  }

  note(named: Named, content: string): void {
    const name = nameOf(named);
    this.known.delete(name);
    this.known.set(name, content);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= this.max) break;
      this.known.delete(oldest);
    }
  }
}

const nameOf = ({ source, id, subject }: Named): string =>
  createHash('sha256')
    .update(JSON.stringify([source, id, subject]))
    .digest('base64url')
    .slice(0, DIGITS);
