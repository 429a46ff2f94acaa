import { Injectable } from '@nestjs/common';
import { type AcceptedEvent, type AcceptOptions, acceptEvent, type ReceivedEvent, type Seal, toMessage } from '@weft/care-events';
import type { Coordinates, Problem } from '@weft/domain';
import { MESSAGE_LIMIT_BYTES, type OutgoingMessage, type Reading } from '@weft/processing';
import { type Caller, HttpProblem, organisationsOf, sealOf, Service } from '@weft/service';

/** What became of one event: where it is durable, or what keeps it out. */
export type Outcome = { readonly ok: true; readonly event: AcceptedEvent; readonly at: Coordinates } | Refused;

export type Rules = AcceptOptions & { readonly sender: string };

/** Work on the event loop stops for others after so long. */
const SLICE_MS = 10;

/** Judges what publishers send and puts what is sound on the bus. */
@Injectable()
export class Intake {
  private readonly seal: Seal;
  private readonly organisations: AcceptOptions['organisations'];
  private readonly events;

  constructor(private readonly service: Service) {
    this.seal = sealOf(service.settings);
    this.organisations = organisationsOf(service.settings);
    this.events = service.metrics.counter('weft_gateway_events_total', 'Events sent to the gateway', ['organisation', 'outcome']);
  }

  /** The rules for what this caller sends: it speaks for its own organisation only, unless `sender` says for which. */
  rulesFor(caller: Caller, sender = ownOrganisation(caller)): Rules {
    return { organisations: this.organisations, now: this.service.clock.now(), sender };
  }

  /** Judges each event by itself and publishes what is sound. */
  async take(received: readonly Reading<ReceivedEvent>[], rules: Rules): Promise<Outcome[]> {
    return this.publish(await this.judged(received, (item) => (item.ok ? acceptEvent(item.event, rules) : item)), rules.sender);
  }

  /** Each item's result, letting others have the event loop in between. */
  async judged<T, R>(items: Iterable<T>, judge: (item: T) => R): Promise<R[]> {
    const results: R[] = [];
    let sliceEnds = performance.now() + SLICE_MS;
    for (const item of items) {
      results.push(judge(item));
      if (performance.now() < sliceEnds) continue;
      await this.service.timers.sleep(0);
      sliceEnds = performance.now() + SLICE_MS;
    }
    return results;
  }

  /**
   * Publishes what was accepted in one call, in the order given, and answers for each reading in that order. When it resolves
   * they are durable. Throws EngineUnavailable: then nothing may be taken as accepted, and all may be sent again.
   */
  async publish(readings: readonly Reading<AcceptedEvent>[], organisation: string): Promise<Outcome[]> {
    const fitting = readings.map((reading) => (reading.ok ? this.fit(reading.event) : reading));
    const messages = fitting.flatMap((reading) => (reading.ok ? [reading.message] : []));
    const coordinates = messages.length === 0 ? [] : await this.service.bus.publish(messages);
    const places = coordinates.values();
    this.events.inc({ organisation, outcome: 'accepted' }, messages.length);
    this.events.inc({ organisation, outcome: 'refused' }, readings.length - messages.length);
    return fitting.map((reading) => (reading.ok ? { ok: true, event: reading.event, at: places.next().value! } : reading));
  }

  /** The bus takes a call whole or not at all: one message above its limit would cost all the others of the call. */
  private fit(
    event: AcceptedEvent,
  ): { readonly ok: true; readonly event: AcceptedEvent; readonly message: OutgoingMessage } | Refused {
    const message = toMessage(event, { seal: this.seal });
    const bytes = sizeOf(message);
    if (bytes <= MESSAGE_LIMIT_BYTES) return { ok: true, event, message };
    return refuse('data', 'too-large', `the event takes ${bytes} bytes, above the limit of ${MESSAGE_LIMIT_BYTES}`);
  }
}

export type Refused = { readonly ok: false; readonly problems: readonly Problem[] };

const refuse = (field: string, code: string, message: string): Refused => ({
  ok: false,
  problems: [{ field, code, message }],
});

function sizeOf({ key, value, headers }: OutgoingMessage): number {
  const texts = [key, ...Object.entries(headers).flat()];
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), value?.byteLength ?? 0);
}

function ownOrganisation({ organisation }: Caller): string {
  if (organisation !== undefined) return organisation;
  throw new HttpProblem(403, 'no-organisation', 'Only an organisation publishes', {
    detail: 'The token names no organisation (org).',
  });
}
