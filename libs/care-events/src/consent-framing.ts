import { intervalOf, PURPOSES, purposesOfCode } from '@weft/domain';
import type { Interval, Problem, Provision, Purpose } from '@weft/domain';
import { hasUnknown, isObject, itemsOf, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

type Effect = Provision['effect'];
export type Bounds = Pick<Provision, 'from' | 'until'>;

/** For which purposes and when; null for what cannot be read, in a permission alone: a denial then is for every purpose, always. */
interface Framing {
  readonly purposes: readonly Purpose[] | null;
  readonly period: Bounds | null;
}

/** The same words as a denial reads them and as a permission does: the exceptions of a provision take over either. */
export interface Framings {
  readonly deny: { readonly purposes: readonly Purpose[]; readonly period: Bounds };
  readonly permit: Framing;
}

const UNFRAMED = { purposes: PURPOSES, period: {} };
export const FRAMED_BY_NOTHING: Framings = { deny: UNFRAMED, permit: UNFRAMED };
export const unframedDenial = ({ permit }: Framings): Framings => ({ deny: UNFRAMED, permit });

/** Where the reader puts what it finds: what of its words cannot be read, and what is only told. */
export interface Notes {
  readonly unread: Problem[];
  readonly warnings: Problem[];
}

/** @param notes takes what is found in reading the words as the provision's own effect does. */
export function framingsOf(
  { purpose, period }: Loose,
  effect: Effect,
  around: Framings,
  made: Interval,
  path: string,
  notes: Notes,
): Framings {
  const framing = (as: Effect): Framing => {
    const into = as === effect ? notes : { unread: [], warnings: [] };
    return {
      purposes: purpose === undefined ? around[as].purposes : purposesOf(purpose, as, `${path}.purpose`, into),
      period: period === undefined ? around[as].period : periodOf(period, as, `${path}.period`, into.unread, made),
    };
  };
  const denied = framing('deny');
  return { deny: { purposes: denied.purposes ?? PURPOSES, period: denied.period ?? {} }, permit: framing('permit') };
}

function purposesOf(raw: unknown, effect: Effect, path: string, { unread, warnings }: Notes): readonly Purpose[] | null {
  const found = itemsOf(raw).map((coding) => (coding === null ? null : purposesOfCoding(coding, effect)));
  const purposes = PURPOSES.filter((purpose) => found.some((some) => some?.includes(purpose)));
  const isRead = effect === 'deny' ? found.length > 0 && !found.includes(null) : found.some((some) => some !== null);
  if (found.length === 0 || found.includes(null)) {
    const known = 'TREAT, COC, POPHLTH and HRESCH, and in a denial the codes of HL7 PurposeOfUse around them';
    const message = `names a purpose that is not known; known are ${known}`;
    (isRead ? warnings : unread).push(problem(path, 'unknown-purpose', message));
  } else if (purposes.length === 0) {
    warnings.push(
      problem(
        path,
        'purpose-not-used',
        'Weft shares nothing for this purpose, so naming it changes nothing; to limit sharing, name TREAT, COC, POPHLTH or HRESCH',
      ),
    );
  }
  return isRead ? purposes : null;
}

function purposesOfCoding({ code, system }: Loose, effect: Effect): readonly Purpose[] | null {
  if (textOf(code) === undefined || (system !== undefined && textOf(system) === undefined)) return null;
  return purposesOfCode(code as string, system as string | undefined, effect);
}

/**
 * A period as wide as its text allows in a denial, as narrow in a permission. A denial whose period cannot be read, is empty, or
 * may have been over before it was made, has none.
 */
export function periodOf(raw: unknown, effect: Effect, path: string, unread: Problem[], made?: Interval): Bounds | null {
  const [start, end] = isObject(raw) ? [boundOf(raw, 'start'), boundOf(raw, 'end')] : [null, null];
  const isRead = start !== null && end !== null && !hasUnknown(raw as Loose, ['start', 'end']);
  if (!isRead) unread.push(problem(path, 'malformed', 'must be a period of FHIR dateTimes'));
  if (effect === 'permit' && !isRead) return null;
  const from = effect === 'deny' ? start?.from : start?.until;
  const until = effect === 'deny' ? lastOf(end) : end?.from;
  const isOver = effect === 'deny' && made !== undefined && until !== undefined && until <= latestOf(made);
  if (isOver || (from !== undefined && until !== undefined && from >= until)) {
    unread.push(problem(path, 'empty-period', 'is over before it begins, or cannot be told to have begun'));
    return null;
  }
  return { ...(from !== undefined && { from }), ...(until !== undefined && { until }) };
}

const latestOf = ({ from, until }: Interval): number => Math.max(from, until - 1);

/** FHIR Period.end is part of the period: the instant that it names is the last one. */
const lastOf = (end: Interval | null | undefined): number | undefined => (end ? Math.max(end.until, end.from + 1) : undefined);

/** FHIR says of a bound that there is one and why its value is absent in the member beside it, `_start` or `_end`. */
function boundOf(period: Loose, bound: string): Interval | null | undefined {
  if (period[bound] !== undefined) return intervalOf(period[bound]);
  return period[`_${bound}`] === undefined ? undefined : null;
}
