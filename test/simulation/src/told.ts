import type { Message } from '@weft/processing';

export interface Telling {
  readonly revision: number;
  /** JSON of the entry; null once withdrawn. */
  readonly entry: string | null;
}

const PREFIX = 'weft.record-changes.';

/** What the subscribers' topics said of each entry, by topic and message key: a later revision counts, in whatever order it came. */
export class Told {
  private readonly tellings = new Map<string, Telling>();

  take({ topic, key, value, headers }: Message): void {
    if (!topic.startsWith(PREFIX)) return;
    const name = `${topic} ${key}`;
    const revision = Number(headers['ce_viewrevision']);
    if (revision < (this.tellings.get(name)?.revision ?? -1)) return;
    this.tellings.set(name, { revision, entry: value === null ? null : Buffer.from(value).toString() });
  }

  of(purpose: string, key: string): Telling | undefined {
    return this.tellings.get(`${PREFIX}${purpose} ${key}`);
  }
}
