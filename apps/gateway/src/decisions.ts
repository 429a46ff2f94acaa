import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { decisionOfConsent, FHIR_JSON, fhirProblems, readJson } from '@weft/care-events';
import { canonicalJson, DECISION_TYPE, type Organisation, type Problem, type Resource } from '@weft/domain';
import { CONSENT_TOPIC, type Message, type Wiring } from '@weft/processing';
import { type Caller, HttpProblem, Service, WIRING } from '@weft/service';
import type { DecisionAnswer } from './answers.js';
import { Intake } from './intake.js';
import { Obedience } from './obedience.js';
import { refusal } from './refusals.js';

export interface RecordOptions {
  /** The event's id; absent: made of the source and the Consent, so that the same one sent twice is one decision. */
  readonly id?: string;
  readonly source?: string;
  readonly waitMs: number;
}

const ODS_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code';

/** Decisions on their way: onto the bus, and until they are obeyed. */
@Injectable()
export class Decisions implements OnModuleDestroy {
  private readonly obedience: Obedience;
  private readonly seconds;

  constructor(
    private readonly service: Service,
    private readonly intake: Intake,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {
    const { bus, clock, timers, metrics } = service;
    this.obedience = new Obedience(bus, clock, timers);
    this.seconds = metrics.histogram('weft_gateway_decision_seconds', 'From a decision being durable to its being obeyed', [
      'state',
    ]);
  }

  onModuleDestroy(): void {
    this.obedience.stop();
  }

  /** Publishes the Consent's decision and waits until it is obeyed, or so long. Throws HttpProblem, EngineUnavailable. */
  async record(body: Uint8Array, caller: Caller, { id, source, waitMs }: RecordOptions): Promise<DecisionAnswer> {
    const parsed = readJson(body, 'body');
    if (!parsed.ok) throw refusal(parsed.problems);
    const consent = parsed.event;
    const from = source ?? sourceOf(consent, caller, this.service.settings.organisations);
    const event = id ?? this.service.keys.uuid('consent', from, canonicalJson(consent));
    const now = this.service.clock.now();
    const attributes = {
      specversion: '1.0',
      type: DECISION_TYPE,
      id: event,
      source: from,
      subject: subjectOf(consent, { id: event, source: from, now }),
      time: new Date(now).toISOString(),
      datacontenttype: FHIR_JSON,
    };
    const rules = this.intake.rulesFor(caller, caller.roles.includes('governance') ? (organisationOf(from) ?? '') : undefined);
    const [outcome] = await this.intake.take([{ ok: true, event: { attributes, data: parsed, bytes: body } }], rules);
    if (!outcome!.ok) throw refusal(outcome!.problems);
    const isObeyed = await this.obedience.waitUntilObeyed(outcome!.at, waitMs);
    const state = isObeyed ? 'obeyed' : 'pending';
    this.seconds.observe({ state }, (this.service.clock.now() - now) / 1000);
    return { id: `${outcome!.at.partition}-${outcome!.at.offset}`, state, event, source: from };
  }

  /** undefined when there is no such decision, or it is not for this caller to know of. */
  async find(id: string, caller: Caller): Promise<DecisionAnswer | undefined> {
    const message = await this.messageOf(id);
    if (message === undefined) return undefined;
    const source = message.headers['ce_source'] ?? '';
    if (!caller.roles.includes('governance') && organisationOf(source) !== caller.organisation) return undefined;
    const isHandled = await this.obedience.isObeyed(message);
    const state = !isHandled ? 'pending' : this.wiring.reader.decision(message).ok ? 'obeyed' : 'quarantined';
    return { id, state, event: message.headers['ce_id'] ?? '', source };
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

/** The NHS number of the Consent's patient. Throws the refusal of a Consent that carries no decision about anyone. */
function subjectOf(consent: unknown, context: { readonly id: string; readonly source: string; readonly now: number }): string {
  const decision = decisionOfConsent(consent, context);
  if (decision.ok && decision.event.subject !== undefined) return decision.event.subject;
  const nobody: Problem = { field: 'Consent.patient', code: 'required', message: 'must name the patient by NHS number' };
  const isConsent = (consent as Partial<Resource> | null)?.resourceType === 'Consent';
  throw refusal([...(decision.ok ? [nobody] : decision.problems), ...(isConsent ? fhirProblems(consent as Resource) : [])]);
}

/**
 * Whom the decision comes through: a publisher itself; for governance the organisation that the Consent names, else its own,
 * else the region's first, because an objection is not refused for want of somebody to name.
 */
function sourceOf(consent: unknown, caller: Caller, region: readonly Organisation[]): string {
  const own = caller.organisation;
  const ods = caller.roles.includes('governance') ? (organisationOfConsent(consent) ?? own ?? region[0]?.ods) : own;
  if (ods !== undefined) return `urn:ods:${ods}`;
  const error = { field: 'ce-source', code: 'required', message: 'is required: the token names no organisation' };
  throw new HttpProblem(422, 'invalid-event', 'The event is not valid', { errors: [error] });
}

function organisationOfConsent(consent: unknown): string | undefined {
  const { organization } = (consent ?? {}) as { organization?: unknown };
  const references = (Array.isArray(organization) ? organization : []) as ({
    identifier?: { system?: unknown; value?: unknown };
  } | null)[];
  const value = references.find((reference) => reference?.identifier?.system === ODS_SYSTEM)?.identifier?.value;
  return typeof value === 'string' ? value : undefined;
}

const organisationOf = (source: string): string | undefined => /^urn:ods:([A-Za-z0-9]{1,9})(?::|$)/.exec(source)?.[1];
