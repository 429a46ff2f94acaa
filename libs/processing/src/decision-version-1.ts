import {
  intervalOf,
  type Authority,
  type Coordinates,
  type Decision,
  type Limit,
  type Provision,
  type Purpose,
} from '@weft/domain';

interface ProvisionVersion1 {
  readonly effect: 'permit' | 'deny';
  readonly purposes: readonly Purpose[];
  readonly organisations?: readonly string[];
  readonly entries?: readonly string[];
  readonly categories?: readonly string[];
  readonly from?: number;
  readonly until?: number;
}

/** What `decision-recorded-1` holds. */
export interface DecisionVersion1 {
  readonly id: string;
  readonly source: string;
  readonly consentId: string;
  readonly authority: Authority;
  readonly status: 'active' | 'withdrawn';
  readonly decidedAt: string;
  readonly decidedBy: 'patient' | 'proxy' | 'organisation';
  readonly provision: ProvisionVersion1;
  readonly exceptions: readonly ProvisionVersion1[];
  readonly recordedAt: string;
  readonly coordinates: Coordinates;
}

/**
 * Of a decision that the first version recorded nobody knows any more what its message said. The same id once more may be that message
 * or another, so it counts as recorded and is no conflict, save for what it is read as denying beyond that (`siftDecisions`).
 */
export const UNKNOWN_DIGEST = '';

/**
 * A decision as the first version recorded it. Who had recorded it was not kept: it counts as its source organisation's, which is
 * the closed answer, because such a decision lifts nobody else's.
 */
export function decisionOfVersion1(old: DecisionVersion1): Decision & { readonly coordinates: Coordinates } {
  const { id, source, consentId, authority, status, decidedAt, decidedBy, recordedAt, coordinates } = old;
  const made = intervalOf(decidedAt);
  return {
    ...{ id, source, consentId, authority, status, decidedAt, decidedBy, recordedAt, coordinates },
    digest: UNKNOWN_DIGEST,
    ...(made !== null && { made }),
    receivedAt: Date.parse(recordedAt),
    recorder: { as: 'organisation', organisation: /^urn:ods:([^:]+)/.exec(source)?.[1] ?? null, subject: null },
    provision: { ...provisionOf(old.provision), provisions: old.exceptions.map(provisionOf) },
  };
}

function provisionOf({ organisations, entries, categories, ...rest }: ProvisionVersion1): Provision {
  const limits: Limit[] = [];
  if (organisations !== undefined) limits.push({ kind: 'recorded-by', organisations });
  if (entries !== undefined) limits.push({ kind: 'entries', entries: entries.map((entry) => ({ entry, reach: 'instance' })) });
  if (categories !== undefined) limits.push({ kind: 'classes', codes: categories.map((code) => ({ code })) });
  return { ...rest, limits, provisions: [] };
}
