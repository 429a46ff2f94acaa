import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CLOUD_EVENT_JSON, consentOf, readCloudEvent } from '@weft/care-events';
import { PURPOSES, provision } from '@weft/domain';
import { Intake, Judging } from '@weft/gateway';
import {
  careEventsTopic,
  readRecord,
  RecordCareEvents,
  startOptOutProjector,
  startRecordProjector,
  type Message,
} from '@weft/processing';
import { AuditLog } from '@weft/service';
import { careEvent, ORGANISATIONS, patientNumbers } from './care-events.js';
import { decisions } from './decisions.js';
import { openRegion, sealedMessage, untilPublished, type Region } from './region.js';
import { candidates, type Found } from './rounds.js';

interface Parameters {
  readonly directory: string;
  /** All patients of the region: one event each, but for those who decide. */
  readonly patients: number;
  readonly deciders: number;
  readonly entries: number;
  readonly decisions: number;
}

const BATCH = 5_000;

async function build({ directory, patients, deciders, entries }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const message = sealedMessage(region);
  const work = new RecordCareEvents(region.wiring);
  let offset = 0;
  let batch: Message[] = [];
  const send = async (subject: string, count: number): Promise<void> => {
    for (let entry = 0; entry < count; entry += 1) {
      const event = careEvent(offset, subject);
      batch.push({ ...message(event), topic: careEventsTopic(event.ods), partition: 0, offset, timestamp: 0 });
      offset += 1;
      if (batch.length === BATCH) await flush();
    }
  };
  const flush = async (): Promise<void> => {
    await work.handle({ messages: batch });
    batch = [];
  };
  for (const [index, subject] of patientNumbers(patients).entries()) await send(subject, index < deciders ? entries : 1);
  await flush();
  await region.close();
  return {};
}

/** Everything in one process, as `weft up` runs it; each decision by itself, from being acknowledged to being obeyed. */
async function weft({ directory, deciders, entries, decisions: count }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const { wiring } = region;
  const applied = new Map<string, () => void>();
  const onFailure = (error: unknown): never => {
    throw error;
  };
  const optOuts = await startOptOutProjector(wiring, {
    onFailure,
    onBatch: ({ messages }) => messages.forEach(({ headers }) => applied.get(headers['ce_id'] ?? '')?.()),
  });
  const records = await startRecordProjector(wiring, ORGANISATIONS.map(careEventsTopic), { onFailure });
  const publish = consentPublisher(region);
  await untilPublished(region);
  const run = `${Date.now()}`;
  let sequence = 0;
  const found = await decisions(patientNumbers(deciders), count, async (subject, effect) => {
    const id = `${run}-${(sequence += 1)}`;
    const inEveryView = new Promise<void>((resolve) => applied.set(id, resolve));
    await publish(id, subject, effect);
    const acknowledged = performance.now();
    await inEveryView;
    await untilPublished(region);
    const took = performance.now() - acknowledged;
    applied.delete(id);
    await expectObeyed(region, subject, effect === 'permit' ? entries : 0);
    return took;
  });
  await Promise.all([optOuts.stop(), records.stop()]);
  await region.close();
  return found;
}

function consentPublisher({ service, wiring }: Region) {
  const intake = new Intake(service, wiring, new AuditLog(service), new Judging(service));
  return async (id: string, subject: string, effect: 'permit' | 'deny'): Promise<void> => {
    const decidedAt = new Date().toISOString();
    const parts = {
      consentId: `sharing-${subject}`,
      status: 'active',
      authority: 'local-dissent',
      // A person's own agreement needs an age, and these records have no Patient that says one.
      decidedBy: 'proxy',
    } as const;
    const event = {
      ...{ specversion: '1.0', id, source: 'urn:ods:Y90001', type: 'consent-decision-recorded-1', subject, time: decidedAt },
      datacontenttype: 'application/fhir+json',
      data: consentOf({ ...parts, subject, decidedAt, provision: provision(effect, PURPOSES) }),
    };
    const received = {
      headers: { 'content-type': CLOUD_EVENT_JSON },
      body: Buffer.from(JSON.stringify(event)),
      mode: 'http',
    } as const;
    const rules = intake.rulesFor({ subject: 'bench', roles: ['publisher'], organisation: 'Y90001' });
    const [outcome] = await intake.take([readCloudEvent(received)], rules);
    if (outcome?.ok !== true) throw new Error(`the gateway refused the decision: ${JSON.stringify(outcome)}`);
  };
}

async function expectObeyed({ wiring }: Region, subject: string, entries: number): Promise<void> {
  const { record, fromView } = await readRecord(wiring, wiring.keys.patient(subject), 'direct-care');
  if (record.entries.length !== entries || !fromView)
    throw new Error(`the view holds ${record.entries.length} entries, not ${entries}`);
}

/** One read of a record's bytes from a file, and one durable write of them. */
async function limit({ directory, entries, decisions: count }: Parameters): Promise<Found> {
  const [subject = ''] = patientNumbers(1);
  const record = Buffer.from(JSON.stringify(Array.from({ length: entries }, (_, index) => careEvent(index, subject).resource)));
  const file = openSync(join(directory, 'records'), 'w+');
  writeSync(file, record);
  const found = await decisions([subject], count, async () => {
    const begun = performance.now();
    readSync(file, record, 0, record.length, 0);
    writeSync(file, record);
    fdatasyncSync(file);
    return performance.now() - begun;
  });
  closeSync(file);
  return found;
}

await candidates<Parameters>({ build, weft, limit });
