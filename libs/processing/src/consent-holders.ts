import { grants, isEarlierByAll, permittingNothing, type NewDecision } from '@weft/domain';
import { recordDecisions, type ToRecord } from './record-decisions.js';
import { decodeConsentHeld, encode, type ConsentHeld } from './encoding.js';
import type { Consent } from './load.js';
import { NO_STREAM, type Message } from './ports.js';
import { publishChanges } from './publish-changes.js';
import { rebuildAndTellEverything } from './rebuild-views.js';
import { consentHolderStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './write-view.js';

type Version = Pick<NewDecision, 'version' | 'receivedAt'>;
type Decided = Omit<ConsentHeld, 'type' | 'key' | 'before' | 'coordinates'>;

/**
 * Before a decision is recorded: notes whom its FHIR Consent is about, and takes the Consent's permissions from the person whom an
 * earlier version named. A version that is itself overtaken by one about another person permits nothing.
 */
export async function holdConsent(wiring: Wiring, key: string, decision: NewDecision, message: Message): Promise<NewDecision> {
  if (!hasVersions(decision)) return decision;
  for (;;) {
    const { holder, revision, stream } = await holderOf(wiring, decision);
    if (holder?.key === key && holder.id === decision.id) return decision;
    const before = holder === null || holder.key === key ? holder?.before : holder.key;
    if (holder !== null && isEarlier(decision, holder)) {
      return holder.key === key ? decision : { ...decision, provision: permittingNothing(decision.provision) };
    }
    // What a version leaves unsaid of its age it has from those before it: an older one must not pass for newer because of it.
    const version = { ...holder?.version, ...decision.version };
    const held = heldBy(key, before, { ...decision, version }, message);
    if (holder !== null && holder.key !== key) {
      await end(wiring, holder.key, decision, held);
      await tell(wiring, holder.key);
    }
    if ((await unlessFenced(wiring.store.append(stream, revision, [encode(held, wiring.random)]))) !== null) return decision;
  }
}

/**
 * After a decision is recorded: what others were recording under the same Consent at that time, and nobody saw there yet, is looked
 * for once more. `again`: a crash may have left it recorded and not told.
 */
export async function settleConsent(wiring: Wiring, key: string, decision: NewDecision, again: boolean): Promise<void> {
  if (!hasVersions(decision)) return;
  const { holder } = await holderOf(wiring, decision);
  if (holder === null) return;
  if (holder.key !== key) await end(wiring, key, decision, holder);
  else if (holder.before === undefined) return;
  else if ((await end(wiring, holder.before, decision, holder)) || again) await tell(wiring, holder.before);
}

/** A Consent without an id of its own has no later version. */
const hasVersions = ({ id, consentId, unread }: NewDecision): boolean => consentId !== id && unread !== true;

async function holderOf({ store, keys }: Wiring, { source, consentId }: NewDecision) {
  const stream = consentHolderStream(keys.uuid('consent', source, consentId));
  const last = (await store.read(stream, { backwards: true, maxCount: 1 }))[0];
  return { stream, revision: last?.revision ?? NO_STREAM, holder: last === undefined ? null : decodeConsentHeld(last) };
}

function heldBy(key: string, before: string | undefined, decision: Decided, message: Message): ConsentHeld {
  const { id, version, receivedAt, digest, recorder } = decision;
  const { topic, partition, offset } = message;
  return {
    ...{ type: 'consent-held-1', key, id, version, receivedAt, digest, recorder },
    ...(before !== undefined && { before }),
    coordinates: { topic, partition, offset },
  };
}

/** By what both versions say of their age; where they say nothing, or disagree, by when they were received. */
function isEarlier(one: Version, other: Version): boolean {
  const [mine, theirs] = [ageOf(one), ageOf(other)];
  if (isEarlierByAll(mine, theirs)) return true;
  return !isEarlierByAll(theirs, mine) && one.receivedAt < other.receivedAt;
}

const ageOf = ({ version = {} }: Version) => ({
  versionId: version.versionId ?? null,
  lastUpdated: version.lastUpdated ?? null,
});

async function tell(wiring: Wiring, key: string): Promise<void> {
  await publishChanges(wiring, await rebuildAndTellEverything(wiring, key));
}

/** Ends what a person permitted under the Consent before it was somebody else's; whether there was anything. */
async function end(wiring: Wiring, key: string, { source, consentId }: NewDecision, held: ConsentHeld): Promise<boolean> {
  const ended = await recordDecisions(wiring, key, (consent) => endedIn(consent, source, consentId, held));
  return ended !== null;
}

function endedIn({ decisions }: Consent, source: string, consentId: string, held: ConsentHeld): ToRecord[] {
  const { id, version, receivedAt, digest, recorder, coordinates } = held;
  const versions = decisions.filter((one) => one.source === source && one.consentId === consentId);
  const ended = new Set(versions.filter((one) => one.id === id).map(({ authority }) => authority));
  const permissions = versions.filter((one) => one.status === 'active' && grants(one.provision) && !isEarlier(held, one));
  const latest = new Map(permissions.filter(({ authority }) => !ended.has(authority)).map((one) => [one.authority, one]));
  return [...latest.values()].map(({ coordinates: _, recordedAt: __, ...one }) => ({
    decision: { ...one, id, version, receivedAt, digest, recorder, provision: permittingNothing(one.provision) },
    message: coordinates,
  }));
}
