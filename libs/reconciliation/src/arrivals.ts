import { AHEAD_MAX_MS, instantOf, organisationOf, readCloudEvent } from '@weft/care-events';
import { type Problem, placeOf } from '@weft/domain';
import { headerIn, rawPart, rawSource, versionTime, Zone } from '@weft/hl7v2';
import { WaitingMessages } from '@weft/hl7v2-processing';
import {
  careEventsTopic,
  CONSENT_TOPIC,
  groupOf,
  hl7v2Topic,
  type Message,
  messagesBetween,
  positionsOf,
  quarantinedPlaces,
  REDRIVES_HEADER,
  type Wiring,
} from '@weft/processing';
import { isOfHl7v2, type ManifestHead } from './manifest.js';

export type ReadingWiring = Pick<Wiring, 'bus' | 'store' | 'random' | 'timers'>;

/** Of a listener, what its messages are read by. */
export interface ListenerZone {
  readonly name: string;
  readonly organisation: string;
  readonly timeZone: string;
}

/** One message of an organisation's topics: an event, or an HL7 v2 message. */
export interface Arrived {
  /** What its sender knows it by. */
  readonly name: readonly string[];
  /** What makes it the same as another: of HL7 v2 its bytes. */
  readonly identity: readonly string[];
  readonly type: string;
  /** By its sender's own clock, milliseconds since 1970. */
  readonly time: number;
  /** Why it stands in quarantine; null where it does not. */
  readonly refused: readonly Problem[] | null;
  /** Whether no projector has dealt with it yet, or it is not known whose it is. */
  readonly waits: boolean;
  /** Whether it was sent back from quarantine: the same again on purpose. */
  readonly isRedriven: boolean;
}

interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly before: number;
  /** The first offset that its group has not dealt with. */
  readonly next: number;
}

/** An organisation that sends by HL7 v2 names no zone of its own here. */
const USUAL_ZONE = 'Europe/London';
/** Parts of documents are a megabyte each: of so many it is remembered how they began. */
const BEGUN_MAX = 256;

/**
 * What of an organisation's own came since a manifest begins, as far as it stood when this was made. Reads its own topics alone, and of the
 * decisions' topic its own; gives nothing of anybody else.
 */
export class Arrivals {
  private constructor(
    private readonly wiring: ReadingWiring,
    private readonly head: ManifestHead,
    private readonly spans: readonly Span[],
    private readonly quarantined: ReadonlyMap<string, readonly Problem[]>,
    private readonly waiting: ReadonlySet<string>,
    private readonly zones: ReadonlyMap<string, Zone>,
  ) {}

  static async open(wiring: ReadingWiring, head: ManifestHead, listeners: readonly ListenerZone[]): Promise<Arrivals> {
    const { bus } = wiring;
    const known = (await bus.topics()).map(({ topic }) => topic);
    const wanted = isOfHl7v2(head) ? [hl7v2Topic(head.organisation)] : [careEventsTopic(head.organisation), CONSENT_TOPIC];
    const topics = wanted.filter((topic) => known.includes(topic));
    // How far the projectors are comes first, then quarantine, then the ends: what moves meanwhile counts as waiting, never as dealt with.
    const positions = new Map(
      await Promise.all(topics.map(async (topic) => [topic, await positionsOf(bus, groupOf(topic)!, topic)] as const)),
    );
    const quarantined = await quarantinedPlaces(bus, topics);
    const waiting = isOfHl7v2(head) ? await new WaitingMessages(wiring, head.organisation).ids() : new Set<string>();
    // A sender's clock may be ahead by so much: what it sent in the manifest's time may have come before.
    const since = instantOf(head.from)! - AHEAD_MAX_MS;
    const spans: Span[] = [];
    for (const topic of topics) {
      const firsts = new Map((await bus.offsetsAt(topic, since)).map(({ partition, offset }) => [partition, offset]));
      for (const { partition, low, high } of await bus.offsets(topic)) {
        const next = positions.get(topic)?.find((one) => one.partition === partition)?.next ?? 0;
        spans.push({ topic, partition, from: Math.max(low, firsts.get(partition) ?? low), before: high, next });
      }
    }
    const zones = new Map(
      listeners.filter((one) => one.organisation === head.organisation).map((one) => [rawSource(one), new Zone(one.timeZone)]),
    );
    return new Arrivals(wiring, head, spans, quarantined, waiting, zones);
  }

  /** How many messages there are to be read. */
  get messages(): number {
    return this.spans.reduce((sum, { from, before }) => sum + Math.max(0, before - from), 0);
  }

  /** Each once, a page at a time; `onRead` is told how many were read. Aborted it throws the signal's reason. */
  async *read(onRead: (messages: number) => void, signal?: AbortSignal): AsyncGenerator<Arrived> {
    for (const span of this.spans) {
      const begun = new Map<string, HeaderOf>();
      for await (const page of messagesBetween(this.wiring.bus, span, span.from, span.before)) {
        signal?.throwIfAborted();
        for (const message of page) {
          const about = isOfHl7v2(this.head) ? this.hl7v2In(message, begun) : this.eventIn(message);
          if (about !== null) yield { ...about, ...this.stateOf(message, span) };
        }
        onRead(page.length);
        // The embedded bus reads without leaving its turn: whoever else is served here, and a Ctrl-C, come in between.
        await this.wiring.timers.sleep(0);
      }
    }
  }

  private stateOf(message: Message, { next }: Span): Pick<Arrived, 'refused' | 'waits' | 'isRedriven'> {
    const refused = this.quarantined.get(placeOf(message)) ?? null;
    const isOfNobody = this.waiting.has(message.headers['ce_id'] ?? '');
    return {
      refused,
      waits: refused === null && (message.offset >= next || isOfNobody),
      isRedriven: message.headers[REDRIVES_HEADER] !== undefined,
    };
  }

  /** Null for what another organisation sent, and for what was made of HL7 v2. */
  private eventIn(message: Message): About | null {
    const { source, id, type, time } = attributesOf(message);
    if (source === undefined || id === undefined) return this.unnamed(message);
    const isOwn = organisationOf(source)?.toUpperCase() === this.head.organisation;
    if (!isOwn && message.topic === CONSENT_TOPIC) return null;
    if (DERIVED.test(id)) return null;
    return {
      ...{ name: [source, id], identity: [source, id], type: type ?? '' },
      time: (time === undefined ? null : instantOf(time)) ?? message.timestamp,
    };
  }

  /** What says nothing of itself in the organisation's own topic is its own all the same. */
  private unnamed(message: Message): About | null {
    if (message.topic === CONSENT_TOPIC) return null;
    return { name: ['', placeOf(message)], identity: ['', placeOf(message)], type: '', time: message.timestamp };
  }

  /** A message counts once its last part is there; what was cut off was refused, and is sent again whole. */
  private hl7v2In(message: Message, begun: Map<string, HeaderOf>): About | null {
    const { ce_id: event = placeOf(message), ce_source: source = '', ce_type: kind } = message.headers;
    if (kind === 'hl7v2-message-truncated-1' || !this.isOfListener(source)) return null;
    const { part, parts } = rawPart(message.headers);
    if (part === 1) begun.set(event, this.headerOf(message, source));
    if (begun.size > BEGUN_MAX) begun.delete(begun.keys().next().value!);
    if (part < parts) return null;
    const header = begun.get(event) ?? { id: '', type: '', time: message.timestamp };
    begun.delete(event);
    return { name: [header.id], identity: [event], type: header.type, time: header.time };
  }

  private isOfListener(source: string): boolean {
    const { listener, organisation } = this.head;
    return listener === undefined || source === rawSource({ organisation, name: listener });
  }

  private headerOf({ value, headers, timestamp }: Message, source: string): HeaderOf {
    const header = headerIn(value ?? new Uint8Array());
    if (header === null) return { id: '', type: '', time: timestamp };
    const received = instantOf(headers['ce_time'] ?? '') ?? timestamp;
    const type = [1, 2].map((component) => header.field(9).component(component).value?.trim() ?? '').filter((one) => one !== '');
    const { text } = versionTime([header.field(7).value], this.zones.get(source) ?? LONDON, received);
    return { id: header.field(10).value?.trim() ?? '', type: type.join('^'), time: Date.parse(text) };
  }
}

type About = Pick<Arrived, 'name' | 'identity' | 'type' | 'time'>;

interface HeaderOf {
  readonly id: string;
  readonly type: string;
  readonly time: number;
}

const LONDON = new Zone(USUAL_ZONE);

/** What the hl7-projector made of a message: its sender knows the message and none of these. */
const DERIVED = /^[0-9a-f]{64}\.\d+\.\d+$/;

type Attributes = Readonly<Partial<Record<'source' | 'id' | 'type' | 'time', string>>>;

/** In either mode of CloudEvents. */
function attributesOf({ headers, value }: Message): Attributes {
  const { ce_source: source, ce_id: id, ce_type: type, ce_time: time } = headers;
  if (source !== undefined && id !== undefined) {
    return { source, id, ...(type !== undefined && { type }), ...(time !== undefined && { time }) };
  }
  const reading = readCloudEvent({ headers, body: value, mode: 'kafka' });
  if (!reading.ok) return {};
  const text = (name: string): string | undefined => {
    const said = reading.event.attributes[name];
    return typeof said === 'string' ? said : undefined;
  };
  return Object.fromEntries(
    ['source', 'id', 'type', 'time'].flatMap((name) => (text(name) === undefined ? [] : [[name, text(name)]])),
  );
}
