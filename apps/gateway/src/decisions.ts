import { Inject, Injectable } from '@nestjs/common';
import { FHIR_JSON, fhirProblems, GOVERNANCE_SOURCE, readFhirJson, subjectOfConsent } from '@weft/care-events';
import { type Coordinates, DECISION_TYPE, type NewDecision, placeOf, type Problem, type Recorder } from '@weft/domain';
import {
  CONSENT_TOPIC,
  type CoverageInRecord,
  coverageInRecord,
  effectOf,
  isWithoutRule,
  listQuarantine,
  loadNumber,
  type Message,
  permissionLeftOut,
  type Recorded,
  type RecordedDecision,
  recordedIn,
  TOO_MANY,
  type Wiring,
} from '@weft/processing';
import { AnswerTimes, type Caller, Service, WIRING } from '@weft/service';
import type { DecisionAnswer } from './answers.js';
import { asOrganisation, CONFLICT, Intake, isDurable, type Publishable } from './intake.js';
import type { OnItsWay, Outcome } from './obedience.js';
import { refusal } from './refusals.js';

export interface RecordOptions {
  /** The event's id; absent: a new one, because a decision that returns to an earlier state is new. */
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly waitMs: number;
  /** Nothing is sent: the answer says what the decision would do, as far as it can be told without it. */
  readonly validateOnly: boolean;
}

/** What a Consent says, as it was read. */
interface Said {
  readonly warnings: readonly Problem[];
  readonly said: readonly NewDecision[];
}

/** A decision that is not obeyed after so long waits for an engine or for a person, and for nothing in the record. */
const LOOKED_AFTER_MS = 60_000;

const mayReadAll = ({ roles }: Caller): boolean => roles.includes('governance');

/** Behind everything: where the next decision would stand. */
const NOWHERE: Coordinates = { topic: CONSENT_TOPIC, partition: 0, offset: Number.MAX_SAFE_INTEGER };

/** Decisions on their way: onto the bus, until they are obeyed, and what they then do. */
@Injectable()
export class Decisions {
  private readonly seconds;

  constructor(
    private readonly service: Service,
    private readonly intake: Intake,
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly times: AnswerTimes,
  ) {
    this.seconds = service.metrics.histogram(
      'weft_gateway_decision_seconds',
      'From a decision being durable to its being obeyed',
      ['state'],
    );
  }

  /**
   * Publishes the Consent's decision and waits until it is obeyed, or so long. How long that takes tells how much there is in the
   * record, so whoever may not read it is answered at an answer time. Throws HttpProblem, EngineUnavailable.
   */
  async record(body: Uint8Array, caller: Caller, options: RecordOptions): Promise<DecisionAnswer> {
    const work = () => this.recordNow(body, caller, options);
    return mayReadAll(caller) ? work() : this.times.hold('writing', work);
  }

  private async recordNow(
    body: Uint8Array,
    caller: Caller,
    { id, source, waitMs, validateOnly }: RecordOptions,
  ): Promise<DecisionAnswer> {
    const parsed = readFhirJson(body, 'body');
    if (!parsed.ok) throw refusal(parsed.problems);
    const [now, begun] = [this.service.clock.now(), this.service.clock.steady()];
    const { from, recorder } = makerOf(caller, source);
    const attributes = {
      specversion: '1.0',
      type: DECISION_TYPE,
      id: id ?? this.service.random.uuid(),
      source: from,
      subject: subjectNamed(parsed.event),
      time: new Date(now).toISOString(),
      datacontenttype: FHIR_JSON,
    };
    const rules = this.intake.rulesFor(caller, validateOnly, recorder);
    const [outcome] = await this.intake.take([{ ok: true, event: { attributes, data: parsed, bytes: body } }], rules);
    if (!outcome!.ok) throw refusal(outcome!.problems);
    const { event, at } = outcome!;
    const said = { warnings: event.warnings ?? [], said: event.decisions ?? [] };
    if (!isDurable(at)) return this.answerIfSent(event, said, caller);
    const onItsWay = this.intake.onItsWay(event, at);
    // Whoever does not wait is told that it is pending: whether it is obeyed at once depends on the record.
    const became = waitMs === 0 && !mayReadAll(caller) ? null : await this.intake.obedience.wait(onItsWay, waitMs);
    const answer = await this.answer(onItsWay, became, said, caller);
    this.seconds.observe({ state: answer.state }, (this.service.clock.steady() - begun) / 1000);
    if (answer.state === 'conflict') throw refusal(answer.warnings);
    return answer;
  }

  /** undefined when there is no such decision, or it is not for this caller to know of. */
  async find(id: string, caller: Caller): Promise<DecisionAnswer | undefined> {
    const message = await this.messageOf(id);
    if (message === undefined) return undefined;
    const source = message.headers['ce_source'] ?? '';
    if (!mayReadAll(caller)) {
      if (organisationOf(source) !== caller.organisation) return undefined;
      // Whether it is obeyed is looked up at an answer time of its own: asking often must not say when it came to be.
      const passed = Math.max(0, this.service.clock.now() - message.timestamp);
      if (passed < LOOKED_AFTER_MS) await this.times.next('writing', this.service.clock.steady() - passed);
    }
    const { topic, partition, offset } = message;
    const at = { topic, partition, offset };
    const reading = this.wiring.reader.decision(message);
    const event = reading.ok ? reading.event : reading.unread;
    const named = { source, id: message.headers['ce_id'] ?? '' };
    if (event === null)
      return this.described({ ...named, at, key: '', digest: '' }, { state: 'absent' }, reading.ok ? [] : reading.problems);
    const digest = 'decisions' in event ? (event.decisions[0]?.digest ?? '') : '';
    const onItsWay = { ...named, at, key: this.service.keys.patient(event.subject), digest };
    const read = reading.ok
      ? { warnings: reading.event.warnings ?? [], said: reading.event.decisions }
      : { warnings: reading.problems, said: [] };
    return this.answer(onItsWay, await this.intake.obedience.outcomeOf(onItsWay), read, caller);
  }

  /** What would be answered, were it sent now. What it covers in the record shows only once it is in it. */
  private async answerIfSent(event: Publishable, read: Said, caller: Caller): Promise<DecisionAnswer> {
    const onItsWay = this.intake.onItsWay(event, NOWHERE);
    const { decisions } = await loadNumber(this.wiring.store, onItsWay.key);
    // To ask leaves no trace: what others decided is told of what is recorded alone, and of this to nobody else.
    const before = mayReadAll(caller) ? decisions : decisions.filter((one) => one.source === event.source);
    const known = recordedIn(before, onItsWay);
    const recordedAt = new Date(this.service.clock.now()).toISOString();
    const mine = read.said.map((one): RecordedDecision => ({ ...one, recordedAt, coordinates: NOWHERE }));
    const became: Outcome =
      known.state === 'recorded' ? known : { state: 'recorded', decisions: mine, all: [...before, ...mine] };
    const roles = caller.roles.filter((role) => role !== 'governance');
    const { id: _, ...answer } = await this.answer(onItsWay, became, read, { ...caller, roles });
    return answer;
  }

  private async answer(decision: OnItsWay, became: Outcome, { warnings, said }: Said, caller: Caller): Promise<DecisionAnswer> {
    if (became?.state !== 'recorded') return this.described(decision, became, warnings);
    const { decisions: mine, all } = became;
    const { policy } = await this.wiring.policies.current();
    const effect = effectOf(mine, all, policy, this.service.clock.now());
    const isGovernance = mayReadAll(caller);
    const isPointless = mine.every((one) => isWithoutRule(one, policy));
    // Only governance may read what a decision covers: to others the answer must not tell what is in the record.
    const coverage = isGovernance ? await coverageInRecord(this.wiring, decision.key, mine) : null;
    const leftOut = permissionLeftOut(said, mine, all) ? [LEFT_OUT] : [];
    const found = [...warnings, ...leftOut, ...warningsOf(mine, effect.withdraws, isPointless), ...warningsOfRecord(coverage)];
    const { supersededBy } = effect;
    const state =
      supersededBy !== null
        ? 'superseded'
        : isPointless || coverage?.coversNothing === true || coverage?.lacksAge === true
          ? 'covers-nothing'
          : 'obeyed';
    const isShown = supersededBy !== null && (isGovernance || supersededBy.source === decision.source);
    return {
      ...base(decision, state),
      standing: effect.standing,
      since: effect.since,
      until: effect.until,
      ...(coverage !== null && { covers: coverage.covers }),
      ...(isShown && { supersededBy: supersededBy.id }),
      warnings: found,
    };
  }

  /** A decision that is in no stream, or not yet. */
  private async described(
    decision: OnItsWay,
    became: Exclude<Outcome, { state: 'recorded' }>,
    warnings: readonly Problem[],
  ): Promise<DecisionAnswer> {
    const state =
      became === null ? 'pending' : became.state === 'absent' ? await this.stateOfAbsent(decision.at) : STATES[became.state];
    const told = state === 'conflict' ? [CONFLICT] : warnings;
    return { ...base(decision, state), standing: false, since: null, until: null, warnings: told };
  }

  /** A projector has passed the message, and no stream holds it: it is in quarantine, or still to be given again. */
  private async stateOfAbsent(at: Coordinates): Promise<DecisionAnswer['state']> {
    const place = placeOf(at);
    return (await listQuarantine(this.service.bus)).some(({ id }) => id === place) ? 'quarantined' : 'pending';
  }

  private async messageOf(id: string): Promise<Message | undefined> {
    const [, partition, offset] = /^(\d{1,6})-(\d{1,15})$/.exec(id)?.map(Number) ?? [];
    if (partition === undefined || offset === undefined) return undefined;
    const held = (await this.service.bus.offsets(CONSENT_TOPIC)).find((one) => one.partition === partition);
    if (held === undefined || offset < held.low || offset >= held.high) return undefined;
    const [message] = await this.service.bus.read(CONSENT_TOPIC, partition, offset, 1);
    return message?.offset === offset ? message : undefined;
  }
}

const STATES = { conflict: 'conflict', closed: 'quarantined' } as const satisfies Partial<
  Record<Recorded['state'], DecisionAnswer['state']>
>;

const TOO_YOUNG: Problem = {
  field: 'Consent.performer',
  code: 'giver-too-young',
  message:
    'by their birth date in the record this person is too young to permit this for themselves, so it opens nothing; ask a parent or other proxy, and send it with them as the performer',
};

const LEFT_OUT: Problem = { ...TOO_MANY, field: 'Consent' };

/** What only the record shows of a decision, for those who may read it. */
function warningsOfRecord(coverage: CoverageInRecord | null): Problem[] {
  if (coverage === null) return [];
  return [...(coverage.lacksAge ? [TOO_YOUNG] : []), ...(coverage.cannotTell ? [CANNOT_TELL] : [])];
}

const CANNOT_TELL: Problem = {
  field: 'Consent.provision',
  code: 'cannot-tell',
  message:
    'Weft knows no entry, and the policy lists no code, by a name used here: an objection therefore covers every entry that it may mean, a permission none. Correct the name, and send the Consent again under its id',
};

function base(
  { at, id, source }: OnItsWay,
  state: DecisionAnswer['state'],
): Pick<DecisionAnswer, 'id' | 'state' | 'event' | 'source'> {
  return { id: `${at.partition}-${at.offset}`, state, event: id, source };
}

function warningsOf(mine: readonly RecordedDecision[], withdraws: boolean, isPointless: boolean): Problem[] {
  const [first] = mine as readonly [RecordedDecision, ...RecordedDecision[]];
  const warnings: Problem[] = [];
  if (first.status === 'withdrawn' && !withdraws) {
    const message = 'this source recorded no Consent of this id under this authority, so nothing was withdrawn';
    warnings.push({ field: 'Consent.id', code: 'no-such-decision', message });
  }
  if (isPointless) {
    const message = `the sharing policy asks for ${first.authority} for none of the purposes named, so nothing changes`;
    warnings.push({ field: 'Consent.policy', code: 'authority-does-not-apply', message });
  }
  return warnings;
}

/** Governance records under a source of its own, which no organisation can void; an organisation under its own. */
function makerOf(caller: Caller, source: string | undefined): { readonly from: string; readonly recorder: Recorder } {
  const { organisation, subject } = caller;
  if (caller.roles.includes('governance')) {
    if (source !== undefined && source !== GOVERNANCE_SOURCE) {
      const error = {
        field: 'ce-source',
        code: 'not-the-sender',
        message: `governance records as ${GOVERNANCE_SOURCE}, and as nobody else`,
      };
      throw refusal([error]);
    }
    return { from: GOVERNANCE_SOURCE, recorder: { as: 'governance', organisation: organisation ?? null, subject } };
  }
  const recorder = asOrganisation(caller);
  return { from: source ?? `urn:ods:${recorder.organisation}`, recorder };
}

/** The NHS number of the Consent's patient. Throws the refusal of what is no Consent, or names nobody. */
function subjectNamed(consent: unknown): string {
  const subject = subjectOfConsent(consent);
  if (subject.ok) return subject.event;
  const isConsent = (consent as { resourceType?: unknown } | null)?.resourceType === 'Consent';
  throw refusal([...subject.problems, ...(isConsent ? fhirProblems(consent as Parameters<typeof fhirProblems>[0]) : [])]);
}

const organisationOf = (source: string): string | undefined => /^urn:ods:([A-Za-z0-9]{1,9})(?::|$)/.exec(source)?.[1];
