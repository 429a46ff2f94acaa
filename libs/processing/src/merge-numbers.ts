import { eventKey, madeBy, placeOfEvent, type CareEvent, type Coordinates, type IdentityEvent, type Problem } from '@weft/domain';
import { appendToNumber, unlessFenced, withoutEffect } from './append.js';
import { claimProblem } from './claims.js';
import { encode } from './encoding.js';
import { applyToNumber, loadNumber, type NumberState } from './number.js';
import { isLoopOfMerges, keysOfPerson, survivorOf } from './person.js';
import type { Message } from './ports.js';
import { timestamp, type Wiring } from './wiring.js';

/** Where in the bus a message stood, and when the bus took it. */
type Place = Coordinates & Partial<Pick<Message, 'timestamp'>>;

/** A merge or unmerge, and where in the bus it stood. */
interface Merging {
  readonly event: CareEvent;
  readonly at: Place;
  readonly superseded: string;
  readonly survivor: string;
}

/**
 * Merges a superseded number into the surviving one, or undoes it, in the streams of both. Says what is wrong
 * where it cannot be. Either way the decision is written down last, in the superseded number's stream at the revision it was
 * decided on: of two who work on the same event, one having stalled, the later finds it decided. Each step before may be
 * repeated after a crash: what is already so stays.
 */
export async function mergeNumbers(wiring: Wiring, event: CareEvent, at: Place): Promise<readonly Problem[]> {
  const superseded = wiring.keys.patient(event.subject);
  const survivor = wiring.keys.patient(event.survivor as string);
  const merging: Merging = { event, at, superseded, survivor };
  for (;;) {
    const state = await loadNumber(wiring.store, superseded);
    const decided = state.identity.decided.get(placeOfEvent(eventKey(event), at));
    if (decided !== undefined) return decided;
    const problems = await unlessFenced(
      event.type === 'patient-merged-1' ? merge(wiring, merging, state) : unmerge(wiring, merging, state),
    );
    if (problems !== null) return problems;
  }
}

async function merge(wiring: Wiring, merging: Merging, state: NumberState): Promise<readonly Problem[]> {
  const { event, at, superseded, survivor } = merging;
  const { identity } = state;
  if (!identity.causes.has(eventKey(event))) {
    const notTheirs = await claimProblem(wiring, event);
    if (notTheirs !== null) return refuse(wiring, merging, state, notTheirs);
  } else if (identity.supersededBy?.key !== survivor) {
    // Made by this very event, and undone by another since: it came about all the same.
    return accept(wiring, merging, state);
  }
  if (identity.supersededBy !== null && identity.supersededBy.key !== survivor) {
    const message = 'this number was already merged into another one; undo that merge first';
    return refuse(wiring, merging, state, inLink('already-merged', message));
  }
  if (identity.supersededBy === null) {
    if ((await survivorOf(wiring.store, survivor)).key === superseded) return refuse(wiring, merging, state, ...LOOP);
    if (await isTooMany(wiring, merging)) return refuse(wiring, merging, state, TOO_MANY);
    await append(wiring, state, at, {
      type: 'number-superseded-1',
      by: survivor,
      byNhsNumber: event.survivor as string,
      ownNhsNumber: event.subject,
      cause: eventKey(event),
      recordedAt: timestamp(wiring.clock),
    });
  }
  // Two merges in opposite directions may both have passed the check above: whoever sees the loop takes its own step back.
  if (await isInLoop(wiring, superseded)) {
    const undone = eventKey(event);
    const restored: IdentityEvent = { type: 'number-restored-1', cause: 'loop', undone, recordedAt: timestamp(wiring.clock) };
    return refuse(wiring, merging, state, ...LOOP, [restored]);
  }
  await absorb(wiring, merging);
  return accept(wiring, merging, state);
}

async function isTooMany({ store }: Wiring, { superseded, survivor }: Merging): Promise<boolean> {
  const [into, own] = await Promise.all([keysOfPerson(store, survivor), keysOfPerson(store, superseded)]);
  return into.length + own.length > MEMBERS_MAX;
}

async function absorb(wiring: Wiring, { event, at, superseded, survivor }: Merging): Promise<void> {
  const absorbing = await loadNumber(wiring.store, survivor);
  if (absorbing.identity.absorbed.includes(superseded)) return;
  const ownNhsNumber = event.survivor as string;
  const recordedAt = timestamp(wiring.clock);
  await append(wiring, absorbing, at, { type: 'number-absorbed-1', key: superseded, ownNhsNumber, recordedAt });
}

async function unmerge(wiring: Wiring, merging: Merging, state: NumberState): Promise<readonly Problem[]> {
  const { event, at, superseded, survivor } = merging;
  const { identity } = state;
  const mergedInto = identity.supersededBy?.key;
  if (identity.causes.has(eventKey(event))) {
    // Undone by this very event: whatever became of the number since, what is left is that the survivor lets go of it. Merged
    // into it anew meanwhile: the newer merge stands.
    await (mergedInto === survivor ? absorb(wiring, merging) : release(wiring, merging));
    return accept(wiring, merging, state);
  }
  if (mergedInto === undefined && !(await loadNumber(wiring.store, survivor)).identity.absorbed.includes(superseded)) {
    return refuse(wiring, merging, state, inLink('not-merged', 'this number is not merged, so there is nothing to undo'));
  }
  const notTheirs = await claimProblem(wiring, event, madeBy(identity));
  if (notTheirs !== null) return refuse(wiring, merging, state, notTheirs);
  if (mergedInto !== undefined && mergedInto !== survivor) {
    const message = 'this number was merged into another one than the event names';
    return refuse(wiring, merging, state, inLink('merged-elsewhere', message));
  }
  if (mergedInto === survivor)
    await append(wiring, state, at, { type: 'number-restored-1', cause: eventKey(event), recordedAt: timestamp(wiring.clock) });
  await release(wiring, merging);
  return accept(wiring, merging, state);
}

async function release(wiring: Wiring, { at, superseded, survivor }: Merging): Promise<void> {
  const releasing = await loadNumber(wiring.store, survivor);
  if (!releasing.identity.absorbed.includes(superseded)) return;
  await append(wiring, releasing, at, { type: 'number-released-1', key: superseded, recordedAt: timestamp(wiring.clock) });
}

async function accept(wiring: Wiring, { event, at }: Merging, state: NumberState): Promise<readonly Problem[]> {
  const { topic, partition, offset } = at;
  const coordinates = { topic, partition, offset };
  await append(wiring, state, at, {
    type: 'merge-accepted-1',
    cause: eventKey(event),
    coordinates,
    recordedAt: timestamp(wiring.clock),
  });
  return [];
}

async function refuse(
  wiring: Wiring,
  { event, at }: Merging,
  state: NumberState,
  problem: Problem,
  before: readonly IdentityEvent[] = [],
): Promise<readonly Problem[]> {
  const problems = [problem];
  const { topic, partition, offset } = at;
  await append(wiring, state, at, ...before, {
    type: 'merge-refused-1',
    cause: eventKey(event),
    coordinates: { topic, partition, offset },
    problems,
    recordedAt: timestamp(wiring.clock),
  });
  return problems;
}

async function isInLoop(wiring: Wiring, key: string): Promise<boolean> {
  try {
    await survivorOf(wiring.store, key);
    return false;
  } catch (error) {
    if (isLoopOfMerges(error)) return true;
    throw error;
  }
}

async function append(
  wiring: Wiring,
  state: NumberState,
  { timestamp: receivedAt }: Place,
  ...said: readonly IdentityEvent[]
): Promise<void> {
  const events = said.map((event): IdentityEvent => ({ ...event, ...(receivedAt !== undefined && { receivedAt }) }));
  const encoded = events.map((event) => encode(event, wiring.random));
  for (const event of events) applyToNumber(state, { kind: 'identity', event }, state.record.revision + 1);
  await appendToNumber(wiring, state, withoutEffect(encoded));
}

const inLink = (code: string, message: string): Problem => ({ field: 'data.link', code, message });

/** Of one person. Every change of a view names a revision of each; nobody has a hundred numbers, and a runaway matching may make thousands. */
const MEMBERS_MAX = 500;
const TOO_MANY = inLink('too-many-merged', `a person has ${MEMBERS_MAX} numbers at most, and this merge would make it more`);

const LOOP = [inLink('merge-loop', 'this merge would close a loop of merges')] as const;
