import type { Body, Fact, Members } from './facts.js';
import { type Folded, laidOver } from './folded.js';

/** What an event makes of a visit's status. An event that is not here corrects, and says nothing of it. */
const STATUS: Readonly<Record<string, string>> = {
  admit: 'in-progress',
  transfer: 'in-progress',
  discharge: 'finished',
  'to-inpatient': 'in-progress',
  'to-outpatient': 'in-progress',
  arrive: 'arrived',
  'cancel-transfer': 'in-progress',
  'cancel-discharge': 'in-progress',
  leave: 'onleave',
  return: 'in-progress',
};

const OVER = ['finished', 'unknown', undefined];

/**
 * A visit after one more event. The event wins over what stands in the segment: senders leave the discharge time in the message that
 * cancels the discharge, and the place that a patient left in the one that takes the transfer back.
 */
export function evolveVisit(state: Folded, { action, members }: Fact): Folded {
  if (action === 'cancel') return { ...state, retracted: true };
  const { location, priorLocation, pending, end, ...others } = members;
  const before = state.members;
  const status = statusAfter(action, members, before);
  const isAdmitted = action === 'admit' || action === 'cancel-discharge';
  const next: Members = {
    ...laidOver(isAdmitted ? { ...before, end: null } : before, others),
    status,
    ...placesAfter(action, { location, priorLocation, pending }, before),
  };
  const saysEnd = OVER.includes(status as string | undefined) && end !== undefined;
  return { known: true, retracted: false, members: saysEnd ? { ...next, end } : next };
}

function statusAfter(action: string, members: Members, { status, class: known }: Members): unknown {
  const isBegun = status !== undefined && status !== 'planned';
  if (action === 'preadmit') return isBegun ? status : 'planned';
  if (action !== 'register') return STATUS[action] ?? status;
  const kind = (members['class'] ?? known) as { readonly coding?: readonly { readonly code?: string }[] } | undefined;
  return ['EMER', 'IMP'].includes(kind?.coding?.[0]?.code ?? '') ? 'in-progress' : 'arrived';
}

/** Where the patient is, was before that, and is to be. */
function placesAfter(action: string, { location, priorLocation, pending }: Members, before: Members): Members {
  const earlier = (before['earlier'] ?? []) as readonly unknown[];
  const current = before['location'];
  const next = location === undefined ? current : location;
  switch (action) {
    case 'transfer': {
      const left = current ?? priorLocation;
      return { location: next, earlier: left === undefined || left === null ? earlier : [...earlier, left], pending: null };
    }
    case 'cancel-transfer':
      return { location: earlier.at(-1) ?? next, earlier: earlier.slice(0, -1) };
    case 'cancel-plan':
      return { location: next, pending: null };
    case 'plan-transfer':
      return { location: next, pending };
    default:
      return { location: next };
  }
}

const UNKNOWN_CLASS = { system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK' };

type Coded = { readonly coding?: readonly object[]; readonly text?: string } | null | undefined;

export function encounterOf({ members }: Folded): Body {
  const kind = members['class'] as Coded;
  return {
    resourceType: 'Encounter',
    identifier: members['identifier'],
    status: members['status'] ?? 'unknown',
    class: kind?.coding?.find((coding) => 'system' in coding) ?? { ...UNKNOWN_CLASS, display: kind?.text },
    serviceType: members['service'],
    participant: participantsOf(members),
    period: { start: members['start'], end: members['end'] },
    hospitalization: { admitSource: members['admitSource'], dischargeDisposition: members['disposition'] },
    location: [
      ...placed(members['location'], members['status'] === 'finished' ? 'completed' : 'active'),
      ...placed(members['pending'], 'planned'),
    ],
  };
}

const placed = (location: unknown, status: string): object[] => (location ? [{ location, status }] : []);

const TAKES_PART = { attenders: 'ATND', referrers: 'REF', consultants: 'CON', admitters: 'ADM' };

function participantsOf(members: Members): object[] {
  return Object.entries(TAKES_PART).flatMap(([member, code]) =>
    ((members[member] ?? []) as readonly object[]).map((individual) => ({
      type: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code }] }],
      individual,
    })),
  );
}
