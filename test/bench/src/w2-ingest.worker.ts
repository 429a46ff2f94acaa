import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CLOUD_EVENT_JSON, fhirProblems, readCloudEvent, readCloudEventBatch } from '@weft/care-events';
import { Intake, Judging } from '@weft/gateway';
import { readRecord } from '@weft/processing';
import { AuditLog } from '@weft/service';
import { careEvent, ORGANISATIONS, patientNumbers, type BenchEvent } from './care-events.js';
import { Flow, type Pace } from './flow.js';
import { startProjecting } from './projecting.js';
import { openRegion, sealedMessage, type Region } from './region.js';
import { candidates, type Found } from './rounds.js';

interface Parameters extends Pace {
  readonly directory: string;
  readonly patients: number;
  /** Through the gateway's own code, FHIR validation included; else from the topic on. */
  readonly validated: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

const GROUP = 64;

function eventsOf({ events, patients }: Pick<Parameters, 'events' | 'patients'>): BenchEvent[] {
  const numbers = patientNumbers(patients);
  // A step that shares no factor with the number of patients: neighbours in time are different people.
  return Array.from({ length: events }, (_, index) => careEvent(index, numbers[(index * 7_919) % patients] as string));
}

/** The gateway and the record-projector in one process, as `weft up` runs them. */
async function weft(parameters: Parameters): Promise<Found> {
  const { directory, patients, validated, events, environment = {} } = parameters;
  const region = await openRegion(directory, environment);
  const flow = new Flow(parameters);
  const projector = await startProjecting(region, {
    onReadable: (indices) => flow.readable(indices),
    onFailure: (error) => flow.fail(error),
  });
  const all = eventsOf(parameters);
  const found = await flow.run(validated ? throughGateway(region, all, parameters) : ontoTopics(region, all));
  await projector.stop();
  const stored = await countEntries(region, patients);
  if (stored !== events) throw new Error(`${stored} entries can be read, ${events} were published`);
  await region.close();
  return found;
}

/** Publishes events first to last, not including last. */
type Publish = (first: number, last: number) => Promise<void>;

function ontoTopics(region: Region, all: readonly BenchEvent[]): Publish {
  const messages = all.map(sealedMessage(region));
  return async (first, last) => void (await region.service.bus.publish(messages.slice(first, last)));
}

/** What the gateway's controllers do with a request's body: read, judge, publish. */
function throughGateway(region: Region, all: readonly BenchEvent[], { batch }: Pace): Publish {
  const intake = new Intake(region.service, region.wiring, new AuditLog(region.service), new Judging(region.service));
  const rules = (ods: string) => intake.rulesFor({ subject: 'bench', roles: ['publisher'], organisation: ods });
  const bodies = batch === 1 ? all.map((event) => Buffer.from(JSON.stringify(structured(event)))) : [];
  const batches = new Map<number, { readonly ods: string; readonly body: Buffer }[]>();
  for (let first = 0; batch > 1 && first < all.length; first += batch)
    batches.set(first, byOrganisation(all.slice(first, first + batch)));
  return async (first, last) => {
    const requests = batches.get(first);
    if (requests === undefined) {
      const reading = readCloudEvent({
        headers: { 'content-type': CLOUD_EVENT_JSON },
        body: bodies[first] as Buffer,
        mode: 'http',
      });
      refuseUnlessTaken(await intake.take([reading], rules((all[first] as BenchEvent).ods)), last - first);
      return;
    }
    const outcomes = await Promise.all(
      requests.map(({ ods, body }) => {
        const read = readCloudEventBatch(body);
        return intake.take(read.ok ? read.event.map(({ reading }) => reading) : [], rules(ods));
      }),
    );
    refuseUnlessTaken(outcomes.flat(), last - first);
  };
}

function refuseUnlessTaken(outcomes: readonly { readonly ok: boolean }[], count: number): void {
  const taken = outcomes.filter(({ ok }) => ok).length;
  if (taken !== count) throw new Error(`the gateway took ${taken} of ${count} events: ${JSON.stringify(outcomes).slice(0, 500)}`);
}

const structured = ({ id, source, subject, time, resource }: BenchEvent) => ({
  ...{ specversion: '1.0', id, source, type: 'care-event-recorded-1', subject, time },
  datacontenttype: 'application/fhir+json',
  data: resource,
});

/** A request is one organisation's: so a batch is one request for each. */
function byOrganisation(events: readonly BenchEvent[]) {
  return ORGANISATIONS.map((ods) => ({
    ods,
    body: Buffer.from(JSON.stringify(events.filter((event) => event.ods === ods).map(structured))),
  }));
}

async function countEntries({ wiring }: Region, patients: number): Promise<number> {
  let entries = 0;
  for (const number of patientNumbers(patients)) {
    const { record } = await readRecord(wiring, wiring.keys.patient(number), 'direct-care');
    entries += record.entries.length;
  }
  return entries;
}

const bytesOf = (event: BenchEvent): Buffer => Buffer.from(JSON.stringify(event.resource));

/** The same bytes once, appended to a file, durable after every group. */
async function append(parameters: Parameters): Promise<Found> {
  const all = eventsOf(parameters).map(bytesOf);
  const file = openSync(join(parameters.directory, 'appended'), 'w');
  const begun = performance.now();
  for (let first = 0; first < all.length; first += GROUP) {
    writeSync(file, Buffer.concat(all.slice(first, first + GROUP)));
    fdatasyncSync(file);
  }
  const seconds = (performance.now() - begun) / 1_000;
  closeSync(file);
  return { rate: all.length / seconds };
}

/** The validator alone, on resources that are parsed already. */
async function validate(parameters: Parameters): Promise<Found> {
  const resources = eventsOf(parameters).map(({ resource }) => resource);
  for (const resource of resources.slice(0, 500)) fhirProblems(resource);
  const begun = performance.now();
  for (const resource of resources) {
    const problems = fhirProblems(resource);
    if (problems.length > 0) throw new Error(`an event of the bench is not valid: ${JSON.stringify(problems)}`);
  }
  return { rate: resources.length / ((performance.now() - begun) / 1_000) };
}

await candidates<Parameters>({ weft, append, validate });
