import { hash } from 'node:crypto';
import { PURPOSES, provision, type Authority, type DecidedBy, type Provision, type Recorder } from '@weft/domain';
import { CONSENT_TOPIC, type OutgoingMessage } from '@weft/processing';
import { someone } from './care-event-generator.js';
import { idsOf, RATES, WIDE, type Focus, type Rates } from './focus.js';
import type { Prng } from './prng.js';
import { underOwnIds } from './own-ids.js';
import { ProvisionGenerator } from './provision-generator.js';
import { DOCUMENT, SMALL_RESOURCE_TYPES } from './resources.js';
import { eventMessage, type DecisionEvent, type SaidDecision } from './sim-reader.js';
import type { SmallRegion } from './small-region.js';

const DAY_MS = 86_400_000;
const YEARS_MS = 10_000 * DAY_MS;
const REMEMBERED = 24;
const DECIDERS: readonly DecidedBy[] = ['patient', 'patient', 'proxy', 'organisation', 'not-stated'];
const ENTRY_NAMES = [...SMALL_RESOURCE_TYPES, DOCUMENT].flatMap((type) => idsOf(WIDE, type).map((id) => `${type}/${id}`));

/** How the Consents begin that are taken back: opted out and back in is to equal never opted out. */
export const FLIP_PREFIX = 'flip-';

/** What a message says, but for its id. */
interface Draft {
  readonly subject: string;
  readonly authorities: readonly Authority[];
  readonly isVetted: boolean;
  readonly said: Omit<SaidDecision, 'id' | 'authority' | 'digest'>;
}

interface Published {
  readonly id: string;
  readonly draft: Draft;
}

/**
 * Decisions about the region's patients: of every authority and recorder, dated vaguely, wrongly or at the same instant, come back to,
 * corrected to somebody else, under an id that was used before, or in a form that nobody can read.
 */
export class DecisionGenerator {
  private count = 0;
  private readonly provisions: ProvisionGenerator;
  private readonly messages: OutgoingMessage[] = [];
  private readonly published: Published[] = [];
  /** Opted out of, and not taken back yet. */
  private readonly flips: Draft[] = [];

  constructor(
    private readonly prng: Prng,
    private readonly region: SmallRegion,
    private readonly rates: Rates = RATES,
    private readonly focus: Focus = WIDE,
  ) {
    this.provisions = new ProvisionGenerator(prng, region, focus);
  }

  /** `left`: how many there are to be, this one included; what was opted out of is taken back before they end. */
  next(now: number, left = Infinity): OutgoingMessage {
    const { prng, rates, published } = this;
    if (this.flips.length > 0 && (left <= this.flips.length || prng.chance(0.3))) return this.takenBack(now);
    if (left > this.flips.length + 1 && prng.chance(rates.flip)) return this.flip(now);
    if (prng.chance(rates.poison)) return this.poison();
    if (prng.chance(rates.duplicate) && this.messages.length > 0) return prng.pick(this.messages);
    if (prng.chance(rates.unread)) return this.unread(now);
    if (published.length > 0) {
      if (prng.chance(rates.conflict)) return this.conflict(now);
      if (prng.chance(rates.moved)) return this.publish(this.moved(prng.pick(published).draft, now));
      if (prng.chance(this.focus.again)) return this.publish(this.again(prng.pick(published).draft, now));
    }
    return this.publish(this.draft(now));
  }

  private publish(draft: Draft, id = this.nextId()): OutgoingMessage {
    this.published.push({ id, draft });
    if (this.published.length > REMEMBERED) this.published.shift();
    return this.send(this.called(eventOf(draft, id)));
  }

  private send(event: DecisionEvent): OutgoingMessage {
    const message = eventMessage(CONSENT_TOPIC, event.subject, event);
    this.messages.push(message);
    if (this.messages.length > REMEMBERED) this.messages.shift();
    return message;
  }

  private called(event: DecisionEvent): DecisionEvent {
    return underOwnIds(event, event.subject, this.region, this.focus);
  }

  private nextId(): string {
    return `decision-${this.count++}`;
  }

  private draft(now: number): Draft {
    const { prng } = this;
    const subject = someone(prng, this.region, this.focus);
    const authority = prng.pick(this.focus.authorities);
    const other = prng.chance(0.1) ? prng.pick(this.focus.authorities) : authority;
    const patient = this.region.patients.indexOf(subject);
    const said = {
      ...this.recorded(),
      consentId: prng.chance(0.1) ? '' : `${authority}-${patient}-${prng.below(2)}`,
      ...this.version(now),
      status: prng.chance(0.15) ? ('withdrawn' as const) : ('active' as const),
      ...this.dated(now),
      decidedBy: prng.pick(DECIDERS),
      provision: this.provisions.provision(authority, now),
    };
    return { subject, authorities: [...new Set([authority, other])], isVetted: this.isVetted(said.recorder), said };
  }

  private recorded(): { readonly recorder: Recorder; readonly source: string } {
    const { prng } = this;
    const kind = prng.pick(this.focus.recorders);
    if (kind === 'governance' || kind === 'ndoo-import') {
      return { recorder: { as: kind, organisation: null, subject: kind }, source: 'urn:ods:X26' };
    }
    if (kind === 'nameless') return { recorder: { as: 'organisation', organisation: null, subject: kind }, source: 'urn:nobody' };
    const organisation = kind === 'foreign' ? 'ZZ9' : prng.pick(this.region.organisations).ods;
    return { recorder: { as: 'organisation', organisation, subject: null }, source: `urn:ods:${organisation}` };
  }

  /** Only of an organisation's own messages can the recorder be told without a gateway's word. */
  private isVetted({ as, organisation }: Recorder): boolean {
    return as !== 'organisation' || organisation === null || !this.prng.chance(this.focus.unvetted);
  }

  /** Versions out of order, repeated, dated by a clock that is years ahead, or told by date only, or not at all. */
  private version(now: number): Pick<SaidDecision, 'version'> {
    const { prng } = this;
    const lastUpdated = prng.chance(0.1) ? now + YEARS_MS : now - prng.below(20) * 1_000;
    const versionId = Math.max(1, Math.floor(this.count / 2) + prng.between(-2, 2));
    return prng.pick([{}, {}, { version: { lastUpdated } }, { version: { versionId } }, { version: { versionId, lastUpdated } }]);
  }

  /** Told late, as decisions are that were made on paper; vaguely; by a clock that is ahead; or at the very time of another one. */
  private dated(now: number): Pick<SaidDecision, 'decidedAt'> {
    const { prng } = this;
    const text = new Date(now - prng.below(prng.pick([30, 7_200])) * 1_000).toISOString();
    if (!prng.chance(this.focus.vague)) return { decidedAt: text };
    const ahead = new Date(now + prng.below(2 * DAY_MS)).toISOString();
    const same = this.published.length === 0 ? undefined : prng.pick(this.published).draft.said.decidedAt;
    const decidedAt = prng.pick([
      ...[text.slice(0, 10), text.slice(0, 10), text.slice(0, 7), text.slice(0, 4), `${text.slice(0, 19)}+01:00`],
      ...[ahead, ahead.slice(0, 10), same, same, undefined],
    ]);
    return decidedAt === undefined ? {} : { decidedAt };
  }

  /** The same once more, the opposite, its end, a next version, somebody else's word on it. */
  private again({ subject, authorities, isVetted, said }: Draft, now: number): Draft {
    const { prng } = this;
    const { version: _, ...bare } = said;
    const next = { ...bare, ...(prng.chance(0.3) ? {} : this.dated(now)), ...this.version(now) };
    const draft = { subject, authorities, isVetted };
    switch (prng.below(6)) {
      case 0:
        return { ...draft, said: { ...next, status: 'active' } };
      case 1:
      case 2: {
        const by = prng.chance(0.5) ? this.recorded() : { recorder: said.recorder, source: said.source };
        const whole = opposite(said.provision);
        return { ...draft, isVetted: this.isVetted(by.recorder), said: { ...next, ...by, consentId: '', provision: whole } };
      }
      case 3:
        return { ...draft, said: { ...next, status: 'withdrawn' } };
      case 4: {
        const whole = this.provisions.provision(authorities[0] as Authority, now);
        return { ...draft, said: { ...next, status: 'active', provision: whole } };
      }
      default: {
        const by = this.recorded();
        const other = prng.chance(0.5) ? authorities : [prng.pick(this.focus.authorities)];
        return { subject, authorities: other, isVetted: this.isVetted(by.recorder), said: { ...next, ...by } };
      }
    }
  }

  /** The same Consent, about another person. */
  private moved(draft: Draft, now: number): Draft {
    const { prng } = this;
    const { version: _, ...bare } = draft.said;
    const subject = prng.pick(this.region.patients.filter((patient) => patient !== draft.subject));
    const whole = prng.chance(0.7) ? draft.said.provision : opposite(draft.said.provision);
    return { ...draft, subject, said: { ...bare, ...this.dated(now), ...this.version(now), provision: whole } };
  }

  private conflict(now: number): OutgoingMessage {
    const { prng } = this;
    const { id, draft } = prng.pick(this.published);
    const authority = draft.authorities[0] as Authority;
    const whole = prng.chance(0.5) ? this.provisions.provision(authority, now) : opposite(draft.said.provision);
    return this.send(this.called(eventOf({ ...draft, said: { ...draft.said, status: 'active', provision: whole } }, id)));
  }

  private poison(): OutgoingMessage {
    const { prng } = this;
    const key = prng.chance(0.3) ? prng.pick(this.region.patients) : 'nobody';
    return { topic: CONSENT_TOPIC, key, value: Buffer.from('{"decision":'), headers: {} };
  }

  private unread(now: number): OutgoingMessage {
    const { prng } = this;
    const draft = this.draft(now);
    const id = this.nextId();
    const denied = { ...draft.said.provision, effect: 'deny' as const, provisions: [] };
    const said = prng.chance(0.5) ? { said: { id, source: draft.said.source } } : {};
    const event = underOwnIds({ unread: denied, ...said, meant: eventOf(draft, id) }, draft.subject, this.region, this.focus);
    if (prng.chance(0.3)) this.published.push({ id, draft });
    return eventMessage(CONSENT_TOPIC, draft.subject, event);
  }

  private flip(now: number): OutgoingMessage {
    const { prng } = this;
    const authority = prng.pick(['local-dissent', 'national-data-opt-out', 'type-1', 'explicit-consent'] as const);
    // An entry that nobody has beside those of the region: a scope of its own, so that it replaces no other decision.
    const entries = [...ENTRY_NAMES, `none/${this.count}`].map((entry) => ({ entry, reach: 'instance' as const }));
    const said: Draft['said'] = {
      ...{ recorder: { as: 'governance', organisation: null, subject: 'governance' }, source: 'urn:ods:X26' },
      ...{ consentId: `${FLIP_PREFIX}${this.count}`, status: 'active', decidedBy: 'patient' },
      decidedAt: new Date(now).toISOString(),
      provision: provision('deny', PURPOSES, { limits: [{ kind: 'entries', entries }] }),
    };
    const draft: Draft = { subject: someone(prng, this.region, this.focus), authorities: [authority], isVetted: true, said };
    this.flips.push(draft);
    return this.send(this.called(eventOf(draft, this.nextId())));
  }

  private takenBack(now: number): OutgoingMessage {
    const [flip] = this.flips.splice(0, 1);
    const draft = flip as Draft;
    const decidedAt = new Date(now + 1).toISOString();
    const whole = this.prng.chance(0.5) ? draft.said.provision : { ...draft.said.provision, from: now + DAY_MS };
    const said = { ...draft.said, status: 'withdrawn' as const, decidedAt, provision: whole };
    return this.send(this.called(eventOf({ ...draft, said }, this.nextId())));
  }
}

function eventOf({ subject, authorities, isVetted, said }: Draft, id: string): DecisionEvent {
  const consentId = said.consentId === '' ? id : said.consentId;
  const digest = hash('sha256', JSON.stringify([subject, authorities, said]));
  return { subject, isVetted, decisions: authorities.map((authority) => ({ ...said, id, consentId, authority, digest })) };
}

function opposite({ effect, provisions: _, ...rest }: Provision): Provision {
  return { ...rest, effect: effect === 'deny' ? 'permit' : 'deny', provisions: [] };
}
