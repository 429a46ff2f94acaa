import type { Authority } from '../vocabulary.js';
import type { Decision, Recorder } from './decision.js';
import type { Authorities, Maker, Policy } from './policy.js';

export const DEFAULT_AUTHORITIES: Authorities = {
  'national-data-opt-out': { recordedBy: ['ndoo-import', 'governance'], liftedBy: ['ndoo-import', 'governance'] },
  'type-1': { recordedBy: ['kind:gp', 'governance'], liftedBy: ['same-source', 'governance'] },
  'local-dissent': { recordedBy: ['any'], liftedBy: ['governance', 'same-source'] },
  'withheld-item': { recordedBy: ['entry-organisation', 'governance'], liftedBy: ['same-source', 'governance'] },
  'explicit-consent': {
    recordedBy: ['entry-organisation', 'governance'],
    needs: ['performer'],
    denialRecordedBy: ['any'],
    liftedBy: ['same-source', 'governance'],
  },
};

export const authoritiesOf = (policy: Policy): Authorities => policy.authorities ?? DEFAULT_AUTHORITIES;

/** Whether somebody may record a decision of this effect. The answer rests on caller and authority alone, never on what is current. */
export function mayMake(recorder: Recorder, authority: Authority, effect: 'permit' | 'deny', policy: Policy): boolean {
  const { recordedBy, denialRecordedBy } = authoritiesOf(policy)[authority];
  return isAmong(recorder, effect === 'deny' ? (denialRecordedBy ?? recordedBy) : recordedBy, policy);
}

/** Whether somebody could lift any denial under this authority. */
export function mayLiftAny(recorder: Recorder, authority: Authority, policy: Policy): boolean {
  return isAmong(recorder, authoritiesOf(policy)[authority].liftedBy, policy);
}

/** Whether one decision may lift another that denies, of the same authority. */
export function mayLift(newer: Decision, older: Decision, policy: Policy): boolean {
  const { liftedBy } = authoritiesOf(policy)[older.authority];
  const others = liftedBy.filter((maker) => maker !== 'same-source');
  return (
    isAmong(newer.recorder, others, policy) || (liftedBy.includes('same-source') && isSameSource(newer.recorder, older.recorder))
  );
}

function isSameSource(one: Recorder, other: Recorder): boolean {
  return (
    one.as === other.as && (one.as !== 'organisation' || (one.organisation !== null && one.organisation === other.organisation))
  );
}

function isAmong({ as, organisation }: Recorder, makers: readonly Maker[], policy: Policy): boolean {
  return makers.some((maker) => {
    if (maker === 'any') return true;
    if (as !== 'organisation' || organisation === null) return maker === as;
    if (maker === 'entry-organisation' || maker === 'same-source') return true;
    return maker === `kind:${policy.organisations[organisation] ?? 'unknown'}`;
  });
}

/** The organisation whose entries alone a permission opens; null for all. One that says no code has recorded no entry: it opens none. */
export function opensOnly({ recorder, authority }: Decision, policy: Policy): string | null {
  const { recordedBy } = authoritiesOf(policy)[authority];
  const others = recordedBy.filter((maker) => maker !== 'entry-organisation');
  return recorder.as === 'organisation' && !isAmong(recorder, others, policy) ? (recorder.organisation ?? '') : null;
}
