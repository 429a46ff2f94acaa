import { consentOf } from '@weft/care-events';
import type { Authority, Provision, Purpose, Resource } from '@weft/domain';
import { provision, PURPOSES } from '@weft/domain';
import * as terms from './clinical-terms.js';
import { atTheHospital, type Journey, withTheCommunityTrust, withTheMentalHealthTrust } from './journey.js';
import { temporaryNumber } from './people.js';
import * as fhir from './resources.js';

/** Gives the FHIR Consents of what the person decided. */
type Story = (journey: Journey) => Resource[];

const BEYOND_CARE: readonly Purpose[] = ['population-health', 'research'];
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * What the first people of a region have lived through beside the ordinary, one story each, so that even a small region shows
 * everything once. The first is the one to try things on: something from everybody, and nothing decided.
 */
export const STORIES: readonly Story[] = [
  everythingAndNothingDecided,
  (journey) => [decision(journey, 'national-data-opt-out', provision('deny', BEYOND_CARE))],
  (journey) => [decision(journey, 'type-1', provision('deny', BEYOND_CARE))],
  keepsTheMentalHealthTrustToThemselves,
  withholdsOneItem,
  optsOutNationallyAndAgreesToResearch,
  (journey) => [dissent(journey, ['research'], { from: journey.now + 10 * MINUTE_MS })],
  (journey) => [dissent(journey, PURPOSES, { until: journey.now + 30 * DAY_MS })],
  hadTwoNumbers,
  died,
  wasMendedOutOfOrder,
  wasMistakenForSomebodyElse,
];

/** Of everybody else some have opted out, as in life. */
export function decisionsOf(journey: Journey): Resource[] {
  const { chance } = journey;
  if (chance.is(0.06)) return [decision(journey, 'national-data-opt-out', provision('deny', BEYOND_CARE))];
  if (chance.is(0.04)) return [decision(journey, 'type-1', provision('deny', BEYOND_CARE))];
  return chance.is(0.01) ? [dissent(journey, PURPOSES)] : [];
}

function everythingAndNothingDecided(journey: Journey): Resource[] {
  atTheHospital(journey);
  withTheMentalHealthTrust(journey);
  withTheCommunityTrust(journey);
  return [];
}

function keepsTheMentalHealthTrustToThemselves(journey: Journey): Resource[] {
  withTheMentalHealthTrust(journey);
  return [dissent(journey, PURPOSES, { limits: [{ kind: 'recorded-by', organisations: [journey.parts['mental-health']] }] })];
}

function withholdsOneItem(journey: Journey): Resource[] {
  const { gp } = journey.parts;
  const found = journey.daysAgo(200);
  const item = fhir.condition(journey.about(gp, 'condition', found), terms.DEPRESSION, found.slice(0, 10));
  journey.publish(gp, item);
  const entries = [{ entry: `${gp}/Condition/${item.id}`, reach: 'instance' as const }];
  return [decision(journey, 'withheld-item', provision('deny', PURPOSES, { limits: [{ kind: 'entries', entries }] }))];
}

function optsOutNationallyAndAgreesToResearch(journey: Journey): Resource[] {
  return [
    decision(journey, 'national-data-opt-out', provision('deny', BEYOND_CARE)),
    decision(journey, 'explicit-consent', provision('permit', ['research'])),
  ];
}

/** Registered in a hurry under a temporary number, and recognised later. */
function hadTwoNumbers(journey: Journey): Resource[] {
  const { acute } = journey.parts;
  const { person } = journey;
  const nhsNumber = temporaryNumber(person.index);
  const came = journey.daysAgo(40);
  const somebody = (what: string, written: string) => ({ ...journey.about(acute, what, written), person: { nhsNumber } });
  const stay = { start: came, end: new Date(Date.parse(came) + 5 * 3_600_000).toISOString() };
  const emergency = fhir.encounter(somebody('encounter', came), 'EMER', terms.EMERGENCY, 'finished', stay);
  journey.publish(acute, emergency, 'care-event-recorded-1', nhsNumber);
  // Whoever merges two numbers must have recorded something about each.
  const known = journey.daysAgo(38);
  journey.publish(acute, fhir.patient(journey.about(acute, 'patient', known), person));
  const recognised = fhir.supersededPatient(somebody('patient', known), person.nhsNumber);
  journey.publish(acute, recognised, 'patient-merged-1', nhsNumber);
  return [];
}

function died(journey: Journey): Resource[] {
  const { gp } = journey.parts;
  const { person } = journey;
  const at = journey.daysAgo(12);
  const told = fhir.patient({ ...journey.about(gp, 'patient', at), version: 2 }, person, { deceasedDateTime: at });
  // The death is told of the Patient that the surgery has: a later version of the same resource.
  journey.publish(gp, { ...told, id: ownPatientId(journey) }, 'patient-died-1');
  return [];
}

const ownPatientId = ({ events }: Journey): string =>
  events.find(({ event }) => event.data.resourceType === 'Patient')?.event.data.id as string;

/** A preliminary result, its correction, and then, late, a version in between; and a problem that was solved. */
function wasMendedOutOfOrder(journey: Journey): Resource[] {
  const { acute, gp } = journey.parts;
  const at = journey.daysAgo(20);
  const about = journey.about(acute, 'observation', at);
  const result = (version: number, value: number, status: 'preliminary' | 'final') =>
    fhir.observation({ ...about, version }, terms.POTASSIUM, { ...terms.POTASSIUM, value, unit: 'mmol/L' }, at, status);
  journey.publish(acute, result(1, 6.8, 'preliminary'));
  journey.publish(acute, result(3, 4.6, 'final'));
  journey.publish(acute, result(2, 6.1, 'preliminary'));
  const found = journey.daysAgo(90);
  const problem = journey.about(gp, 'condition', found);
  journey.publish(gp, fhir.condition(problem, terms.PNEUMONIA, found.slice(0, 10)));
  journey.publish(
    gp,
    fhir.condition({ ...problem, version: 2, written: journey.daysAgo(60) }, terms.PNEUMONIA, found.slice(0, 10), 'resolved'),
  );
  return [];
}

/** A result filed under the wrong person and taken back; and a message that was sent twice. */
function wasMistakenForSomebodyElse(journey: Journey): Resource[] {
  const { acute } = journey.parts;
  const at = journey.daysAgo(9);
  const about = journey.about(acute, 'observation', at);
  journey.publish(acute, fhir.observation(about, terms.HBA1C, { ...terms.HBA1C, value: 71, unit: 'mmol/mol' }, at));
  const taken = { resourceType: 'Observation', id: about.id, meta: { lastUpdated: journey.daysAgo(8) } };
  journey.publish(acute, taken, 'care-event-retracted-1');
  const last = journey.events[0] as Journey['events'][number];
  journey.events.push(last);
  return [];
}

function dissent(journey: Journey, purposes: readonly Purpose[], more: Partial<Provision> = {}): Resource {
  return decision(journey, 'local-dissent', provision('deny', purposes, more));
}

function decision(journey: Journey, authority: Authority, provision: Provision): Resource {
  const { person } = journey;
  return consentOf({
    subject: person.nhsNumber,
    consentId: `demo-${person.index}-${authority}`,
    authority,
    status: 'active',
    decidedAt: journey.daysAgo(journey.chance.between(2, 300)),
    decidedBy: 'patient',
    provision,
  });
}
