import { denies, onlyDenying, placeOf, provision, PURPOSES, type NewDecision, type Problem } from '@weft/domain';
import { setBoundaries } from './boundaries.js';
import { afterAll, allSettled } from './concurrency.js';
import { eachOnItsOwn } from './failures.js';
import { leaveDenials, othersOf } from './decide-while-merged.js';
import { holdConsent, settleConsent } from './consent-holders.js';
import { recordDecisions } from './record-decisions.js';
import { loadConsent, relatedNumbers, survivorsOf } from './load.js';
import type { Batch, OutgoingMessage } from './ports.js';
import { publishChanges } from './publish-changes.js';
import { quarantine } from './quarantine.js';
import { rebuildAndTellEverything, rebuildViews } from './rebuild-views.js';
import type { RecordChange } from './record-changes.js';
import { shiftViews } from './shift-views.js';
import { nameOf, siftDecisions, type Arrival } from './sift-decisions.js';
import type { Wiring } from './wiring.js';

/**
 * The opt-out-projector's work: a batch of one partition of the consent topic. When it resolves, every decision of the
 * batch is durable and every view and topic obeys it (or it is in quarantine, and what it may deny is closed); so its offset may be
 * committed. When it throws, the whole batch is to be given again.
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
  await afterAll(work, async (changes) => {
    if (quarantined.length > 0) await wiring.bus.publish(quarantined);
    await publishChanges(wiring, changes.flat());
  });
}

type Unread = NonNullable<Extract<ReturnType<Wiring['reader']['decision']>, { ok: false }>['unread']>;

const closing = ({ subject, decision }: Unread): Arrival['event'] => ({ subject, decisions: [decision], isVetted: true });

/** What fails by its own fault goes to quarantine, and closes the person where it may deny anything. */
async function person(
  wiring: Wiring,
  key: string,
  arrivals: readonly Arrival[],
  quarantined: OutgoingMessage[],
): Promise<RecordChange[]> {
  const changes: RecordChange[] = [];
  const apply = async (some: readonly Arrival[]) => void changes.push(...(await applyTo(wiring, key, some, quarantined)));
  await eachOnItsOwn(arrivals, apply, async (arrival, problem) => {
    const closed = closedBy(arrival, problem);
    if (closed === null) return void quarantined.push(...quarantine(wiring, arrival.message, [problem]));
    await eachOnItsOwn([closed], apply, async ({ message }) => {
      quarantined.push(...quarantine(wiring, message, [problem], true));
    });
  });
  return changes;
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

async function applyTo(
  wiring: Wiring,
  key: string,
  arrivals: readonly Arrival[],
  quarantined: OutgoingMessage[],
): Promise<RecordChange[]> {
  const { policy } = await wiring.policies.current();
  let sifted = siftDecisions(await loadConsent(wiring.store, key), arrivals, policy);
  const overtaken = new Set<string>();
  for (const { decision, message } of sifted.fresh)
    if (await holdConsent(wiring, key, decision, message)) overtaken.add(partOf(decision));
  const others = await othersOf(wiring, key);
  await leaveDenials(wiring, key, others, sifted.fresh);
  const news = await recordDecisions(wiring, key, (consent) => {
    sifted = siftDecisions(consent, arrivals, policy);
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
  if (sifted.redelivered) {
    const concerned = await survivorsOf(wiring.store, [key, ...(await relatedNumbers(wiring.store, key)).keys()]);
    return (await allSettled(concerned.map((one) => rebuildAndTellEverything(wiring, one)))).flat();
  }
  if (news === null) return [];
  return [...(await bringInLine(wiring, key, news)), ...(await apartMeanwhile(wiring, key, others))];
}

/** The merge may have been undone while the denials were left with the others. */
async function apartMeanwhile(wiring: Wiring, key: string, others: readonly string[]): Promise<RecordChange[]> {
  if (others.length === 0) return [];
  const [own, ...apart] = await survivorsOf(wiring.store, [key, ...others]);
  return (await allSettled(apart.filter((one) => one !== own).map((one) => rebuildAndTellEverything(wiring, one)))).flat();
}

async function bringInLine(wiring: Wiring, key: string, news: number): Promise<RecordChange[]> {
  const untold = { key, from: news };
  const { changes, left } = await shiftViews(wiring, untold, wiring.projections);
  return left.length === 0 ? changes : [...changes, ...(await rebuildViews(wiring, key, { projections: left, untold }))];
}

const decisionsOf = (arrivals: readonly Arrival[]): NewDecision[] => arrivals.flatMap(({ event }) => event.decisions);
const partOf = (decision: NewDecision): string => `${nameOf(decision)} ${decision.authority}`;
