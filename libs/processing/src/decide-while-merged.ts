import { denies, grants, onlyDenying, type NewDecision } from '@weft/domain';
import { setBoundaries } from './boundaries.js';
import { loadNumber, type NumberState } from './number.js';
import { keysOfPerson } from './person.js';
import { recordDecisions, type ToRecord } from './record-decisions.js';
import type { Wiring } from './wiring.js';

/** The other numbers of the person behind a key, in the order in which everybody goes through them. */
export async function othersOf({ store }: Wiring, key: string): Promise<readonly string[]> {
  const members = await keysOfPerson(store, key);
  return members.filter((member) => member !== key).sort();
}

/**
 * Leaves what denies, and what mends a denial that could not be read, with every other number of the person too: each number's own
 * from then on. Before it is recorded of the number that it names, so that a redelivery finds it still to be done.
 */
export async function leaveDenials(
  wiring: Wiring,
  key: string,
  others: readonly string[],
  fresh: readonly ToRecord[],
): Promise<void> {
  if (others.length === 0) return;
  const mended = new Set((await loadNumber(wiring.store, key)).decisions.filter(({ unread }) => unread === true).map(nameOf));
  const isLeft = ({ decision }: ToRecord): boolean =>
    (decision.status === 'active' && denies(decision.provision)) || decision.mends !== undefined || mended.has(nameOf(decision));
  const left = fresh.filter(isLeft).map(({ decision, message }) => ({ decision: copyOf(decision, key), message }));
  for (const other of left.length === 0 ? [] : others) {
    await recordDecisions(wiring, other, (state) => left.filter(({ decision }) => !isThere(state, decision)));
    const decisions = left.map(({ decision }) => decision);
    await setBoundaries(wiring, other, decisions);
  }
}

const nameOf = ({ source, id }: NewDecision): string => `${source} ${id}`;

/** A permission is its own number's alone: of what permits and denies the denial is left. */
function copyOf(decision: NewDecision, saidOf: string): NewDecision {
  const isDenial = decision.status === 'active' && denies(decision.provision) && !grants(decision.provision);
  return { ...(isDenial ? decision : onlyDenying(decision)), saidOf };
}

function isThere({ decisions }: NumberState, { source, id, consentId, authority, saidOf }: NewDecision): boolean {
  return decisions.some(
    (one) =>
      one.saidOf === saidOf &&
      one.source === source &&
      one.id === id &&
      one.consentId === consentId &&
      one.authority === authority,
  );
}
