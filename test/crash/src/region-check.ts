import { canonicalJson, eventKey, withoutArrival, type CareEvent, type Decision, type ViewEntry } from '@weft/domain';
import {
  careRecordStream,
  changeKey,
  CONSENT_TOPIC,
  isAllPublished,
  type Message,
  patientKeys,
  QUARANTINE_TOPIC,
  readRecord,
  recordChangesTopic,
  textOf,
  verifyViews,
  type Wiring,
} from '@weft/processing';
import type { Holdings } from './holdings.js';

/** Every message before a group's offset is in its record or among its decisions, once, or in quarantine. */
export function checkDealtWith(held: Holdings, wiring: Wiring, everything: boolean, problems: string[]): void {
  const accepted = acceptedIn(held, problems);
  const quarantined = quarantinedIn(held, wiring);
  for (const [place, message] of held.messages) {
    const group = message.topic === CONSENT_TOPIC ? 'weft.opt-out-projector' : 'weft.record-projector';
    const offset = held.offsets.get(`${group} ${message.topic}/${message.partition}`) ?? -1;
    if (held.compacted.has(message.topic) || (!everything && message.offset >= offset)) continue;
    const name = nameOf(message, wiring);
    if (quarantined.has(place) || (name !== undefined && (accepted.has(name) || quarantined.has(name)))) continue;
    problems.push(`${place} is before its group's offset, and nowhere`);
  }
}

function acceptedIn(held: Holdings, problems: string[]): ReadonlySet<string> {
  const accepted = new Set<string>();
  const each = new Set<string>();
  for (const [stream, events] of held.streams) {
    if (!stream.startsWith('careRecord-')) continue;
    for (const { type, data } of events) {
      // What came of an event that was sent, and is none itself.
      if (/^(entries-claimed|entry-placed|views-derived|views-waited|number|merge|death)/.test(type)) continue;
      const event = JSON.parse(textOf(data)) as CareEvent | Decision;
      const name = `${stream} ${eventKey(event)}`;
      // One message may decide under several authorities, and is then as many decisions. It also ends the permissions of the person
      // whom its Consent was about before; where the two are merged, its denial comes to that person too, under the other's number.
      const one = 'authority' in event ? `${name} ${event.authority} ${event.saidOf ?? ''}` : name;
      if (each.has(one)) problems.push(`${one} is accepted twice`);
      each.add(one);
      accepted.add(name);
    }
  }
  return accepted;
}

/** Places, and the events that stood there: one event, however often it was sent. */
function quarantinedIn(held: Holdings, wiring: Wiring): ReadonlySet<string> {
  const quarantined = new Set<string>();
  for (const { topic, key } of held.messages.values()) {
    if (topic !== QUARANTINE_TOPIC) continue;
    quarantined.add(key);
    const from = held.messages.get(key);
    const name = from === undefined ? undefined : nameOf(from, wiring);
    if (name !== undefined) quarantined.add(name);
  }
  return quarantined;
}

/** Where the event of a message belongs. */
function nameOf(message: Message, { keys, reader }: Wiring): string | undefined {
  const key = keys.patient(message.key);
  if (message.topic === CONSENT_TOPIC) {
    const reading = reader.decision(message);
    return reading.ok ? `${careRecordStream(key)} ${eventKey(reading.event.decisions[0] as Decision)}` : undefined;
  }
  const reading = reader.careEvent(message);
  return reading.ok ? `${careRecordStream(key)} ${eventKey(reading.event)}` : undefined;
}

/** Every view is what record, decisions and policy make of it, and what its subscribers were told is the view. */
export async function checkViews(wiring: Wiring, problems: string[]): Promise<void> {
  const { differing } = await verifyViews(wiring);
  for (const { view, key, missing, surplus, unequal } of differing) {
    problems.push(`${view} of ${key} differs from its record: ${missing} missing, ${surplus} surplus, ${unequal} unequal`);
  }
  problems.push(...(await settledTopics(wiring)));
}

/** So often a difference is looked at again: what begins or ends by its date is told of behind no group's offset. */
const PATIENCE = 20;

async function settledTopics(wiring: Wiring): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const differing = await differingTopics(wiring);
    if (differing.length === 0 || attempt === PATIENCE) return differing;
    await wiring.timers.sleep(20 * attempt);
  }
}

async function differingTopics(wiring: Wiring): Promise<string[]> {
  if (!(await isAllPublished(wiring.store))) return ['changes are left unpublished'];
  const problems: string[] = [];
  for (const projection of wiring.projections) {
    const told = await standingOn(wiring, recordChangesTopic(projection.purpose));
    const wanted = new Map<string, string>();
    for await (const key of patientKeys(wiring)) {
      const { record, members } = await readRecord(wiring, key, projection.purpose);
      if (members[0] !== key) continue;
      const viewKey = wiring.keys.view(projection.purpose, key);
      for (const entry of record.entries) wanted.set(changeKey(projection, viewKey, entry.id, wiring.keys), serialised(entry));
    }
    for (const key of new Set([...told.keys(), ...wanted.keys()])) {
      if (told.get(key) === wanted.get(key)) continue;
      problems.push(`subscribers of ${projection.purpose} know another ${key} than the view`);
    }
  }
  return problems;
}

async function standingOn({ bus }: Wiring, topic: string): Promise<Map<string, string>> {
  const standing = new Map<string, string>();
  for (const { partition } of await bus.offsets(topic)) {
    for (const { key, value } of await bus.read(topic, partition, 0, 100_000)) {
      if (value === null) standing.delete(key);
      else standing.set(key, serialised(JSON.parse(Buffer.from(value).toString()) as ViewEntry));
    }
  }
  return standing;
}

const serialised = (entry: ViewEntry): string => canonicalJson(withoutArrival(entry));
