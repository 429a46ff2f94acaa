import { denies, grants, intervalOf, isAuthority, nhsNumberProblem, permittingNothing } from '@weft/domain';
import type {
  Authority,
  DecidedBy,
  Interval,
  NewDecision,
  Organisation,
  Problem,
  Provision,
  Recorder,
  Resource,
} from '@weft/domain';
import type { Reading } from '@weft/processing';
import { isOfTwoServers } from './bundle-sources.js';
import { AHEAD_MAX_MS } from './envelope.js';
import { provisionOfConsent, type Findings } from './consent-provision.js';
import {
  containedIn,
  hasUnknown,
  isObject,
  itemsOf,
  nhsNumberOfReference,
  nhsNumbersOf,
  objectsOf,
  textOf,
  typeAddressed,
} from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { nameShown, presentable, problem, refuse } from './problems.js';

export interface ConsentContext {
  /** CloudEvents id and source of the event that carries the Consent. */
  readonly id: string;
  readonly source: string;
  /** The NHS number that the event is about, where an envelope says so: the Consent's patient must be the same. */
  readonly subject?: string;
  readonly recorder: Recorder;
  /** When Weft received it, milliseconds since 1970. */
  readonly receivedAt: number;
  /** SHA-256 of what the event says. */
  readonly digest: string;
  /** Organisations of the region, by ODS code. */
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** The place in quarantine that the event was mended from. */
  readonly mends?: string;
}

export type ConsentReading =
  | {
      readonly ok: true;
      /** The NHS number that the Consent itself gives, if it gives one. */
      readonly subject?: string;
      /** One for each authority named. */
      readonly decisions: readonly NewDecision[];
      /** What was left out, or taken otherwise than it may have been meant. */
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * The decisions that a FHIR R4 Consent carries. Never throws. A denial is never refused and never narrowed by what cannot be
 * read; a permission that cannot be read is left out and named, and refused where it is all there is.
 */
export function decisionsOfConsent(consent: unknown, context: ConsentContext): ConsentReading {
  if (!isObject(consent) || consent['resourceType'] !== 'Consent') {
    return { ok: false, problems: [problem('resourceType', 'wrong-resource', 'a decision is a FHIR Consent')] };
  }
  const findings: Findings = { refusals: [], vetoes: [], warnings: [] };
  const subject = subjectOf(consent, context, findings);
  refuseOtherScopes(consent, findings);
  const isWithdrawn = isWithdrawal(consent);
  const modified = modifiersOf(consent);
  findings.vetoes.push(...modified, ...(isWithdrawn ? [] : vetoesOf(consent)));
  const made = madeOf(consent['dateTime'], context.receivedAt, findings);
  const provision = provisionOfConsent(consent, {
    ...{ organisations: context.organisations, source: context.source },
    made: made === undefined ? instant(context) : notAfter(made, context.receivedAt),
    isUnclear: modified.length > 0,
    findings,
  });
  const authorities = authoritiesOf(consent, provision, isWithdrawn, findings);
  if (findings.refusals.length > 0) return { ok: false, problems: presentable(findings.refusals) };
  if (!isWithdrawn && !denies(provision) && findings.vetoes.length > 0) {
    return { ok: false, problems: presentable(findings.vetoes) };
  }
  const about = {
    ...{ id: context.id, source: context.source, recorder: context.recorder, receivedAt: context.receivedAt },
    ...{ digest: context.digest, ...(context.mends !== undefined && { mends: context.mends }) },
    ...identityOf(consent, context, findings),
    status: isWithdrawn ? ('withdrawn' as const) : ('active' as const),
    ...(made !== undefined && { made, decidedAt: textOf(consent['dateTime']) as string }),
    decidedBy: decidedBy(consent, subject ?? context.subject),
    // What was rejected permits nothing, by no exception either.
    provision: findings.vetoes.length > 0 || consent['status'] === 'rejected' ? permittingNothing(provision) : provision,
    ...((isWithdrawn ? modified : findings.vetoes).length > 0 && { liftsNothing: true as const }),
  };
  return {
    ok: true,
    ...(subject !== undefined && { subject }),
    decisions: authorities.map((authority) => ({ ...about, authority })),
    warnings: presentable([...(isWithdrawn ? modified : findings.vetoes), ...findings.warnings]),
  };
}

/** Whether a Consent takes back what its earlier versions said. */
export function isWithdrawal({ status }: Loose): boolean {
  return status === 'inactive' || status === 'entered-in-error';
}

const instant = ({ receivedAt }: ConsentContext): Interval => ({ from: receivedAt, until: receivedAt });

/** A decision counts from no later than its receipt. */
const notAfter = ({ from, until }: Interval, at: number): Interval => ({ from: Math.min(from, at), until: Math.min(until, at) });

/** The NHS number of a Consent's patient. */
export function subjectOfConsent(consent: unknown): Reading<string> {
  if (!isObject(consent) || consent['resourceType'] !== 'Consent')
    return refuse('resourceType', 'wrong-resource', 'a decision is a FHIR Consent');
  const subject = numberNamed(consent);
  if (subject === undefined) return refuse('Consent.patient', 'required', 'must name the patient by NHS number');
  const wrong = nhsNumberProblem(subject);
  return wrong === null ? { ok: true, event: subject } : refuse('Consent.patient', 'nhs-number', wrong);
}

const numberNamed = (consent: Loose): string | undefined => numbersNamed(consent)[0];

/** By identifier, by an address, and by a Patient within the Consent: they should agree. */
function numbersNamed(consent: Loose): string[] {
  const patient = isObject(consent['patient']) ? consent['patient'] : {};
  const reference = textOf(patient['reference']);
  const within = reference?.startsWith('#') ? containedIn(consent as unknown as Resource).get(reference.slice(1)) : undefined;
  const identifiers = [patient['identifier'], within?.['identifier']].flatMap((one) => nhsNumbersOf(one));
  const identified = identifiers.filter(({ old }) => !old || identifiers.every((one) => one.old)).map(({ number }) => number);
  return [...identified, nhsNumberOfReference(reference) ?? ''].filter((number) => number !== '');
}

function subjectOf(consent: Loose, context: ConsentContext, { refusals }: Findings): string | undefined {
  const subject = numberNamed(consent);
  if (subject === undefined) return undefined;
  const wrong = nhsNumberProblem(subject);
  if (wrong !== null) refusals.push(problem('Consent.patient', 'nhs-number', wrong));
  else if (numbersNamed(consent).some((number) => number !== subject)) {
    refusals.push(problem('Consent.patient', 'somebody-else', 'names two people: what one decided is not the other’s'));
  } else if (context.subject !== undefined && context.subject !== subject) {
    refusals.push(problem('Consent.patient', 'somebody-else', "a decision of somebody else than the event's subject"));
  }
  return subject;
}

const OTHER_SCOPES: readonly unknown[] = ['treatment', 'adr', 'research'];

/**
 * Whether a Consent is about sharing: one that says another scope is a clinical document, such as a refusal of resuscitation. What
 * somebody else's system calls `treatment` may be anything, an objection to sharing too.
 */
export function isPrivacyConsent(resource: Loose): boolean {
  if (resource['resourceType'] !== 'Consent') return false;
  const scopes = scopesOf(resource);
  return (
    scopes.some(({ code }) => code === 'patient-privacy') ||
    !scopes.some((scope) => isScopeOfHl7(scope) && OTHER_SCOPES.includes(scope['code']))
  );
}

const scopesOf = ({ scope }: Loose): Loose[] => (isObject(scope) ? objectsOf(scope['coding']) : []);

/** HL7's scopes have had these addresses. */
const SCOPE_SYSTEMS: readonly unknown[] = [
  'http://terminology.hl7.org/CodeSystem/consentscope',
  'http://hl7.org/fhir/consentscope',
];
const isScopeOfHl7 = ({ system }: Loose): boolean => system === undefined || SCOPE_SYSTEMS.includes(system);

function refuseOtherScopes(consent: Loose, { refusals, vetoes }: Findings): void {
  if (!isPrivacyConsent(consent)) {
    const message = 'only scope patient-privacy is a decision about sharing; this Consent is published as a care event';
    refusals.push(problem('Consent.scope', 'wrong-scope', message));
  } else if (!scopesOf(consent).some((scope) => isScopeOfHl7(scope) && scope['code'] === 'patient-privacy')) {
    vetoes.push(problem('Consent.scope', 'wrong-scope', 'must be patient-privacy, of HL7’s code system consentscope'));
  }
}

const MEMBERS = `
  resourceType meta language text contained identifier status scope category patient dateTime performer organization
  sourceAttachment sourceReference policy policyRule verification provision
`
  .trim()
  .split(/\s+/);

/** What may change the meaning of all the rest, and is not understood here: implicitRules, modifier extensions, other members. */
export function modifiersOf(consent: Loose): Problem[] {
  const members = Object.keys(consent).filter((member) => hasUnknown({ [member]: true }, MEMBERS));
  return members.map((member) =>
    problem(`Consent.${nameShown(member)}`, 'unclear', 'may change what is permitted, and is not understood here'),
  );
}

/** What makes a Consent permit nothing, whatever its provision says. Its denials count all the same. */
function vetoesOf({ meta, status, verification }: Loose): Problem[] {
  const vetoes: Problem[] = [];
  if (isOfTwoServers({ meta })) vetoes.push(TWO_SERVERS);
  if (status !== 'active' && status !== 'rejected')
    vetoes.push(problem('Consent.status', 'not-in-force', 'a permission counts once it is active'));
  const verifications = itemsOf(verification);
  if (verification !== undefined && (verifications.length === 0 || !verifications.every(isVerified)))
    vetoes.push(problem('Consent.verification', 'not-verified', 'does not say that the permission was verified'));
  return vetoes;
}

const TWO_SERVERS = problem(
  'Consent.id',
  'two-servers',
  'is also the id of another server’s Consent in the Bundle: an objection counts, a permission does not; to permit, say in meta.source which system each is of, urn:ods:<ODS code>:<system>, and send both again',
);

function isVerified(verification: Loose | null): boolean {
  return verification?.['verified'] === true && verification['modifierExtension'] === undefined;
}

function madeOf(dateTime: unknown, receivedAt: number, { vetoes, warnings }: Findings): Interval | undefined {
  if (dateTime === undefined) return undefined;
  const made = intervalOf(dateTime);
  if (made === null) {
    vetoes.push(problem('Consent.dateTime', 'malformed', 'must be a FHIR dateTime'));
    return undefined;
  }
  if (made.from > receivedAt + AHEAD_MAX_MS) vetoes.push(problem('Consent.dateTime', 'too-late', 'is more than 24 hours ahead'));
  else if (made.from > receivedAt) {
    warnings.push(problem('Consent.dateTime', 'ahead', 'is ahead of the time of receipt, from which the decision counts'));
  }
  return made;
}

const AUTHORITY_URI = 'urn:weft:authority:';
/** `urn` and the name that follows it are the same in either case (RFC 8141, 3.1). */
const OWN_URN = /^urn:weft:(.*)$/i;

/** What a policy names: null for one that cannot be read, or is not known; nothing for somebody else's. */
function authorityNamed(policy: Loose | null): (Authority | null)[] {
  const [uri, authority] = [policy?.['uri'], policy?.['authority']];
  const isUnread = (uri !== undefined && textOf(uri) === undefined) || (uri === undefined && textOf(authority) === undefined);
  if (policy === null || policy['modifierExtension'] !== undefined || isUnread) return [null];
  const [, own] = OWN_URN.exec(textOf(uri) ?? '') ?? [];
  if (own === undefined) return [];
  const name = `urn:weft:${own}`.slice(AUTHORITY_URI.length);
  return [own.startsWith('authority:') && isAuthority(name) ? name : null];
}

/** Only Weft's own addresses name an authority. A denial without one is local dissent; a permission must say its own. */
function authoritiesOf(consent: Loose, provision: Provision, isWithdrawn: boolean, { vetoes, warnings }: Findings): Authority[] {
  const named = (consent['policy'] === undefined ? [] : itemsOf(consent['policy'])).flatMap(authorityNamed);
  const known = [...new Set(named.filter((name) => name !== null))];
  if (known.length > 0 && !named.includes(null)) return known;
  const choices = `policy.uri must be ${AUTHORITY_URI}<authority>, as national-data-opt-out, type-1, local-dissent, withheld-item, explicit-consent`;
  const missing = problem(
    'Consent.policy',
    'authority-required',
    `a permission says under which authority it is given: ${choices}`,
  );
  if (!isWithdrawn && grants(provision)) vetoes.push(missing);
  if (!isWithdrawn && denies(provision)) {
    warnings.push(
      problem('Consent.policy', 'authority-assumed', 'names no authority, or one that is not known: counted as local dissent'),
    );
  }
  return [...new Set<Authority>([...known, 'local-dissent'])];
}

const FHIR_ID = /^[A-Za-z0-9.-]{1,64}$/;

/** A Consent that was never stored has no id, and no later version could name it. */
function identityOf(consent: Loose, { id }: ConsentContext, { warnings }: Findings): Pick<NewDecision, 'consentId' | 'version'> {
  const given = textOf(consent['id']);
  const meta = isObject(consent['meta']) ? consent['meta'] : {};
  const versionId = /^\d{1,15}$/.exec(textOf(meta['versionId']) ?? '')?.[0];
  const lastUpdated = intervalOf(meta['lastUpdated'])?.from;
  const version = {
    ...(versionId !== undefined && { versionId: Number(versionId) }),
    ...(lastUpdated !== undefined && { lastUpdated }),
  };
  if (given !== undefined && !FHIR_ID.test(given)) {
    warnings.push(problem('Consent.id', 'malformed', 'is no FHIR id, so no later version can name this Consent'));
  }
  const consentId = given !== undefined && FHIR_ID.test(given) ? given : id;
  return { consentId, ...(Object.keys(version).length > 0 && { version }) };
}

/** An absent performer is nobody, and a Patient who is somebody else is not the person. */
function decidedBy(consent: Loose, subject: string | undefined): DecidedBy {
  const performers = objectsOf(consent['performer']);
  const patient = isObject(consent['patient']) ? textOf(consent['patient']['reference']) : undefined;
  if (performers.some((performer) => isPerson(performer, subject, patient))) return 'patient';
  const types = performers.map(typeNamed);
  if (types.includes('RelatedPerson')) return 'proxy';
  return types.some((type) => type !== undefined && type !== 'Patient') ? 'organisation' : 'not-stated';
}

function isPerson(performer: Loose, subject: string | undefined, patient: string | undefined): boolean {
  const numbers = nhsNumbersOf(performer['identifier']).map(({ number }) => number);
  if (numbers.length > 0) return subject !== undefined && numbers.includes(subject);
  const reference = textOf(performer['reference']);
  if (reference === undefined) return performer['identifier'] === undefined && typeNamed(performer) === 'Patient';
  return reference === patient || (subject !== undefined && nhsNumberOfReference(reference) === subject);
}

/** The type of resource that a reference says it is of, where what it says agrees. */
function typeNamed(reference: Loose): string | undefined {
  const said = textOf(reference['type']);
  const addressed = typeAddressed(reference['reference']);
  return said !== undefined && addressed !== undefined && said !== addressed ? undefined : (said ?? addressed);
}
