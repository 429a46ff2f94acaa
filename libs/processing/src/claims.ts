import { isIdentityEvent, mayIdentify, notYours, type CareEvent, type Problem } from '@weft/domain';
import { loadNumber } from './number.js';
import { olderMessages } from './older-messages.js';
import type { EventStore, Message } from './ports.js';
import type { Wiring } from './wiring.js';

/**
 * What is wrong with a merge, an unmerge, a death or its retraction as its organisation's to send; null where nothing is.
 * `madeBy`: the organisation whose word is taken back.
 */
export async function claimProblem(wiring: Wiring, event: CareEvent, madeBy: string | null = null): Promise<Problem | null> {
  const { type, organisation } = event;
  if (!isIdentityEvent(type)) return null;
  const { policy } = await wiring.policies.current();
  const claim = { organisation, hasRecorded: false, isSameSource: madeBy === organisation };
  if (mayIdentify(type, claim, policy)) return null;
  const hasRecorded = (await unknownTo(wiring, event)).size === 0;
  return mayIdentify(type, { ...claim, hasRecorded }, policy) ? null : notYours(type, policy);
}

/**
 * How many messages a merge or a death should wait for: what its organisation has not recorded about a number may be on its
 * way in another partition. 0 where it lacks nothing, or where nothing on its way could help.
 */
export async function awaited(wiring: Wiring, { event, message }: { event: CareEvent; message: Message }): Promise<number> {
  const { type, organisation } = event;
  if (!isIdentityEvent(type)) return 0;
  const { policy } = await wiring.policies.current();
  const claim = { organisation, hasRecorded: false, isSameSource: false };
  if (mayIdentify(type, claim, policy) || !mayIdentify(type, { ...claim, hasRecorded: true }, policy)) return 0;
  const unknown = await unknownTo(wiring, event);
  return unknown.size === 0 ? 0 : olderMessages(wiring, message, unknown);
}

/** The numbers named, by their keys, that the organisation has recorded nothing about. */
async function unknownTo({ store, keys }: Wiring, { subject, survivor, organisation }: CareEvent): Promise<Set<string>> {
  const unknown = new Set<string>();
  for (const number of survivor === undefined ? [subject] : [subject, survivor]) {
    const key = keys.patient(number);
    if (!(await hasRecorded(store, key, organisation))) unknown.add(key);
  }
  return unknown;
}

/** Retracted or not: what an organisation took back it has known. */
async function hasRecorded(store: EventStore, key: string, organisation: string): Promise<boolean> {
  return (await loadNumber(store, key)).record.heardFrom.has(organisation);
}
