import { CARE_EVENT_TYPES, denies, isResourceType, nhsNumberProblem, permittingNothing, placeOf } from '@weft/domain';
import type { NewDecision, Organisation, Problem, Provision } from '@weft/domain';
import type { Message } from '@weft/processing';
import { isAboutTheMaker } from './accept-event.js';
import { readCloudEvent } from './cloud-event.js';
import { isPrivacyConsent, isWithdrawal, modifiersOf } from './consent-in.js';
import { EVERYTHING, provisionOfConsent } from './consent-provision.js';
import { organisationOf } from './envelope.js';
import { costProblem } from './fhir.js';
import { isObject, nhsNumberOfReference, nhsNumbersOf } from './patient-reference.js';

/**
 * The denial that a message of the consent topic may be, which could not be read: as far as it can be told, whom it is about and
 * what for. It closes that person's record until the message is mended. Null where it can be no denial, or is nobody's to make.
 */
export function unreadDecision(
  message: Message,
  problems: readonly Problem[],
  organisations: ReadonlyMap<string, Organisation>,
  receivedAt: number,
): { readonly subject: string; readonly decision: NewDecision } | null {
  if (problems.some(isAboutTheMaker)) return null;
  const received = readCloudEvent({ headers: message.headers, body: message.value, mode: 'kafka' });
  const attributes = received.ok ? received.event.attributes : {};
  const data = received.ok && received.event.data.ok ? received.event.data.event : undefined;
  const subject = subjectOf(message, attributes['subject'], data);
  const provision = provisionOf(attributes['type'], data, organisations, receivedAt);
  if (subject === null || provision === null) return null;
  const place = placeOf(message);
  const [id, source] = [attributes['id'], attributes['source']].map((text) => (typeof text === 'string' ? text : ''));
  return {
    subject,
    decision: {
      ...{ id: id === '' ? place : (id as string).slice(0, 256), source: (source as string).slice(0, 256), consentId: place },
      ...{
        authority: 'local-dissent',
        status: 'active',
        receivedAt,
        decidedBy: 'not-stated',
        provision,
        digest: '',
        unread: true,
      },
      recorder: { as: 'organisation', organisation: organisationOf(source), subject: null },
    },
  };
}

/** Whom the Consent itself names, else the event's subject, else the message's key. */
function subjectOf({ key }: Message, subject: unknown, data: unknown): string | null {
  const patient = isObject(data) && isObject(data['patient']) ? data['patient'] : {};
  const named = [nhsNumbersOf(patient['identifier'])[0]?.number, nhsNumberOfReference(patient['reference']), subject, key];
  return named.find((one): one is string => typeof one === 'string' && nhsNumberProblem(one) === null) ?? null;
}

function provisionOf(
  type: unknown,
  data: unknown,
  organisations: ReadonlyMap<string, Organisation>,
  receivedAt: number,
): Provision | null {
  if ((CARE_EVENT_TYPES as readonly unknown[]).includes(type)) return null;
  if (costProblem(data) !== null) return EVERYTHING;
  // A resource type that is misspelt may be a Consent's.
  if (!isObject(data) || typeof data['resourceType'] !== 'string' || !isResourceType(data['resourceType'])) return EVERYTHING;
  if (!isPrivacyConsent(data) || isWithdrawal(data)) return null;
  const findings = { refusals: [], vetoes: [], warnings: [] };
  const isUnclear = modifiersOf(data).length > 0;
  const made = { from: receivedAt, until: receivedAt };
  const provision = provisionOfConsent(data, { organisations, source: '', made, isUnclear, findings });
  return denies(provision) ? permittingNothing(provision) : null;
}
