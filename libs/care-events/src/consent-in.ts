import { isAuthority, nhsNumberProblem, PURPOSES, purposeOfUse } from '@weft/domain';
import type { Authority, Decision, Problem, Provision, Purpose } from '@weft/domain';
import type { Reading } from '@weft/processing';
import { AHEAD_MAX_MS } from './envelope.js';
import { intervalOf } from './fhir-time.js';
import { isObject, nhsNumberOfReference, nhsNumbersOf, objectsOf, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

export interface ConsentContext {
  /** CloudEvents id and source of the event that carries the Consent. */
  readonly id: string;
  readonly source: string;
  /** The NHS number that the event is about, where an envelope says so: the Consent's patient must be the same. */
  readonly subject?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface ConsentDecision {
  /** The NHS number that the Consent itself gives, if it gives one. */
  readonly subject?: string;
  readonly decision: Omit<Decision, 'recordedAt'>;
}

const ODS_SYSTEMS = ['https://fhir.nhs.uk/Id/ods-organization-code', 'https://fhir.nhs.uk/Id/ods-site-code'];
const ENTRY = /(?:^|\/)((?:[A-Za-z0-9]{1,9}\/)?[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})$/;
const SHARING_ACTIONS = ['access', 'use', 'disclose'];

/**
 * The decision that a FHIR R4 Consent carries. Never throws. Two rules of caution run through it: what is unclear counts as
 * deny, and what cannot be read never narrows a denial and never widens a permission (it refuses the permission instead).
 */
export function decisionOfConsent(consent: unknown, context: ConsentContext): Reading<ConsentDecision> {
  if (!isObject(consent) || consent['resourceType'] !== 'Consent') {
    return { ok: false, problems: [problem('resourceType', 'wrong-resource', 'a decision is a FHIR Consent')] };
  }
  const problems: Problem[] = [];
  const subject = subjectOf(consent, context, problems);
  const decidedAt = decidedAtOf(consent['dateTime'], context.now, problems);
  const provision = readProvision(consent, problems);
  const decision = {
    id: context.id,
    source: context.source,
    // A Consent that was never stored has no id, and no later version could name it.
    consentId: textOf(consent['id']) ?? context.id,
    authority: authorityOf(consent),
    status: isWithdrawn(consent) ? ('withdrawn' as const) : ('active' as const),
    decidedAt,
    decidedBy: decidedBy(consent, subject ?? context.subject),
    ...provision,
  };
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, event: { ...(subject === undefined ? {} : { subject }), decision } };
}

function subjectOf(consent: Loose, context: ConsentContext, problems: Problem[]): string | undefined {
  const patient = isObject(consent['patient']) ? consent['patient'] : {};
  const identified = nhsNumbersOf(patient['identifier'])[0]?.number;
  const subject = identified ?? nhsNumberOfReference(patient['reference']) ?? undefined;
  if (subject === undefined) return undefined;
  const wrong = nhsNumberProblem(subject);
  if (wrong !== null) problems.push(problem('Consent.patient', 'nhs-number', wrong));
  else if (context.subject !== undefined && context.subject !== subject) {
    problems.push(problem('Consent.patient', 'somebody-else', "a decision of somebody else than the event's subject"));
  }
  return subject;
}

function decidedAtOf(dateTime: unknown, now: number, problems: Problem[]): string {
  const made = intervalOf(dateTime);
  if (dateTime === undefined)
    problems.push(problem('Consent.dateTime', 'required', 'is required: of two decisions the later one stands'));
  else if (made === null) problems.push(problem('Consent.dateTime', 'malformed', 'must be a FHIR dateTime'));
  else if (made.from > now + AHEAD_MAX_MS) problems.push(problem('Consent.dateTime', 'too-late', 'is more than 24 hours ahead'));
  return new Date(made?.from ?? 0).toISOString();
}

function isWithdrawn({ status }: Loose): boolean {
  return status === 'inactive' || status === 'entered-in-error';
}

function authorityOf(consent: Loose): Authority {
  const uris = objectsOf(consent['policy']).map(({ uri }) => /[/:]([a-z0-9-]+)\/?$/.exec(textOf(uri) ?? '')?.[1]);
  const codes = [consent['policyRule'], consent['category']].flatMap(objectsOf).flatMap(({ coding }) => objectsOf(coding));
  const named = [...uris, ...codes.map(({ code }) => textOf(code))];
  return named.find((name): name is Authority => name !== undefined && isAuthority(name)) ?? 'local-dissent';
}

function decidedBy(consent: Loose, subject: string | undefined): string {
  const performers = objectsOf(consent['performer']);
  const patient = isObject(consent['patient']) ? textOf(consent['patient']['reference']) : undefined;
  const isPatient = (performer: Loose): boolean =>
    typeNamed(performer) === 'Patient' ||
    (patient !== undefined && performer['reference'] === patient) ||
    nhsNumbersOf(performer['identifier']).some(({ number }) => number === subject);
  if (performers.length === 0 || performers.some(isPatient)) return 'patient';
  return performers.some((performer) => typeNamed(performer) === 'RelatedPerson') ? 'proxy' : 'organisation';
}

function typeNamed(reference: Loose): string | undefined {
  return textOf(reference['type']) ?? /(?:^|\/)([A-Z][A-Za-z]+)\/[^/]+$/.exec(textOf(reference['reference']) ?? '')?.[1];
}

function readProvision(consent: Loose, problems: Problem[]): { provision: Provision; exceptions: Provision[] } {
  const raw = isObject(consent['provision']) ? consent['provision'] : {};
  const stands = consent['modifierExtension'] === undefined && (consent['status'] === 'active' || isWithdrawn(consent));
  const provision = provisionOf(raw, stands ? effectOf(raw) : 'deny', 'Consent.provision', PURPOSES, problems);
  // A proposal or a rejection permits nothing, by no exception either.
  if (!stands) return { provision, exceptions: [] };
  const exceptions = objectsOf(raw['provision']).map((nested, index) => {
    const path = `Consent.provision.provision[${index}]`;
    if (objectsOf(nested['provision']).length > 0) {
      problems.push(problem(`${path}.provision`, 'too-deep', 'exceptions to exceptions are not supported: say it in one level'));
    }
    return provisionOf(nested, effectOf(nested), path, provision.purposes, problems);
  });
  return { provision, exceptions };
}

function effectOf(raw: Loose): 'permit' | 'deny' {
  return raw['type'] === 'permit' && raw['modifierExtension'] === undefined ? 'permit' : 'deny';
}

function provisionOf(
  raw: Loose,
  effect: 'permit' | 'deny',
  path: string,
  inherited: readonly Purpose[],
  problems: Problem[],
): Provision {
  const limit = (field: string, values: readonly (string | null)[]): readonly string[] | undefined => {
    if (values.length === 0) return undefined;
    const readable = values.filter((value) => value !== null);
    if (readable.length === values.length) return readable;
    if (effect === 'permit')
      problems.push(problem(`${path}.${field}`, 'unclear', 'a permission is limited here by something that Weft cannot read'));
    return undefined;
  };
  for (const field of unreadableLimits(raw)) limit(field, [null]);
  const organisations = limit('actor', objectsOf(raw['actor']).map(organisationOfActor));
  const entries = limit('data', objectsOf(raw['data']).map(entryOf));
  const categories = limit('class', categoriesOf(raw, effect));
  return {
    effect,
    purposes: purposesOf(raw['purpose'], path, inherited, problems),
    ...(organisations && { organisations }),
    ...(entries && { entries }),
    ...(categories && { categories }),
    ...periodOf(raw['period'], `${path}.period`, problems),
  };
}

function unreadableLimits(raw: Loose): string[] {
  const actions = objectsOf(raw['action']).flatMap(({ coding }) => objectsOf(coding));
  const others = actions.length > 0 && !actions.some(({ code }) => SHARING_ACTIONS.includes(String(code)));
  return [...(raw['dataPeriod'] === undefined ? [] : ['dataPeriod']), ...(others ? ['action'] : [])];
}

function purposesOf(raw: unknown, path: string, inherited: readonly Purpose[], problems: Problem[]): readonly Purpose[] {
  const codes = objectsOf(raw).map(({ code }) => textOf(code) ?? 'without a code');
  if (codes.length === 0) return inherited;
  const purposes = PURPOSES.filter((purpose) => codes.includes(purpose) || codes.includes(purposeOfUse[purpose]));
  if (purposes.length === 0) {
    const known = PURPOSES.map((purpose) => purposeOfUse[purpose]).join(', ');
    problems.push(problem(`${path}.purpose`, 'unknown-purpose', `none of ${known}, but ${codes.join(', ')}`));
  }
  return purposes;
}

function organisationOfActor({ reference }: Loose): string | null {
  if (!isObject(reference)) return null;
  const identified = objectsOf(reference['identifier']).find(({ system }) => ODS_SYSTEMS.includes(String(system)));
  const code = textOf(identified?.['value']) ?? /(?:^|\/)Organization\/([^/]+)$/.exec(textOf(reference['reference']) ?? '')?.[1];
  return code !== undefined && /^[A-Za-z0-9]{1,9}$/.test(code) ? code : null;
}

/** `authoredby` names an author where the other meanings name an entry. */
function entryOf({ meaning, reference }: Loose): string | null {
  if (meaning === 'authoredby' || !isObject(reference)) return null;
  const text = textOf(reference['reference'])?.replace(/\/_history\/[^/]*$/, '') ?? '';
  const found = ENTRY.exec(text)?.[1];
  // Of an absolute address only the last two parts are the entry's; what stands before is a server's path.
  return /^[a-z]+:/.test(text) ? (found?.split('/').slice(-2).join('/') ?? null) : (found ?? null);
}

function categoriesOf(raw: Loose, effect: 'permit' | 'deny'): (string | null)[] {
  const codings = objectsOf(raw['class']).map((coding) => textOf(coding['code']) ?? null);
  const codes = objectsOf(raw['code']).flatMap(({ coding }) => {
    const given = objectsOf(coding).map((item) => textOf(item['code']) ?? null);
    return given.length === 0 ? [null] : given;
  });
  const labels = objectsOf(raw['securityLabel']).map((coding) => textOf(coding['code']) ?? null);
  const kinds = [codings, codes, labels].filter((list) => list.length > 0);
  // FHIR means all kinds together, Weft any of them: for a denial that covers more, for a permission it must not.
  return effect === 'permit' && kinds.length > 1 ? [null] : kinds.flat();
}

function periodOf(raw: unknown, path: string, problems: Problem[]): { from?: number; until?: number } {
  if (!isObject(raw)) return {};
  const read = (field: 'start' | 'end') => {
    if (raw[field] === undefined) return undefined;
    const interval = intervalOf(raw[field]);
    if (interval === null) problems.push(problem(`${path}.${field}`, 'malformed', 'must be a FHIR dateTime'));
    return interval ?? undefined;
  };
  const from = read('start')?.from;
  const until = read('end')?.until;
  if (from !== undefined && until !== undefined && from > until)
    problems.push(problem(path, 'malformed', 'ends before it starts'));
  return { ...(from !== undefined && { from }), ...(until !== undefined && { until }) };
}
