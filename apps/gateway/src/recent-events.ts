import { createHash } from 'node:crypto';

/** Some 10 MB. */
const EVENTS_MAX = 50_000;
const DIGITS = 22;

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
  isOther(name: string, content: string): boolean {
    return (this.known.get(name) ?? content) !== content;
  }

  note(name: string, content: string): void {
    this.known.delete(name);
    this.known.set(name, content);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= this.max) break;
      this.known.delete(oldest);
    }
  }
}

/** What an event is known by here: a digest, so that no number is kept. */
export const recentName = ({
  source,
  id,
  subject,
}: {
  readonly source: string;
  readonly id: string;
  readonly subject: string;
}): string =>
  createHash('sha256')
    .update(JSON.stringify([source, id, subject]))
    .digest('base64url')
    .slice(0, DIGITS);
