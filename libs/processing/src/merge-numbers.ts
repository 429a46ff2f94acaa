import {
  eventKey,
  refusalOf,
  type CareEvent,
  type Coordinates,
  type Identity,
  type IdentityEvent,
  type Problem,
} from '@weft/domain';
import { encode } from './encoding.js';
import { EngineUnavailable } from './errors.js';
import { loadIdentity, survivorOf } from './load.js';
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
 * where it cannot be; that too is written down where it was decided, at the revision it was decided on, so that the event
 * is not decided otherwise when it is redelivered. Each step may be repeated after a crash: what is already so stays.
 */
export async function mergeNumbers(wiring: Wiring, event: CareEvent, at: Coordinates): Promise<readonly Problem[]> {
  const superseded = wiring.keys.patient(event.subject);
  const survivor = wiring.keys.patient(event.survivor as string);
  const merging: Merging = { event, at, superseded, survivor };
  for (;;) {
    const identity = await loadIdentity(wiring.store, superseded);
    const refused = identity.refused.get(refusalOf(eventKey(event), at));
    if (refused !== undefined) return refused;
    const problems = await unlessFenced(
      event.type === 'patient-merged-1' ? merge(wiring, merging, identity) : unmerge(wiring, merging, identity),
    );
    if (problems !== null) return problems;
  }
}

async function merge(wiring: Wiring, merging: Merging, identity: Identity): Promise<readonly Problem[]> {
  const { event, superseded, survivor } = merging;
  if (identity.supersededBy === null && identity.causes.has(eventKey(event))) return [];
  if (identity.supersededBy !== null && identity.supersededBy.key !== survivor) {
    const problem = 'this number was already merged into another one; undo that merge first';
    return refuse(wiring, merging, identity, 'already-merged', problem);
  }
  if (identity.supersededBy === null) {
    if ((await survivorOf(wiring.store, survivor)).key === superseded) return refuse(wiring, merging, identity, ...LOOP);
    const byNhsNumber = event.survivor as string;
    const recordedAt = timestamp(wiring.clock);
    await append(wiring, superseded, identity.revision, [
      { type: 'number-superseded-1', by: survivor, byNhsNumber, cause: eventKey(event), recordedAt },
    ]);
  }
  // Two merges in opposite directions may both have passed the check above: whoever sees the loop takes its own step back.
  if (await isInLoop(wiring, superseded)) {
    const undone = eventKey(event);
    const restored: IdentityEvent = { type: 'number-restored-1', cause: 'loop', undone, recordedAt: timestamp(wiring.clock) };
    return refuse(wiring, merging, await loadIdentity(wiring.store, superseded), ...LOOP, [restored]);
  }
  const absorbing = await loadIdentity(wiring.store, survivor);
  if (!absorbing.absorbed.includes(superseded)) {
    await append(wiring, survivor, absorbing.revision, [
      { type: 'number-absorbed-1', key: superseded, recordedAt: timestamp(wiring.clock) },
    ]);
  }
  return [];
}

async function unmerge(wiring: Wiring, merging: Merging, identity: Identity): Promise<readonly Problem[]> {
  const { event, superseded, survivor } = merging;
  if (identity.supersededBy !== null && identity.supersededBy.key !== survivor) {
    const problem = 'this number was merged into another one than the event names';
    return refuse(wiring, merging, identity, 'merged-elsewhere', problem);
  }
  const releasing = await loadIdentity(wiring.store, survivor);
  const isAbsorbed = releasing.absorbed.includes(superseded);
  if (identity.supersededBy === null && !isAbsorbed) {
    if (identity.causes.has(eventKey(event))) return [];
    return refuse(wiring, merging, identity, 'not-merged', 'this number is not merged, so there is nothing to undo');
  }
  const recordedAt = timestamp(wiring.clock);
  if (identity.supersededBy !== null) {
    await append(wiring, superseded, identity.revision, [{ type: 'number-restored-1', cause: eventKey(event), recordedAt }]);
  }
  if (isAbsorbed) {
    await append(wiring, survivor, releasing.revision, [{ type: 'number-released-1', key: superseded, recordedAt }]);
  }
  return [];
}

async function refuse(
  wiring: Wiring,
  { event, at, superseded }: Merging,
  identity: Identity,
  code: string,
  message: string,
  before: readonly IdentityEvent[] = [],
): Promise<readonly Problem[]> {
  const problems: readonly Problem[] = [{ field: 'data.link', code, message }];
  const { topic, partition, offset } = at;
  const refused: IdentityEvent = {
    type: 'merge-refused-1',
    cause: eventKey(event),
    coordinates: { topic, partition, offset },
    problems,
    recordedAt: timestamp(wiring.clock),
  };
  await append(wiring, superseded, identity.revision, [...before, refused]);
  return problems;
}

async function isInLoop(wiring: Wiring, key: string): Promise<boolean> {
  try {
    await survivorOf(wiring.store, key);
    return false;
  } catch (error) {
    if (error instanceof EngineUnavailable && error.engine === 'identity') return true;
    throw error;
  }
}

async function append(wiring: Wiring, key: string, expected: number, events: readonly IdentityEvent[]): Promise<void> {
  const encoded = events.map((event) => encode(event, wiring.random));
  await wiring.store.append(identityStream(key), expected, encoded);
}

const LOOP = ['merge-loop', 'this merge would close a loop of merges'] as const;
