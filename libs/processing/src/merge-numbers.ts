import {
  eventKey,
  madeBy,
  placeOfEvent,
  type CareEvent,
  type Coordinates,
  type Identity,
  type IdentityEvent,
  type Problem,
} from '@weft/domain';
import { claimProblem } from './claims.js';
import { encode } from './encoding.js';
import { isLoopOfMerges, loadIdentity, membersOf, survivorOf } from './load.js';
import { identityStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { unlessFenced } from './write-view.js';

/** A merge or unmerge, and where in the bus it stood. */
interface Merging {
  readonly event: CareEvent;
  readonly at: Coordinates;
  readonly superseded: string;
  readonly survivor: string;
}

/**
 * Merges a superseded number into the surviving one, or undoes it, in the identity streams of both. Says what is wrong
 * where it cannot be. Either way the decision is written down last, in the superseded number's stream at the revision it was
 * decided on: of two who work on the same event, one having stalled, the later finds it decided. Each step before may be
 * repeated after a crash: what is already so stays.
 */
export async function mergeNumbers(wiring: Wiring, event: CareEvent, at: Coordinates): Promise<readonly Problem[]> {
  const superseded = wiring.keys.patient(event.subject);
  const survivor = wiring.keys.patient(event.survivor as string);
  const merging: Merging = { event, at, superseded, survivor };
  for (;;) {
    const identity = await loadIdentity(wiring.store, superseded);
    const decided = identity.decided.get(placeOfEvent(eventKey(event), at));
    if (decided !== undefined) return decided;
    const problems = await unlessFenced(
      event.type === 'patient-merged-1' ? merge(wiring, merging, identity) : unmerge(wiring, merging, identity),
    );
    if (problems !== null) return problems;
  }
}

async function merge(wiring: Wiring, merging: Merging, identity: Identity): Promise<readonly Problem[]> {
  const { event, superseded, survivor } = merging;
  let { revision } = identity;
  if (!identity.causes.has(eventKey(event))) {
    const notTheirs = await claimProblem(wiring, event);
    if (notTheirs !== null) return refuse(wiring, merging, revision, notTheirs);
  } else if (identity.supersededBy?.key !== survivor) {
    // Made by this very event, and undone by another since: it came about all the same.
    return accept(wiring, merging, revision);
  }
  if (identity.supersededBy !== null && identity.supersededBy.key !== survivor) {
    const message = 'this number was already merged into another one; undo that merge first';
    return refuse(wiring, merging, revision, inLink('already-merged', message));
  }
  if (identity.supersededBy === null) {
    if ((await survivorOf(wiring.store, survivor)).key === superseded) return refuse(wiring, merging, revision, ...LOOP);
    if (await isTooMany(wiring, merging)) return refuse(wiring, merging, revision, TOO_MANY);
    const byNhsNumber = event.survivor as string;
    const recordedAt = timestamp(wiring.clock);
    revision = await append(wiring, superseded, revision, [
      { type: 'number-superseded-1', by: survivor, byNhsNumber, cause: eventKey(event), recordedAt },
    ]);
  }
  // Two merges in opposite directions may both have passed the check above: whoever sees the loop takes its own step back.
  if (await isInLoop(wiring, superseded)) {
    const undone = eventKey(event);
    const restored: IdentityEvent = { type: 'number-restored-1', cause: 'loop', undone, recordedAt: timestamp(wiring.clock) };
    return refuse(wiring, merging, revision, ...LOOP, [restored]);
  }
  await absorb(wiring, merging);
  return accept(wiring, merging, revision);
}

async function isTooMany({ store }: Wiring, { superseded, survivor }: Merging): Promise<boolean> {
  const into = await membersOf(store, (await survivorOf(store, survivor)).key);
  return into.length + (await membersOf(store, superseded)).length > MEMBERS_MAX;
}

async function absorb(wiring: Wiring, { superseded, survivor }: Merging): Promise<void> {
  const absorbing = await loadIdentity(wiring.store, survivor);
  if (!absorbing.absorbed.includes(superseded)) {
    await append(wiring, survivor, absorbing.revision, [
      { type: 'number-absorbed-1', key: superseded, recordedAt: timestamp(wiring.clock) },
    ]);
  }
}

async function unmerge(wiring: Wiring, merging: Merging, identity: Identity): Promise<readonly Problem[]> {
  const { event, superseded, survivor } = merging;
  const mergedInto = identity.supersededBy?.key;
  let { revision } = identity;
  if (identity.causes.has(eventKey(event))) {
    // Undone by this very event: whatever became of the number since, what is left is that the survivor lets go of it. Merged
    // into it anew meanwhile: the newer merge stands.
    await (mergedInto === survivor ? absorb(wiring, merging) : release(wiring, merging));
    return accept(wiring, merging, revision);
  }
  if (mergedInto === undefined && !(await loadIdentity(wiring.store, survivor)).absorbed.includes(superseded)) {
    return refuse(wiring, merging, revision, inLink('not-merged', 'this number is not merged, so there is nothing to undo'));
  }
  const notTheirs = await claimProblem(wiring, event, madeBy(identity));
  if (notTheirs !== null) return refuse(wiring, merging, revision, notTheirs);
  if (mergedInto !== undefined && mergedInto !== survivor) {
    const message = 'this number was merged into another one than the event names';
    return refuse(wiring, merging, revision, inLink('merged-elsewhere', message));
  }
  if (mergedInto === survivor) {
    const restored: IdentityEvent = { type: 'number-restored-1', cause: eventKey(event), recordedAt: timestamp(wiring.clock) };
    revision = await append(wiring, superseded, revision, [restored]);
  }
  await release(wiring, merging);
  return accept(wiring, merging, revision);
}

async function release(wiring: Wiring, { superseded, survivor }: Merging): Promise<void> {
  const releasing = await loadIdentity(wiring.store, survivor);
  if (releasing.absorbed.includes(superseded)) {
    await append(wiring, survivor, releasing.revision, [
      { type: 'number-released-1', key: superseded, recordedAt: timestamp(wiring.clock) },
    ]);
  }
}

async function accept(wiring: Wiring, { event, at, superseded }: Merging, revision: number): Promise<readonly Problem[]> {
  const { topic, partition, offset } = at;
  const coordinates = { topic, partition, offset };
  const accepted = {
    type: 'merge-accepted-1',
    cause: eventKey(event),
    coordinates,
    recordedAt: timestamp(wiring.clock),
  } as const;
  await append(wiring, superseded, revision, [accepted]);
  return [];
}

async function refuse(
  wiring: Wiring,
  { event, at, superseded }: Merging,
  revision: number,
  problem: Problem,
  before: readonly IdentityEvent[] = [],
): Promise<readonly Problem[]> {
  const problems = [problem];
  const { topic, partition, offset } = at;
  const refused: IdentityEvent = {
    type: 'merge-refused-1',
    cause: eventKey(event),
    coordinates: { topic, partition, offset },
    problems,
    recordedAt: timestamp(wiring.clock),
  };
  await append(wiring, superseded, revision, [...before, refused]);
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

async function append(wiring: Wiring, key: string, expected: number, events: readonly IdentityEvent[]): Promise<number> {
  const encoded = events.map((event) => encode(event, wiring.random));
  return wiring.store.append(identityStream(key), expected, encoded);
}

const inLink = (code: string, message: string): Problem => ({ field: 'data.link', code, message });

/** Of one person. Every change of a view names a revision of each; nobody has a hundred numbers, and a runaway matching may make thousands. */
const MEMBERS_MAX = 500;
const TOO_MANY = inLink('too-many-merged', `a person has ${MEMBERS_MAX} numbers at most, and this merge would make it more`);

const LOOP = [inLink('merge-loop', 'this merge would close a loop of merges')] as const;
