import { eventKey, type CareEvent, type IdentityEvent, type Problem } from '@weft/domain';
import { encode } from './encoding.js';
import { EngineUnavailable, WrongExpectedRevision } from './errors.js';
import { loadIdentity, survivorOf } from './load.js';
import { identityStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';

/**
 * Merges a superseded number into the surviving one, or undoes it, in the identity streams of both. Says what is wrong
 * where it cannot be. Each step may be repeated after a crash: what is already so is left as it is.
 */
export async function mergeNumbers(wiring: Wiring, event: CareEvent): Promise<readonly Problem[]> {
  const superseded = wiring.keys.patient(event.subject);
  const survivor = wiring.keys.patient(event.survivor as string);
  for (;;) {
    try {
      return event.type === 'patient-merged-1'
        ? await merge(wiring, event, superseded, survivor)
        : await unmerge(wiring, event, superseded, survivor);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    }
  }
}

async function merge(wiring: Wiring, event: CareEvent, superseded: string, survivor: string): Promise<readonly Problem[]> {
  const identity = await loadIdentity(wiring.store, superseded);
  if (identity.supersededBy === null && identity.causes.has(eventKey(event))) return [];
  if (identity.supersededBy !== null && identity.supersededBy.key !== survivor) {
    return refusal('already-merged', 'this number was already merged into another one; undo that merge first');
  }
  if (identity.supersededBy === null) {
    if ((await survivorOf(wiring.store, survivor)).key === superseded) return LOOP;
    await append(wiring, superseded, identity.revision, {
      type: 'number-superseded-1',
      by: survivor,
      byNhsNumber: event.survivor as string,
      cause: eventKey(event),
      recordedAt: timestamp(wiring.clock),
    });
  }
  // Two merges in opposite directions may both have passed the check above: whoever sees the loop takes its own step back.
  if (await isInLoop(wiring, superseded)) {
    const { revision } = await loadIdentity(wiring.store, superseded);
    const recordedAt = timestamp(wiring.clock);
    await append(wiring, superseded, revision, { type: 'number-restored-1', cause: 'loop', undone: eventKey(event), recordedAt });
    return LOOP;
  }
  const absorbing = await loadIdentity(wiring.store, survivor);
  if (!absorbing.absorbed.includes(superseded)) {
    await append(wiring, survivor, absorbing.revision, {
      type: 'number-absorbed-1',
      key: superseded,
      recordedAt: timestamp(wiring.clock),
    });
  }
  return [];
}

async function unmerge(wiring: Wiring, event: CareEvent, superseded: string, survivor: string): Promise<readonly Problem[]> {
  const identity = await loadIdentity(wiring.store, superseded);
  if (identity.supersededBy !== null && identity.supersededBy.key !== survivor) {
    return refusal('merged-elsewhere', 'this number was merged into another one than the event names');
  }
  const releasing = await loadIdentity(wiring.store, survivor);
  const isAbsorbed = releasing.absorbed.includes(superseded);
  if (identity.supersededBy === null && !isAbsorbed) {
    if (identity.causes.has(eventKey(event))) return [];
    return refusal('not-merged', 'this number is not merged, so there is nothing to undo');
  }
  if (identity.supersededBy !== null) {
    const restored: IdentityEvent = { type: 'number-restored-1', cause: eventKey(event), recordedAt: timestamp(wiring.clock) };
    await append(wiring, superseded, identity.revision, restored);
  }
  if (isAbsorbed) {
    await append(wiring, survivor, releasing.revision, {
      type: 'number-released-1',
      key: superseded,
      recordedAt: timestamp(wiring.clock),
    });
  }
  return [];
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

async function append(wiring: Wiring, key: string, expected: number, event: IdentityEvent): Promise<void> {
  await wiring.store.append(identityStream(key), expected, [encode(event, wiring.random)]);
}

function refusal(code: string, message: string): readonly Problem[] {
  return [{ field: 'data.link', code, message }];
}

const LOOP = refusal('merge-loop', 'this merge would close a loop of merges');
