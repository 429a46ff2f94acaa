import { FHIR_JSON } from '@weft/care-events';
import type { CareEventType, OrganisationKind, Resource } from '@weft/domain';
import type { Chance } from './chance.js';
import * as terms from './clinical-terms.js';
import type { Person } from './people.js';
import * as fhir from './resources.js';

/** A CloudEvent as an organisation sends it. */
export interface DemoEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: CareEventType;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: typeof FHIR_JSON;
  readonly data: Resource;
}

/** The ODS codes of the four that take part. */
export type Parts = Readonly<Record<Exclude<OrganisationKind, 'social-care'>, string>>;

const DAY_MS = 86_400_000;
const PROFILE_YEARS = 12;

/** What one person lives through, told by four organisations, each in the order in which it happens there. */
export class Journey {
  readonly events: { readonly ods: string; readonly event: DemoEvent }[] = [];
  private count = 0;

  constructor(
    readonly person: Person,
    readonly parts: Parts,
    readonly chance: Chance,
    /** Now, as the demo has it; milliseconds since 1970. */
    readonly now: number,
  ) {}

  /** RFC 3339; a time of day at which people work. Negative: still to come. */
  daysAgo(days: number, hour = this.chance.between(8, 17)): string {
    const midnight = Math.floor(this.now / DAY_MS) * DAY_MS;
    return new Date(midnight - days * DAY_MS + hour * 3_600_000 + this.chance.between(0, 11) * 300_000).toISOString();
  }

  /** An id for the next resource, and what every resource is told. Written at the time given, by default long ago. */
  about(ods: string, what: string, written: string): fhir.About {
    this.count += 1;
    return { id: `demo-${this.person.index}-${what}-${this.count}`, person: this.person, ods, written };
  }

  publish(
    ods: string,
    data: Resource,
    type: CareEventType = 'care-event-recorded-1',
    subject = this.person.nhsNumber,
  ): DemoEvent {
    const event: DemoEvent = {
      specversion: '1.0',
      id: `demo-${this.person.index}-${this.events.length + 1}`,
      source: `urn:ods:${ods}`,
      type,
      subject,
      time: this.sent(data.meta?.lastUpdated),
      datacontenttype: FHIR_JSON,
      data,
    };
    this.events.push({ ods, event });
    return event;
  }

  /** No event is sent before it happened, nor after now. */
  private sent(written: string | undefined): string {
    const now = new Date(this.now).toISOString();
    return written === undefined || written > now ? now : written;
  }
}

/** An ordinary life with the health service: the older, the more of it. */
export function liveThrough(journey: Journey): void {
  atTheSurgery(journey);
  const { person, chance } = journey;
  const frailty = person.age / 100;
  if (chance.is(0.25 + frailty / 2)) atTheHospital(journey);
  if (person.age >= 16 && chance.is(0.2)) withTheMentalHealthTrust(journey);
  if (chance.is(frailty * 0.6)) withTheCommunityTrust(journey);
}

function atTheSurgery(journey: Journey): void {
  const { person, chance, parts } = journey;
  const { gp } = parts;
  const registered = journey.daysAgo(chance.between(700, 365 * PROFILE_YEARS));
  journey.publish(gp, fhir.patient(journey.about(gp, 'patient', registered), person));
  if (chance.is(0.12)) {
    const noted = journey.daysAgo(chance.between(400, 4_000));
    journey.publish(gp, fhir.allergy(journey.about(gp, 'allergy', noted), terms.PENICILLIN_ALLERGY, noted.slice(0, 10)));
  }
  for (const { problem, likelihood, youngest, medicines } of terms.LONG_TERM) {
    const share = person.age < youngest ? 0 : Math.min(1, 0.4 + (0.6 * person.age) / 65);
    if (!chance.is(likelihood * share)) continue;
    const found = journey.daysAgo(chance.between(300, 3_000));
    journey.publish(gp, fhir.condition(journey.about(gp, 'condition', found), problem, found.slice(0, 10)));
    for (const medicine of medicines) {
      const prescribed = journey.daysAgo(chance.between(7, 56));
      journey.publish(gp, fhir.medicationRequest(journey.about(gp, 'medication', prescribed), medicine, prescribed));
    }
  }
  measurements(journey);
  vaccinations(journey);
  const called = journey.daysAgo(chance.between(3, 90));
  const call = { start: called, end: new Date(Date.parse(called) + 10 * 60_000).toISOString() };
  journey.publish(gp, fhir.encounter(journey.about(gp, 'encounter', called), 'VR', terms.CONSULTATION, 'finished', call));
}

function measurements(journey: Journey): void {
  const { person, chance, parts } = journey;
  const { gp } = parts;
  const readings = person.age < 16 ? 1 : chance.between(1, 3);
  for (let reading = readings; reading > 0; reading -= 1) {
    const at = journey.daysAgo(reading * chance.between(60, 150));
    if (person.age >= 16) {
      const pressure = terms.bloodPressure(chance.between(108, 168), chance.between(62, 98));
      journey.publish(gp, fhir.observation(journey.about(gp, 'observation', at), terms.BLOOD_PRESSURE, pressure, at));
    }
    const weight = { ...terms.WEIGHT, value: person.age < 16 ? 10 + person.age * 3 : chance.between(48, 112), unit: 'kg' };
    journey.publish(gp, fhir.observation(journey.about(gp, 'observation', at), terms.WEIGHT, weight, at));
  }
}

function vaccinations(journey: Journey): void {
  const { person, chance, parts } = journey;
  const { gp } = parts;
  if (person.age >= 65 || chance.is(0.3)) {
    const at = journey.daysAgo(chance.between(20, 300));
    journey.publish(gp, fhir.immunization(journey.about(gp, 'immunization', at), terms.INFLUENZA_VACCINE, at));
  }
  if (person.age >= 75) {
    const at = journey.daysAgo(chance.between(100, 400));
    journey.publish(gp, fhir.immunization(journey.about(gp, 'immunization', at), terms.COVID_VACCINE, at));
  }
}

/** A stay that is over, what came of it, and what is still to come. */
export function atTheHospital(journey: Journey): void {
  const { chance, parts } = journey;
  const { gp, acute } = parts;
  const days = chance.between(15, 400);
  const came = journey.daysAgo(days);
  const isStay = chance.is(0.5);
  const left = new Date(Date.parse(came) + (isStay ? chance.between(1, 9) * 24 : chance.between(2, 6)) * 3_600_000).toISOString();
  const [kind, what] = isStay ? (['IMP', terms.ADMISSION] as const) : (['EMER', terms.EMERGENCY] as const);
  journey.publish(
    acute,
    fhir.encounter(journey.about(acute, 'encounter', left), kind, what, 'finished', { start: came, end: left }),
  );
  const found = chance.pick([terms.CHEST_PAIN, terms.PNEUMONIA, terms.FRACTURE]);
  journey.publish(acute, fhir.condition(journey.about(acute, 'condition', left), found, came.slice(0, 10), 'resolved'));
  const potassium = { ...terms.POTASSIUM, value: chance.between(34, 54) / 10, unit: 'mmol/L' };
  journey.publish(acute, fhir.observation(journey.about(acute, 'observation', came), terms.POTASSIUM, potassium, came));
  if (chance.is(0.6)) {
    const asked = journey.daysAgo(Math.max(1, days - chance.between(2, 12)));
    journey.publish(gp, fhir.serviceRequest(journey.about(gp, 'referral', asked), terms.REFERRAL, acute, asked));
    const start = journey.daysAgo(-chance.between(4, 60));
    journey.publish(
      acute,
      fhir.encounter(journey.about(acute, 'encounter', asked), 'AMB', terms.OUTPATIENT, 'planned', { start }),
    );
    journey.publish(acute, fhir.appointment(journey.about(acute, 'appointment', asked), 'Outpatient clinic', start, 20));
  }
}

export function withTheMentalHealthTrust(journey: Journey): void {
  const { chance, parts } = journey;
  const mentalHealth = parts['mental-health'];
  const { gp } = parts;
  const found = journey.daysAgo(chance.between(120, 900));
  journey.publish(gp, fhir.condition(journey.about(gp, 'condition', found), terms.DEPRESSION, found.slice(0, 10)));
  const prescribed = journey.daysAgo(chance.between(5, 40));
  journey.publish(gp, fhir.medicationRequest(journey.about(gp, 'medication', prescribed), terms.SERTRALINE, prescribed));
  const seen = journey.daysAgo(chance.between(30, 110));
  const hour = { start: seen, end: new Date(Date.parse(seen) + 3_600_000).toISOString() };
  journey.publish(
    mentalHealth,
    fhir.encounter(journey.about(mentalHealth, 'encounter', seen), 'AMB', terms.OUTPATIENT, 'finished', hour),
  );
  const score = { ...terms.MOOD_SCORE, value: chance.between(4, 22), unit: '{score}' };
  journey.publish(
    mentalHealth,
    fhir.observation(journey.about(mentalHealth, 'observation', seen), terms.MOOD_SCORE, score, seen),
  );
  journey.publish(mentalHealth, fhir.carePlan(journey.about(mentalHealth, 'plan', seen), 'Talking therapy', seen.slice(0, 10)));
}

export function withTheCommunityTrust(journey: Journey): void {
  const { chance, parts } = journey;
  const { community } = parts;
  const began = journey.daysAgo(chance.between(10, 120));
  const plan = chance.pick(['Wound care at home', 'Falls prevention', 'Reablement after a stay in hospital']);
  journey.publish(community, fhir.carePlan(journey.about(community, 'plan', began), plan, began.slice(0, 10)));
  journey.publish(
    community,
    fhir.encounter(journey.about(community, 'encounter', began), 'AMB', terms.HOME_VISIT, 'in-progress', { start: began }),
  );
  const visit = journey.daysAgo(-chance.between(1, 9));
  journey.publish(community, fhir.appointment(journey.about(community, 'appointment', began), 'District nurse visit', visit, 40));
}
