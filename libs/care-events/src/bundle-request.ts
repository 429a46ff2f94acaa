import type { Problem, Resource } from '@weft/domain';
import { mayBeNobodys } from './about-nobody.js';
import { lastingIdentifierOf } from './bundle-sources.js';
import { isFoundByIdentifier } from './fhir-interactions.js';
import { isResourceType } from './fhir-r4/types.js';
import { identifierOfConditional, isObject, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

/** A request as FHIR has it, in a Bundle's entry or by itself: any member may be of any type. */
export interface FhirRequest {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** Relative to the server's base. */
  readonly url: string;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: string;
  readonly ifNoneExist?: string;
}

/** What an entry's request asks for: that its resource is recorded, or that what it names is taken back. */
export type Asked =
  | {
      readonly ok: true;
      readonly does: 'record' | 'retract';
      readonly names?: Named;
      readonly method?: FhirRequest['method'];
      /** That a resource without an id is given one. */
      readonly creates?: boolean;
      /** That the resource is known by its business identifier, whatever its address in the Bundle. */
      readonly byIdentifier?: boolean;
      /** The version that must be in force. */
      readonly ifMatch?: string;
    }
  | { readonly ok: false; readonly problem: Problem };

/** What a request's address names. */
interface Named {
  readonly resourceType: string;
  readonly id: string;
}

/** Conditions that a server would look up in what it holds before it answers: an answer would tell what is in a record. */
const CONDITIONS = ['ifNoneMatch', 'ifModifiedSince', 'ifNoneExist'] as const;

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
  const asked = askedBy(request, resource);
  if (!asked.ok || request['ifMatch'] === undefined) return asked;
  return withVersion(asked, request, resource);
}

function askedBy({ method, url: given }: Loose, resource: Loose | undefined): Asked {
  const url = textOf(given) ?? '';
  switch (method) {
    case 'POST':
      if (url !== '' && url !== resource?.['resourceType']) return unlike(`must be ${CARRIED_TYPE}`);
      return { ok: true, does: 'record', method, creates: true };
    case 'PUT':
      return url.includes('?') ? byIdentifier(url, resource) : named(url, resource, 'record');
    case 'DELETE':
      return named(url, resource, 'retract');
    default:
      return refuse('request.method', 'unsupported', 'must be POST or PUT, which record, or DELETE, which takes back');
  }
}

const ETAG = /^(?:W\/)?"?([A-Za-z0-9.-]{1,64})"?$/;

/** Only an event of an entry is appended where its versions are known. */
function withVersion(asked: Asked & { readonly ok: true }, { method, ifMatch }: Loose, resource: Loose | undefined): Asked {
  if (method === 'POST' || mayBeNobodys(resource?.['resourceType'])) {
    return refuse('request.ifMatch', 'unsupported', 'is compared for an update or a deletion of what is about a patient alone');
  }
  const version = ETAG.exec(textOf(ifMatch) ?? '')?.[1];
  if (version === undefined) return refuse('request.ifMatch', 'malformed', 'must be one ETag, as an answer gave it');
  return { ...asked, ifMatch: version };
}

/**
 * FHIR's conditional update, where nothing has to be looked up for it: a resource without an id is known by its business identifier, so
 * that a search for that one names it.
 */
function byIdentifier(url: string, resource: Loose | undefined): Asked {
  const said = identifierOfConditional(url);
  const parameters = [...new URLSearchParams(url.slice(url.indexOf('?') + 1)).keys()];
  if (said === null || parameters.length > 1) return refuse('request.url', 'unsupported', ONE_IDENTIFIER);
  if (resource === undefined || said.type !== resource['resourceType']) return unlike(`must begin with ${CARRIED_TYPE}`);
  if (resource['id'] !== undefined) {
    return refuse('request.url', 'unsupported', 'looks for a resource that has an id: send it under that, or without the id');
  }
  if (!isFoundByIdentifier(said.type)) {
    return refuse('request.url', 'unsupported', 'looks for a Consent, which is known by its id alone');
  }
  const own = lastingIdentifierOf(resource as unknown as Resource);
  if (own?.['system'] !== said.system || own['value'] !== said.value) return refuse('request.url', 'unsupported', ONE_IDENTIFIER);
  return { ok: true, does: 'record', method: 'PUT', byIdentifier: true };
}

const ONE_IDENTIFIER =
  'Weft looks nothing up: the search may only be identifier=<system>|<value>, of the identifier by which the resource is known, which is its official one, else its first that is no NHS number';

const CARRIED_TYPE = 'the type of the resource that the entry carries';

/** What is to be replaced or taken back is named by type and id, and is what the entry carries, where it carries something. */
function named(url: string, resource: Loose | undefined, does: 'record' | 'retract'): Asked {
  const [, resourceType, id] = /^([A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(url) ?? [];
  if (id === undefined || !isResourceType(resourceType)) return unlike('must name one resource: its type, a slash and its id');
  if (resource !== undefined && (resource['resourceType'] !== resourceType || resource['id'] !== id)) {
    return unlike(`must be ${CARRIED_TYPE}, a slash and its id`);
  }
  return { ok: true, does, method: does === 'record' ? 'PUT' : 'DELETE', names: { resourceType, id } };
}

const refuse = (field: string, code: string, message: string): Asked => ({ ok: false, problem: problem(field, code, message) });
const unlike = (message: string): Asked => refuse('request.url', 'not-the-resource', message);

/**
 * Whom an entry is about that takes back what it does not carry: the only Patient of the Bundle, in however many versions. Nobody can be
 * told where there are several, or none.
 */
export function onlyPatientOf<Entry extends { readonly resource: Resource }>(entries: readonly Entry[]): Resource | undefined {
  const [first, ...others] = entries.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === 'Patient');
  const isOne = others.every(({ id }) => id !== undefined && id === first?.id);
  return isOne ? first : undefined;
}

export const NOBODY_TO_RETRACT = problem(
  '',
  'no-patient',
  'tells nobody’s record that this is taken back from: carry the resource, or the one Patient of the Bundle, or send care-event-retracted-1',
);
export const DECISION_UNCONDITIONAL = problem(
  'request.ifMatch',
  'unsupported',
  'asks for a version of a privacy Consent: which decision counts is told by its date, so send it without',
);
export const CONSENT_NOT_RETRACTED = problem(
  '',
  'unsupported',
  'a privacy Consent is withdrawn by a version of it whose status is inactive, which Weft obeys as a decision',
);
