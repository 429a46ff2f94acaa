import type { Message } from '@weft/processing';
import type { Violated } from './basis-checks.js';

export interface Telling {
  readonly revision: number;
  /** JSON of the entry; null once withdrawn. */
  readonly entry: string | null;
}

const PREFIX = 'weft.record-changes.';

const tellingIn = ({ value, headers }: Message): Telling => ({
  revision: Number(headers['ce_viewrevision']),
  entry: value === null ? null : Buffer.from(value).toString(),
});

/** What the subscribers' topics said of each entry, by topic and message key: a later revision counts, in whatever order it came. */
export class Told {
  private readonly tellings = new Map<string, Telling>();
  /** How each entry was told last when the store or the topics were put back: who was told so takes nothing earlier, and nothing else under that number. */
  private readonly before = new Map<string, Telling>();

  constructor(private readonly violated: Violated) {}

  take(message: Message): void {
    if (!message.topic.startsWith(PREFIX)) return;
    const name = `${message.topic} ${message.key}`;
    const before = this.before.get(name);
    const telling = tellingIn(message);
    if (before !== undefined) {
      const isOther = telling.revision === before.revision && telling.entry !== before.entry;
      if (telling.revision < before.revision || isOther)
        this.violated('numbers told never go back', `${name} is told by ${telling.revision}, and was by ${before.revision}`);
    }
    this.note(name, telling);
  }

  private note(name: string, telling: Telling): void {
    if (telling.revision >= (this.tellings.get(name)?.revision ?? -1)) this.tellings.set(name, telling);
  }

  storePutBack(): void {
    for (const [name, telling] of this.tellings) this.before.set(name, telling);
  }

  /** These messages are all that the topics hold. */
  topicsPutBack(messages: readonly Message[]): void {
    for (const [name, telling] of this.tellings) this.before.set(name, telling);
    this.tellings.clear();
    for (const message of messages) this.note(`${message.topic} ${message.key}`, tellingIn(message));
  }

  of(purpose: string, key: string): Telling | undefined {
    return this.tellings.get(`${PREFIX}${purpose} ${key}`);
  }
}
