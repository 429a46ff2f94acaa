import type { CareEvent, CareEventType, Organisation, Resource } from '@weft/domain';
import { careEventsTopic, type OutgoingMessage } from '@weft/processing';
import { idsOf, RATES, WIDE, type Focus, type Rates } from './focus.js';
import type { Prng } from './prng.js';
import { smallResource } from './resources.js';
import { eventMessage } from './sim-reader.js';
import { underOwnIds } from './own-ids.js';
import type { SmallRegion } from './small-region.js';

const REMEMBERED = 24;

/** What one organisation publishes: few entry ids, so that versions, retractions and duplicates meet the same entries again. */
export class CareEventGenerator {
  private count = 0;
  private readonly published: CareEvent[] = [];
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
    if (this.published.length === 0) return this.send(this.careEvent(now));
    if (prng.chance(rates.duplicate)) return this.message(this.again(prng.pick(this.published)));
    if (prng.chance(rates.repeated)) return this.send(this.repeated(prng.pick(this.published), now));
    return this.send(prng.chance(rates.merge) ? this.mergeOrUnmerge(now) : this.careEvent(now));
  }

  /** Once more; where numbers were merged at times under the other one. */
  private again(event: CareEvent): CareEvent {
    const merged = this.merged.find(({ subject, survivor }) => [subject, survivor].includes(event.subject));
    if (merged === undefined || event.survivor !== undefined || !this.prng.chance(0.4)) return event;
    return { ...event, subject: merged.subject === event.subject ? merged.survivor : merged.subject };
  }

  private message(event: CareEvent): OutgoingMessage {
    return eventMessage(this.topic, event.subject, event);
  }

  private send(event: CareEvent): OutgoingMessage {
    this.published.push(event);
    if (this.published.length > REMEMBERED) this.published.shift();
    return this.message(event);
  }

  /** What was said before, as an event of its own; or, at times, something else under an id that was used already. */
  private repeated(before: CareEvent, now: number): CareEvent {
    const { id, type, subject, resource } = before;
    if (!this.prng.chance(0.3)) return { ...before, ...this.envelope(type, subject, now, resource) };
    return { ...this.careEvent(now, subject), id };
  }

  private careEvent(now: number, subject = this.whom()): CareEvent {
    const { prng } = this;
    const owner = this.whose(subject);
    const type = prng.pick(this.focus.resourceTypes);
    const id = prng.pick(idsOf(this.focus, type));
    if (prng.chance(this.rates.retraction)) {
      const meta = prng.chance(0.5) ? {} : { meta: this.version(now) };
      return this.envelope('care-event-retracted-1', subject, now, this.called({ resourceType: type, id, ...meta }, owner));
    }
    const resource = this.called(smallResource(prng, type, id, subject, this.version(now), now), owner);
    if (type === 'Patient' && prng.chance(0.25)) return this.death(subject, resource, now);
    const bytes = prng.chance(this.rates.oversized) ? 990_000 : prng.chance(this.rates.large) ? 520_000 : 0;
    const written = bytes === 0 ? resource : { ...resource, note: [{ text: 'x'.repeat(bytes) }] };
    return this.envelope('care-event-recorded-1', subject, now, written);
  }

  /** Of numbers that were merged either, so that what is said under one meets what the other has. */
  private whom(): string {
    const { prng, merged, focus } = this;
    if (merged.length === 0 || focus.merged === 0 || !prng.chance(focus.merged)) return someone(prng, this.region, focus);
    const { subject, survivor } = prng.pick(merged);
    return prng.pick([subject, survivor]);
  }

  /** Whose entry an event is about: mostly that of the person whom it names, or of another number of theirs; at times somebody else's. */
  private whose(subject: string): string {
    const { prng, merged, focus } = this;
    if (focus.corrected > 0 && prng.chance(focus.corrected)) return someone(prng, this.region, focus);
    const pair = focus.merged === 0 ? undefined : merged.find((one) => one.subject === subject || one.survivor === subject);
    return pair === undefined ? subject : prng.pick([pair.subject, pair.survivor]);
  }

  private called<R extends Resource>(resource: R, owner: string): R {
    return underOwnIds(resource, owner, this.region, this.focus);
  }

  /** Told, told otherwise, and taken back: some days ago, lately, or nobody says when. */
  private death(subject: string, resource: Resource, now: number): CareEvent {
    const { prng } = this;
    if (prng.chance(0.35)) {
      return this.envelope('patient-death-retracted-1', subject, now, { resourceType: 'Patient', id: resource.id as string });
    }
    const at = new Date(now - prng.pick([0, 20_000, 3 * 86_400_000])).toISOString();
    const deceased = prng.pick([{ deceasedBoolean: true }, { deceasedDateTime: at }, { deceasedDateTime: at.slice(0, 10) }]);
    return this.envelope('patient-died-1', subject, now, { ...resource, ...deceased });
  }

  /** Versions out of order, repeated, going back, or told by date or number only, or not at all. */
  private version(now: number): NonNullable<Resource['meta']> {
    const { prng } = this;
    const lastUpdated = new Date(now - prng.below(20) * 1_000).toISOString();
    const versionId = String(Math.max(1, Math.floor(this.count / 8) + prng.between(-3, 2)));
    switch (prng.below(8)) {
      case 0:
      case 1:
        return {};
      case 2:
        return { lastUpdated };
      case 3:
        return { versionId };
      case 4:
        // A restored server numbers from 1 again, another has ids without an order.
        return { versionId: prng.pick(['1', '2', 'W/a']), lastUpdated };
      default:
        return { versionId, lastUpdated };
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
    const source = this.prng.pick([`urn:ods:${ods}`, `urn:ods:${ods}`, `urn:ods:${ods}:lab`]);
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
export function someone(prng: Prng, { patients }: SmallRegion, { favourite }: Focus): string {
  return prng.chance(favourite) ? (patients[0] as string) : prng.pick(patients);
}
