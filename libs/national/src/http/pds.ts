import { readFhirJson } from '@weft/care-events';
import { isObject, nhsNumberProblem, type Resource } from '@weft/domain';
import type { Clock, Random } from '@weft/processing';
import { type Answer, type Demographics, NoAnswer } from '../ports.js';
import { versionOf } from '../signal.js';
import { AccessTokens, type TokenClient } from './access-tokens.js';
import { call, type ClientTls, type HttpAnswer, retryAfterMs } from './call.js';

export interface PdsAccess {
  /** Of the FHIR API, without a slash at its end: `https://host/personal-demographics/FHIR/R4`. */
  readonly url: string;
  /** Absent: nobody asks who Weft is, as no PDS but a stand-in does. */
  readonly token?: TokenClient;
  readonly tls?: ClientTls;
}

type World = { readonly clock: Clock; readonly random: Random };

/** How often in a row a token that was just given is refused before it is PDS that lets nobody in. */
const ATTEMPTS = 2;

/** PDS over its FHIR API (R4, `GET /Patient/{id}`). */
export function openPds(access: PdsAccess, world: World): Demographics {
  const tokens = access.token === undefined ? null : new AccessTokens(access.token, world.clock, world.random);
  return {
    async patient(nhsNumber) {
      for (let attempt = 1; ; attempt += 1) {
        const answer = await ask(access, tokens, nhsNumber, world.random);
        if (answer.status !== 401 || tokens === null || attempt === ATTEMPTS) return judged(answer, world.clock.now());
        tokens.drop();
      }
    },
  };
}

async function ask({ url, tls }: PdsAccess, tokens: AccessTokens | null, nhsNumber: string, random: Random): Promise<HttpAnswer> {
  const headers = {
    accept: 'application/fhir+json',
    'x-request-id': random.uuid(),
    ...(tokens !== null && { authorization: `Bearer ${await tokens.current()}` }),
  };
  return call('pds', `${url}/Patient/${nhsNumber}`, { headers, ...(tls !== undefined && { tls }) }).catch((cause: unknown) => {
    throw new NoAnswer('does not answer', true, 0, { cause });
  });
}

/** What PDS documents of its answers; any other may as well come from whoever stands before it, and says nothing of a person. */
function judged({ status, headers, body }: HttpAnswer, now: number): Answer {
  if (status === 200) return recordIn(body, headers['etag']);
  const code = codeIn(body);
  if (status === 404 && code === 'INVALIDATED_RESOURCE') return { says: 'invalidated' };
  if (status === 404 && code === 'RESOURCE_NOT_FOUND') return { says: 'not-found' };
  if (status === 400 && code === 'INVALID_RESOURCE_ID') return { says: 'refused' };
  const mayBeThePerson = status === 408 || status >= 500;
  throw new NoAnswer(`answers nothing of a person (HTTP ${status})`, mayBeThePerson, retryAfterMs(headers, now));
}

function recordIn(body: Uint8Array, etag: string | undefined): Answer {
  const reading = readFhirJson(body, 'Patient', body.length);
  if (!reading.ok || !isObject(reading.event) || reading.event['resourceType'] !== 'Patient') return { says: 'unreadable' };
  const patient = reading.event as unknown as Resource;
  const version = versionOf(etag ?? patient.meta?.versionId);
  if (version === null || typeof patient.id !== 'string' || nhsNumberProblem(patient.id) !== null) return { says: 'unreadable' };
  return { says: 'patient', nhsNumber: patient.id, version, patient };
}

/** The code of an OperationOutcome, as PDS writes it. */
function codeIn(body: Uint8Array): string | null {
  const reading = readFhirJson(body, 'OperationOutcome');
  const issues = reading.ok && isObject(reading.event) ? reading.event['issue'] : null;
  const details: unknown = Array.isArray(issues) && isObject(issues[0]) ? issues[0]['details'] : null;
  const coding: unknown = isObject(details) && Array.isArray(details['coding']) ? details['coding'][0] : null;
  return isObject(coding) && typeof coding['code'] === 'string' ? coding['code'] : null;
}
