import { withoutMark } from '../care-record/entry-id.js';
import { PURPOSES, type Purpose } from '../vocabulary.js';
import { allOf, takesEffect } from './coverage.js';
import { allProvisions, provision, type Decision, type Provision } from './decision.js';
import { effectOn } from './effect.js';
import { inForce } from './in-force.js';
import type { JudgedEntry } from './judged-entry.js';
import { coverageOf } from './limits.js';
import { judgingBy } from './permits.js';
import type { Policy } from './policy.js';
import type { Surroundings } from './surroundings.js';

/** A denial that goes with an entry to another person, narrowed to that entry. */
export interface Following<D extends Decision> {
  readonly of: D;
  readonly provision: Provision;
}

/**
 * What of the decisions about one number denies an entry of it, now or from a time to come, for as long as it was meant to. A denial of a document
 * that this one took the place of denies this one. No permission goes along, and no exception: an entry that one opens for a while is closed.
 */
export function denialsThatFollow<D extends Decision>(
  entry: JudgedEntry,
  decisions: readonly D[],
  policy: Policy,
  now: number,
  around: Surroundings,
): Following<D>[] {
  const protectedAs = [entry, ...around.replacements().everReplacedBy(entry)];
  const denied = new Map<Decision, Set<Purpose>>();
  for (const at of [now, ...boundariesAfter(decisions, now)]) {
    for (const purpose of PURPOSES) {
      const judging = judgingBy(purpose, policy, at, around);
      for (const decision of inForce(decisions, purpose, policy, at, around).current) {
        if (!protectedAs.some((one) => effectOn(decision, one, judging) === 'deny')) continue;
        denied.set(decision, (denied.get(decision) ?? new Set()).add(purpose));
      }
    }
  }
  const { looking } = judgingBy(PURPOSES[0], policy, now, around);
  const covers = ({ limits }: Provision, source: string): boolean =>
    protectedAs.some((one) => takesEffect('deny', allOf(limits.map((limit) => coverageOf(limit, one, 'deny', looking, source)))));
  return decisions.flatMap((of) => {
    const purposes = denied.get(of);
    if (purposes === undefined) return [];
    const parts = allProvisions(of.provision).filter((part) => part.effect === 'deny' && covers(part, of.source));
    return asOne(parts.map((part) => narrowed(part, purposes, withoutMark(entry.id)))).map((whole) => ({ of, provision: whole }));
  });
}

function narrowed({ purposes, from, until }: Provision, denied: ReadonlySet<Purpose>, entry: string): Provision {
  return provision(
    'deny',
    purposes.filter((purpose) => denied.has(purpose)),
    {
      limits: [{ kind: 'entries', entries: [{ entry, reach: 'instance' }] }],
      ...(from !== undefined && { from }),
      ...(until !== undefined && { until }),
    },
  );
}

/** A denial among the exceptions of another counts by itself. */
function asOne(denials: readonly Provision[]): Provision[] {
  const [first, ...rest] = denials.filter(({ purposes }) => purposes.length > 0);
  return first === undefined ? [] : [{ ...first, provisions: rest }];
}

function boundariesAfter(decisions: readonly Decision[], now: number): readonly number[] {
  const boundaries = decisions.flatMap(({ provision: whole }) =>
    allProvisions(whole).flatMap(({ from, until }) => [from, until]),
  );
  return [...new Set(boundaries)].filter((at) => at !== undefined && at > now) as number[];
}
