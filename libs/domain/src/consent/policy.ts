import type { Authority, OrganisationKind, Purpose } from '../vocabulary.js';

/** When a rule applies: every condition given must hold. */
export interface RuleCondition {
  /** A decision under the rule's authority is in force, covers the entry, and has this effect. */
  readonly decision?: 'permit' | 'deny';
  /** The entry comes from an organisation of one of these kinds. */
  readonly organisationKinds?: readonly OrganisationKind[];
  readonly resourceTypes?: readonly string[];
  /** The entry carries one of these codes (in code, category, class, type or security label), whatever their system. */
  readonly codes?: readonly string[];
}

export interface Rule {
  readonly id: string;
  readonly purposes: readonly Purpose[];
  readonly when: RuleCondition;
  readonly effect: 'permit' | 'deny';
  readonly authority?: Authority;
  /** What a patient reads. */
  readonly plainEnglish: string;
}

/**
 * A locality's rules, as data. The first rule that applies decides; where none does the entry is withheld.
 * `organisations` says of each ODS code what kind it is, because a type 1 objection concerns only what a GP practice holds.
 */
export interface Policy {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly organisations: Readonly<Record<string, OrganisationKind>>;
}

/** A policy with the number it was adopted under: 1 for the first. */
export interface AdoptedPolicy {
  readonly version: number;
  readonly policy: Policy;
  readonly adoptedAt: string;
}
