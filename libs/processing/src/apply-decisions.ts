import { isSamePlace, type Decision } from '@weft/domain';
import { afterAll } from './concurrency.js';
import { encodeDecision } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { loadConsent } from './load.js';
import { setBoundaries } from './boundaries.js';
import type { Batch, Message, OutgoingMessage } from './ports.js';
import { publishChanges } from './publish-changes.js';
import { quarantine } from './quarantine.js';
import { rebuildAndTellEverything, rebuildViews } from './rebuild-views.js';
import type { RecordChange } from './record-changes.js';
import { shiftViews } from './shift-views.js';
import { consentStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';

type Arrival = { readonly message: Message; readonly decision: Omit<Decision, 'recordedAt'> };

/**
 * The opt-out-projector's work: a batch of one partition of the consent topic. When it resolves, every decision of the
 * batch is durable and every view and topic obeys it (or it is in quarantine); so its offset may be committed, and whoever
 * waits for that offset may be told that the decision is obeyed. When it throws, the whole batch is to be given again.
 */
export async function applyDecisions(wiring: Wiring, batch: Pick<Batch, 'messages'>): Promise<void> {
  const quarantined: OutgoingMessage[] = [];
  const patients = new Map<string, Arrival[]>();
  for (const message of batch.messages) {
    const reading = wiring.reader.decision(message);
    if (!reading.ok) {
      quarantined.push(...quarantine(wiring, message, reading.problems));
      continue;
    }
    const { subject, decision } = reading.event;
    const key = wiring.keys.patient(subject);
    const arrivals = patients.get(key);
    if (arrivals === undefined) patients.set(key, [{ message, decision }]);
    else arrivals.push({ message, decision });
  }
  const work = [...patients].map(([key, arrivals]) => applyTo(wiring, key, arrivals));
  // What was done for some is told even when others failed: the batch may be somebody else's by now, and not come again.
  await afterAll(work, async (changes) => {
    if (quarantined.length > 0) await wiring.bus.publish(quarantined);
    await publishChanges(wiring, changes.flat());
  });
}

async function applyTo(wiring: Wiring, key: string, arrivals: readonly Arrival[]): Promise<RecordChange[]> {
  let news: number | null = null;
  let redelivered = false;
  for (const arrival of arrivals) {
    const taken = await record(wiring, key, arrival);
    if (typeof taken === 'number') news ??= taken;
    redelivered ||= taken === 'redelivered';
    if (taken !== 'duplicate') await setBoundaries(wiring, key, { ...arrival.decision, recordedAt: timestamp(wiring.clock) });
  }
  if (redelivered) return rebuildAndTellEverything(wiring, key);
  if (news === null) return [];
  const untold = { key, from: news };
  const { changes, left } = await shiftViews(wiring, untold, wiring.projections);
  return left.length === 0 ? changes : [...changes, ...(await rebuildViews(wiring, key, { projections: left, untold }))];
}

/**
 * The revision at which the decision was recorded. The same (source, id) is one decision; at the same place in the bus it is a
 * redelivery, and a crash may have left work undone.
 */
async function record(
  wiring: Wiring,
  key: string,
  { decision, message }: Arrival,
): Promise<number | 'redelivered' | 'duplicate'> {
  for (;;) {
    const { revision, decisions } = await loadConsent(wiring.store, key);
    const known = decisions.find((other) => other.id === decision.id && other.source === decision.source);
    const { topic, partition, offset } = message;
    if (known !== undefined) {
      return isSamePlace(known.coordinates, message) ? 'redelivered' : 'duplicate';
    }
    const recorded = { ...decision, recordedAt: timestamp(wiring.clock), coordinates: { topic, partition, offset } };
    try {
      return await wiring.store.append(consentStream(key), revision, [encodeDecision(recorded, wiring.random)]);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    }
  }
}
