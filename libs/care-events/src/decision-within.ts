import type { Problem, Resource } from '@weft/domain';
import { isPrivacyConsent } from './consent-in.js';
import { isResourceType } from './fhir-r4/types.js';
import { isObject } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

/** Whether a value is, or carries at any depth, what may be a privacy Consent: its resource type may be misspelt, or left out. */
export function mayHoldDecision(value: unknown): boolean {
  const isNameless = isObject(value) && value['resourceType'] === undefined && value['provision'] !== undefined;
  return isNameless || decisionsIn(value).length > 0;
}

/** The same of text that cannot be read: it names the type of such an event or resource. */
export const mayNameDecision = (bytes: Uint8Array): boolean => /"consent/i.test(Buffer.from(bytes).toString('latin1'));

/** What keeps a resource out that carries a decision within itself, where nobody obeys it. */
export function decisionWithinProblem(resource: Resource): Problem | null {
  const own: unknown = resource;
  return decisionsIn(own).every((one) => one === own) ? null : DECISION_WITHIN;
}

/** What may be privacy Consents in a value, itself included. */
export const decisionsIn = (value: unknown): Loose[] => resourcesIn(value).filter(mayBeDecision);

const DECISION_WITHIN = problem(
  '',
  'decision-within',
  'carries a privacy Consent within itself, where Weft obeys none: send that Consent as an entry or an event of its own',
);

function mayBeDecision(resource: Loose): boolean {
  const { resourceType } = resource;
  if (isResourceType(resourceType)) return isPrivacyConsent(resource);
  return resource['provision'] !== undefined || (typeof resourceType === 'string' && /consent/i.test(resourceType));
}

/** Every object of a value that says it is a resource, itself included. */
function resourcesIn(value: unknown): Loose[] {
  const found: Loose[] = [];
  for (const waiting = [value]; waiting.length > 0;) {
    const one = waiting.pop();
    if (Array.isArray(one)) for (const item of one as unknown[]) waiting.push(item);
    else if (isObject(one)) {
      if (one['resourceType'] !== undefined) found.push(one);
      for (const name in one) if (typeof one[name] === 'object') waiting.push(one[name]);
    }
  }
  return found;
}
