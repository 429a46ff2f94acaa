import { PURPOSES } from '@weft/domain';
import type { Interval, Organisation, Problem, Provision } from '@weft/domain';
import { FRAMED_BY_NOTHING, framingsOf, unframedDenial, type Framings } from './consent-framing.js';
import { limitsOf } from './consent-limits.js';
import { organisationOf } from './envelope.js';
import { hasUnknown, isObject, itemsOf, objectsOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

/** Room for a decision is bounded, so that one person's costs nobody else anything. Beyond it a denial only grows wider. */
const PROVISIONS_MAX = 100;
const DEPTH_MAX = 8;
/** Of all that is kept of one Consent's provisions, as JSON. */
const PROVISION_CHARACTERS_MAX = 100_000;

/** What is found on the way: what makes the Consent no decision at all, what makes it permit nothing, what is only told. */
export interface Findings {
  readonly refusals: Problem[];
  /** Reasons why no permission of this Consent is understood. */
  readonly vetoes: Problem[];
  readonly warnings: Problem[];
}

export interface ProvisionContext {
  /** CloudEvents source of the event that carries the Consent. */
  readonly source: string;
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** When the Consent was made. */
  readonly made: Interval;
  /** The Consent itself says something that is not understood, and may change what its provision means. */
  readonly isUnclear: boolean;
  readonly findings: Findings;
}

type Effect = Provision['effect'];

/** The denial that whatever cannot be read may be. */
export const EVERYTHING: Provision = { effect: 'deny', purposes: PURPOSES, limits: [], provisions: [] };

/** The provision of a Consent with its exceptions, at any depth. */
export function provisionOfConsent(consent: Loose, context: ProvisionContext): Provision {
  const raw = consent['provision'] === undefined ? {} : consent['provision'];
  if (!isObject(raw)) {
    const message = 'must be one object: it may deny anything, so it denies everything';
    context.findings.warnings.push(problem('Consent.provision', 'malformed', message));
    return EVERYTHING;
  }
  const effect = baseEffect(consent, raw);
  if (countOf(raw) > PROVISIONS_MAX) return tooMany(raw, effect, context);
  const around = { framings: FRAMED_BY_NOTHING, isUnclear: context.isUnclear };
  const provision = provisionOf(raw, effect, 'Consent.provision', around, context, 1);
  return JSON.stringify(provision).length > PROVISION_CHARACTERS_MAX ? tooMany(raw, effect, context) : provision;
}

/**
 * FHIR R4 gives the root provision no type of its own: it is an exception to the policy, or says how far it goes, and HL7's own
 * examples use it both ways. So without a type it permits only where the policy is OPTIN and the provision adds nothing to that.
 * What was rejected was refused by somebody.
 */
function baseEffect(consent: Loose, raw: Loose): Effect {
  if (consent['status'] === 'rejected') return 'deny';
  if (raw['type'] !== undefined) return raw['type'] === 'permit' ? 'permit' : 'deny';
  const rule = isObject(consent['policyRule']) ? objectsOf(consent['policyRule']['coding']) : [];
  const isOptIn = rule.some(isOptInOfHl7) && !rule.some(({ code }) => code === 'OPTOUT');
  return isOptIn && !hasUnknown(raw, ['provision']) ? 'permit' : 'deny';
}

const isOptInOfHl7 = ({ code, system }: Loose): boolean =>
  code === 'OPTIN' && (system === undefined || ACT_CODE_SYSTEMS.includes(system));

/** HL7 v3 ActCode has had these addresses. */
const ACT_CODE_SYSTEMS: readonly unknown[] = [
  'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  'http://hl7.org/fhir/v3/ActCode',
  'urn:oid:2.16.840.1.113883.5.4',
];

const exceptionsIn = (raw: Loose): (Loose | null)[] => (raw['provision'] === undefined ? [] : itemsOf(raw['provision']));

function countOf(raw: Loose): number {
  let count = 0;
  for (const waiting: (Loose | null)[] = [raw]; waiting.length > 0 && count <= PROVISIONS_MAX; count += 1) {
    waiting.push(...exceptionsIn(waiting.pop() ?? {}).slice(0, PROVISIONS_MAX + 1));
  }
  return count;
}

/** Of a Consent with more provisions than there is room for: whatever it denies is denied whole, and it permits nothing. */
function tooMany(raw: Loose, effect: Effect, { findings }: ProvisionContext): Provision {
  const denied = effect === 'deny' || mayDenyBelow(raw);
  const found = problem(
    'Consent.provision',
    'too-many',
    `holds more than ${PROVISIONS_MAX} provisions, or names more than there is room for`,
  );
  if (!denied) findings.vetoes.push(found);
  else
    findings.warnings.push({ ...found, message: `${found.message}: everything it may deny is denied, and it permits nothing` });
  return { ...EVERYTHING, effect: denied ? 'deny' : 'permit' };
}

function mayDenyBelow(raw: Loose): boolean {
  for (const waiting = [raw]; waiting.length > 0;) {
    for (const nested of exceptionsIn(waiting.pop() as Loose)) {
      if (nested?.['type'] !== 'permit') return true;
      waiting.push(nested);
    }
  }
  return false;
}

/** What a provision takes over from those around it. */
interface Around {
  readonly framings: Framings;
  /** Something around it is not understood: no exception within is. */
  readonly isUnclear: boolean;
}

const MEMBERS = 'type period actor action securityLabel purpose class code dataPeriod data provision'.split(' ');

function provisionOf(
  raw: Loose,
  effect: Effect,
  path: string,
  around: Around,
  context: ProvisionContext,
  depth: number,
): Provision {
  const { findings, organisations, made, source } = context;
  const unread: Problem[] = [];
  const isUnknown = hasUnknown(raw, MEMBERS);
  if (isUnknown)
    unread.push(problem(path, 'unclear', 'says something that is not understood here, and may change what it means'));
  const notes = { unread, warnings: findings.warnings };
  const isUnclear = around.isUnclear || isUnknown;
  // A denial takes over nothing where it, or what is around it, is not understood: it may be about other uses and times.
  const framings = framingsOf(raw, effect, isUnclear ? unframedDenial(around.framings) : around.framings, made, path, notes);
  const limits = limitsOf({ raw, effect, path, own: ownerOf(source), ...notes }, organisations);
  const within = { framings: isUnclear ? unframedDenial(framings) : framings, isUnclear };
  const provisions = exceptionsOf(raw, path, within, context, depth);
  if (effect === 'deny') {
    findings.warnings.push(...unread.map((one) => ({ ...one, message: `${one.message}: the denial counts without it` })));
    return { effect, purposes: framings.deny.purposes, limits, ...framings.deny.period, provisions };
  }
  const { purposes, period } = framings.permit;
  const isRead = purposes !== null && period !== null && !isUnclear && unread.length === 0;
  if (!isRead && unread.length === 0) unread.push(problem(path, 'unclear', 'is an exception to what is not understood here'));
  // An exception that cannot be read is left out; a permission that is all there is, refused.
  (depth === 1 ? findings.vetoes : findings.warnings).push(...unread);
  const read = isRead ? limits : [...limits, { kind: 'unread' as const, field: path }];
  return { effect, purposes: purposes ?? [], limits: read, ...period, provisions };
}

const ownerOf = (source: string): string | null => (organisationOf(source) === null ? null : source.slice('urn:ods:'.length));

function exceptionsOf(raw: Loose, path: string, around: Around, context: ProvisionContext, depth: number): Provision[] {
  return exceptionsIn(raw).map((nested, index) => {
    const at = `${path}.provision[${index}]`;
    const effect = nested?.['type'] === 'permit' ? 'permit' : 'deny';
    if (nested !== null && depth < DEPTH_MAX) return provisionOf(nested, effect, at, around, context, depth + 1);
    const [code, message] = nested === null ? ['malformed', 'must be one object'] : ['too-deep', 'is nested too deep'];
    context.findings.warnings.push(problem(at, code, `${message}: it permits nothing, and what it may deny is denied`));
    // Its own purposes and period are not read either.
    if (nested === null || effect === 'deny' || mayDenyBelow(nested)) return EVERYTHING;
    return { ...EVERYTHING, effect: 'permit', limits: [{ kind: 'unread', field: at }] };
  });
}
