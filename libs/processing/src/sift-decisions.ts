import {
  denies,
  grants,
  isEarlierByAll,
  isSamePlace,
  onlyDenying,
  permittingNothing,
  placeOf,
  vetted,
  type NewDecision,
  type Policy,
  type Problem,
} from '@weft/domain';
import { ageOf } from './consent-holders.js';
import type { RecordedDecision } from './encoding.js';
import type { DecisionArrival, Message } from './ports.js';
import type { ToRecord } from './record-decisions.js';

/** A message of the consent topic about one number, as far as it could be read. */
export interface Arrival {
  readonly message: Message;
  readonly event: DecisionArrival;
  /** Why it could not be read: then `event` holds the denial that it may be. */
  readonly problems: readonly Problem[];
}

interface Quarantining {
  readonly message: Message;
  readonly problems: readonly Problem[];
  /** Whether what it may deny is recorded as closed. */
  readonly closes: boolean;
}

/** What of a number its decisions are told apart by. */
export interface Decided {
  readonly decisions: readonly RecordedDecision[];
}

/** What is to become of the arrivals about one number. */
export interface Sifted {
  readonly fresh: readonly (ToRecord & { readonly message: Message })[];
  readonly quarantined: readonly Quarantining[];
  /** Whether one of them was recorded already at its place: a crash may have left work undone. */
  readonly redelivered: boolean;
}

/**
 * Where so many decisions about a number permit something already, no further permission is taken: one that also denies, or a denial with
 * exceptions, is taken for what it denies alone. A denial and a withdrawal always have room, and take none from permissions.
 */
export const PERMISSIONS_MAX = 1_000;

/** How many of the decisions permit something, whether or not they are still in force. */
export const permissionsIn = (decisions: readonly NewDecision[]): number =>
  decisions.filter(({ provision }) => grants(provision)).length;

/**
 * Tells new decisions from known ones. The same (source, id) is one event: at the same place in the bus a redelivery, elsewhere a
 * duplicate if it says the same, and a conflict if not. Pure; `consent` is what was decided about the number until now.
 */
export function siftDecisions(consent: Decided, arrivals: readonly Arrival[], policy: Policy): Sifted {
  const fresh: { decision: NewDecision; message: Message }[] = [];
  const quarantined: Quarantining[] = [];
  const known = new Map<string, Known>();
  // What was said of another number has its id from there.
  const own = consent.decisions.filter(({ saidOf }) => saidOf === undefined);
  for (const { coordinates, ...decision } of own) know(known, decision, coordinates);
  let redelivered = false;
  let permissions = permissionsIn(consent.decisions);
  for (const arrival of arrivals) {
    const { message } = arrival;
    const { chosen, problems, isKnown, closes } = choose(known, arrival, permissions, policy);
    redelivered ||= isKnown;
    if (problems.length > 0) quarantined.push({ message, problems, closes });
    for (const said of chosen) {
      const isLate = !arrival.event.isVetted && consent.decisions.some((one) => isNextVersion(one, said, message));
      const decision = isLate ? onlyDenying(said) : said;
      permissions += permissionsIn([decision]);
      know(known, decision, message);
      fresh.push({ decision, message });
    }
  }
  return { fresh, quarantined, redelivered };
}

/** What is recorded of one message, and where that stood. */
interface Known {
  readonly place: Pick<Message, 'topic' | 'partition' | 'offset'>;
  readonly decisions: NewDecision[];
}

/** What is the same of every decision of one message. */
export const nameOf = ({ source, id, consentId, unread }: NewDecision): string =>
  unread === true ? `unread ${consentId}` : `${source} ${id}`;

function know(known: Map<string, Known>, decision: NewDecision, place: Known['place']): void {
  const one = known.get(nameOf(decision));
  if (one === undefined) known.set(nameOf(decision), { place, decisions: [decision] });
  else one.decisions.push(decision);
}

interface Choice {
  readonly chosen: readonly NewDecision[];
  readonly problems: readonly Problem[];
  readonly isKnown: boolean;
  readonly closes: boolean;
}

function choose(known: ReadonlyMap<string, Known>, arrival: Arrival, permissions: number, policy: Policy): Choice {
  const { event, message } = arrival;
  const decisions = event.decisions;
  const [first] = decisions as readonly [NewDecision, ...NewDecision[]];
  const one = known.get(nameOf(first));
  const isRead = arrival.problems.length === 0;
  const allowed = isRead && !event.isVetted ? vetted(decisions, policy) : { decisions, problems: arrival.problems };
  if (one !== undefined && !isSamePlace(one.place, message)) {
    if (one.decisions.some(({ digest }) => digest === first.digest)) return NOTHING;
    // Its turn came before that of the one that is recorded: it was refused then, and stays so.
    if (isBehind(one.place, message)) return { chosen: [], problems: [CONFLICT], isKnown: true, closes: false };
    return conflict(allowed.decisions, message, known);
  }
  if (one !== undefined) {
    // A crash between two appends may have left one of several authorities out.
    const authorities = new Set(one.decisions.map(({ authority }) => authority));
    const chosen = allowed.decisions.filter(({ authority }) => !authorities.has(authority));
    return { chosen, problems: arrival.problems, isKnown: true, closes: !isRead };
  }
  const { decisions: chosen, problems } = allowed;
  if (!isRead || chosen.length === 0) return { chosen, problems, isKnown: false, closes: !isRead };
  const fitting = fittingIn(chosen, permissions);
  return { chosen: fitting, problems: fitting.length === 0 ? [TOO_MANY] : [], isKnown: false, closes: false };
}

const isBehind = (one: Known['place'], other: Known['place']): boolean =>
  one.topic === other.topic && one.partition === other.partition && one.offset > other.offset;

/**
 * Whether a recorded version of the same Consent came after this decision, as far as the two do not say themselves which is older. Then
 * this one was refused in its turn, under another policy, and a crash has it come again: it replaces nothing that came after it.
 */
function isNextVersion(one: RecordedDecision, decision: NewDecision, message: Message): boolean {
  const { source, consentId, receivedAt, status } = decision;
  if (one.source !== source || one.consentId !== consentId || !isBehind(one.coordinates, message)) return false;
  // No policy refuses a withdrawal. In another bus places begin anew.
  if (status === 'withdrawn' || one.receivedAt < receivedAt) return false;
  return !isEarlierByAll(ageOf(one), ageOf(decision)) && !isEarlierByAll(ageOf(decision), ageOf(one));
}

const NOTHING: Choice = { chosen: [], problems: [], isKnown: false, closes: false };

/** Whether decisions are permissions alone, about a number with so many of these that no more are taken. */
export function hasNoRoom(decisions: readonly NewDecision[], recorded: readonly NewDecision[]): boolean {
  return decisions.every(isOnlyPermission) && permissionsIn(recorded) >= PERMISSIONS_MAX;
}

function fittingIn(decisions: readonly NewDecision[], permissions: number): readonly NewDecision[] {
  if (permissions < PERMISSIONS_MAX) return decisions;
  return decisions
    .filter((decision) => !isOnlyPermission(decision))
    .map((decision) => (decision.status === 'active' && grants(decision.provision) ? onlyDenying(decision) : decision));
}

const isOnlyPermission = ({ status, provision }: NewDecision): boolean =>
  status === 'active' && grants(provision) && !denies(provision);

/** Another decision under a known id. What it denies is closed until somebody has looked: its sender may believe it obeyed. */
function conflict(decisions: readonly NewDecision[], message: Message, known: ReadonlyMap<string, Known>): Choice {
  const place = placeOf(message);
  const isKnown = known.has(`unread ${place}`);
  const chosen = decisions
    .filter(({ status, provision }) => status === 'active' && denies(provision))
    .map((decision): NewDecision => {
      const provision = permittingNothing(decision.provision);
      return { ...decision, id: place, consentId: place, provision, unread: true };
    });
  return { chosen: isKnown ? [] : chosen, problems: [CONFLICT], isKnown, closes: chosen.length > 0 };
}

const CONFLICT: Problem = {
  field: 'id',
  code: 'conflict',
  message: 'this source has used the id for another decision about this person; send it under an id of its own',
};
export const TOO_MANY: Problem = {
  field: '',
  code: 'too-many-decisions',
  message: `this person already has ${PERMISSIONS_MAX} decisions that permit something, so Weft refuses a further permission; Weft still takes every objection. Ask the region’s governance team`,
};
