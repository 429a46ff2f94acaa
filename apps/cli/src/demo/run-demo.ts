import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FHIR_JSON } from '@weft/care-events';
import {
  careEventsTopic,
  CONSENT_TOPIC,
  HL7_PROJECTOR_GROUP,
  hl7v2Topic,
  listQuarantine,
  OPT_OUT_PROJECTOR_GROUP,
  RECORD_PROJECTOR_GROUP,
  type Wiring,
} from '@weft/processing';
import { organisationsByHl7v2, type Settings } from '@weft/service';
import { Client } from '../client.js';
import { EXIT, Failure } from '../failure.js';
import { type Address, Engine } from '../mllp-engine.js';
import { EventBatches } from '../publish/requests.js';
import { Publisher } from '../publish/publisher.js';
import { counted, number, type Progress } from '../terminal.js';
import { hl7v2OfRegion } from './hl7v2.js';
import { generateRegion, type Life, partsOf } from './region.js';
import { type DemoOptions, type Sent, tellRegion } from './tell-region.js';

const SEED = 1;
/** People whose events go together, a batch an organisation. */
const GROUP = 25;
const BATCH_ITEMS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;
const DECISIONS_AT_ONCE = 8;
const POLL_MS = 100;

/** Kept beside the data: a region begun is told on as the same one, and one that is whole is not told again. */
interface Note {
  readonly now: number;
  readonly people: number;
  readonly whole: boolean;
}

/** One of the organisations as a publisher with its own token. */
interface Sender {
  readonly client: Client;
  readonly publisher: Publisher;
  readonly batches: EventBatches;
}

/** Publishes a generated region through the gateway, waits until it is recorded, and gives the number of one of its people. Throws once aborted. */
export async function runDemo(options: DemoOptions): Promise<string> {
  const { terminal, settings, wiring, people, signal } = options;
  const parts = partsOf(settings.organisations);
  const known = await noteOf(settings);
  const isThere = known !== null && known.whole && known.people >= people;
  const note: Note = { now: known?.now ?? wholeMinute(wiring), people: Math.max(people, known?.people ?? 0), whole: isThere };
  const region = { seed: SEED, people: note.people, now: note.now, parts };
  const senders = new Map(Object.values(parts).map((ods) => [ods, senderOf(settings, ods, signal)]));
  if (!isThere) {
    await keepNote(settings, note);
    terminal.note(`A region of ${number(note.people)} people who do not exist is published by ${senders.size} organisations …`);
    await publishRegion(options, region, senders);
    await keepNote(settings, { ...note, whole: true });
  } else terminal.note(`The demo region of ${number(note.people)} people is there already.`);
  await tellRegion(options, generateRegion(region), sentBy(senders));
  return firstLife(region).person.nhsNumber;
}

/** The one that nothing was decided about. */
function firstLife(region: RegionOptions): Life {
  const [first] = generateRegion({ ...region, people: 1 });
  return first as Life;
}

const sentBy = (senders: Senders): Sent[] =>
  [...senders].map(([ods, { publisher }]) => ({ ods, accepted: publisher.accepted, refused: publisher.refused }));

const wholeMinute = ({ clock }: Wiring): number => clock.now() - (clock.now() % 60_000);

async function noteOf({ dataDirectory }: Settings): Promise<Note | null> {
  try {
    return JSON.parse(await readFile(join(dataDirectory, 'demo.json'), 'utf8')) as Note;
  } catch {
    return null;
  }
}

const keepNote = ({ dataDirectory }: Settings, note: Note): Promise<void> =>
  writeFile(join(dataDirectory, 'demo.json'), `${JSON.stringify(note)}\n`);

function senderOf(settings: Settings, ods: string, signal: AbortSignal): Sender {
  const client = new Client(settings, { roles: ['publisher'], organisation: ods, signal });
  return { client, publisher: new Publisher(client, () => {}), batches: new EventBatches(BATCH_ITEMS, BATCH_BYTES) };
}

type Senders = ReadonlyMap<string, Sender>;
type RegionOptions = Parameters<typeof generateRegion>[0];

async function publishRegion(
  { terminal, settings, wiring, engine, signal }: DemoOptions,
  region: RegionOptions,
  senders: Senders,
): Promise<void> {
  const bar = terminal.progress('publishing', region.people);
  const governance = new Client(settings, { roles: ['governance'], signal });
  const counters = new Counters(wiring, [...senders.keys()], organisationsByHl7v2(settings));
  const watching = counters.watch(bar, signal);
  try {
    let group: Life[] = [];
    for (const life of generateRegion(region)) {
      group.push(life);
      if (group.length < GROUP) continue;
      await publishGroup(group, senders, governance, counters);
      group = [];
      signal.throwIfAborted();
    }
    await publishGroup(group, senders, governance, counters);
    await sendMistakes(wiring, region, senders);
    if (engine !== null) await sendByHl7v2(engine, region, signal);
    await counters.untilCaughtUp(signal);
  } finally {
    counters.stop();
    await watching;
    bar.stop();
  }
  signal.throwIfAborted();
  terminal.note(`${counted(counters.recorded, 'message')} recorded, ${counted(counters.decided, 'decision')} obeyed`);
}

/** Each organisation sends its own events in their order, all at the same time; the decisions follow, through governance. */
async function publishGroup(group: readonly Life[], senders: Senders, governance: Client, counters: Counters): Promise<void> {
  const sending = [...senders].map(async ([ods, { publisher, batches }]) => {
    for (const { events } of group) {
      for (const { ods: from, event } of events) {
        if (from !== ods) continue;
        const where = { file: 'demo' };
        for (const request of batches.add(Buffer.from(JSON.stringify(event)), where)) await publisher.send(request);
      }
    }
    for (const request of batches.flush()) await publisher.send(request);
  });
  await Promise.all(sending);
  const decisions = group.flatMap((life) => life.decisions).values();
  const lane = async (): Promise<void> => {
    for (const consent of decisions) {
      const headers = { 'content-type': FHIR_JSON, prefer: 'respond-async', 'idempotency-key': `"${consent.id}"` };
      await governance.ask('/consents', {
        method: 'POST',
        body: JSON.stringify(consent),
        headers,
        patient: true,
      });
    }
  };
  await Promise.all(Array.from({ length: DECISIONS_AT_ONCE }, lane));
  counters.people += group.length;
}

/**
 * What goes wrong in every region: an event that the gateway refuses, and one that somebody wrote past it into the topic. The
 * second one is where an operator can look at quarantine.
 */
async function sendMistakes(wiring: Wiring, region: RegionOptions, senders: Senders): Promise<void> {
  const { gp, acute } = region.parts;
  const { person, events } = firstLife(region);
  const sound = events.find(({ ods }) => ods === gp)?.event;
  const wrongDigit = person.nhsNumber.slice(0, 9) + ((Number(person.nhsNumber[9]) + 1) % 10);
  const surgery = senders.get(gp) as Sender;
  const misspelt = Buffer.from(JSON.stringify({ ...sound, id: 'demo-misspelt', subject: wrongDigit }));
  for (const request of surgery.batches.add(misspelt, { file: 'demo' })) await surgery.publisher.send(request);
  for (const request of surgery.batches.flush()) await surgery.publisher.send(request);

  const id = 'demo-past-the-gateway';
  if ((await listQuarantine(wiring.bus)).some(({ headers }) => headers['ce_id'] === id)) return;
  const broken = { resourceType: 'Observation', id: 'demo-broken', status: 'finished', code: { text: 'Body weight' } };
  await wiring.bus.publish([
    {
      topic: careEventsTopic(acute),
      key: person.nhsNumber,
      value: Buffer.from(JSON.stringify(broken)),
      headers: {
        ce_specversion: '1.0',
        ce_id: id,
        ce_source: `urn:ods:${acute}`,
        ce_type: 'care-event-recorded-1',
        ce_subject: person.nhsNumber,
        ce_time: new Date(region.now).toISOString(),
        'content-type': FHIR_JSON,
      },
    },
  ]);
}

async function sendByHl7v2(address: Address, { seed, people, now, parts }: RegionOptions, signal: AbortSignal): Promise<void> {
  const engine = await Engine.at(address);
  try {
    for (const message of hl7v2OfRegion(seed, people, parts.acute, now)) {
      signal.throwIfAborted();
      const { code } = await engine.send(Buffer.from(message), true);
      if (code !== 'AA') throw new Failure(EXIT.fault, `the listener ${address.name} answered ${code ?? 'nothing'}`);
    }
  } finally {
    engine.close();
  }
}

/** How far the projectors are, by what they have committed. */
class Counters {
  people = 0;
  recorded = 0;
  decided = 0;
  private isStopped = false;
  private before: { readonly recorded: number; readonly decided: number } | undefined;

  constructor(
    private readonly wiring: Wiring,
    private readonly organisations: readonly string[],
    private readonly byHl7v2: readonly string[],
  ) {}

  /** Shows them until stopped. */
  async watch(bar: Progress, signal: AbortSignal): Promise<void> {
    while (!this.isStopped && !signal.aborted) {
      await this.count();
      bar.update(this.people, `${number(this.recorded)} recorded, ${number(this.decided)} decided`);
      await this.wiring.timers.sleep(POLL_MS, signal);
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  async untilCaughtUp(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.count()) > 0) await this.wiring.timers.sleep(POLL_MS, signal);
  }

  /** Gives how many messages are still to be dealt with. */
  private async count(): Promise<number> {
    // First: what it makes the record-projector reads.
    const hl7v2 = await Promise.all(this.byHl7v2.map((ods) => this.group(HL7_PROJECTOR_GROUP, hl7v2Topic(ods))));
    const topics = this.organisations.map(careEventsTopic);
    const care = await Promise.all(topics.map((topic) => this.group(RECORD_PROJECTOR_GROUP, topic)));
    const consent = await this.group(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC);
    const recorded = care.reduce((sum, { done }) => sum + done, 0);
    this.before ??= { recorded, decided: consent.done };
    this.recorded = recorded - this.before.recorded;
    this.decided = consent.done - this.before.decided;
    return [...hl7v2, ...care].reduce((sum, { left }) => sum + left, consent.left);
  }

  private async group(group: string, topic: string): Promise<{ readonly done: number; readonly left: number }> {
    const { bus } = this.wiring;
    const [committed, offsets] = await Promise.all([bus.committed(group, topic), bus.offsets(topic)]);
    const done = committed.reduce((sum, { offset }) => sum + Math.max(0, offset), 0);
    return { done, left: offsets.reduce((sum, { high }) => sum + high, 0) - done };
  }
}
