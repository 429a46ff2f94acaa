import type { Purpose } from '../vocabulary.js';
import type { Decision, Provision } from './decision.js';

/**
 * The decisions that stand at an instant, for one purpose. The later decision of the same scope and authority replaces the
 * earlier from the moment it takes effect; when it expires, what it had replaced stands again. A later version of the same
 * FHIR Consent replaces that Consent whatever its scope, and a withdrawn one takes all its versions away.
 */
export function decisionsInForce(decisions: readonly Decision[], purpose: Purpose, at: number): Decision[] {
  const latest = new Map<string, Decision>();
  for (const decision of inOrder(decisions)) {
    if (decision.status === 'withdrawn') continue;
    if (!decision.provision.purposes.includes(purpose) || !isWithin(decision.provision, at)) continue;
    if (isVoided(decision, decisions, at)) continue;
    latest.set(scopeOf(decision), decision);
  }
  return [...latest.values()];
}

/** The next instant after `at` at which a decision begins or ends to be in force; null where none does. */
export function nextBoundary(decisions: readonly Decision[], at: number): number | null {
  let next: number | null = null;
  for (const decision of decisions) {
    for (const provision of [decision.provision, ...decision.exceptions]) {
      for (const boundary of [provision.from, provision.until]) {
        if (boundary !== undefined && boundary > at && (next === null || boundary < next)) next = boundary;
      }
    }
  }
  return next;
}

/** From when until when the decisions that stand at an instant are those that stand; null for always and for good. */
export interface Span {
  readonly since: number | null;
  readonly until: number | null;
}

/** The span around `at` in which no decision begins or ends to be in force. */
export function spanAt(decisions: readonly Decision[], at: number): Span {
  let since: number | null = null;
  for (let boundary = nextBoundary(decisions, -Infinity); boundary !== null && boundary <= at;) {
    since = boundary;
    boundary = nextBoundary(decisions, boundary);
  }
  return { since, until: nextBoundary(decisions, at) };
}

export function holdsAt({ since, until }: Span, at: number): boolean {
  return (since === null || since <= at) && (until === null || at < until);
}

export function sameSpan(a: Span, b: Span): boolean {
  return a.since === b.since && a.until === b.until;
}

export function isWithin(provision: Provision, at: number): boolean {
  return (provision.from === undefined || provision.from <= at) && (provision.until === undefined || at < provision.until);
}

function inOrder(decisions: readonly Decision[]): readonly Decision[] {
  if (decisions.length < 2) return decisions;
  return decisions
    .map((decision, arrival) => ({ decision, arrival, at: Date.parse(decision.decidedAt) }))
    .sort((a, b) => a.at - b.at || a.arrival - b.arrival)
    .map(({ decision }) => decision);
}

function isVoided(decision: Decision, decisions: readonly Decision[], at: number): boolean {
  const arrival = decisions.indexOf(decision);
  return decisions.some((other, otherArrival) => {
    if (other === decision || other.consentId !== decision.consentId || other.source !== decision.source) return false;
    const later = Date.parse(other.decidedAt) - Date.parse(decision.decidedAt) || otherArrival - arrival;
    if (later < 0) return false;
    return other.status === 'withdrawn' || other.provision.from === undefined || other.provision.from <= at;
  });
}

function scopeOf(decision: Decision): string {
  const { organisations, entries, categories } = decision.provision;
  return JSON.stringify([decision.authority, sorted(organisations), sorted(entries), sorted(categories)]);
}

function sorted(list: readonly string[] | undefined): readonly string[] | null {
  return list === undefined ? null : [...list].sort();
}
