import type { Authority } from '../vocabulary.js';

/** Roles that read records, and may be told that a record is not whole. */
export const READERS = ['clinician', 'governance'] as const;
export type Reader = (typeof READERS)[number];

/** What readers are told of entries that are withheld from them. */
export interface Notices {
  /** Roles that are told; nobody else is. */
  readonly withheld?: readonly Reader[];
  /** What is withheld under one of these authorities shows no sign of itself, to no role. */
  readonly silent?: readonly Authority[];
}

/** What of a policy decides what is said. */
interface Saying {
  readonly rules: readonly { readonly id: string; readonly authority?: Authority }[];
  readonly notices?: Notices;
}

/** All that a reader is told: no count and no kind, which could say what it is. */
export const NOTICE = 'Some information about this person is not shown here.';

/** Where individual care has waited as long as it does for decisions that are not read. It is so of many people at once, and tells of none. */
export const NOT_ALL_READ = 'Some of this is shown before every choice about sharing could be read.';

/** A withheld allergy that looks like "no allergies" is a hazard: every reader is told unless a locality says otherwise. */
const SHIPPED: Required<Notices> = { withheld: READERS, silent: [] };

export function noticesOf({ notices }: Pick<Saying, 'notices'>): Required<Notices> {
  return { ...SHIPPED, ...notices };
}

const NONE: ReadonlySet<string> = new Set();

/** Ids of the rules that withhold without a sign. */
export function silentRules(policy: Saying): ReadonlySet<string> {
  const { silent } = noticesOf(policy);
  if (silent.length === 0) return NONE;
  return new Set(
    policy.rules.flatMap(({ id, authority }) => (authority !== undefined && silent.includes(authority) ? [id] : [])),
  );
}

/** What a decision or the policy holds back from a purpose, counted. */
export interface Held {
  readonly withheld: number;
  /** How many of them without a sign; absent where no rule of the policy withholds so. */
  readonly unsaid?: number;
}

/** Counts outcomes as `Held`; of a policy without silent rules it says nothing of them. */
export function heldOf(withheld: number, unsaid: number, silent: ReadonlySet<string>): Held {
  return silent.size === 0 ? { withheld } : { withheld, unsaid };
}

/** The roles that are told that something is withheld; none where nothing is, or where all of it shows no sign. */
export function rolesToTell({ withheld, unsaid = 0 }: Held, policy: Saying): readonly Reader[] {
  return withheld > unsaid ? noticesOf(policy).withheld : [];
}
