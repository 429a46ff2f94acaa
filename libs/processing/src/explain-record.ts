import {
  aboutOf,
  decidedAtOf,
  isPresent,
  markedId,
  momentAt,
  purposesStanding,
  type AdoptedPolicy,
  type Authority,
  type DecidedBy,
  type Entry,
  type NotePlacing,
  type Projection,
  type Purpose,
  type Recorder,
} from '@weft/domain';
import { withMarks } from './consent-marks.js';
import { correctedIn, type Corrected } from './corrected.js';
import { arrivingIn, momentOf, viewIn } from './decide-views.js';
import type { RecordedDecision } from './encoding.js';
import { rulingsAt, surroundingsOf, type Rulings } from './judges.js';
import { isKnownNumber, type NumberState } from './number.js';
import { loadPerson } from './person.js';
import { momentNow } from './region-time.js';
import { setAside, type SetAside } from './set-aside.js';
import { serves, type Wiring } from './wiring.js';

/** Why one entry is, or is not, in one purpose's view. */
export interface Explanation {
  readonly purpose: Purpose;
  readonly included: boolean;
  /**
   * The policy's rule that decided; `not-of-concern` where the purpose does not look at such entries at all, `arriving` of one that waits for
   * decisions which came before it, `replaced` of a document
   * that it might see and in whose place a newer one stands.
   */
  readonly rule: string;
  readonly decision: {
    readonly id: string;
    readonly authority: Authority;
    readonly effect: 'permit' | 'deny';
    readonly decidedAt: string;
    readonly decidedBy: DecidedBy;
    /** Who recorded it: the token's subject and organisation. */
    readonly recordedBy: Recorder;
    readonly recordedAt: string;
  } | null;
  readonly plainEnglish: string;
}

export interface ExplainedEntry {
  readonly id: string;
  readonly resourceType: string;
  readonly organisation: string;
  readonly occurredAt: string | null;
  readonly recordedAt: string;
  /** The person's NHS number as it was then, where it is known. */
  readonly nhsNumber?: string;
  /** The number that the entry lives with, where that is another one: it is that one's again once the merge is undone. */
  readonly recordedUnder?: string;
  /** In a few words what it is about. Null where direct care does not see it, and where an earlier time is explained. */
  readonly about: string | null;
  readonly purposes: readonly Explanation[];
}

export interface ExplainedDecision extends Omit<RecordedDecision, 'coordinates' | 'follows'> {
  /** Of a denial that came from another person with an entry: the entry, of which alone it is. */
  readonly movedWith?: string;
  /** The purposes for which it stood then, or was to from its beginning; none where it was withdrawn, over, replaced or asked for by no rule. */
  readonly standsFor: readonly Purpose[];
}

export interface ExplainedRecord {
  /** The instant explained, RFC 3339: what was known to Weft then, and what stood then. */
  readonly at: string;
  readonly policyVersion: number | null;
  readonly policyName: string | null;
  readonly decisions: readonly ExplainedDecision[];
  readonly entries: readonly ExplainedEntry[];
  /** Versions that changed nothing, or that count by their arrival alone, in the order in which they came: the latest so many. */
  readonly setAside: readonly SetAside[];
  /** Entries that a later version moved to or from another person, or that several have and nobody can say whose they are. */
  readonly corrected: readonly Corrected[];
  /** The surviving NHS number, where the one asked for had been merged into it. */
  readonly movedTo: string | null;
  /** The keys of all numbers that the person had then, the surviving one first. */
  readonly members: readonly string[];
}

/** A sender that sends its whole history each day sets aside more than anybody reads. */
const SET_ASIDE_MAX = 500;

/**
 * Explains every entry of a person for every purpose, at any instant (milliseconds since 1970): by the events, decisions,
 * merges and policy that Weft knew by then, and by the decisions that stood then. What direct care sees now is also told in words.
 */
export async function explainRecord(wiring: Wiring, key: string, asked?: number): Promise<ExplainedRecord> {
  // Whatever a clock says, what is recorded is known now.
  const until = asked ?? Infinity;
  const noted: (readonly [string, ...Parameters<NotePlacing>])[] = [];
  const load = () => {
    noted.length = 0;
    return loadPerson(wiring.store, key, { until, note: (...one) => void noted.push(one) });
  };
  const { loaded: found, marks } = await withMarks(wiring.store, load, ({ members }) => members);
  const policies = await wiring.policies.all();
  // Of a store that was made anew from the topics the older policies are gone: its first one is the oldest that anybody knows.
  const first = found.members.some(isKnownNumber) ? policies[0] : undefined;
  const adopted = policies.filter((policy) => Date.parse(policy.adoptedAt) <= until).at(-1) ?? first;
  const [survivor] = found.members as readonly [NumberState, ...NumberState[]];
  const isArriving = (projection: Projection, id: string): boolean =>
    asked === undefined
      ? arrivingIn(found, projection, marks).includes(id)
      : viewIn(survivor, projection).letters.get(id) === 'a';
  const { members, record, homes, person, decisions, movedTo } = found;
  const aside = noted.map(([number, { id }, placing, event]) => {
    const marked = markedId(id, number);
    return setAside(record.entries.has(marked) ? marked : id, placing, event);
  });
  const whose = ({ id }: Entry): Pick<ExplainedEntry, 'nhsNumber' | 'recordedUnder'> => {
    const [now, home] = [person.nhsNumber, members[homes.get(id) ?? 0]?.record.nhsNumber];
    return { ...(now !== null && { nhsNumber: now }), ...(home != null && home !== now && { recordedUnder: home }) };
  };
  const now = asked === undefined ? momentOf(found, await momentNow(wiring)) : momentAt(asked);
  const at = asked ?? wiring.clock.now();
  const rulings = adopted === undefined ? null : rulingsAt(now, found, adopted, record.entries);
  const around = surroundingsOf(record.entries);
  const standing = new Map(adopted && purposesStanding(decisions, adopted.policy, at, around));
  return {
    at: new Date(at).toISOString(),
    policyVersion: adopted?.version ?? null,
    policyName: adopted?.policy.name ?? null,
    decisions: decisions.map((decision) => explainDecision(decision, standing.get(decision))),
    entries: [...record.entries.values()]
      .filter(isPresent)
      .map((entry) => ({ ...explainEntry(wiring, entry, { rulings, adopted, isArriving }), ...whose(entry) }))
      // What was seen then may be withheld now.
      .map((entry) => (asked === undefined ? entry : { ...entry, about: null })),
    setAside: aside.sort((one, other) => (one.recordedAt < other.recordedAt ? -1 : 1)).slice(-SET_ASIDE_MAX),
    corrected: correctedIn(members),
    movedTo,
    members: members.map((member) => member.key),
  };
}

function explainDecision(
  { coordinates: _, alsoOf: __, saidOf: ___, follows, ...decision }: RecordedDecision,
  standsFor: readonly Purpose[] = [],
): ExplainedDecision {
  return { ...decision, ...(follows !== undefined && { movedWith: follows.entry }), standsFor };
}

/** What was in force at the instant. */
interface Then {
  readonly rulings: Rulings | null;
  readonly adopted: AdoptedPolicy | undefined;
  /** Whether decisions that came before an entry were not read yet. */
  readonly isArriving: (projection: Projection, id: string) => boolean;
}

function explainEntry(wiring: Wiring, entry: Entry, { rulings, adopted, isArriving }: Then): ExplainedEntry {
  const { id, resourceType, organisation, occurredAt, recordedAt } = entry;
  const purposes = wiring.projections
    .filter((projection) => serves(wiring, projection))
    .map((projection): Explanation => {
      const { purpose } = projection;
      if (!isPresent(entry) || !projection.sees(entry.resource)) {
        return {
          purpose,
          included: false,
          rule: 'not-of-concern',
          decision: null,
          plainEnglish: 'This purpose does not look at entries of this kind.',
        };
      }
      if (rulings === null || adopted === undefined) {
        return {
          purpose,
          included: false,
          rule: 'no-policy',
          decision: null,
          plainEnglish: 'No sharing policy was in force yet, so nothing was shared.',
        };
      }
      const { permitted, rule, decision, plainEnglish, replacedBy } = rulings.of(projection)(entry);
      if (permitted && replacedBy !== undefined) return { purpose, ...REPLACED };
      if (permitted && isArriving(projection, id)) return { purpose, ...ARRIVING };
      return {
        purpose,
        included: permitted,
        rule,
        decision: decision === null ? null : shown(decision as RecordedDecision, permitted ? 'permit' : 'deny'),
        plainEnglish,
      };
    });
  const isSeen = purposes.some(({ purpose, included }) => purpose === 'direct-care' && included);
  const about = isSeen && isPresent(entry) ? (aboutOf(entry.resource) ?? null) : null;
  return { id, resourceType, organisation, occurredAt, recordedAt, about, purposes };
}

const ARRIVING = {
  included: false,
  rule: 'arriving',
  decision: null,
  plainEnglish: 'Choices that were sent before this came are still being read. It is shared once they are, if they allow it.',
} as const;

const REPLACED = {
  included: false,
  rule: 'replaced',
  decision: null,
  plainEnglish: 'A newer document has taken the place of this one, so that one is shown instead.',
} as const;

function shown(decision: RecordedDecision, effect: 'permit' | 'deny'): Explanation['decision'] {
  const { id, authority, decidedBy, recorder, recordedAt } = decision;
  return { id, authority, effect, decidedAt: decidedAtOf(decision), decidedBy, recordedBy: recorder, recordedAt };
}
