import type { Problem } from '@weft/domain';
import { type Listener, RawEvents, type RawEvent, rawPart, rawSource, type Tables, wholeHeaders } from '@weft/hl7v2';
import { type EventBus, type Message, messagesBetween } from '@weft/processing';
import { INCOMPLETE, NOT_HL7, TRUNCATED, unknownListener } from './problems.js';
import { type MessageReading, readParts } from './read-parts.js';

/** Settings of a listener, as far as what it was sent is read by them. */
export interface NamedListener extends Listener {
  readonly name: string;
}

/** What a message of the topic says. */
export interface RawReading extends MessageReading {
  /** As it stands in quarantine, if it goes there: whole, whatever it came in. */
  readonly message: Message;
  readonly listener: string;
}

/** The parts of a document stand together but for what its listener's other connections sent: so far back they are looked for. */
const LOOK_BACK = 2_000;
/** Parts are of a megabyte. */
const PAGE = 50;

export class RawReader {
  private readonly listeners: ReadonlyMap<string, NamedListener>;

  constructor(
    private readonly bus: Pick<EventBus, 'read' | 'offsets'>,
    listeners: readonly NamedListener[],
    private readonly tables: Tables,
  ) {
    this.listeners = new Map(listeners.map((one) => [rawSource(one), one]));
  }

  /** Null for a part of a document that goes on. */
  async read(message: Message, organisation: string): Promise<RawReading | null> {
    const wrong = (...problems: readonly Problem[]): RawReading => ({
      ...{ message, listener: message.key, parts: [], problems, notes: [] },
    });
    if (message.faults !== undefined) return wrong(...message.faults);
    const { part, parts } = rawPart(message.headers);
    if (part < parts) return null;
    const event = parts === 1 ? new RawEvents().take(message) : await this.gathered(message);
    if (event === null) return wrong(parts === 1 ? NOT_HL7 : INCOMPLETE);
    const whole = { ...message, headers: wholeHeaders(message.headers), value: event.bytes };
    return { ...wrong(), message: whole, ...this.readEvent(event, organisation, message.key) };
  }

  /** Those before it are read back from the topic: whoever had them in memory may be gone. */
  private async gathered(last: Message): Promise<RawEvent | null> {
    const { topic, partition, offset } = last;
    const { parts } = rawPart(last.headers);
    const found = new Map([[parts, last]]);
    for (let before = offset; before > Math.max(0, offset - LOOK_BACK) && found.size < parts; before -= PAGE) {
      const from = Math.max(0, before - PAGE);
      const alike: Message[] = [];
      for await (const page of messagesBetween(this.bus, { topic, partition }, from, before))
        alike.push(...page.filter(({ headers }) => headers['ce_id'] === last.headers['ce_id']));
      for (const one of alike.reverse()) {
        const { part } = rawPart(one.headers);
        if (!found.has(part)) found.set(part, one);
      }
    }
    const reader = new RawEvents();
    let event: RawEvent | null = null;
    for (let part = 1; part <= parts; part += 1) {
      const one = found.get(part);
      if (one !== undefined) event = reader.take(one);
    }
    return event;
  }

  private readEvent(event: RawEvent, organisation: string, name: string): Partial<RawReading> {
    if (event.kind === 'truncated') return { problems: [TRUNCATED] };
    const listener = this.listeners.get(event.source);
    if (listener?.organisation !== organisation) return { problems: [unknownListener(name)] };
    return readParts({ id: event.id, receivedAt: Date.parse(event.time), bytes: event.bytes }, listener, this.tables);
  }
}
