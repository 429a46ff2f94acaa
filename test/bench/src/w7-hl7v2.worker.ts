import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { rawEvent, tablesIn, toRawMessages, weftTables } from '@weft/hl7v2';
import { planTables, readParts, startHl7Projector, Trial } from '@weft/hl7v2-processing';
import { careEventsTopic, hl7v2Topic, regionTopics } from '@weft/processing';
import { usualListener } from '@weft/service';
import { patientNumbers } from './care-events.js';
import { DurableFile } from './durable-file.js';
import { hl7Message, LISTENER } from './hl7-messages.js';
import { framed, send as sendAll, type MllpLoad } from './mllp-client.js';
import { openRegion, type Region } from './region.js';
import { candidates, type Found } from './rounds.js';
import { percentile } from './statistics.js';

interface Parameters extends MllpLoad {
  readonly directory: string;
  readonly messages: number;
  readonly patients: number;
}

const ORGANISATION = LISTENER.organisation;
const SETTINGS = usualListener(LISTENER.name, ORGANISATION);
const PUBLISHED_AT_ONCE = 500;
/** What tells the tables apart that (c) compares: sex, in every Patient. */
const CHANGED = {
  tables: [
    { id: 'ADT/PID', version: '2', date: '2026-12-01', author: 'The bench', rows: 'PID-8 gender code optional bench-gender' },
  ],
  values: { 'bench-gender': { F: 'other', M: 'unknown' } },
};

function texts({ messages, patients }: Parameters): string[] {
  const numbers = patientNumbers(patients);
  return Array.from({ length: messages }, (_, index) => hl7Message(index, numbers));
}

/** A region with the topic of one organisation's HL7 v2. */
async function opened(directory: string): Promise<Region> {
  const region = await openRegion(directory);
  const { bus, settings } = region.service;
  await bus.createTopics(regionTopics(settings.organisations, 4, [ORGANISATION]));
  return region;
}

async function prepare({ directory }: Parameters): Promise<Found> {
  await (await opened(directory)).close();
  return {};
}

const send = (parameters: Parameters): Promise<Found> => sendAll(parameters, texts(parameters).map(framed));

/** The same bytes appended by as many callers, each of which waits until its own are on the disk. */
async function append(parameters: Parameters): Promise<Found> {
  const all = texts(parameters).map((text) => Buffer.from(text));
  const file = new DurableFile(join(parameters.directory, 'appended'));
  const latencies = new Float64Array(all.length);
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < all.length) {
      const index = next++;
      const at = performance.now();
      await file.append(all[index]!);
      latencies[index] = performance.now() - at;
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: parameters.connections }, caller));
  const seconds = (performance.now() - begun) / 1_000;
  file.close();
  return {
    rate: all.length / seconds,
    p99: percentile(latencies, 99),
    bytes: all.reduce((sum, { length }) => sum + length, 0) / all.length,
  };
}

/** Puts the messages on the organisation's topic, as the hl7-gateway does. */
async function received(region: Region, parameters: Parameters): Promise<void> {
  const { bus, clock } = region.service;
  const topic = hl7v2Topic(ORGANISATION);
  const all = texts(parameters).map((text) => Buffer.from(text));
  for (let first = 0; first < all.length; first += PUBLISHED_AT_ONCE) {
    const some = all.slice(first, first + PUBLISHED_AT_ONCE).flatMap((bytes) =>
      toRawMessages(rawEvent(LISTENER, 'message', bytes, clock.now())).map((message) => ({
        topic,
        key: LISTENER.name,
        ...message,
      })),
    );
    await bus.publish(some);
  }
}

async function receive(parameters: Parameters): Promise<Found> {
  const region = await opened(parameters.directory);
  await received(region, parameters);
  await region.close();
  return {};
}

/** The hl7-projector, from its start until every message is filed and what came of it is on the organisation's topic. */
async function project(parameters: Parameters): Promise<Found> {
  const { directory, messages } = parameters;
  const region = await opened(directory);
  await received(region, parameters);
  let [filed, settled] = [0, () => undefined as void];
  const done = new Promise<void>((resolve) => (settled = resolve));
  let failed: unknown;
  const meter = startMeter();
  const projector = await startHl7Projector(
    region.wiring,
    { listeners: [SETTINGS], tables: weftTables() },
    {
      onMessage: ({ outcome, place }) => {
        filed += 1;
        if (outcome !== 'filed') failed ??= new Error(`${place} is ${outcome}`);
        if (filed === messages || failed !== undefined) settled();
      },
      onFailure: (error) => {
        failed ??= error;
        settled();
      },
    },
  );
  await done;
  const found = meter(messages);
  await projector.stop();
  if (failed !== undefined) throw failed;
  const published = await region.service.bus.offsets(careEventsTopic(ORGANISATION));
  await region.close();
  return { ...found, events: published.reduce((sum, { low, high }) => sum + high - low, 0) / messages };
}

/** What the projector's mapping makes of the messages, in memory alone. */
async function read(parameters: Parameters): Promise<Found> {
  const all = texts(parameters).map((text) => Buffer.from(text));
  const [trial, tables, receivedAt] = [new Trial(ORGANISATION), weftTables(), Date.now()];
  const meter = startMeter();
  for (const bytes of all) {
    const id = createHash('sha256').update(bytes).digest('hex');
    const { problems, events } = trial.take(readParts({ id, receivedAt, bytes }, SETTINGS, tables));
    if (problems.length > 0 || events.length === 0) throw new Error(`nothing is made of it: ${JSON.stringify(problems)}`);
  }
  return meter(all.length);
}

/** `weft hl7v2 plan`, of tables that change every Patient. */
async function plan({ directory, messages, patients }: Parameters): Promise<Found> {
  const { tables: other, faults } = tablesIn(CHANGED);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  const region = await openRegion(directory);
  const meter = startMeter();
  const planned = await planTables(region.service.bus, ORGANISATION, [SETTINGS], { now: weftTables(), other });
  const found = meter(planned.messages);
  await region.close();
  const changed = planned.entries['Patient']?.changed;
  if (planned.messages !== messages || changed !== patients)
    throw new Error(`${changed} Patients of ${planned.messages} messages would change, not ${patients} of ${messages}`);
  return { ...found, memory: process.resourceUsage().maxRSS / 1_024 };
}

/** How many a second from now on, and how long this process is busy with each. */
function startMeter(): (count: number) => { readonly rate: number; readonly cpu: number } {
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  return (count) => {
    const { user, system } = process.cpuUsage(cpu);
    return { rate: (count * 1_000) / (performance.now() - begun), cpu: (user + system) / count };
  };
}

await candidates<Parameters>({ prepare, send, append, receive, project, read, plan });
