import type { NewDecision, Policy } from '@weft/domain';
import { DEFAULT_AUTHORITIES } from '@weft/domain';
import { deniesAnything, isOneOf, lacksPerformer, partsOf, permitsAnything } from './naive-decisions.js';

/** What is to be recorded of one decision. */
export interface Expected {
  readonly said: NewDecision;
  /** Only what it denies. */
  readonly deniesOnly: boolean;
  /** As what a message in quarantine may deny. */
  readonly unread: boolean;
}

const whole = (said: NewDecision): Expected => ({ said, deniesOnly: false, unread: false });

/** What may be recorded of decisions that nobody has vetted; nothing at all sends the message to quarantine. */
export function mayBeRecorded(decisions: readonly NewDecision[], policy: Policy): Expected[] {
  return decisions.flatMap((said): Expected[] => {
    if (said.status === 'withdrawn') return [whole(said)];
    const isPermitted = !permitsAnything(said) || mayPermit(said, policy);
    if (!deniesAnything(said)) return isPermitted ? [whole(said)] : [];
    return mayDeny(said, policy) ? [{ ...whole(said), deniesOnly: !isPermitted }] : [];
  });
}

function mayPermit(said: NewDecision, policy: Policy): boolean {
  const { recordedBy, liftedBy } = rulesOf(said, policy);
  const couldLift = isOneOf(liftedBy, said.recorder, policy) || (liftedBy.includes('same-source') && isSomebody(said));
  return couldLift && isOneOf(recordedBy, said.recorder, policy) && !lacksPerformer(said, policy);
}

function mayDeny(said: NewDecision, policy: Policy): boolean {
  const { recordedBy, denialRecordedBy = recordedBy } = rulesOf(said, policy);
  return isOneOf(denialRecordedBy, said.recorder, policy);
}

/** An organisation can lift what it recorded itself. */
const isSomebody = ({ recorder }: NewDecision): boolean => recorder.as === 'organisation' && recorder.organisation !== null;

const rulesOf = ({ authority }: NewDecision, policy: Policy) => (policy.authorities ?? DEFAULT_AUTHORITIES)[authority];

/** Of another message under a known id: what it denies, and may be denied by who says so, is closed until somebody has looked. */
export function closedByConflict(decisions: readonly NewDecision[], isVetted: boolean, policy: Policy): Expected[] {
  return decisions
    .filter((said) => said.status === 'active' && deniesAnything(said) && (isVetted || mayDeny(said, policy)))
    .map((said) => ({ said, deniesOnly: true, unread: true }));
}

/** Whether what was recorded is what was to be, whoever it is about by now: a Consent that went on to somebody else permits nothing. */
export function isAsExpected(recorded: NewDecision, { said, deniesOnly, unread }: Expected, mayHaveMoved: boolean): boolean {
  if (recorded.authority !== said.authority || (recorded.unread === true) !== unread) return false;
  const fields = ['status', 'source', 'receivedAt', 'decidedAt', 'decidedBy', 'recorder', 'version', 'mends'] as const;
  if (fields.some((field) => JSON.stringify(recorded[field]) !== JSON.stringify(said[field]))) return false;
  if (!unread && (recorded.id !== said.id || recorded.consentId !== said.consentId)) return false;
  if (JSON.stringify(recorded.provision) === JSON.stringify(said.provision)) return !deniesOnly || !permitsAnything(said);
  return (deniesOnly || mayHaveMoved) && !permitsAnything(recorded) && denialsOf(recorded) === denialsOf(said);
}

function denialsOf({ provision }: NewDecision): string {
  const denials = partsOf(provision).filter(({ effect }) => effect === 'deny');
  return JSON.stringify(denials.map(({ purposes, limits, from, until }) => [purposes, limits, from, until]));
}
