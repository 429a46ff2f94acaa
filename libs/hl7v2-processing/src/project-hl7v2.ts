import { placeOf, type Coordinates } from '@weft/domain';
import type { MessagePart, Tables } from '@weft/hl7v2';
import {
  allSettled,
  type Batch,
  eachOnItsOwn,
  HL7_PROJECTOR_GROUP,
  HL7V2_PREFIX,
  hl7v2Topic,
  type Projector,
  type ProjectorOptions,
  quarantine,
  startReading,
  untilPutBack,
  type Wiring,
} from '@weft/processing';
import { Lanes, type Outcome } from './lanes.js';
import { type NamedListener, RawReader, type RawReading } from './read-raw.js';
import { WaitingMessages } from './waiting-messages.js';

export type Hl7Wiring = Pick<Wiring, 'bus' | 'store' | 'keys' | 'random' | 'clock'>;

/** What is made of messages, and by which tables. */
export interface Hl7Settings {
  readonly listeners: readonly NamedListener[];
  readonly tables: Tables;
}

/**
 * What became of a message: `known` had been taken before, `waiting` is of somebody whose NHS number is not known yet (one of its persons
 * at least), `unmapped` is of a type that no table maps.
 */
export interface Became {
  readonly organisation: string;
  /** Name of the listener. */
  readonly listener: string;
  readonly outcome: 'filed' | 'waiting' | 'known' | 'unmapped' | 'quarantined';
  /** Codes of what was left out of it, or decided where it left it open. */
  readonly notes: readonly string[];
  /** What a person is asked to look at. */
  readonly review: readonly string[];
  /** `<topic>/<partition>/<offset>` */
  readonly place: string;
}

interface Hl7ProjectorOptions extends ProjectorOptions {
  readonly onMessage?: (became: Became) => void;
}

/** One person's part of a message of a batch. */
interface Work {
  readonly reading: RawReading;
  readonly part: MessagePart;
  readonly lanes: readonly string[];
  /** Among the parts of its batch. */
  readonly order: number;
}

/**
 * The hl7-projector's work: a batch of one partition of an organisation's topic, into lanes and care events. When it resolves, every
 * message of the batch stands in the lanes of whom it is about, or in quarantine, and what came of it is on the bus; so its offset may be
 * committed. When it throws, the whole batch is to be given again.
 */
export class ProjectHl7v2 {
  private readonly lanes = new Map<string, Lanes>();
  private readonly reader: RawReader;

  constructor(
    private readonly wiring: Hl7Wiring,
    settings: Hl7Settings,
    private readonly onMessage: (became: Became) => void = () => undefined,
  ) {
    this.reader = new RawReader(wiring.bus, settings.listeners, settings.tables);
  }

  async handle({ topic, messages }: Pick<Batch, 'topic' | 'messages'>): Promise<void> {
    const organisation = topic.slice(HL7V2_PREFIX.length);
    const lanes = this.lanesOf(organisation);
    const readings: RawReading[] = [];
    for (const message of messages) {
      const reading = await this.reader.read(message, organisation);
      if (reading !== null) readings.push(reading);
    }
    const parts = readings.flatMap((reading) => reading.parts.map((part) => ({ reading, part })));
    const work = await Promise.all(
      parts.map(async (one, order): Promise<Work> => ({ ...one, order, lanes: await lanes.of(one.part) })),
    );
    const outcomes = new Map<MessagePart, Outcome>();
    await allSettled(byLane(work).map((some) => takeInOrder(lanes, some, outcomes)));
    const became = readings.map((reading) => {
      const own = reading.parts.map((part) => outcomes.get(part)!);
      return { reading, own, problems: [...reading.problems, ...own.flatMap(({ problems }) => problems)] };
    });
    const quarantined = became.flatMap(({ reading, problems }) =>
      problems.length === 0 ? [] : quarantine(this.wiring, reading.message, problems),
    );
    if (quarantined.length > 0) await this.wiring.bus.publish(quarantined);
    await lanes.noteWaiting();
    for (const { reading, own, problems } of became) {
      this.onMessage({
        ...{ organisation, listener: reading.listener, place: placeOf(reading.message) },
        outcome: problems.length > 0 ? 'quarantined' : reading.unmapped !== undefined ? 'unmapped' : outcomeOf(own),
        notes: [reading, ...own].flatMap(({ notes }) => notes.map(({ code }) => code)),
        review: own.flatMap(({ review }) => review),
      });
    }
  }

  private lanesOf(organisation: string): Lanes {
    const known = this.lanes.get(organisation);
    if (known !== undefined) return known;
    const lanes = new Lanes(this.wiring, organisation, new WaitingMessages(this.wiring, organisation));
    this.lanes.set(organisation, lanes);
    return lanes;
  }
}

/** What Weft itself fails at twice goes to quarantine, and what is behind it goes on. */
function takeInOrder(lanes: Lanes, work: readonly Work[], outcomes: Map<MessagePart, Outcome>): Promise<void> {
  return eachOnItsOwn(
    work,
    async (some) => {
      for (const { part, reading } of some) outcomes.set(part, await lanes.take(part, placeIn(reading.message)));
    },
    async ({ part }, problem) => void outcomes.set(part, { became: 'refused', problems: [problem], notes: [], review: [] }),
  );
}

const placeIn = ({ topic, partition, offset }: Coordinates): Coordinates => ({ topic, partition, offset });

function outcomeOf(parts: readonly Outcome[]): Became['outcome'] {
  if (parts.some(({ became }) => became === 'waiting')) return 'waiting';
  return parts.every(({ became }) => became === 'known') ? 'known' : 'filed';
}

/** Parts whose order matters, each list in the order in which they came: those of one lane, and of lanes that one of them joins. */
function byLane(work: readonly Work[]): Work[][] {
  const lists = new Map<string, Work[]>();
  for (const one of work) {
    const [lane, other] = one.lanes as [string, string?];
    const own = lists.get(lane) ?? [];
    const joined = other === undefined ? undefined : lists.get(other);
    if (joined !== undefined && joined !== own) {
      own.push(...joined);
      own.sort((a, b) => a.order - b.order);
      for (const [key, list] of lists) if (list === joined) lists.set(key, own);
    }
    own.push(one);
    for (const key of one.lanes) lists.set(key, own);
  }
  return [...new Set(lists.values())];
}

/** Runs it on the organisations' topics. Of a store that was put back the lanes are filled again; what they tell stands on the bus already. */
export function startHl7Projector(
  wiring: Hl7Wiring & Pick<Wiring, 'timers'>,
  settings: Hl7Settings,
  options: Hl7ProjectorOptions = {},
): Promise<Projector> {
  const work = untilPutBack(wiring.store, () => new ProjectHl7v2(wiring, settings, options.onMessage));
  const topics = [...new Set(settings.listeners.map(({ organisation }) => hl7v2Topic(organisation)))];
  const reading = {
    group: HL7_PROJECTOR_GROUP,
    handle: (batch: Batch) => work().handle(batch),
    onBehind: async () => undefined,
  };
  return startReading(wiring, topics, reading, options);
}
