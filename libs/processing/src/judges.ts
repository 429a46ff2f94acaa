import {
  allProvisions,
  isHere,
  judgeByNumber,
  looksAround,
  refusesUnasked,
  silentRules,
  spanAt,
  Surroundings,
  throughout,
  type AdoptedPolicy,
  type ByNumber,
  type Decision,
  type Entry,
  type Judge,
  type Moment,
  type PersonKnown,
  type Projection,
  type Pseudonyms,
  type Span,
} from '@weft/domain';
import type { Keys } from './ports.js';

/** The rules and decisions of one person at one moment, ready to judge entries for every projection. */
export interface Rulings {
  readonly policyVersion: number;
  /** When they are the same as at this moment. */
  readonly span: Span;
  /** Ids of the rules that withhold without a sign. */
  readonly silent: ReadonlySet<string>;
  /** Whether the purpose can be refused anything at all. */
  mayRefuse(projection: Projection): boolean;
  of(projection: Projection): Judge;
}

const ofOneNumber = (decisions: readonly Decision[]): ByNumber => ({ numbers: [decisions], homeOf: () => 0 });

/** @param entries the person's whole record: decisions about a code, or what hangs on an entry, look at all of it. */
export function rulingsAt(
  at: Moment,
  decided: readonly Decision[] | ByNumber,
  adopted: AdoptedPolicy,
  entries: ReadonlyMap<string, Entry>,
): Rulings {
  const judges = new Map<string, Judge>();
  const around = surroundingsOf(entries);
  const byNumber = 'numbers' in decided ? decided : ofOneNumber(decided);
  const all = byNumber.numbers.flat();
  return {
    policyVersion: adopted.version,
    span: spanAt(all, at),
    silent: silentRules(adopted.policy),
    mayRefuse: ({ purpose }) =>
      byNumber.numbers.some((decisions) => decisions.length > 0) || refusesUnasked(adopted.policy, purpose),
    of({ purpose }) {
      let found = judges.get(purpose);
      if (found === undefined) {
        found = throughout(at, all, adopted.policy, (instant) =>
          judgeByNumber(purpose, byNumber, adopted.policy, instant, around),
        );
        judges.set(purpose, found);
      }
      return found;
    },
  };
}

/** The rest of a person's record, as far as decisions look at it: of what is there no more, which documents it once replaced. */
export function surroundingsOf(entries: ReadonlyMap<string, Entry>): Surroundings {
  return new Surroundings(
    () => present(entries),
    () => gone(entries),
  );
}

function* present(entries: ReadonlyMap<string, Entry>): Generator<Entry> {
  for (const entry of entries.values()) if (!entry.retracted && isHere(entry)) yield entry;
}

function* gone(entries: ReadonlyMap<string, Entry>): Generator<Entry> {
  for (const entry of entries.values()) if (entry.retracted || !isHere(entry)) yield entry;
}

/**
 * Whether one more entry may change what these decisions say of others: then the person's views are derived from the whole record,
 * not from what is remembered of it.
 */
export function reachOthers(decisions: readonly Decision[], resourceTypes: readonly string[] = []): boolean {
  if (decisions.length === 0) return false;
  // A birth date decides whether the person may permit.
  if (resourceTypes.includes('Patient')) return true;
  return decisions.some(({ provision }) =>
    allProvisions(provision).some(({ limits, effect }) => limits.some((limit) => looksAround(limit, effect))),
  );
}

/** @param person who it is, which purposes beyond individual care are not given. */
export function pseudonymsOf(keys: Keys, projection: Projection, patientKey: string, person?: PersonKnown): Pseudonyms {
  // An entry is named by itself, and by each that refers to it.
  const known = new Map<string, string>();
  return {
    patient: keys.view(projection.purpose, patientKey),
    of(text) {
      const pseudonym = known.get(text) ?? keys.pseudonym(projection.purpose, text);
      known.set(text, pseudonym);
      return pseudonym;
    },
    ...(projection.identifies && person !== undefined && { person }),
  };
}
