import type {
  Decision,
  Policy,
  Projection,
  Provision,
  Purpose,
  RecordedCareEvent,
  Resource,
  Rule,
  ViewEntry,
} from '@weft/domain';
import { occurredAt } from '@weft/domain';

/**
 * What a record, a decision and a policy come to, said once more and as simply as can be: no state, no shortcuts, nothing
 * shared with the core but how a purpose words an entry. Where the two differ one of them is wrong.
 */

export interface Naming {
  readonly patient: string;
  of(text: string): string;
}

export const idOf = ({ organisation, resource }: Pick<RecordedCareEvent, 'organisation' | 'resource'>): string =>
  `${organisation}/${resource.resourceType}/${resource.id}`;

/** Of each entry the event that stands, from all events in the order in which they were accepted. */
function standing(events: readonly RecordedCareEvent[]): Map<string, RecordedCareEvent> {
  const stands = new Map<string, RecordedCareEvent>();
  const seen = new Set<string>();
  for (const event of events) {
    const name = `${event.source} ${event.id}`;
    if (seen.has(name) || event.type.startsWith('patient-merged') || event.type.startsWith('patient-unmerged')) continue;
    seen.add(name);
    const before = stands.get(idOf(event));
    if (before === undefined || !isOlder(event, before)) stands.set(idOf(event), event);
  }
  return stands;
}

const isRetraction = (event: RecordedCareEvent): boolean => event.type === 'care-event-retracted-1';
const numbered = ({ resource }: RecordedCareEvent): number => Number(resource.meta?.versionId ?? Number.NaN);
const dated = ({ resource }: RecordedCareEvent): number => Date.parse(resource.meta?.lastUpdated ?? '');

function isOlder(next: RecordedCareEvent, before: RecordedCareEvent): boolean {
  const numbers = [numbered(next), numbered(before)] as const;
  if (!numbers.some(Number.isNaN) && numbers[0] !== numbers[1]) return numbers[0] < numbers[1];
  const isBare = (event: RecordedCareEvent): boolean =>
    isRetraction(event) && Number.isNaN(numbered(event)) && Number.isNaN(dated(event));
  if (isBare(next) !== isBare(before)) {
    const made = (event: RecordedCareEvent): number => (Number.isNaN(dated(event)) ? Date.parse(event.time) : dated(event));
    return made(next) < made(before);
  }
  return dated(next) < dated(before);
}

/** Entries that are no more, whatever anybody decided. */
export function goneFrom(events: readonly RecordedCareEvent[]): string[] {
  return [...standing(events)].filter(([, event]) => isGone(event)).map(([id]) => id);
}

function isGone(event: RecordedCareEvent): boolean {
  const { status, verificationStatus } = event.resource as {
    status?: string;
    verificationStatus?: { coding: { code: string }[] };
  };
  const wrong = 'entered-in-error';
  return isRetraction(event) || status === wrong || verificationStatus?.coding.some(({ code }) => code === wrong) === true;
}

/** What a decision or a rule sees of an entry. */
export interface Facts {
  readonly organisation: string;
  readonly resource: Resource;
}

/** Whether an entry may be used, by the first rule that applies; by none, not. */
export function mayUse(facts: Facts, purpose: Purpose, decisions: readonly Decision[], policy: Policy, at: number): boolean {
  const inForce = decisions.length === 0 ? [] : inForceFor(purpose, decisions, at);
  for (const rule of policy.rules) {
    if (rule.purposes.includes(purpose) && applies(rule, facts, policy, inForce, purpose, at)) return rule.effect === 'permit';
  }
  return false;
}

function applies(rule: Rule, facts: Facts, policy: Policy, inForce: readonly Decision[], purpose: Purpose, at: number): boolean {
  const { decision, organisationKinds, resourceTypes, codes } = rule.when;
  if (resourceTypes !== undefined && !resourceTypes.includes(facts.resource.resourceType)) return false;
  if (codes !== undefined && !codes.some((code) => codesIn(facts.resource).has(code))) return false;
  const kind = policy.organisations[facts.organisation];
  if (organisationKinds !== undefined && kind === undefined && rule.effect === 'permit') return false;
  if (organisationKinds !== undefined && kind !== undefined && !organisationKinds.includes(kind)) return false;
  if (decision === undefined) return true;
  const effects = new Set<string>();
  for (const one of inForce) {
    if (one.authority !== rule.authority || !covers(one.provision, facts)) continue;
    const exceptions = one.exceptions.filter(
      (exception) => exception.purposes.includes(purpose) && holds(exception, at) && covers(exception, facts),
    );
    if (exceptions.length === 0) effects.add(one.provision.effect);
    else effects.add(exceptions.some(({ effect }) => effect === 'deny') ? 'deny' : 'permit');
  }
  return decision === 'deny' ? effects.has('deny') : effects.has('permit') && !effects.has('deny');
}

/** Of each scope and authority the latest decision that stands and was neither replaced nor withdrawn. */
function inForceFor(purpose: Purpose, decisions: readonly Decision[], at: number): Decision[] {
  const made = (decision: Decision): number => Date.parse(decision.decidedAt);
  const inOrder = decisions.map((decision, arrival) => ({ decision, arrival }));
  inOrder.sort((a, b) => made(a.decision) - made(b.decision) || a.arrival - b.arrival);
  const stands = new Map<string, Decision>();
  inOrder.forEach(({ decision }, index) => {
    const { provision, consentId, source } = decision;
    const later = inOrder.slice(index + 1).map((other) => other.decision);
    const replaced = later.some(
      (other) =>
        other.consentId === consentId &&
        other.source === source &&
        (other.status === 'withdrawn' || (other.provision.from ?? -Infinity) <= at),
    );
    if (replaced || decision.status !== 'active' || !provision.purposes.includes(purpose) || !holds(provision, at)) return;
    stands.set(`${decision.authority} ${scope(provision)}`, decision);
  });
  return [...stands.values()];
}

const scope = ({ organisations, entries, categories }: Provision): string =>
  [organisations, entries, categories].map((list) => (list === undefined ? 'any' : `only ${list.toSorted().join()}`)).join(' / ');

const holds = ({ from, until }: Provision, at: number): boolean => (from ?? -Infinity) <= at && at < (until ?? Infinity);

function covers({ organisations, entries, categories }: Provision, facts: Facts): boolean {
  const { organisation, resource } = facts;
  const { resourceType, id } = resource;
  if (organisations !== undefined && !organisations.includes(organisation)) return false;
  if (entries !== undefined && !entries.some((name) => [idOf(facts), `${resourceType}/${id}`].includes(name))) return false;
  return categories === undefined || categories.some((name) => name === resourceType || codesIn(resource).has(name));
}

/** Every code in the fields that say what a resource is about. */
function codesIn(resource: Resource): Set<string> {
  const codes = new Set<string>();
  const walk = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return;
    for (const [name, inner] of Object.entries(value)) {
      if (name === 'code' && typeof inner === 'string') codes.add(inner);
      else walk(inner);
    }
  };
  const { code, category, class: kind, type, medicationCodeableConcept, vaccineCode, meta } = resource;
  walk([code, category, kind, type, medicationCodeableConcept, vaccineCode, meta?.['security']]);
  return codes;
}

/** The instants at which one of the decisions begins or ends. */
export function boundariesIn(decisions: readonly Decision[]): number[] {
  return decisions.flatMap(({ provision, exceptions }) =>
    [provision, ...exceptions].flatMap(({ from, until }) => [from, until].filter((at) => at !== undefined)),
  );
}

/** The view of a purpose, from events, decisions and policy and nothing else. */
export function viewOf(
  events: readonly RecordedCareEvent[],
  decisions: readonly Decision[],
  policy: Policy,
  at: number,
  projection: Projection,
  naming: Naming,
): { readonly entries: Map<string, ViewEntry>; readonly withheld: number } {
  const entries = new Map<string, ViewEntry>();
  let withheld = 0;
  for (const [id, event] of standing(events)) {
    const { organisation, resource, recordedAt } = event;
    if (isGone(event) || !projection.sees(resource)) continue;
    if (mayUse(event, projection.purpose, decisions, policy, at)) {
      const { resourceType } = resource;
      const entry = { id, organisation, resourceType, occurredAt: occurredAt(resource), recordedAt, resource };
      entries.set(projection.entryId(id, naming), projection.project(entry, naming));
    } else withheld += 1;
  }
  return { entries, withheld };
}
