import type { Authority, OrganisationKind, Purpose } from '../vocabulary.js';
import type { IdentityRules } from './identity-rules.js';
import type { Notices } from './notices.js';
import type { Waits } from './waits.js';

/** When a rule applies: every condition given must hold. */
export interface RuleCondition {
  /** A decision under the rule's authority is in force, covers the entry, and has this effect. */
  readonly decision?: 'permit' | 'deny';
  /** The entry comes from an organisation of one of these kinds. */
  readonly organisationKinds?: readonly OrganisationKind[];
  readonly resourceTypes?: readonly string[];
  /** The entry carries one of these codes, anywhere in it and whatever their system. */
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
 * Who may act under an authority. `any`: everybody who may publish; `entry-organisation`: any organisation, whose permission opens
 * only what it recorded itself; `same-source`: the organisation that recorded what is lifted, through whichever of its systems.
 */
export type Maker = 'any' | 'governance' | 'ndoo-import' | 'entry-organisation' | 'same-source' | `kind:${OrganisationKind}`;

export interface AuthorityRule {
  readonly recordedBy: readonly Maker[];
  /** Who may record a denial, where that differs. */
  readonly denialRecordedBy?: readonly Maker[];
  readonly liftedBy: readonly Maker[];
  /** `performer`: a permission that an organisation records must name its giver, the person or a proxy. */
  readonly needs?: readonly 'performer'[];
}

export type Authorities = Readonly<Record<Authority, AuthorityRule>>;

/**
 * A locality's rules, as data. The first rule that applies decides; where none does the entry is withheld.
 * `organisations` says of each ODS code what kind it is, because a type 1 objection concerns only what a GP practice holds.
 */
export interface Policy {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly organisations: Readonly<Record<string, OrganisationKind>>;
  /** Who may make and lift decisions; absent: the shipped rules. */
  readonly authorities?: Authorities;
  /** Who may merge numbers, undo that, and say that somebody died; what is absent is as shipped. */
  readonly identity?: Partial<IdentityRules>;
  /** `own`: from this age on, in years, a person permits for themselves; absent: 13. */
  readonly ages?: { readonly own: number };
  /** Codes that decisions may name though no entry carries them yet: each means itself, not a group of others. */
  readonly codes?: readonly string[];
  /** Who is told that something is withheld; absent: the shipped rule. */
  readonly notices?: Notices;
  /** How long what arrives waits for decisions that cannot be read; absent: the shipped bound. */
  readonly waits?: Waits;
}
