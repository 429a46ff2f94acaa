import type { Purpose } from '../vocabulary.js';
import type { Policy } from './policy.js';

/** People, and entries of theirs. */
export interface Reach {
  readonly people: number;
  readonly entries: number;
}

export interface PurposePlan {
  readonly opened: Reach;
  readonly closed: Reach;
  /** Who is known to have subscribed to the purpose. */
  readonly subscribers: readonly PlannedSubscriber[];
}

/** Who began to be told of a purpose. */
export interface Subscriber extends Person {
  readonly lastBegan: string;
}

/** What a subscriber would be told, and would be told to take back: of one purpose the same as everybody else. */
export interface PlannedSubscriber extends Subscriber {
  readonly opened: Reach;
  readonly closed: Reach;
}

/** What the adoption of a policy would open and close, judged for everybody at one time. */
export interface PolicyPlan {
  /** Version in force that it was compared with. */
  readonly inForce: number;
  readonly plannedAt: string;
  /** Looked at. */
  readonly people: number;
  readonly purposes: Readonly<Record<Purpose, PurposePlan>>;
  /** Why it may open something, now or later; empty where it can only close. */
  readonly openings: readonly string[];
}

/** Whether a plan needs a second person's authorisation. */
export function opens({ openings, purposes }: PolicyPlan): boolean {
  return openings.length > 0 || Object.values(purposes).some(({ opened }) => opened.entries > 0);
}

/** Whether two plans open and close the same, though made at other times or against other policies. */
export function sameFigures(a: PolicyPlan, b: PolicyPlan): boolean {
  const figures = ({ purposes, openings }: PolicyPlan): string =>
    JSON.stringify([Object.entries(purposes).map(([purpose, { opened, closed }]) => [purpose, opened, closed]), openings]);
  return figures(a) === figures(b);
}

/** Somebody, as their token names them. */
export interface Person {
  readonly subject: string;
  /** ODS code; null for one who belongs to none. */
  readonly organisation: string | null;
}

/** A policy that somebody wants adopted, why, and what that would change. */
export interface Proposal {
  readonly id: string;
  readonly policy: Policy;
  readonly reason: string;
  readonly proposedBy: Person;
  readonly proposedAt: string;
  readonly plan: PolicyPlan;
}

/** How a policy came into force: by the settings, or by somebody who proposed it and, where it opens anything, somebody else. */
export type Adoption =
  { readonly by: 'settings' } | ({ readonly by: 'governance'; readonly authorisedBy: Person | null } & Omit<Proposal, 'policy'>);

/** A policy with the number it was adopted under: 1 for the first. */
export interface AdoptedPolicy {
  readonly version: number;
  readonly policy: Policy;
  readonly adoptedAt: string;
  /** Absent of what was adopted before anybody was asked who and why. */
  readonly adoption?: Adoption;
}
