import { denies, grants, isEarlierByAll, onlyDenying, permittingNothing, versionSaid, type NewDecision } from '@weft/domain';
import { unlessFenced } from './append.js';
import { bringInLine } from './derive-views.js';
import { decodeConsentHeld, encode, type ConsentHeld } from './encoding.js';
import { eventsOf, type NumberState } from './number.js';
import { NO_STREAM, type Message } from './ports.js';
import { recordDecisions, type ToRecord } from './record-decisions.js';
import { consentHolderStream } from './streams.js';
import type { Wiring } from './wiring.js';

type Version = Pick<NewDecision, 'version' | 'receivedAt'>;

/**
 * Before a decision is recorded: notes whom its FHIR Consent is about, and takes the Consent's permissions from everybody whom an
 * earlier version named. Whether the version is itself overtaken by one about another person: then it permits nothing, and ends no denial.
 * Versions are compared two by two, by what the two say: what a third says of its age is no age of theirs.
 */
export async function holdConsent(wiring: Wiring, key: string, decision: NewDecision, message: Message): Promise<boolean> {
  if (!hasVersions(decision)) return false;
  const { held, others, isNew } = await hold(wiring, key, decision, message);
  for (const other of keysOf(others)) {
    if ((await end(wiring, other, decision, held)) || !isNew) await bringInLine(wiring, [other]);
  }
  return others.some((other) => isEarlier(decision, other));
}

/**
 * After a decision is recorded: what others were recording under the same Consent at that time, and nobody saw there yet, is looked
 * for once more. `again`: a crash may have left it recorded and not told.
 */
export async function settleConsent(wiring: Wiring, key: string, decision: NewDecision, again: boolean): Promise<void> {
  if (!hasVersions(decision)) return;
  const { stream, last } = await lastHeld(wiring, decision);
  if (last === null || isOnlyAbout(last, key)) return;
  const versions = await versionsIn(wiring, stream);
  const own = versions.find((one) => one.key === key && one.id === decision.id);
  const others = versions.filter((one) => one.key !== key);
  for (const other of others) await end(wiring, key, decision, other);
  for (const other of keysOf(others)) {
    if ((own !== undefined && (await end(wiring, other, decision, own))) || again) await bringInLine(wiring, [other]);
  }
}

/** A Consent without an id of its own has no later version. */
const hasVersions = ({ id, consentId, unread }: NewDecision): boolean => consentId !== id && unread !== true;

/** Whether no version up to this one was about anybody else: then there is nothing to look for among them, however many there are. */
const isOnlyAbout = ({ key, before }: ConsentHeld, wanted: string): boolean => key === wanted && before === undefined;

const keysOf = (versions: readonly ConsentHeld[]): Set<string> => new Set(versions.map(({ key }) => key));

interface Held {
  readonly held: ConsentHeld;
  /** Versions about other people. */
  readonly others: readonly ConsentHeld[];
  readonly isNew: boolean;
}

async function hold(wiring: Wiring, key: string, decision: NewDecision, message: Message): Promise<Held> {
  for (;;) {
    const { stream, revision, last } = await lastHeld(wiring, decision);
    const versions =
      last === null || isOnlyAbout(last, key) ? [last].filter((one) => one !== null) : await versionsIn(wiring, stream);
    const others = versions.filter((one) => one.key !== key);
    const known = versions.find((one) => one.key === key && one.id === decision.id);
    if (known !== undefined) return { held: known, others, isNew: false };
    const held = heldBy(key, others.at(-1)?.key, decision, message);
    const appended = await unlessFenced(wiring.store.append(stream, revision, [encode(held, wiring.random)]));
    if (appended !== null) return { held, others, isNew: true };
  }
}

async function lastHeld({ store, keys }: Wiring, { source, consentId }: NewDecision) {
  const stream = consentHolderStream(keys.uuid('consent', source, consentId));
  const last = (await store.read(stream, { backwards: true, maxCount: 1 }))[0];
  return { stream, revision: last?.revision ?? NO_STREAM, last: last === undefined ? null : decodeConsentHeld(last) };
}

async function versionsIn({ store }: Wiring, stream: string): Promise<ConsentHeld[]> {
  const versions: ConsentHeld[] = [];
  for await (const page of eventsOf(store, stream)) versions.push(...page.map(decodeConsentHeld));
  return versions;
}

function heldBy(key: string, before: string | undefined, decision: NewDecision, message: Message): ConsentHeld {
  const { id, receivedAt, digest, recorder } = decision;
  const { topic, partition, offset } = message;
  return {
    ...{ type: 'consent-held-1', key, id, version: versionSaid(decision), receivedAt, digest, recorder },
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

export function ageOf(version: Version) {
  const { versionId = null, lastUpdated = null } = versionSaid(version);
  return { versionId, lastUpdated };
}

/** Ends what a person permitted under the Consent before it was somebody else's; whether there was anything. */
function end(wiring: Wiring, key: string, { source, consentId }: NewDecision, held: ConsentHeld): Promise<boolean> {
  return recordDecisions(wiring, key, (state) => endedIn(state, source, consentId, held));
}

function endedIn({ decisions }: NumberState, source: string, consentId: string, held: ConsentHeld): ToRecord[] {
  const { id, version, receivedAt, digest, recorder, coordinates } = held;
  const versions = decisions.filter((one) => one.source === source && one.consentId === consentId);
  // What was being recorded while this version ended what stood before is ended once more.
  const lastEnded = new Map(versions.map((one, place) => [one.id === id ? one.authority : null, place]));
  const permits = ({ status, provision }: NewDecision): boolean => status === 'active' && grants(provision);
  const permissions = versions.filter(
    (one, place) => permits(one) && place > (lastEnded.get(one.authority) ?? -1) && !isEarlier(held, one),
  );
  const latest = new Map(permissions.map((one) => [one.authority, one]));
  return [...latest.values()].map(({ coordinates: _, recordedAt: __, ...one }) => ({
    decision: ending({ ...one, id, version, receivedAt, digest, recorder }),
    message: coordinates,
  }));
}

/** Takes the place of what permits, and ends no denial: where it denies as well, it denies the same. */
function ending(decision: NewDecision): NewDecision {
  return denies(decision.provision) ? { ...decision, provision: permittingNothing(decision.provision) } : onlyDenying(decision);
}
