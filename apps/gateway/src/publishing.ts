import { Inject, Injectable } from '@nestjs/common';
import type { FhirRequest, JudgedMany, Many, ReceivedEvent } from '@weft/care-events';
import { DECISION_TYPE, type Problem } from '@weft/domain';
import { type EntryOf, notePublished, type Reading, type Wiring } from '@weft/processing';
import { AnswerTimes, AuditLog, type Caller, Service, WIRING } from '@weft/service';
import { type About, noteRefused } from './decision-audit.js';
import { Intake, type Kept, type Outcome, type Rules } from './intake.js';
import { ENTRIES_MAX, tooManyValues } from './limits.js';
import { waitOf } from './prefer.js';
import { refusal } from './refusals.js';
import { RepeatedRequests } from './repeated-requests.js';

/** What a request is judged by, and how long its answer may wait for what becomes of it. */
export type Request = Rules & { readonly waitMs: number };
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;
export type ManyBody = Pick<Many, 'kind' | 'limitBytes'> & { readonly bytes: Buffer };

/** What a FHIR request says beside its body. */
export interface Said {
  /** The caller's word that two requests are one. */
  readonly key?: string | undefined;
  readonly byMessage?: boolean;
  readonly source?: string | undefined;
  readonly request?: FhirRequest;
  /** The NHS numbers of whom something is about that is taken back and not carried. */
  readonly subjects?: readonly string[];
}

/** Events of one request, and what became of each. */
export interface Published extends Omit<JudgedMany, 'kept' | 'wanted'> {
  /** As the items. */
  readonly outcomes: readonly Outcome[];
  readonly kept: readonly (Kept & JudgedMany['kept'][number])[];
}

/** What /events and /fhir have in common: events are judged, published, audited, and answered when their time tells nothing. */
@Injectable()
export class Publishing {
  private readonly repeated: RepeatedRequests;

  constructor(
    private readonly intake: Intake,
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly audit: AuditLog,
    private readonly times: AnswerTimes,
  ) {
    this.repeated = new RepeatedRequests(service.clock, () => service.random.uuid());
  }

  requestOf(caller: Caller, headers: RequestHeaders, isOnlyValidated: boolean): Request {
    const wait = waitOf([headers['prefer']].flat().join(', '));
    return { ...this.intake.rulesFor(caller, isOnlyValidated), waitMs: isOnlyValidated ? 0 : wait * 1_000 };
  }

  async take(received: readonly Reading<ReceivedEvent>[], rules: Request): Promise<readonly Outcome[]> {
    const about = received.map(aboutOf);
    return this.timed(about, rules, async () => {
      const outcomes = await this.intake.take(received, rules);
      await noteRefused(this.audit, this.service.keys, rules, about, outcomes);
      return this.toldOf(outcomes, rules);
    });
  }

  /** Each event is judged by itself, and the sound ones are published in their order; of a transaction all, or none. */
  async many(body: ManyBody, rules: Request, said: Said = {}): Promise<Published> {
    refuseIf(tooManyValues(body.bytes, body.limitBytes));
    const { source = '', key = '', request } = said;
    const name = [rules.sender, source, key, JSON.stringify(request ?? null), body.bytes];
    return this.repeated.run(name, async (fresh) => {
      const judged = await this.judge(body, rules, said, fresh);
      return this.published(judged, rules, request !== undefined);
    });
  }

  private async judge(
    body: ManyBody,
    rules: Request,
    { key, byMessage = false, source, request, subjects }: Said,
    fresh: string,
  ): Promise<JudgedMany> {
    const keys = { fresh, byMessage, ...(key !== undefined && { given: key }) };
    const many = { ...body, entriesMax: ENTRIES_MAX, keys, ...(request !== undefined && { request }) };
    const abouts = subjects === undefined ? [{}] : subjects.map((subject) => ({ subject }));
    const readings = await Promise.all(abouts.map((about) => this.intake.judgeMany({ ...many, ...about }, rules, source)));
    const judged = readings.map((reading) => {
      if (!reading.ok) throw refusal(reading.problems);
      return reading.event;
    });
    return { ...(judged[0] as JudgedMany), items: judged.flatMap(({ items }) => items) };
  }

  private async published({ items, kept, ...rest }: JudgedMany, rules: Request, isAsked: boolean): Promise<Published> {
    const type = rest.bundle?.type;
    const isWhole = type === 'transaction';
    let keeping: readonly Kept[] = [];
    const before = async (): Promise<void> => {
      keeping = await this.intake.keep(kept, rules);
      if (!rules.validateOnly && (isAsked || isWhole || type === 'batch')) await notePublished(this.wiring, entriesOf(items));
    };
    const outcomes = await this.timed(items, rules, async () => {
      const all = await this.intake.publish(items, rules, { isWhole, before });
      await noteRefused(this.audit, this.service.keys, rules, items, all);
      return this.toldOf(all, rules);
    });
    return { ...rest, items, outcomes, kept: keeping.map((one, index) => ({ ...kept[index]!, ...one })) };
  }

  private async toldOf(outcomes: readonly Outcome[], { waitMs }: Request): Promise<readonly Outcome[]> {
    return waitMs === 0 ? outcomes : this.intake.withWhatBecame(outcomes, waitMs);
  }

  /**
   * How long decisions take to be judged and obeyed, and events to be recorded, tells how much there is about a person: who sends some, or
   * waits for that, is answered at an answer time.
   */
  private timed<T>(items: readonly { readonly isDecision: boolean }[], { waitMs }: Request, work: () => Promise<T>): Promise<T> {
    return waitMs > 0 || items.some(({ isDecision }) => isDecision) ? this.times.hold('writing', work) : work();
  }
}

/** The entries that a client may delete later by nothing but their names. */
function entriesOf(items: JudgedMany['items']): EntryOf[] {
  return items.flatMap(({ reading, interaction }) => {
    if (!reading.ok || reading.event.type !== 'care-event-recorded-1' || interaction?.id === undefined) return [];
    const { source, subject } = reading.event;
    return [{ source, subject, resourceType: interaction.resourceType, id: interaction.id }];
  });
}

function refuseIf(problem: Problem | undefined): void {
  if (problem !== undefined) throw refusal([problem]);
}

function aboutOf(received: Reading<ReceivedEvent>): About {
  const { type, subject } = received.ok ? received.event.attributes : {};
  return { isDecision: type === DECISION_TYPE, subject: typeof subject === 'string' ? subject : undefined };
}
