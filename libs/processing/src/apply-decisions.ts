import { denies, onlyDenying, placeOf, provision, PURPOSES, type NewDecision, type Problem } from '@weft/domain';
import { setBoundaries } from './boundaries.js';
import { afterAll } from './concurrency.js';
import { holdConsent, settleConsent } from './consent-holders.js';
import { leaveDenials, othersOf } from './decide-while-merged.js';
import { bringInLine } from './derive-views.js';
import { eachOnItsOwn } from './failures.js';
import { lookAtNumber } from './number.js';
import { relatedNumbers } from './person.js';
import type { Batch, OutgoingMessage } from './ports.js';
import { quarantine } from './quarantine.js';
import { recordDecisions } from './record-decisions.js';
import { nameOf, siftDecisions, type Arrival } from './sift-decisions.js';
import type { Wiring } from './wiring.js';

/**
 * The opt-out-projector's work: a batch of one partition of the consent topic. When it resolves, every decision of the
 * batch is durable and every view obeys it (or it is in quarantine, and what it may deny is closed); so its offset may be
 * committed. The publisher brings it to the topics. When it throws, the whole batch is to be given again.
 */
export async function applyDecisions(wiring: Wiring, batch: Pick<Batch, 'messages'>): Promise<void> {
  const quarantined: OutgoingMessage[] = [];
  const patients = new Map<string, Arrival[]>();
  for (const message of batch.messages) {
    const reading = wiring.reader.decision(message);
    if (!reading.ok && reading.unread === null) {
      quarantined.push(...quarantine(wiring, message, reading.problems));
      continue;
    }
    const arrival: Arrival = reading.ok
      ? { message, event: reading.event, problems: [] }
      : { message, event: closing(reading.unread!), problems: reading.problems };
    const key = wiring.keys.patient(arrival.event.subject);
    const arrivals = patients.get(key);
    if (arrivals === undefined) patients.set(key, [arrival]);
    else arrivals.push(arrival);
  }
  const work = [...patients].map(([key, arrivals]) => person(wiring, key, arrivals, quarantined));
  // What was done for some is published even when others failed: the batch may be somebody else's by now, and not come again.
  await afterAll(work, async () => {
    if (quarantined.length > 0) await wiring.bus.publish(quarantined);
  });
}

type Unread = NonNullable<Extract<ReturnType<Wiring['reader']['decision']>, { ok: false }>['unread']>;

const closing = ({ subject, decision }: Unread): Arrival['event'] => ({ subject, decisions: [decision], isVetted: true });

/** What fails by its own fault goes to quarantine, and closes the person where it may deny anything. */
async function person(wiring: Wiring, key: string, arrivals: readonly Arrival[], quarantined: OutgoingMessage[]): Promise<void> {
  const apply = (some: readonly Arrival[]) => applyTo(wiring, key, some, quarantined);
  await eachOnItsOwn(arrivals, apply, async (arrival, problem) => {
    const closed = closedBy(arrival, problem);
    if (closed === null) return void quarantined.push(...quarantine(wiring, arrival.message, [problem]));
    await eachOnItsOwn([closed], apply, async ({ message }) => {
      quarantined.push(...quarantine(wiring, message, [problem], true));
    });
  });
}

/** The denial of everything that stands for a message which denies something and cannot be processed; null for any other. */
function closedBy({ message, event, problems }: Arrival, problem: Problem): Arrival | null {
  const first = event.decisions.find(({ status, provision: said }) => status === 'active' && denies(said));
  if (first === undefined) return null;
  const { id, source, receivedAt, recorder } = first;
  const place = placeOf(message);
  const decision: NewDecision = {
    ...{ id, source, consentId: place, authority: 'local-dissent', status: 'active', receivedAt, decidedBy: 'not-stated' },
    ...{ provision: provision('deny', PURPOSES), digest: '', unread: true, recorder },
  };
  return { message, event: closing({ subject: event.subject, decision }), problems: [problem, ...problems] };
}

async function applyTo(wiring: Wiring, key: string, arrivals: readonly Arrival[], quarantined: OutgoingMessage[]): Promise<void> {
  const { policy, version } = await wiring.policies.current();
  let sifted = siftDecisions(await lookAtNumber(wiring.store, key), arrivals, policy);
  const overtaken = new Set<string>();
  for (const { decision, message } of sifted.fresh)
    if (await holdConsent(wiring, key, decision, message)) overtaken.add(partOf(decision));
  const others = await othersOf(wiring, key);
  await leaveDenials(wiring, key, others, sifted.fresh);
  const isNew = await recordDecisions(wiring, key, (state) => {
    sifted = siftDecisions(state, arrivals, policy);
    return sifted.fresh.map(({ decision, message }) => {
      const known = overtaken.has(partOf(decision)) ? onlyDenying(decision) : decision;
      return { decision: others.length === 0 ? known : { ...known, alsoOf: others }, message };
    });
  });
  const settling = sifted.redelivered ? decisionsOf(arrivals) : sifted.fresh.map(({ decision }) => decision);
  for (const decision of settling) await settleConsent(wiring, key, decision, sifted.redelivered);
  for (const { message, problems, closes } of sifted.quarantined)
    quarantined.push(...quarantine(wiring, message, problems, closes));
  await setBoundaries(wiring, key, settling);
  // A crash may have come in between; the numbers may have been merged, or taken apart, meanwhile; another policy may be in force.
  if (sifted.redelivered) await bringInLine(wiring, [...(await relatedNumbers(wiring.store, key)).keys()]);
  else if (isNew && (others.length > 0 || (await isMerged(wiring, key)) || (await wiring.policies.current()).version !== version))
    await bringInLine(wiring, [key, ...others]);
}

async function isMerged({ store }: Wiring, key: string): Promise<boolean> {
  const { supersededBy, absorbed } = (await lookAtNumber(store, key)).identity;
  return supersededBy !== null || absorbed.length > 0;
}

const decisionsOf = (arrivals: readonly Arrival[]): NewDecision[] => arrivals.flatMap(({ event }) => event.decisions);
const partOf = (decision: NewDecision): string => `${nameOf(decision)} ${decision.authority}`;
