import type { Problem, Resource } from '@weft/domain';
import { mayBeNobodys } from './about-nobody.js';
import { isResourceType } from './fhir-r4/types.js';
import { isObject, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

/** What an entry's request asks for: that its resource is recorded, or that what it names is taken back. */
export type Asked =
  | { readonly ok: true; readonly does: 'record' | 'retract'; readonly names?: Named }
  | { readonly ok: false; readonly problem: Problem };

/** What a request's address names. */
interface Named {
  readonly resourceType: string;
  readonly id: string;
}

/** Conditions that a server would look up in what it holds. A record is no such server. */
const CONDITIONS = ['ifNoneMatch', 'ifModifiedSince', 'ifMatch', 'ifNoneExist'] as const;

/**
 * Reads Bundle.entry.request. POST and PUT record, DELETE takes back; an entry without a request is recorded. Whatever else it asks
 * for is refused by name: to record what somebody meant to delete, or to look at, would be worse.
 */
export function askedOf(entry: Loose, resource: Loose | undefined): Asked {
  const request = entry['request'];
  if (request === undefined) return { ok: true, does: 'record' };
  if (!isObject(request)) return refuse('request', 'structure', 'must be an object');
  // What is about nobody is found by its identifier anyway: created if there is none says no more of it.
  const conditions = mayBeNobodys(resource?.['resourceType']) ? CONDITIONS.filter((name) => name !== 'ifNoneExist') : CONDITIONS;
  const condition = conditions.find((name) => request[name] !== undefined);
  if (condition !== undefined) {
    return refuse(`request.${condition}`, 'unsupported', 'asks for a condition, which Weft does not look up: send it without');
  }
  const url = textOf(request['url']) ?? '';
  switch (request['method']) {
    case 'POST':
      return url === '' || url === resource?.['resourceType'] ? { ok: true, does: 'record' } : unlike(`must be ${CARRIED_TYPE}`);
    case 'PUT':
      return named(url, resource, 'record');
    case 'DELETE':
      return named(url, resource, 'retract');
    default:
      return refuse('request.method', 'unsupported', 'must be POST or PUT, which record, or DELETE, which takes back');
  }
}

const CARRIED_TYPE = 'the type of the resource that the entry carries';

/** What is to be replaced or taken back is named by type and id, and is what the entry carries, where it carries something. */
function named(url: string, resource: Loose | undefined, does: 'record' | 'retract'): Asked {
  const [, resourceType, id] = /^([A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(url) ?? [];
  if (id === undefined || !isResourceType(resourceType)) return unlike('must name one resource: its type, a slash and its id');
  if (resource !== undefined && (resource['resourceType'] !== resourceType || resource['id'] !== id)) {
    return unlike(`must be ${CARRIED_TYPE}, a slash and its id`);
  }
  return { ok: true, does, names: { resourceType, id } };
}

const refuse = (field: string, code: string, message: string): Asked => ({ ok: false, problem: problem(field, code, message) });
const unlike = (message: string): Asked => refuse('request.url', 'not-the-resource', message);

/**
 * Whom an entry is about that takes back what it does not carry: the only Patient of the Bundle. Nobody can be told where there are
 * several, or none.
 */
export function onlyPatientOf<Entry extends { readonly resource: Resource }>(entries: readonly Entry[]): Resource | undefined {
  const patients = entries.filter(({ resource }) => resource.resourceType === 'Patient');
  return patients.length === 1 ? patients[0]?.resource : undefined;
}

export const NOBODY_TO_RETRACT = problem(
  '',
  'no-patient',
  'tells nobody’s record that this is taken back from: carry the resource, or the one Patient of the Bundle, or send care-event-retracted-1',
);
export const CONSENT_NOT_RETRACTED = problem(
  '',
  'unsupported',
  'a privacy Consent is withdrawn by a version of it whose status is inactive, which Weft obeys as a decision',
);
