import { AUTHORITIES, type Authority, type Limit } from '@weft/domain';
import type { Prng } from './prng.js';
import { DOCUMENT, DOCUMENT_IDS, SMALL_RESOURCE_TYPES, type SmallResourceType } from './resources.js';

/** How often the rarer things come, as shares of all messages. */
export interface Rates {
  readonly duplicate: number;
  /** Of care events: one that says what another one said, or something else under a used id. */
  readonly repeated: number;
  readonly retraction: number;
  readonly merge: number;
  readonly poison: number;
  /** Too large to be accepted. */
  readonly oversized: number;
  /** Large enough that two of them make a view that one append cannot carry. */
  readonly large: number;
  /** Of decisions: an opt-out that is taken back later. */
  readonly flip: number;
  /** Of decisions: another one under an id that was used already. */
  readonly conflict: number;
  /** Of decisions: one that cannot be read. */
  readonly unread: number;
  /** Of decisions: a Consent that is corrected to another person. */
  readonly moved: number;
}

export const RATES: Rates = {
  duplicate: 0.12,
  repeated: 0.06,
  retraction: 0.08,
  merge: 0.1,
  poison: 0.03,
  oversized: 0.002,
  large: 0,
  flip: 0.15,
  conflict: 0.02,
  unread: 0.02,
  moved: 0.02,
};

/** Who records decisions. A `foreign` organisation is not of the region, a `nameless` one says no ODS code. */
export const RECORDERS = ['governance', 'ndoo-import', 'organisation', 'foreign', 'nameless'] as const;
export type RecorderKind = (typeof RECORDERS)[number];

export const ENTRY_IDS = ['a', 'b'] as const;
const LIMIT_KINDS: readonly Limit['kind'][] = ['recorded-by', 'entries', 'codes', 'classes', 'labels', 'data-period', 'unread'];

/** What a seed is mostly about: the fewer kinds there are, the more often they meet. */
export interface Focus {
  readonly resourceTypes: readonly SmallResourceType[];
  readonly entryIds: readonly string[];
  readonly authorities: readonly Authority[];
  readonly recorders: readonly RecorderKind[];
  readonly limits: readonly Limit['kind'][];
  /** The share of everything that is about the region's first patient, beside their part of the rest. */
  readonly favourite: number;
  /** The share of provisions that each of the limits stands in. */
  readonly scoped: number;
  /** The share of provisions with exceptions. */
  readonly nested: number;
  /** The share of periods that begin or end within half a minute; where there are such, most provisions have a period. */
  readonly soon: number;
  /** The share of decisions that say when they were made otherwise than by an instant of the near past. */
  readonly vague: number;
  /** The share of decisions that come back to an earlier one. */
  readonly again: number;
  /** The share of organisations' decisions that no gateway has vetted. */
  readonly unvetted: number;
  /** The share of care events about numbers that their organisation has merged, or tried to, once there are such. */
  readonly merged: number;
  /** Whether people have entries of their own ids, as they should; else everybody's are called the same, and each new version may be somebody else's. */
  readonly ownIds: boolean;
  /** The share of care events about somebody else's entry. */
  readonly corrected: number;
}

export const WIDE: Focus = {
  resourceTypes: SMALL_RESOURCE_TYPES,
  entryIds: ENTRY_IDS,
  authorities: AUTHORITIES,
  recorders: RECORDERS,
  limits: LIMIT_KINDS,
  favourite: 0.3,
  scoped: 0.15,
  nested: 0.25,
  soon: 0,
  vague: 0.2,
  again: 0.2,
  unvetted: 0.2,
  merged: 0,
  ownIds: true,
  corrected: 0,
};

/** The ids that entries of a type have. */
export const idsOf = ({ entryIds }: Focus, type: SmallResourceType): readonly string[] =>
  type === DOCUMENT ? DOCUMENT_IDS : entryIds;

/** Documents too, or hardly anything else, mostly of one person: they have to meet to replace each other. */
export function withDocuments(drawn: Focus, prng: Prng): Focus {
  const resourceTypes = prng.pick([
    [...drawn.resourceTypes, DOCUMENT, DOCUMENT],
    [DOCUMENT, DOCUMENT, DOCUMENT, 'Encounter'],
    [DOCUMENT],
  ] as const);
  const favourite = prng.pick([drawn.favourite, 0.9]);
  const authorities = prng.pick([
    drawn.authorities,
    ['withheld-item'],
    ['withheld-item', 'local-dissent', 'explicit-consent'],
  ] as const);
  return { ...drawn, resourceTypes, favourite, authorities, scoped: prng.pick([drawn.scoped, 0, 0.3]) };
}

/** Everything, or only a few kinds of it: what is rare among much else is frequent in some seed. */
export function focus(prng: Prng): Focus {
  const few = <T>(list: readonly T[]): readonly T[] => {
    if (prng.chance(0.4)) return list;
    return Array.from({ length: prng.between(1, 2) }, () => prng.pick(list));
  };
  return {
    resourceTypes: few(SMALL_RESOURCE_TYPES),
    entryIds: few(ENTRY_IDS),
    authorities: few(AUTHORITIES),
    recorders: few(RECORDERS),
    limits: few(LIMIT_KINDS),
    favourite: prng.pick([0, 0.3, 0.7]),
    scoped: prng.pick([0, 0.15, 0.5]),
    nested: prng.pick([0, 0.25, 0.5]),
    soon: prng.pick([0, 0.3]),
    vague: prng.pick([0, 0.2, 0.7]),
    again: prng.pick([0, 0.2, 0.5]),
    unvetted: prng.pick([0, 0.3, 1]),
    merged: prng.pick([0, 0.8]),
    ownIds: prng.chance(0.75),
    corrected: prng.pick([0, 0, 0.1, 0.3]),
  };
}
