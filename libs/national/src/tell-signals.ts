import { toMessage } from '@weft/care-events';
import { placeOf, type Problem } from '@weft/domain';
import {
  type Batch,
  type BatchContext,
  eachOnItsOwn,
  EngineUnavailable,
  forEachConcurrently,
  type Message,
  type OutgoingMessage,
  quarantine,
  unlessFenced,
  type Wiring,
} from '@weft/processing';
import { careEventOf } from './care-events.js';
import { type Changes, changesOf, changesOfSuperseded, type Told } from './changes.js';
import { type KnownPerson, loadKnown } from './known-person.js';
import { type Fault, readPerson } from './person.js';
import { type Answer, type Demographics, NoAnswer } from './ports.js';
import { readSignal, type Signal, TEST_SIGNAL } from './signal.js';
import { encode } from './stored.js';
import { demographicsStream } from './streams.js';
import { noteTestSignal } from './test-signals.js';

export type SignalWiring = Pick<Wiring, 'bus' | 'store' | 'keys' | 'random' | 'clock' | 'timers'>;

/** As whose word national events are told. */
export interface Teller {
  /** ODS code of the region's demographics service, as its policy lists it. */
  readonly organisation: string;
  /** `urn:ods:X26:mns` */
  readonly source: string;
}

/** What became of a signal. `nothing`: PDS says nothing that was not told before. `postponed`: it comes again behind the others. */
export interface SignalBecame {
  /** Null where it could not be read. */
  readonly type: Signal['type'] | null;
  readonly outcome: 'told' | 'nothing' | 'heard' | 'postponed' | 'quarantined';
  /** Codes of why it is in quarantine. */
  readonly problems: readonly string[];
  /** `<topic>/<partition>/<offset>` */
  readonly place: string;
}

interface Arrived {
  readonly message: Message;
  readonly signal: Exclude<Signal, { readonly type: typeof TEST_SIGNAL }>;
}

type Outcome = { readonly became: 'told' | 'nothing' } | { readonly became: 'refused'; readonly problem: Problem };

/** People asked for at a time. */
const WIDTH = 8;
/** PDS is not left alone for longer, whatever it asks: a batch that rests too long is somebody else's. */
const REST_MAX_MS = 30_000;
/** So often whoever rests says that it lives. */
const BREATH_MS = 3_000;
/** A number that is superseded by one that is superseded …: beyond this it is a circle, or nobody's history. */
const STEPS_MAX = 10;
/** How often a signal was postponed because PDS answered others and not for its person. */
const POSTPONED_HEADER = 'weft-postponed';
const POSTPONED_MAX = 5;

/**
 * What is to be told of national events: a batch of raw signals, in whatever order and however often they come, into care events. A signal
 * only says of whom something may have changed; PDS is asked what is so, and what differs from what was told before is told. When it resolves,
 * everything that came of the batch is on the bus, or in quarantine; so its offset may be committed. When it throws, the batch is to be given again.
 */
export class TellSignals {
  /** Of batches that come again, by partition. */
  private readonly begun = new Map<string, Begun>();

  constructor(
    private readonly wiring: SignalWiring,
    private readonly demographics: Demographics,
    private readonly teller: Teller,
    private readonly onSignal: (became: SignalBecame) => void = () => undefined,
  ) {}

  async handle({ topic, partition, messages }: Batch, { isStale, heartbeat }: BatchContext): Promise<void> {
    const lane = `${topic}/${partition}`;
    const begun = this.begun.get(lane) ?? { done: new Set<number>(), isAnswered: false };
    this.begun.set(lane, begun);
    const round = new Round(begun);
    for (const message of messages) if (!begun.done.has(message.offset)) await this.read(message, round);
    await forEachConcurrently(round.people, WIDTH, async ([nhsNumber, arrived]) => {
      if (isStale() || round.mustRest !== null) return;
      await this.person(nhsNumber, arrived, round);
      await heartbeat();
    });
    if (begun.isAnswered && round.mustRest === null) this.postpone(round);
    if (round.outgoing.length > 0) await this.wiring.bus.publish(round.outgoing);
    for (const { offset, ...became } of round.ended) {
      begun.done.add(offset);
      this.onSignal(became);
    }
    if (messages.every(({ offset }) => begun.done.has(offset))) return void this.begun.delete(lane);
    const why = round.mustRest ?? [...round.unanswered.values()][0];
    await this.rest(Math.min(why?.retryAfterMs ?? 0, REST_MAX_MS), heartbeat);
    throw why ?? new EngineUnavailable('bus', 'the partition is somebody else’s by now');
  }

  private async rest(ms: number, heartbeat: BatchContext['heartbeat']): Promise<void> {
    for (let left = ms; left > 0; left -= BREATH_MS) {
      await this.wiring.timers.sleep(Math.min(left, BREATH_MS));
      await heartbeat();
    }
  }

  private async read(message: Message, round: Round): Promise<void> {
    const reading =
      message.faults === undefined
        ? readSignal(message.value ?? new Uint8Array())
        : { ok: false as const, problems: message.faults };
    if (!reading.ok) this.refuse(message, null, reading.problems, round);
    else if (reading.event.type === TEST_SIGNAL) {
      await noteTestSignal(this.wiring, message.timestamp);
      round.end(message, { type: TEST_SIGNAL, outcome: 'heard' });
    } else round.add({ message, signal: reading.event });
  }

  private refuse(message: Message, type: Signal['type'] | null, problems: readonly Problem[], round: Round): void {
    const { [POSTPONED_HEADER]: _, ...headers } = message.headers;
    round.outgoing.push(...quarantine(this.wiring, { ...message, headers }, problems));
    round.end(message, { type, outcome: 'quarantined', problems: problems.map(({ code }) => code) });
  }

  /** Everything that a batch says of one person is one question to PDS. */
  private async person(nhsNumber: string, arrived: readonly Arrived[], round: Round): Promise<void> {
    try {
      const outcome = await this.outcomeOf(nhsNumber, arrived);
      round.begun.isAnswered = true;
      for (const { message, signal } of arrived) {
        if (outcome.became === 'refused') this.refuse(message, signal.type, [outcome.problem], round);
        else round.end(message, { type: signal.type, outcome: outcome.became });
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.mayBeThePerson) round.unanswered.set(arrived, error);
      else round.mustRest = error;
    }
  }

  /**
   * Of a batch of which others were answered for, those who were not come again behind those who wait, and hold nobody up; who is passed over too
   * often is for a person to look at. While PDS answers for nobody it is nobody's fault, and all wait.
   */
  private postpone(round: Round): void {
    for (const { message, signal } of [...round.unanswered.keys()].flat()) {
      const { topic, key, headers, value } = message;
      const times = Number(headers[POSTPONED_HEADER] ?? 0) + 1;
      if (times > POSTPONED_MAX) this.refuse(message, signal.type, [problemOf(PASSED_OVER)], round);
      else {
        round.outgoing.push({ topic, key, value, headers: { ...headers, [POSTPONED_HEADER]: String(times) } });
        round.end(message, { type: signal.type, outcome: 'postponed' });
      }
    }
  }

  private async outcomeOf(nhsNumber: string, arrived: readonly Arrived[]): Promise<Outcome> {
    let outcome: Outcome = { became: 'nothing' };
    await eachOnItsOwn(
      [arrived],
      async () => void (outcome = await this.follow(nhsNumber, arrived, STEPS_MAX)),
      async (_, problem) => void (outcome = { became: 'refused', problem }),
    );
    return outcome;
  }

  /**
   * PDS is asked after the number's stream was read, and what is new is appended at the revision read. So of two who follow one person at a time
   * the later one finds out, and asks again: what PDS said first is never told last.
   */
  private async follow(nhsNumber: string, arrived: readonly Arrived[], steps: number): Promise<Outcome> {
    const { store, keys, random } = this.wiring;
    const key = keys.patient(nhsNumber);
    for (;;) {
      const known = await loadKnown(store, key);
      if (known.untold.length > 0) {
        await this.tell(known);
        continue;
      }
      const answer = await this.demographics.patient(nhsNumber);
      if (answer.says !== 'patient') return refused(NO_PERSON[answer.says]);
      const found = await this.changesIn(answer, { nhsNumber, told: known.told, arrived });
      if ('fault' in found) return refused(found.fault);
      const about = this.about(nhsNumber, arrived);
      const events = found.changes.map((change) => careEventOf(change, random.uuid(), about));
      if (events.length > 0) {
        const learned = encode({ type: 'demographics-learned-1', told: found.told, events }, random);
        const revision = await unlessFenced(store.append(demographicsStream(key), known.revision, [learned]));
        if (revision === null) continue;
        await this.tell({ ...known, revision, untold: events });
      }
      const became: Outcome = { became: events.length > 0 ? 'told' : 'nothing' };
      if (answer.nhsNumber === nhsNumber) return became;
      if (steps === 0) return refused(CIRCLE);
      const survivor = await this.follow(answer.nhsNumber, arrived, steps - 1);
      return survivor.became === 'nothing' ? became : survivor;
    }
  }

  private async changesIn(
    { nhsNumber: answered, version, patient }: Extract<Answer, { readonly says: 'patient' }>,
    { nhsNumber, told, arrived }: { readonly nhsNumber: string; readonly told: Told; readonly arrived: readonly Arrived[] },
  ): Promise<Changes> {
    if (answered !== nhsNumber) {
      const changes = changesOfSuperseded(told, answered, await this.isOnTheWay(told.mergedInto, answered));
      return { changes, told: { ...told, mergedInto: changes.length > 0 ? answered : told.mergedInto } };
    }
    const wanted = arrived.map(({ signal }) => (signal.subject === nhsNumber ? (signal.version ?? 0) : 0));
    if (version < Math.max(told.version ?? 0, ...wanted)) {
      throw new NoAnswer('has an older version of a record than it had before, or than a signal tells of', true);
    }
    const read = readPerson(nhsNumber, version, patient);
    return read.ok ? changesOf(told, read.value) : read;
  }

  private async isOnTheWay(via: string | null, answered: string): Promise<boolean> {
    if (via === null || via === answered) return false;
    const further = await this.demographics.patient(via);
    return further.says === 'patient' && further.nhsNumber === answered;
  }

  private about(nhsNumber: string, arrived: readonly Arrived[]) {
    const { organisation, source } = this.teller;
    const { keys, clock } = this.wiring;
    const latest = Math.max(...arrived.map(({ signal }) => Date.parse(signal.time)));
    return {
      ...{ nhsNumber, organisation, source, patientId: keys.uuid('demographics', nhsNumber) },
      time: new Date(Math.min(latest, clock.now())).toISOString(),
    };
  }

  /** Without a seal: the record-projector judges it by every rule, and by who may say it. */
  private async tell({ key, revision, untold }: KnownPerson): Promise<void> {
    await this.wiring.bus.publish(untold.map((event) => toMessage(event)));
    const told = encode({ type: 'demographics-told-1' }, this.wiring.random);
    // Somebody else may have told it too, under the same ids.
    await unlessFenced(this.wiring.store.append(demographicsStream(key), revision, [told]));
  }
}

interface Begun {
  /** Offsets of what is told, postponed or in quarantine. */
  readonly done: Set<number>;
  /** Whether PDS answered for anybody of the batch. */
  isAnswered: boolean;
}

/** One look at a batch. */
class Round {
  private readonly byPerson = new Map<string, Arrived[]>();
  readonly outgoing: OutgoingMessage[] = [];
  readonly ended: (SignalBecame & { readonly offset: number })[] = [];
  /** Those whom PDS did not answer for. */
  readonly unanswered = new Map<readonly Arrived[], NoAnswer>();
  /** Why PDS is to be asked for nobody now. */
  mustRest: NoAnswer | null = null;

  constructor(readonly begun: Begun) {}

  get people(): readonly (readonly [nhsNumber: string, arrived: readonly Arrived[]])[] {
    return [...this.byPerson];
  }

  add(arrived: Arrived): void {
    const known = this.byPerson.get(arrived.signal.subject);
    if (known === undefined) this.byPerson.set(arrived.signal.subject, [arrived]);
    else known.push(arrived);
  }

  end(message: Message, became: Omit<SignalBecame, 'place' | 'problems'> & { readonly problems?: readonly string[] }): void {
    this.ended.push({ problems: [], ...became, place: placeOf(message), offset: message.offset });
  }
}

const problemOf = ([code, message]: Fault): Problem => ({ field: 'subject', code, message });
const refused = (fault: Fault): Outcome => ({ became: 'refused', problem: problemOf(fault) });

const NO_PERSON: Readonly<Record<Exclude<Answer['says'], 'patient'>, Fault>> = {
  'not-found': ['not-known-to-pds', 'is no number that PDS knows'],
  invalidated: [
    'number-invalidated',
    'was taken out of use, and no other number has taken its place: somebody must say whose it is',
  ],
  refused: ['not-known-to-pds', 'is no NHS number to PDS'],
  unreadable: ['pds-unreadable', 'is answered for by PDS with something that is no Patient with a version'],
};

const CIRCLE: Fault = ['superseded-in-circles', 'is superseded by a number that is superseded by another, and so on'];
const PASSED_OVER: Fault = ['no-answer', 'PDS answers for others, and again and again not for this person'];
