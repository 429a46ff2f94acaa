import { type Outcome, type RawEvent, rawEvent, type RefusalReason, type Segment, toRawMessages } from '@weft/hl7v2';
import { hl7v2Topic, type OutgoingMessage } from '@weft/processing';
import type { Hl7v2Listener, Service } from '@weft/service';
import type { Measures } from './measures.js';

/** So long a sender waits before it is told to send again. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 250;
const CONTROL_IDS_MAX = 10_000;
/** Made once: a reason that the signal makes itself costs more than the wait. */
const ANSWERED = Symbol('answered');

/** What becomes of a message, and when the bus has nothing more to do with its bytes. */
export interface Storing {
  readonly outcome: Promise<Outcome>;
  readonly settled: Promise<unknown>;
}

/** Takes the messages of one listener: judges who sent them for what, and stores them as they came. */
export class RawIntake {
  /** The event of each control id of late, in memory alone: many engines make theirs of a number of the patient's. */
  private readonly controlIds = new Map<string, string>();
  /** While one message finds out whether the bus is there again, the others wait for it, so that they keep their order. */
  private away: Promise<void> | null = null;

  constructor(
    private readonly service: Service,
    private readonly listener: Hl7v2Listener,
    private readonly measures: Measures,
  ) {}

  /** A whole message. What cannot be mapped is taken all the same: it is durable, and its faults are ours to show. */
  receive(bytes: Uint8Array, header: Segment | null): Storing {
    const reason = this.whyNot(header);
    if (reason !== null) return refused(reason);
    const event = this.eventOf(bytes, 'message');
    this.noteControlId(header!.field(10).value!, event.id);
    return this.store(event);
  }

  /** Kept too, for somebody to look at; its sender is told that it was refused. */
  receiveTruncated(bytes: Uint8Array): Storing {
    const { settled } = this.store(this.eventOf(bytes, 'truncated'));
    return { ...refused('truncated'), settled };
  }

  private whyNot(header: Segment | null): RefusalReason | null {
    if (header === null) return 'not-hl7';
    const { organisations } = this.service;
    const { organisation, production, facilities } = this.listener;
    if (organisations.toSend(organisation) !== 'may') return 'suspended';
    const said = (field: number): string => header.field(field).value?.trim() ?? '';
    if (said(10) === '') return 'no-control-id';
    const isProduction = said(11) === 'P';
    if (isProduction !== production || !['P', 'T', 'D'].includes(said(11))) return 'processing-id';
    const named = facilities ?? [organisation, ...(organisations.known.get(organisation)?.sites ?? [])];
    return named.includes(said(4)) ? null : 'not-the-sender';
  }

  private eventOf(bytes: Uint8Array, kind: RawEvent['kind']): RawEvent {
    return rawEvent(this.listener, kind, bytes, this.service.clock.now());
  }

  private noteControlId(controlId: string, event: string): void {
    const known = this.controlIds.get(controlId);
    if (known !== undefined && known !== event) this.measures.noted('control-id-reused');
    this.controlIds.delete(controlId);
    this.controlIds.set(controlId, event);
    if (this.controlIds.size > CONTROL_IDS_MAX) this.controlIds.delete(this.controlIds.keys().next().value!);
  }

  /** One key a listener, so that all that it was sent keeps its order. */
  private store(event: RawEvent): Storing {
    const { organisation, name, tellsPlace } = this.listener;
    const topic = hl7v2Topic(organisation);
    const messages = toRawMessages(event).map((message) => ({ topic, key: name, ...message }));
    const given = new AbortController();
    const settled = this.publish(messages, given.signal);
    const late = this.service.timers.sleep(PATIENCE_MS, given.signal).then(() => null);
    const outcome = Promise.race([settled, late]).then((place): Outcome => {
      given.abort(ANSWERED);
      if (place === null) return { stored: false, reason: 'unavailable' };
      return tellsPlace ? { stored: true, place } : { stored: true };
    });
    return { outcome, settled };
  }

  /** The place of the last of them; null where the bus was away for as long as the sender waits. */
  private async publish(messages: readonly OutgoingMessage[], given: AbortSignal): Promise<string | null> {
    while (!given.aborted) {
      if (this.away !== null) {
        await this.away;
        continue;
      }
      try {
        return await this.publishOnce(messages);
      } catch (err) {
        if (this.away !== null) continue;
        this.service.log.warn({ err, listener: this.listener.name }, 'HL7 v2 cannot be stored now');
        return this.probe(messages, given);
      }
    }
    return null;
  }

  private async probe(messages: readonly OutgoingMessage[], given: AbortSignal): Promise<string | null> {
    const { sleep } = this.service.timers;
    let back = (): void => undefined;
    this.away = new Promise((resolve) => (back = resolve));
    try {
      while (!given.aborted) {
        await sleep(RETRY_MS, given);
        const place = await this.publishOnce(messages).catch(() => null);
        if (place !== null) return place;
      }
      return null;
    } finally {
      this.away = null;
      back();
    }
  }

  private async publishOnce(messages: readonly OutgoingMessage[]): Promise<string> {
    const { topic, partition, offset } = (await this.service.bus.publish(messages)).at(-1)!;
    return `${topic}/${partition}/${offset}`;
  }
}

export const refused = (reason: RefusalReason): Storing => ({
  outcome: Promise.resolve({ stored: false, reason }),
  settled: Promise.resolve(),
});
