import { eventKey, PURPOSES } from '@weft/domain';
import {
  careEventsTopic,
  careRecordStream,
  CONSENT_TOPIC,
  listQuarantine,
  loadConsent,
  type Message,
  OPT_OUT_PROJECTOR_GROUP,
  type Quarantined,
  readRecord,
  RECORD_PROJECTOR_GROUP,
  textOf,
  type Wiring,
} from '@weft/processing';

/** What is looked at: a region in this process, or one of processes that this one looks into. */
export interface Looked {
  readonly wiring: Wiring;
  /** The organisations' codes. */
  readonly organisations: readonly string[];
}

/** So long may a partition stay where it is while messages stand behind. */
const STALL_MS = 60_000;

/** Waits until every message is dealt with. Gives the partitions that stand still. */
export async function stalled({ wiring, organisations }: Looked): Promise<string[]> {
  const groups = [
    ...organisations.map((ods) => [RECORD_PROJECTOR_GROUP, careEventsTopic(ods)] as const),
    [OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC] as const,
  ];
  let since = wiring.clock.now();
  for (let last = ''; ;) {
    const behind = (await Promise.all(groups.map(([group, topic]) => behindIn(wiring, group, topic)))).flat();
    if (behind.length === 0) return [];
    if (behind.join() !== last) since = wiring.clock.now();
    else if (wiring.clock.now() - since > STALL_MS) return behind.map((place) => `nothing moves behind ${place}`);
    last = behind.join();
    await wiring.timers.sleep(20);
  }
}

async function behindIn({ bus }: Wiring, group: string, topic: string): Promise<string[]> {
  const [ends, committed] = await Promise.all([bus.offsets(topic), bus.committed(group, topic)]);
  const next = new Map(committed.map(({ partition, offset }) => [partition, Math.max(0, offset)]));
  return ends.flatMap(({ partition, high }) => {
    const at = next.get(partition) ?? 0;
    return at < high ? [`${topic}/${partition}/${at}`] : [];
  });
}

/** Every message of the inbound topics must be in its record, or in quarantine and not for a fault of Weft's own. */
export async function unaccounted({ wiring, organisations }: Looked): Promise<string[]> {
  const quarantined = new Map((await listQuarantine(wiring.bus)).map((one) => [one.id, one]));
  const found: string[] = [];
  for (const topic of [...organisations.map(careEventsTopic), CONSENT_TOPIC]) {
    for (const { partition, low, high } of await wiring.bus.offsets(topic)) {
      for (let from = low; from < high;) {
        const page = await wiring.bus.read(topic, partition, from);
        from = (page.at(-1) as Message).offset + 1;
        for (const message of page) {
          const what = await whatIsWrong(wiring, message, quarantined);
          if (what !== null) found.push(`${topic}/${partition}/${message.offset} ${what}`);
        }
      }
    }
  }
  return found;
}

async function whatIsWrong(
  wiring: Wiring,
  message: Message,
  quarantined: ReadonlyMap<string, Quarantined>,
): Promise<string | null> {
  const refused = quarantined.get(`${message.topic}/${message.partition}/${message.offset}`);
  const own = refused?.problems.find(({ code }) => code === 'unprocessable');
  if (own !== undefined) return `is in quarantine by a fault of Weft’s own: ${own.message}`;
  if (message.topic === CONSENT_TOPIC) return whatIsWrongOfDecision(wiring, message, refused);
  if (refused !== undefined) return null;
  const reading = wiring.reader.careEvent(message);
  if (!reading.ok) return 'cannot be accepted, and is not in quarantine';
  const recorded = await eventsOf(wiring, careRecordStream(wiring.keys.patient(reading.event.subject)));
  return recorded.has(eventKey(reading.event)) ? null : 'is neither in its record nor in quarantine';
}

async function whatIsWrongOfDecision(wiring: Wiring, message: Message, refused: Quarantined | undefined): Promise<string | null> {
  const reading = wiring.reader.decision(message);
  if (!reading.ok && refused === undefined) return 'cannot be read, and is not in quarantine';
  if (!reading.ok && reading.unread === null) return null;
  const { subject } = reading.ok ? reading.event : reading.unread!;
  const { decisions } = await loadConsent(wiring.store, wiring.keys.patient(subject));
  const place = `${message.topic}/${message.partition}/${message.offset}`;
  if (!reading.ok) return decisions.some(({ consentId }) => consentId === place) ? null : 'may deny, and closes nobody';
  if (refused !== undefined) return null;
  const [one] = reading.event.decisions;
  const isRecorded = decisions.some(({ id, source }) => id === one?.id && source === one.source);
  return isRecorded ? null : 'is a decision neither recorded nor in quarantine';
}

async function eventsOf({ store }: Wiring, stream: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  for (let from = 0; ;) {
    const page = await store.read(stream, { from });
    for (const { data } of page) keys.add(eventKey(JSON.parse(textOf(data)) as Parameters<typeof eventKey>[0]));
    if (page.length === 0) return keys;
    from = (page.at(-1)?.revision ?? from) + 1;
  }
}

/** Of whom nothing odd was said, what is missing of what was; and of whoever objected, what is still given. */
export async function missing(
  { wiring }: Pick<Looked, 'wiring'>,
  expected: ReadonlyMap<string, readonly string[]>,
  objected: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const [number, entries] of expected) {
    for (const purpose of PURPOSES) {
      const { record } = await readRecord(wiring, wiring.keys.patient(number), purpose);
      const given = new Set(record.entries.map(({ id }) => id));
      if (purpose === 'direct-care') {
        const lost = entries.filter((id) => !given.has(id));
        if (lost.length > 0) found.push(`a witness's ${lost.join(', ')} did not arrive`);
      }
      if (purpose === 'research' && objected.has(number) && given.size > 0) found.push('a witness’s objection is not obeyed');
    }
  }
  return found;
}
