import { eventKey, type CareEvent, type Decision, type Projection, type RecordedCareEvent, type ViewEntry } from '@weft/domain';
import {
  changeKey,
  CONSENT_TOPIC,
  explainRecord,
  readRecord,
  recordChangesTopic,
  verifyViews,
  type Message,
  type Wiring,
} from '@weft/processing';
import { FLIP_PREFIX, simReader, type World } from '@weft/testing';
import { listed, type KeptDecision, type Ledger } from './ledger.js';
import type { Oracle } from './oracle.js';
import type { RegionRun, Subscribed } from './region-run.js';

type Sent = { events(key: string): readonly RecordedCareEvent[]; decisions(key: string): readonly Decision[] };

/** What must be so when everything has come to rest, every boundary has passed and every clock is right. */
export async function checkTheEnd(world: World, oracle: Oracle, run: RegionRun, wiring: Wiring): Promise<void> {
  const { differing } = await verifyViews(wiring, { patience: 1 });
  for (const one of differing) oracle.violated('rebuilt equals incremental', JSON.stringify(one));
  for (const key of oracle.keys) {
    const survivor = oracle.ledger.survivorOf(key);
    if (oracle.ledger.identity(survivor).supersededBy !== null || !oracle.ledger.membersOf(survivor).includes(key))
      oracle.violated('merged numbers are one', `${key} gave way to ${survivor}, which has not taken it over`);
  }
  oracle.moves.atTheEnd();
  oracle.consents.permissionsMoved((decision) => oracle.subjectOf(decision));
  const now = wiring.clock.now();
  const sent = run.rates.merge === 0 ? sentTo(world, oracle) : asKept(oracle);
  for (const key of oracle.keys) {
    for (const projection of wiring.projections) {
      const { entries: expected, rules } = oracle.ledger.expectedView(key, projection, now, sent);
      oracle.views.includes('the view is what was sent', projection, key, new Set(expected.keys()));
      if (wiring.projections.find(({ purpose }) => purpose === projection.purpose) !== projection) continue;
      compareTopic(world, oracle, key, projection, expected, run.subscribers.get(projection.purpose));
      if (oracle.ledger.identity(key).supersededBy !== null) continue;
      await compareReading(wiring, oracle, key, projection, { expected, rules });
    }
  }
}

async function compareReading(
  wiring: Wiring,
  oracle: Oracle,
  key: string,
  projection: Projection,
  {
    expected,
    rules,
  }: { readonly expected: ReadonlyMap<string, ViewEntry>; readonly rules: ReadonlyMap<string, string | undefined> },
): Promise<void> {
  const { purpose } = projection;
  const { record } = await readRecord(wiring, key, purpose);
  const served = new Map(record.entries.map((entry) => [entry.id, entry]));
  oracle.views.same('the record read is the record', `${purpose} of ${key}`, served, expected);
  const { entries } = await explainRecord(wiring, key, wiring.clock.now());
  const naming = oracle.ledger.naming(projection, key);
  const included = entries
    .filter(({ purposes }) => purposes.find((one) => one.purpose === purpose)?.included)
    .map(({ id }) => projection.entryId(id, naming));
  const [explained, inView] = [included, [...expected.keys()]].map((ids) => ids.sort().join(' '));
  if (explained !== inView)
    oracle.violated('explained as it is', `${purpose} of ${key}: explained ${explained}, should be ${inView}`);
  for (const { id, purposes } of entries) {
    const rule = purposes.find((one) => one.purpose === purpose)?.rule ?? '';
    const shouldBe = rules.has(id) ? (rules.get(id) ?? 'no-rule') : 'not-of-concern';
    if (rule !== shouldBe && !(shouldBe === 'no-rule' && rule === 'decision-not-read'))
      oracle.violated('explained as it is', `${purpose} of ${key}: ${id} is explained by ${rule}, should be by ${shouldBe}`);
  }
}

/** The last message of each key, and what a subscriber made of all of them, are the view. */
function compareTopic(
  world: World,
  oracle: Oracle,
  key: string,
  projection: Projection,
  expected: ReadonlyMap<string, ViewEntry>,
  subscribed: Subscribed | undefined,
): void {
  const { patient } = oracle.ledger.naming(projection, key);
  const names = new Map([...expected].map(([id, entry]) => [changeKey(projection, patient, id, world.keys), entry]));
  const last = new Map<string, ViewEntry>();
  for (const message of world.bus.messages(recordChangesTopic(projection.purpose))) {
    if (!message.key.startsWith(`${patient}.`)) continue;
    if (message.value === null) last.delete(message.key);
    else last.set(message.key, JSON.parse(Buffer.from(message.value).toString()) as ViewEntry);
  }
  oracle.views.same('the topic is the view', `${projection.purpose} of ${patient}`, last, names);
  if (subscribed === undefined) return;
  const heard = new Map<string, ViewEntry>();
  for (const [name, { entry }] of subscribed) {
    if (entry !== undefined && name.startsWith(`${patient}.`)) heard.set(name, JSON.parse(entry) as ViewEntry);
  }
  oracle.views.same('the subscriber has the view', `${projection.purpose} of ${patient}`, heard, names);
}

/** Whoever opted out and back in is to be as if they never had. */
function withoutFlips<T extends Pick<Decision, 'consentId' | 'status'>>(decisions: readonly T[]): T[] {
  const takenBack = new Set(decisions.filter(({ status }) => status === 'withdrawn').map(({ consentId }) => consentId));
  return decisions.filter(({ consentId }) => !consentId.startsWith(FLIP_PREFIX) || !takenBack.has(consentId));
}

/** A denial that was left with a number is no flip of its own: it counts as one where it was taken back for both, and they are one still. */
function isTakenBackThere({ key, saidOf, consentId }: KeptDecision, ledger: Ledger): boolean {
  if (saidOf === undefined || !consentId.startsWith(FLIP_PREFIX)) return false;
  if (ledger.survivorOf(saidOf) !== ledger.survivorOf(key)) return false;
  const there = ledger.decisions.get(saidOf) ?? [];
  return there.some((one) => one.consentId === consentId && one.status === 'withdrawn' && one.alsoOf?.includes(key));
}

function asKept({ ledger }: Oracle): Sent {
  return {
    events: (key) => ledger.events.get(key) ?? [],
    decisions: (key) => withoutFlips((ledger.decisions.get(key) ?? []).filter((one) => !isTakenBackThere(one, ledger))),
  };
}

/** Records as the topics alone tell them, first come first kept: what no crash, delay or duplicate may change. */
function sentTo(world: World, oracle: Oracle): Sent {
  const events = new Map<string, RecordedCareEvent[]>();
  const seen = new Set<string>();
  for (const topic of oracle.inboundTopics.filter((one) => one !== CONSENT_TOPIC)) {
    for (const message of world.bus.messages(topic)) {
      const reading = simReader.careEvent(message);
      if (!reading.ok || isRefused(oracle, message, reading.event)) continue;
      const key = world.keys.patient(message.key);
      const name = `${key} ${eventKey(reading.event)}`;
      if (seen.has(name)) continue;
      seen.add(name);
      const recorded = { ...asRecorded(reading.event, message), key };
      listed(events, key).push(recorded);
    }
  }
  for (const [key, list] of events) {
    const kept = oracle.ledger.events.get(key) ?? [];
    const placed = list.map((event) => ({ event, place: kept.findIndex((one) => eventKey(one) === eventKey(event)) }));
    // Whose deaths a service takes back is for the moment to say at which that comes, and for the policy of then.
    const sorted = placed.sort((a, b) => a.place - b.place).map(({ event, place }) => withTakesBack(event, kept[place]));
    events.set(key, [...sorted, ...kept.filter(({ type }) => (type as string) === 'entry-placed-1')]);
  }
  return { ...asKept(oracle), events: (key) => events.get(key) ?? [] };
}

/** Too large for the store, wherever it is sent; or a death that does not count here, and may where it is sent again. */
function isRefused(oracle: Oracle, message: Message, event: CareEvent): boolean {
  const { topic, partition, offset, value } = message;
  if (event.type.startsWith('patient-d') && oracle.quarantined.has(`${topic}/${partition}/${offset}`)) return true;
  return (value?.byteLength ?? 0) > 900_000 && oracle.quarantined.has(oracle.nameOf(message, event));
}

function withTakesBack(event: RecordedCareEvent, kept: RecordedCareEvent | undefined): RecordedCareEvent {
  return kept?.takesBack === undefined ? event : { ...event, takesBack: kept.takesBack };
}

function asRecorded(event: CareEvent, { topic, partition, offset }: Message): RecordedCareEvent {
  return { ...event, recordedAt: '', coordinates: { topic, partition, offset } };
}
