import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import {
  type AcceptedEvent,
  type JudgedMany,
  type JudgeRules,
  type Many,
  type ReadyEvent,
  type AcceptOptions,
  acceptWithKept,
  type Before,
  contentDigest,
  type FoundResources,
  type ReceivedEvent,
  type Seal,
  toMessage,
} from '@weft/care-events';
import {
  type Coordinates,
  DECISION_TYPE,
  type NewDecision,
  parseWithDigits,
  nhsNumberProblem,
  type Policy,
  type Problem,
  type Recorder,
  type Resource,
} from '@weft/domain';
import {
  findKept,
  hasNoRoom,
  keepResources,
  loadNumber,
  MESSAGE_LIMIT_BYTES,
  type OutgoingMessage,
  type Reading,
  recordedIn,
  TOO_MANY,
  tooLargeToStore,
  unlessUnreadable,
  within,
  type Wiring,
} from '@weft/processing';
import { type Actor, AuditLog, HttpProblem, sealOf, Service, WIRING } from '@weft/service';
import { type Became, Becoming, type Taken } from './became.js';
import { Committed, laterWhenAway } from './committed.js';
import { noteTaken } from './decision-audit.js';
import { Judging } from './judging.js';
import { Obedience, type OnItsWay } from './obedience.js';
import { recentName, RecentEvents } from './recent-events.js';

/** What became of one event: where it is durable, or what keeps it out. */
export type Outcome =
  { readonly ok: true; readonly event: Publishable; readonly at: Place; readonly became?: Became | undefined } | Refused;
/** Of what was only validated, the topic that it would go to. */
export type Place = Coordinates | Pick<Coordinates, 'topic'>;
/** What is published of an event needs its resource no more, where its bytes are there. */
export type Publishable = AcceptedEvent | ReadyEvent;

export type Rules = AcceptOptions & {
  readonly sender: string;
  readonly recorder: Recorder;
  /** Whose call it is. */
  readonly caller: Actor;
  /** Everything is judged as if it were published, and nothing is. */
  readonly validateOnly: boolean;
};

/** One event as far as it was judged, and whom it is about. */
export interface Judged {
  readonly reading: Reading<Publishable>;
  /** NHS number, where the event says it. */
  readonly subject?: string | undefined;
  /** Whether, refused, it may have denied something: then nothing else about the person is taken in the same call. */
  readonly mayDeny?: boolean;
}

/** An entry about nobody, and what of keeping it was left out. */
export interface Kept {
  readonly entry: number;
  readonly warnings?: readonly Problem[];
}

/** How the events of one call hang together. */
interface Together {
  /** Either all of them are taken or none. */
  readonly isWhole?: boolean;
  /** What must be done before anything is published. */
  readonly before?: () => Promise<void>;
}

/** What of one call is kept for later ones: each is looked for first. */
const KEPT_MAX = 1_000;
const NOT_KEPT: Problem = {
  field: '',
  code: 'not-kept',
  message: `is kept with the entries of this call alone; of one call ${KEPT_MAX} resources about nobody are kept for later ones`,
};

const NONE_FOUND: FoundResources = new Map();
/** What events refer to is looked for so long. */
const KEPT_WAIT_MS = 1_000;

/** What comes in one call with a decision waits so long for that decision to be obeyed. */
const OBEDIENCE_LIMIT_MS = 20_000;

/** Judges what publishers send and puts what is sound on the bus. */
@Injectable()
export class Intake implements OnModuleDestroy {
  readonly obedience: Obedience;
  private readonly committed: Committed;
  private readonly becoming: Becoming;
  private readonly seal: Seal;
  private readonly events;
  private readonly recent = new RecentEvents();
  private readonly validated;

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly audit: AuditLog,
    private readonly judging: Judging,
  ) {
    const { bus, store, clock, timers } = service;
    this.committed = new Committed(bus, clock, timers);
    this.obedience = new Obedience(this.committed, store);
    this.becoming = new Becoming(store, this.committed, this.obedience);
    this.seal = sealOf(service.settings);
    const labels = ['organisation', 'outcome'] as const;
    this.events = service.metrics.counter('weft_gateway_events_total', 'Events sent to the gateway', labels);
    this.validated = service.metrics.counter('weft_gateway_validated_events_total', 'Events sent only to be validated', labels);
  }

  onModuleDestroy(): void {
    this.committed.stop();
  }

  /** The rules for what this caller sends: an organisation speaks for itself only. */
  rulesFor(caller: Actor, validateOnly = false, recorder: Recorder = asOrganisation(caller)): Rules {
    const sender = recorder.as === 'governance' ? '' : (recorder.organisation as string);
    const { organisations, clock } = this.service;
    return { organisations: organisations.known, now: clock.now(), sender, recorder, caller, validateOnly };
  }

  /** The rules with the policy in force, which says who may make which decision. */
  async withPolicy(rules: Rules): Promise<Rules & { readonly policy: Policy }> {
    return { ...rules, policy: (await this.wiring.policies.current()).policy };
  }

  /**
   * Judges the events of one body, for what this caller may publish. The store is asked for the policy only where decisions are among
   * them, and for what the organisation sent before only where they refer to it: then all are judged once more.
   */
  async judgeMany(body: Omit<Many, 'rules' | 'found'>, rules: Rules, source?: string): Promise<Reading<JudgedMany>> {
    const { organisations, now, sender, recorder } = rules;
    const about: JudgeRules = { organisations, now, sender, recorder, ...(source !== undefined && { source }) };
    const judged = await this.judging.judge({ ...body, rules: about });
    if (!judged.ok) return judged;
    const { items, wanted } = judged.event;
    const found = await (body.kind === 'bundle' ? findKept(this.wiring, sender, wanted) : this.keptForEvents(sender, wanted));
    const hasDecisions = items.some(({ isDecision }) => isDecision);
    if (!hasDecisions && found.size === 0) return judged;
    const policy = hasDecisions ? { policy: (await this.withPolicy(rules)).policy } : {};
    return this.judging.judge({ ...body, rules: { ...about, ...policy }, found });
  }

  /** Resolves once what is about nobody is durable, so that later entries may refer to it: as much of it as is kept of one call. */
  async keep(kept: JudgedMany['kept'], { sender, validateOnly }: Rules): Promise<Kept[]> {
    if (!validateOnly) await keepResources(this.wiring, sender, kept.slice(0, KEPT_MAX));
    return kept.map(({ entry }, index) => (index < KEPT_MAX ? { entry } : { entry, warnings: [NOT_KEPT] }));
  }

  /** Judges each event by itself and publishes what is sound. */
  async take(received: readonly Reading<ReceivedEvent>[], rules: Rules): Promise<Outcome[]> {
    const hasDecisions = received.some(isDecision);
    const all = hasDecisions ? await this.withPolicy(rules) : rules;
    const judge = (before: Before): Judged[] =>
      received.map((item) => {
        const reading = item.ok ? acceptWithKept(item.event, all, before) : item;
        return { reading, subject: subjectOf(item), mayDeny: !reading.ok && isDecision(item) };
      });
    const before = { found: NONE_FOUND, wanted: new Set<string>() };
    const judged = judge(before);
    const found = await this.keptForEvents(rules.sender, [...before.wanted]);
    return this.publish(found.size === 0 ? judged : judge({ found, wanted: new Set() }), rules);
  }

  /** An event needs no store to be taken: where that does not answer in time, nothing is kept with it. */
  private async keptForEvents(sender: string, names: readonly string[]): Promise<FoundResources> {
    if (names.length === 0) return NONE_FOUND;
    const found = findKept(this.wiring, sender, names).catch((error: unknown) => laterWhenAway(error) ?? NONE_FOUND);
    return (await within(this.service.timers, KEPT_WAIT_MS, found)) ?? NONE_FOUND;
  }

  /**
   * Publishes what was accepted in one call, in the order given, and answers for each item in that order. Decisions go first, and
   * are obeyed before anything else about the same person is published. When it resolves all is durable, and the audit has whose
   * the decisions are. Throws
   * EngineUnavailable: then nothing may be taken as accepted, and all may be sent again. So it does where of what hangs together the
   * decisions are taken and not obeyed yet: these stand, and the same sent again is completed.
   */
  async publish(
    items: readonly Judged[],
    { sender, caller, validateOnly }: Rules,
    { isWhole = false, before = async () => {} }: Together = {},
  ): Promise<Outcome[]> {
    const send = validateOnly ? topicsOf : (messages: readonly OutgoingMessage[]) => this.service.bus.publish(messages);
    const checked = items.map((item) => (item.reading.ok ? this.fit(item.reading.event) : item.reading));
    const fitting = isWhole ? await this.allOrNothing(checked) : checked;
    const outcomes = new Array<Outcome | undefined>(items.length);
    if (!isWhole || fitting.every(({ ok }) => ok)) await before();
    const decisions = fitting.flatMap((fit, index) => (fit.ok && fit.event.decisions !== undefined ? [index] : []));
    await this.publishDecisions(decisions, fitting, outcomes, send);
    const held = await this.heldUp(items, decisions, outcomes);
    const isOvertaken = outcomes.some((outcome) => outcome?.ok === false);
    if (isWhole && (isOvertaken || [...held.values()].includes(DECISION_PENDING))) {
      await noteTaken(
        this.audit,
        this.service.keys,
        caller,
        outcomes.filter((outcome) => outcome !== undefined),
      );
      throw isOvertaken ? OVERTAKEN() : PENDING();
    }
    const rest = fitting.flatMap((fit, index) => (fit.ok && fit.event.decisions === undefined ? [index] : []));
    const free = rest.filter((index) => !held.has((fitting[index] as Fitting).event.subject));
    await this.sendEvents(free, fitting, outcomes, { send, validateOnly, isWhole });
    const result = fitting.map(
      (fit, index): Outcome => outcomes[index] ?? (fit.ok ? (held.get(fit.event.subject) as Refused) : fit),
    );
    const accepted = result.filter(({ ok }) => ok).length;
    const organisation = sender || 'governance';
    const counted = validateOnly ? this.validated : this.events;
    counted.inc({ organisation, outcome: 'accepted' }, accepted);
    counted.inc({ organisation, outcome: 'refused' }, items.length - accepted);
    await noteTaken(this.audit, this.service.keys, caller, result);
    return result;
  }

  /** The outcomes with what became of each event that was taken, once that is known, or after so long. */
  async withWhatBecame(outcomes: readonly Outcome[], limitMs: number): Promise<readonly Outcome[]> {
    const places = outcomes.flatMap((outcome, index) =>
      outcome.ok && isDurable(outcome.at) ? [{ index, ...outcome, at: outcome.at }] : [],
    );
    const became = await this.becoming.wait(
      places.map(({ event, at }) => this.taken(event, at)),
      limitMs,
    );
    const told = [...outcomes];
    for (const [order, { index, ok, event, at }] of places.entries()) told[index] = { ok, event, at, became: became[order] };
    return told;
  }

  private taken(event: Publishable, at: Coordinates): Taken {
    const { id, source, subject, type, decisions = [] } = event;
    return { type, id, source, at, key: this.service.keys.patient(subject), digest: decisions[0]?.digest ?? digestOf(event) };
  }

  /** The decision as it is waited for. */
  onItsWay(event: Publishable, at: Coordinates): OnItsWay {
    const { id, source, subject, decisions = [] } = event;
    return { at, key: this.service.keys.patient(subject), source, id, digest: (decisions[0] as NewDecision).digest };
  }

  /** Where one is refused, all are, each by its own errors or because of that. */
  private async allOrNothing(fitting: readonly Fit[]): Promise<readonly Fit[]> {
    const [seen, inCall] = [new Map<string, string>(), new RecentEvents(fitting.length)];
    const judged = await Promise.all(
      fitting.map(async (fit): Promise<Fit> => {
        if (!fit.ok) return fit;
        if (fit.event.decisions === undefined) return this.conflicts(fit.event, inCall) ? EVENT_CONFLICT : fit;
        const problem = await this.whyNotRecorded(fit.event, seen);
        return problem === null ? fit : { ok: false, problems: [problem] };
      }),
    );
    return judged.every(({ ok }) => ok) ? judged : judged.map((fit) => (fit.ok ? NOT_ALONE : fit));
  }

  /** Whether it says something else than what was taken lately, or stands before it in the call, under its id. */
  private conflicts(event: Publishable, inCall: RecentEvents): boolean {
    const [name, digest] = [recentName(event), digestOf(event)];
    const isOther = inCall.isOther(name, digest) || this.recent.isOther(name, digest);
    if (!isOther) inCall.note(name, digest);
    return isOther;
  }

  private async publishDecisions(
    indexes: readonly number[],
    fitting: readonly Fit[],
    outcomes: (Outcome | undefined)[],
    send: Send,
  ): Promise<void> {
    const sound: number[] = [];
    const seen = new Map<string, string>();
    for (const index of indexes) {
      const { event } = fitting[index] as Fitting;
      const problem = await this.whyNotRecorded(event, seen);
      if (problem === null) sound.push(index);
      else outcomes[index] = { ok: false, problems: [problem] };
    }
    await this.send(sound, fitting, outcomes, send);
  }

  /** What the person's own stream has against a decision: its id is another one's, or there is no room for a permission. */
  private async whyNotRecorded(event: Publishable, seen: Map<string, string>): Promise<Problem | null> {
    const { id, source, subject, decisions = [] } = event;
    const { digest } = decisions[0] as NewDecision;
    const key = this.service.keys.patient(subject);
    const name = JSON.stringify([key, source, id]);
    const isOther = (seen.get(name) ?? digest) !== digest;
    seen.set(name, digest);
    if (isOther) return CONFLICT;
    const loaded = await unlessUnreadable(loadNumber(this.service.store, key), () => {});
    // It is taken all the same: an objection is never refused, and stands in quarantine.
    if (loaded === null) return null;
    const all = loaded.decisions;
    const { state } = recordedIn(all, { source, id, digest });
    if (state === 'conflict') return CONFLICT;
    return state === 'absent' && hasNoRoom(decisions, all) ? { ...TOO_MANY, field: 'Consent' } : null;
  }

  /** Of whom nothing else of this call is taken, and why: what they decided was refused, or is not obeyed yet. */
  private async heldUp(
    items: readonly Judged[],
    decisions: readonly number[],
    outcomes: readonly (Outcome | undefined)[],
  ): Promise<ReadonlyMap<string, Refused>> {
    const held = new Map<string, Refused>();
    const everybody = items.flatMap(({ reading }) => (reading.ok ? [reading.event.subject] : []));
    for (const { reading, mayDeny, subject } of items) {
      if (reading.ok || mayDeny !== true) continue;
      // Whose a decision is that names nobody, or two people, cannot be told: it may be anybody's of this call.
      const isAnybodys = !isNumber(subject) || reading.problems.some(({ code }) => code === 'somebody-else');
      for (const one of isAnybodys ? everybody : [subject]) held.set(one, DECISION_REFUSED);
    }
    if (decisions.length === 0) return held;
    const others = new Set(
      items.flatMap(({ reading }) => (reading.ok && reading.event.decisions === undefined ? [reading.event.subject] : [])),
    );
    await Promise.all(
      decisions.map(async (index) => {
        const outcome = outcomes[index];
        const { subject } = (items[index]?.reading as { event: Publishable }).event;
        if (!others.has(subject)) return;
        if (outcome?.ok !== true) return void held.set(subject, DECISION_REFUSED);
        if (!isDurable(outcome.at)) return;
        const became = await this.obedience.wait(this.onItsWay(outcome.event, outcome.at), OBEDIENCE_LIMIT_MS);
        if (became === null || became.state === 'absent') held.set(subject, DECISION_PENDING);
      }),
    );
    return held;
  }

  /** Care events, but for those that say something else than what was taken lately, or stands before them in the call, under their id. */
  private async sendEvents(
    indexes: readonly number[],
    fitting: readonly Fit[],
    outcomes: (Outcome | undefined)[],
    { send, validateOnly, isWhole }: { readonly send: Send; readonly validateOnly: boolean; readonly isWhole: boolean },
  ): Promise<void> {
    const inCall = new RecentEvents(indexes.length);
    const taken: number[] = [];
    for (const index of indexes) {
      if (this.conflicts((fitting[index] as Fitting).event, inCall)) outcomes[index] = EVENT_CONFLICT;
      else taken.push(index);
    }
    if (isWhole && taken.length < indexes.length) throw OVERTAKEN();
    await this.send(taken, fitting, outcomes, send);
    if (validateOnly) return;
    for (const index of taken) {
      const { event } = fitting[index] as Fitting;
      this.recent.note(recentName(event), digestOf(event));
    }
  }

  private async send(
    indexes: readonly number[],
    fitting: readonly Fit[],
    outcomes: (Outcome | undefined)[],
    send: Send,
  ): Promise<void> {
    if (indexes.length === 0) return;
    const places = await send(indexes.map((index) => (fitting[index] as Fitting).message));
    for (const [order, index] of indexes.entries()) {
      outcomes[index] = { ok: true, event: (fitting[index] as Fitting).event, at: places[order] as Place };
    }
  }

  /** The bus takes a call whole or not at all: one message above its limit would cost all the others of the call. */
  private fit(event: Publishable): Fit {
    const message = toMessage(event, { seal: this.seal });
    const bytes = sizeOf(message);
    if (bytes > MESSAGE_LIMIT_BYTES) {
      return refuse('data', 'too-large', `the event takes ${bytes} bytes, above the limit of ${MESSAGE_LIMIT_BYTES}`);
    }
    const problem = event.type === DECISION_TYPE ? null : tooLargeToStore(event, bytes, () => resourceOf(event));
    return problem === null ? { ok: true, event, message } : { ok: false, problems: [problem] };
  }
}

type Send = (messages: readonly OutgoingMessage[]) => Promise<readonly Place[]>;

const topicsOf: Send = async (messages) => messages.map(({ topic }) => ({ topic }));

export const isDurable = (at: Place): at is Coordinates => 'offset' in at;

/** Of what its sender sent. */
const digestOf = (event: Publishable): string => ('digest' in event ? event.digest : (event.sentDigest ?? contentDigest(event)));

function resourceOf(event: Publishable): Resource {
  return 'resource' in event ? event.resource : (parseWithDigits(Buffer.from(event.bytes).toString('utf8')) as Resource);
}

export type Refused = { readonly ok: false; readonly problems: readonly Problem[] };
type Fitting = { readonly ok: true; readonly event: Publishable; readonly message: OutgoingMessage };
type Fit = Fitting | Refused;

const refuse = (field: string, code: string, message: string): Refused => ({
  ok: false,
  problems: [{ field, code, message }],
});

export const CONFLICT: Problem = {
  field: 'id',
  code: 'idempotency-conflict',
  message: 'this id was used for another decision about this person: send the decision under an id of its own',
};
const EVENT_CONFLICT = refuse(
  'id',
  'idempotency-conflict',
  'this id was used for another event about this person: send the event under an id of its own',
);
const NOT_ALONE = refuse(
  '',
  'transaction-refused',
  'another entry of the transaction was refused, so Weft took nothing of it; correct that entry by its own errors, and send all again',
);
const DECISION_REFUSED = refuse(
  '',
  'decision-refused',
  'Weft refused a decision about this person in the same call, so it took nothing else about them; correct that decision by its own errors, and send both again',
);
const DECISION_PENDING = refuse(
  '',
  'decision-pending',
  'a decision about this person in the same call is not obeyed yet: send this again later',
);

const PENDING = (): HttpProblem =>
  new HttpProblem(503, 'decision-pending', 'A decision of this transaction is not obeyed yet', {
    detail:
      'The decision is durable, and stands. Send the same transaction again: it is completed, and nothing of it is taken twice.',
    headers: { 'retry-after': '5' },
  });

/** Between the check of a transaction and its publication. */
const OVERTAKEN = (): HttpProblem =>
  new HttpProblem(409, 'idempotency-conflict', 'Another request has used an id of this transaction meanwhile', {
    detail: 'A decision of the transaction that was taken stands. Send what is left of it under ids of its own.',
  });

function isDecision(item: Reading<ReceivedEvent>): boolean {
  return item.ok && item.event.attributes['type'] === DECISION_TYPE;
}

const isNumber = (subject: string | undefined): subject is string => subject !== undefined && nhsNumberProblem(subject) === null;

function subjectOf(item: Reading<ReceivedEvent>): string | undefined {
  const subject = item.ok ? item.event.attributes['subject'] : undefined;
  return typeof subject === 'string' ? subject : undefined;
}

function sizeOf({ key, value, headers }: OutgoingMessage): number {
  const texts = [key, ...Object.entries(headers).flat()];
  return texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), value?.byteLength ?? 0);
}

/** Who records a decision of an organisation's. Throws HttpProblem for a token that names none. */
export function asOrganisation({ organisation, subject }: Actor): Recorder & { readonly organisation: string } {
  if (organisation !== undefined) return { as: 'organisation', organisation, subject };
  throw new HttpProblem(403, 'no-organisation', 'Only an organisation publishes', {
    detail: 'The token names no organisation (org).',
  });
}
