import { DEFAULT_RULES, PROJECTIONS, provision, type CareEvent, type Policy, type Provision, type Purpose } from '@weft/domain';
import { eventMessage, simReader, World, type Ports, type SaidDecision, type WorldOptions } from '@weft/testing';
import { PolicyBook } from './policy-book.js';
import type { EventStore, Message, NewEvent, OutgoingMessage } from './ports.js';
import { startOptOutProjector, startRecordProjector } from './projectors.js';
import { isAllPublished, startPublisher } from './publisher.js';
import { readRecord } from './read-record.js';
import { careEventsTopic, CONSENT_TOPIC, regionTopics } from './topics.js';
import { unreadMessages } from './unread.js';
import type { Wiring } from './wiring.js';

const ORGANISATIONS = [
  { ods: 'Y90001', name: 'Practice', kind: 'gp' },
  { ods: 'RX901', name: 'Trust', kind: 'acute' },
] as const;
/** The trust runs the region's demographics service too: it may merge numbers that it has recorded nothing about. */
const identity = { demographics: ['RX901'] };
export const POLICY: Policy = { name: 'test', rules: DEFAULT_RULES, organisations: { Y90001: 'gp', RX901: 'acute' }, identity };

function wired(ports: Ports): Wiring {
  return {
    ...ports,
    reader: simReader,
    projections: PROJECTIONS,
    policies: new PolicyBook(ports.store, ports.clock, ports.random),
  };
}

const running: (() => void)[] = [];
afterEach(() => running.splice(0).forEach((stop) => stop()));

/** A region of one process that runs both projectors, until the test is over. */
export async function region(options: Partial<WorldOptions> = {}) {
  const world = new World({ seed: 1, ...options });
  const probe: { wiring?: Wiring; failures: unknown[] } = { failures: [] };
  const ready = new Promise<void>((resolve) => {
    world.process('weft', async (ports) => {
      const wiring = wired(ports);
      await ports.bus.createTopics(regionTopics(ORGANISATIONS, 2));
      await wiring.policies.adopt(POLICY);
      const onFailure = (error: unknown) => void probe.failures.push(error);
      await startRecordProjector(
        wiring,
        ORGANISATIONS.map(({ ods }) => careEventsTopic(ods)),
        { onFailure },
      );
      await startOptOutProjector(wiring, { onFailure });
      probe.wiring = wiring;
      resolve();
    });
  });
  running.push(world.runInRealTime());
  await ready;
  return { wiring: probe.wiring as Wiring, failures: probe.failures, world };
}

/** What a process does that runs the record-projector alone. */
export async function projects(ports: Ports): Promise<void> {
  await startRecordProjector(
    wired(ports),
    ORGANISATIONS.map(({ ods }) => careEventsTopic(ods)),
  );
}

/** What a process does that reads the decisions, and publishes. */
export async function decides(ports: Ports): Promise<void> {
  await startOptOutProjector(wired(ports));
}

/** What a process does that publishes. */
export const publishes =
  (change: (wiring: Wiring) => Wiring = (wiring) => wiring, onFailure?: (error: unknown) => void) =>
  async (ports: Ports): Promise<void> =>
    void startPublisher(change(wired(ports)), () => true, onFailure);

/** A region of a world in which nobody projects yet, and what changes is published; every call is answered at once. */
export async function idleRegion(world = new World({ seed: 1 }), publishing = publishes()): Promise<Wiring> {
  const wiring = await emptyRegion(world);
  world.process('publisher', publishing);
  running.push(world.runInRealTime());
  return wiring;
}

/** A region of a world in which no process runs. */
export async function emptyRegion(world: World): Promise<Wiring> {
  const wiring = wired(world.directly());
  await wiring.bus.createTopics(regionTopics(ORGANISATIONS, 2));
  await wiring.policies.adopt(POLICY);
  return wiring;
}

let sequence = 0;
export function observation(subject: string, id: string, more: Partial<CareEvent> = {}): CareEvent {
  sequence += 1;
  const resource = { resourceType: 'Observation', id, status: 'final', valueInteger: sequence };
  return {
    type: 'care-event-recorded-1',
    id: `e${sequence}`,
    source: 'urn:ods:RX901',
    organisation: 'RX901',
    subject,
    time: '2026-01-01T00:00:00Z',
    resource,
    ...more,
  };
}

/** One number gives way to another. */
export function merge(subject: string, survivor: string): CareEvent {
  return observation(subject, 'p', { type: 'patient-merged-1', survivor, resource: { resourceType: 'Patient', id: 'p' } });
}

export function unmerge(subject: string, survivor: string): CareEvent {
  return { ...merge(subject, survivor), type: 'patient-unmerged-1' };
}

export const careEventMessage = (event: CareEvent): OutgoingMessage =>
  eventMessage(careEventsTopic(event.organisation), event.subject, event);

/** An event as a projector is given it, past all that the region's own projectors take from the topic. */
export function arriving(event: CareEvent): Message {
  return { ...careEventMessage(event), partition: 0, offset: 1_000, timestamp: 0 };
}

/** The same wiring, where something happens just before, or just after, the first append that is meant. */
export function meeting(
  wiring: Wiring,
  isMeant: (stream: string, events: readonly NewEvent[]) => boolean,
  meanwhile: () => Promise<unknown>,
  when: 'before' | 'after' = 'before',
): Wiring {
  let met = false;
  const append: EventStore['append'] = async (stream, expected, events, options) => {
    const isFirst = !met && isMeant(stream, events);
    met ||= isFirst;
    if (isFirst && when === 'before') await meanwhile();
    const revision = await wiring.store.append(stream, expected, events, options);
    if (isFirst && when === 'after') await meanwhile();
    return revision;
  };
  return { ...wiring, store: Object.create(wiring.store, { append: { value: append } }) as EventStore };
}

export async function publish(wiring: Wiring, events: readonly CareEvent[]): Promise<void> {
  await wiring.bus.publish(events.map(careEventMessage));
  await settled(wiring);
}

/** What somebody decided just now, as their GP practice recorded it. */
export function decisionMessage(wiring: Wiring, subject: string, said: Provision): OutgoingMessage {
  sequence += 1;
  const decision: SaidDecision = {
    ...{ id: `d${sequence}`, source: 'urn:ods:Y90001', consentId: `c${sequence}`, digest: `digest ${sequence}` },
    ...{ authority: 'local-dissent', status: 'active', decidedBy: 'not-stated', provision: said },
    decidedAt: new Date(wiring.clock.now()).toISOString(),
    recorder: { as: 'organisation', organisation: 'Y90001', subject: null },
  };
  return eventMessage(CONSENT_TOPIC, subject, { subject, decisions: [decision], isVetted: true });
}

export async function decide(
  wiring: Wiring,
  subject: string,
  purposes: readonly Purpose[],
  effect: 'permit' | 'deny',
  period: { readonly from?: number; readonly until?: number } = {},
): Promise<void> {
  await wiring.bus.publish([decisionMessage(wiring, subject, provision(effect, purposes, period))]);
  await settled(wiring);
}

/** Waits until both groups have committed all there is, and all that changed is published. */
async function settled(wiring: Wiring): Promise<void> {
  while ((await unreadMessages(wiring.bus)) > 0) await wiring.timers.sleep(50);
  await published(wiring);
}

/** Waits until all that changed is published. */
export async function published({ store }: Pick<Wiring, 'store'>): Promise<void> {
  // The world goes on in real time, while those who reach it directly wait for nothing.
  while (!(await isAllPublished(store))) await new Promise((resolve) => setImmediate(resolve));
}

export const read = async (wiring: Wiring, subject: string, purpose: Purpose) =>
  readRecord(wiring, wiring.keys.patient(subject), purpose);
export const ids = async (wiring: Wiring, subject: string, purpose: Purpose = 'direct-care') =>
  (await read(wiring, subject, purpose)).record.entries.map((entry) => entry.id);

export const ANNE = '9990000018';
export const BERT = '9990000026';

export async function standingOn(wiring: Wiring, topic: string): Promise<number> {
  await published(wiring);
  const standing = new Map<string, boolean>();
  for (const { partition, low } of await wiring.bus.offsets(topic)) {
    for (const { key, value } of await wiring.bus.read(topic, partition, low)) standing.set(key, value !== null);
  }
  return [...standing.values()].filter(Boolean).length;
}

export const standingOnTopic = (wiring: Wiring, purpose: Purpose) => standingOn(wiring, `weft.record-changes.${purpose}`);
