import {
  AUTHORITIES,
  PURPOSES,
  type Authority,
  type CareEvent,
  type CareEventType,
  type Decision,
  type Organisation,
  type Provision,
  type Purpose,
  type Resource,
} from '@weft/domain';
import { CONSENT_TOPIC, careEventsTopic, type OutgoingMessage } from '@weft/processing';
import type { Prng } from './prng.js';
import { SENSITIVE_CODES, SMALL_RESOURCE_TYPES, smallResource, type SmallResourceType } from './resources.js';
import { eventMessage } from './sim-reader.js';
import type { SmallRegion } from './small-region.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BEYOND_CARE: readonly Purpose[] = ['population-health', 'research'];
const ENTRY_IDS = ['a', 'b'] as const;
const ENTRY_NAMES = SMALL_RESOURCE_TYPES.flatMap((type) => ENTRY_IDS.map((id) => `${type}/${id}`));
const REMEMBERED = 24;
const SOON_MS = 30_000;

/** How often the rarer things come, as shares of all messages. */
export interface Rates {
  readonly duplicate: number;
  readonly retraction: number;
  readonly merge: number;
  readonly poison: number;
  /** Too large to be accepted. */
  readonly oversized: number;
  /** Large enough that two of them make a view that one append cannot carry. */
  readonly large: number;
  /** Of decisions: an opt-out that is taken back later. */
  readonly flip: number;
}

export const RATES: Rates = {
  duplicate: 0.12,
  retraction: 0.08,
  merge: 0.1,
  poison: 0.03,
  oversized: 0.002,
  large: 0,
  flip: 0.15,
};

/** What a seed is mostly about: the fewer kinds there are, the more often they meet. */
export interface Focus {
  readonly resourceTypes: readonly SmallResourceType[];
  readonly entryIds: readonly string[];
  readonly authorities: readonly Authority[];
  /** The share of everything that is about the region's first patient, beside their part of the rest. */
  readonly favourite: number;
  /** The shares of provisions about one organisation, and about one category. */
  readonly scoped: number;
  /** The share of periods that begin or end within half a minute; where there are such, most provisions have a period. */
  readonly soon: number;
}

export const WIDE: Focus = {
  resourceTypes: SMALL_RESOURCE_TYPES,
  entryIds: ENTRY_IDS,
  authorities: AUTHORITIES,
  favourite: 0.3,
  scoped: 0.2,
  soon: 0,
};

/** Everything, or only a few kinds of it: what is rare among much else is frequent in some seed. */
export function focus(prng: Prng): Focus {
  const few = <T>(list: readonly T[]): readonly T[] => {
    if (prng.chance(0.4)) return list;
    return Array.from({ length: prng.between(1, 2) }, () => prng.pick(list));
  };
  return {
    resourceTypes: few(SMALL_RESOURCE_TYPES),
    entryIds: few(ENTRY_IDS),
    authorities: few(AUTHORITIES),
    favourite: prng.pick([0, 0.3, 0.7]),
    scoped: prng.pick([0.2, 0.6]),
    soon: prng.pick([0, 0.3]),
  };
}

/** How the Consents begin that are taken back: opted out and back in is to equal never opted out. */
export const FLIP_PREFIX = 'flip-';

/** What one organisation publishes: few entry ids, so that versions, retractions and duplicates meet the same entries again. */
export class CareEventGenerator {
  private count = 0;
  private readonly published: OutgoingMessage[] = [];
  /** Merges sent: what is undone was mostly done before. */
  private readonly merged: { readonly subject: string; readonly survivor: string }[] = [];
  private readonly topic: string;

  constructor(
    private readonly prng: Prng,
    private readonly region: SmallRegion,
    private readonly organisation: Organisation,
    private readonly rates: Rates = RATES,
    private readonly focus: Focus = WIDE,
  ) {
    this.topic = careEventsTopic(organisation.ods);
  }

  next(now: number): OutgoingMessage {
    const { prng, rates } = this;
    if (prng.chance(rates.poison)) return this.poison();
    if (prng.chance(rates.duplicate) && this.published.length > 0) return prng.pick(this.published);
    const event = prng.chance(rates.merge) ? this.mergeOrUnmerge(now) : this.careEvent(now);
    const message = eventMessage(this.topic, event.subject, event);
    this.published.push(message);
    if (this.published.length > REMEMBERED) this.published.shift();
    return message;
  }

  private careEvent(now: number): CareEvent {
    const { prng } = this;
    const subject = someone(prng, this.region, this.focus);
    const type = prng.pick(this.focus.resourceTypes);
    const id = prng.pick(this.focus.entryIds);
    if (prng.chance(this.rates.retraction)) {
      const meta = prng.chance(0.5) ? {} : { meta: this.version(now) };
      return this.envelope('care-event-retracted-1', subject, now, { resourceType: type, id, ...meta });
    }
    const resource = smallResource(prng, type, id, subject, this.version(now));
    const isDeath = type === 'Patient' && prng.chance(0.1);
    const bytes = prng.chance(this.rates.oversized) ? 990_000 : prng.chance(this.rates.large) ? 520_000 : 0;
    const written = bytes === 0 ? resource : { ...resource, note: [{ text: 'x'.repeat(bytes) }] };
    return this.envelope(isDeath ? 'patient-died-1' : 'care-event-recorded-1', subject, now, written);
  }

  /** Versions out of order, repeated, or told by date only, or not at all. */
  private version(now: number): NonNullable<Resource['meta']> {
    const { prng } = this;
    const lastUpdated = new Date(now - prng.below(20) * 1_000).toISOString();
    switch (prng.below(4)) {
      case 0:
        return {};
      case 1:
        return { lastUpdated };
      default:
        return { versionId: String(Math.max(1, Math.floor(this.count / 8) + prng.between(-3, 2))), lastUpdated };
    }
  }

  /** Any number into any other, so chains come about, and attempted loops, and the undoing of what was never done. */
  private mergeOrUnmerge(now: number): CareEvent {
    const { prng } = this;
    const known = prng.chance(0.4) && this.merged.length > 0 ? prng.pick(this.merged) : undefined;
    const subject = known?.subject ?? someone(prng, this.region, this.focus);
    const survivor = known?.survivor ?? prng.pick(this.region.patients.filter((patient) => patient !== subject));
    const type = known === undefined && prng.chance(0.8) ? 'patient-merged-1' : 'patient-unmerged-1';
    if (type === 'patient-merged-1') this.merged.push({ subject, survivor });
    const other = { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: survivor } };
    const resource = { resourceType: 'Patient', id: 'a', link: [{ type: 'replaced-by', other }] };
    return { ...this.envelope(type, subject, now, resource), survivor };
  }

  private envelope(type: CareEventType, subject: string, now: number, resource: Resource): CareEvent {
    const { ods } = this.organisation;
    const source = `urn:ods:${ods}`;
    const time = new Date(now - this.prng.below(60) * 1_000).toISOString();
    return { type, id: `${ods}-${this.count++}`, source, organisation: ods, subject, time, resource };
  }

  private poison(): OutgoingMessage {
    const { prng, topic } = this;
    const key = prng.pick(this.region.patients);
    const value = prng.pick([null, '', '{"half":', 'null', '{"subject":"someone else"}', '\u0000\uffff']);
    return { topic, key, value: value === null ? null : Buffer.from(value), headers: {} };
  }
}

/** One patient more often than the others, so that more of what happens meets. */
function someone(prng: Prng, { patients }: SmallRegion, { favourite }: Focus): string {
  return prng.chance(favourite) ? (patients[0] as string) : prng.pick(patients);
}

/** Decisions about the region's patients: every authority, nested exceptions, periods that begin and end while the world runs. */
export class DecisionGenerator {
  private count = 0;
  private readonly published: OutgoingMessage[] = [];
  /** Opted out of, and not taken back yet. */
  private readonly flips: { readonly subject: string; readonly decision: Omit<Decision, 'recordedAt'> }[] = [];

  constructor(
    private readonly prng: Prng,
    private readonly region: SmallRegion,
    private readonly rates: Rates = RATES,
    private readonly focus: Focus = WIDE,
  ) {}

  /** `left`: how many there are to be, this one included; what was opted out of is taken back before they end. */
  next(now: number, left = Infinity): OutgoingMessage {
    const { prng } = this;
    if (this.flips.length > 0 && (left <= this.flips.length || prng.chance(0.3))) return this.takenBack(now);
    if (left > this.flips.length + 1 && prng.chance(this.rates.flip)) return this.flip(now);
    if (prng.chance(this.rates.poison)) {
      return { topic: CONSENT_TOPIC, key: prng.pick(this.region.patients), value: Buffer.from('{"decision":'), headers: {} };
    }
    if (prng.chance(this.rates.duplicate) && this.published.length > 0) return prng.pick(this.published);
    return this.publish(someone(prng, this.region, this.focus), this.decision(now));
  }

  private publish(subject: string, decision: Omit<Decision, 'recordedAt'>): OutgoingMessage {
    const message = eventMessage(CONSENT_TOPIC, subject, { subject, decision });
    this.published.push(message);
    if (this.published.length > REMEMBERED) this.published.shift();
    return message;
  }

  private flip(now: number): OutgoingMessage {
    const { prng } = this;
    const subject = someone(prng, this.region, this.focus);
    const authority = prng.pick(['local-dissent', 'national-data-opt-out', 'type-1', 'explicit-consent'] as const);
    const decision: Omit<Decision, 'recordedAt'> = {
      ...this.decision(now),
      authority,
      consentId: `${FLIP_PREFIX}${this.count}`,
      status: 'active',
      // An entry that nobody has beside those of the region: a scope of its own, so that it replaces no other decision.
      provision: { effect: 'deny', purposes: PURPOSES, entries: [...ENTRY_NAMES, `none/${this.count}`] },
      exceptions: [],
    };
    this.flips.push({ subject, decision });
    return this.publish(subject, decision);
  }

  private takenBack(now: number): OutgoingMessage {
    const [flip] = this.flips.splice(0, 1);
    const { subject, decision } = flip as NonNullable<typeof flip>;
    const decidedAt = new Date(Math.max(now, Date.parse(decision.decidedAt) + 1)).toISOString();
    const provision = this.prng.chance(0.5) ? decision.provision : { ...decision.provision, from: now + DAY_MS };
    return this.publish(subject, { ...decision, id: `decision-${this.count++}`, status: 'withdrawn', decidedAt, provision });
  }

  private decision(now: number): Omit<Decision, 'recordedAt'> {
    const { prng } = this;
    const authority = prng.pick(this.focus.authorities);
    const provision = this.provision(authority, now);
    const exceptions = prng.chance(0.25) ? [this.exception(provision, now)] : [];
    return {
      id: `decision-${this.count++}`,
      source: 'urn:ods:X26',
      consentId: `${authority}-${prng.below(3)}`,
      authority,
      status: prng.chance(0.15) ? 'withdrawn' : 'active',
      // Told late, as decisions are that were made on paper: so they come in another order than they were made in.
      decidedAt: new Date(now - prng.below(prng.pick([30, 7_200])) * 1_000).toISOString(),
      decidedBy: prng.pick(['patient', 'proxy', 'organisation']),
      provision,
      exceptions,
    };
  }

  private provision(authority: Authority, now: number): Provision {
    const { prng } = this;
    const effect = prng.chance(authority === 'explicit-consent' ? 0.3 : 0.65) ? 'deny' : 'permit';
    const purposes = authority === 'national-data-opt-out' || authority === 'type-1' ? BEYOND_CARE : this.purposes();
    const entries = authority === 'withheld-item' ? { entries: [this.entry()] } : {};
    return { effect, purposes, ...entries, ...this.scope(), ...this.period(now) };
  }

  /** The other way round, for a part of what the provision covers. */
  private exception(provision: Provision, now: number): Provision {
    const effect = provision.effect === 'deny' ? 'permit' : 'deny';
    return { effect, purposes: this.purposes(), ...this.scope(), ...this.period(now) };
  }

  private purposes(): readonly Purpose[] {
    const some = this.prng.some(PURPOSES);
    return some.length === 0 ? PURPOSES : some;
  }

  private scope(): Pick<Provision, 'organisations' | 'categories'> {
    const { prng } = this;
    const { scoped } = this.focus;
    const organisations = prng.chance(scoped) ? { organisations: [prng.pick(this.region.organisations).ods] } : {};
    const categories = prng.chance(scoped)
      ? { categories: [prng.pick([...SENSITIVE_CODES, 'R', 'Encounter', 'Condition'])] }
      : {};
    return { ...organisations, ...categories };
  }

  private period(now: number): Pick<Provision, 'from' | 'until'> {
    const { prng } = this;
    const from = now + (prng.chance(this.focus.soon) ? prng.below(SOON_MS) : prng.between(-2 * HOUR_MS, DAY_MS));
    switch (prng.below(this.focus.soon === 0 ? 6 : 4)) {
      case 0:
        return { from };
      case 1:
        return { until: from };
      case 2:
        return { from, until: from + prng.between(1, DAY_MS) };
      default:
        return {};
    }
  }

  private entry(): string {
    const { prng } = this;
    const type = prng.pick(this.focus.resourceTypes);
    const reference = `${type}/${prng.pick(this.focus.entryIds)}`;
    return prng.chance(0.5) ? reference : `${prng.pick(this.region.organisations).ods}/${reference}`;
  }
}
