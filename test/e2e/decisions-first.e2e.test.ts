import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { consentOf } from '@weft/care-events';
import { NHS_NUMBER_SYSTEM, provision, PURPOSES, type Purpose } from '@weft/domain';
import { type EventBus, recordChangesTopic, RECORD_PROJECTOR_GROUP, careEventsTopic } from '@weft/processing';
import { openEngines } from '@weft/service';
import { lag, settled } from './account.js';
import { nhsNumbers } from './load.js';
import { Processes, type Running } from './processes.js';

const BATCHES = 32;
const ROUNDS = 4;
const FHIR = 'application/fhir+json';

describe('a decision that is durable before an entry, each app as its own process', () => {
  let region: Processes;
  let gateway: Running;
  let recordApi: Running;
  let optOutProjector: Running;
  let bus: EventBus;
  let closeEngines: () => Promise<void>;
  const leaving = new AbortController();
  /** By purpose, the ids of the resources that a live subscriber was ever told. */
  const told = new Map<Purpose, Set<string>>(PURPOSES.map((purpose) => [purpose, new Set()]));
  const people = nhsNumbers(BATCHES + 2 * ROUNDS + 2);
  const denied = new Set<string>();
  let sequence = 0;

  beforeAll(async () => {
    region = new Processes({});
    gateway = await region.start('gateway');
    await region.start('record-projector');
    optOutProjector = await region.start('opt-out-projector');
    recordApi = await region.start('record-api');
    ({ bus, close: closeEngines } = await openEngines(region.settings));
    for (const purpose of PURPOSES) await listen(purpose);
  }, 120_000);
  afterAll(async () => {
    leaving.abort();
    await closeEngines?.();
    await region.close();
  }, 60_000);

  /** Resolves once the subscriber hears of everything as it comes. */
  async function listen(purpose: Purpose): Promise<void> {
    const { signal } = leaving;
    const response = await region.as(['subscriber'], `${recordApi.url}/record-changes/${purpose}`, { signal });
    const lines = createInterface({ input: Readable.fromWeb(response.body as never) });
    lines.on('error', () => undefined);
    const isUpToDate = new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        if (line === '') return resolve();
        const { entry } = JSON.parse(line) as { entry?: { resource: object } | null };
        if (entry != null) told.get(purpose)!.add(JSON.stringify(entry));
      });
    });
    await isUpToDate;
  }

  const denialOf = (subject: string, purposes: readonly Purpose[]) => {
    const about = { subject, consentId: `c${(sequence += 1)}`, decidedBy: 'patient', status: 'active' } as const;
    return consentOf({ ...about, authority: 'local-dissent', provision: provision('deny', purposes) });
  };

  const observationOf = (subject: string) => ({
    resourceType: 'Observation',
    id: `o${(sequence += 1)}`,
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
    subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: subject } },
    effectiveDateTime: '2026-01-01T09:00:00Z',
    valueQuantity: { value: 120, unit: 'mm[Hg]', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
  });

  async function send(path: string, body: unknown, type = FHIR): Promise<void> {
    const headers = { 'content-type': type, prefer: 'wait=0' };
    const response = await region.as(['publisher'], `${gateway.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers,
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  }

  /** A denial of everything but individual care that nobody waits for, and an entry once it is durable. */
  async function denyAndRecord(subject: string): Promise<string> {
    denied.add(subject);
    await send('/consents', denialOf(subject, ['population-health', 'research']));
    const observation = observationOf(subject);
    await send('/fhir', observation);
    return observation.id;
  }

  /** One that is stopped in the midst of a write holds up all writers of the embedded engines: then it is stopped at another moment. */
  async function denyAndRecordWhileItStandsStill(subject: string): Promise<void> {
    for (;;) {
      process.kill(optOutProjector.pid, 'SIGSTOP');
      try {
        return void (await denyAndRecord(subject));
      } catch (error) {
        if (!(error as Error).message.startsWith('503')) throw error;
        process.kill(optOutProjector.pid, 'SIGCONT');
        // It has ended its write once somebody else can write: stopped again at once it would stand in the same one.
        await bus.takeSeat('whoever-writes-next');
      }
    }
  }

  async function shown(subject: string, purpose: Purpose): Promise<{ ids: string[]; waiting?: boolean }> {
    const response = await region.as(['governance'], `${recordApi.url}/records/${subject}?purpose=${purpose}`);
    if (response.status === 404) return { ids: [] };
    const { entries, waiting } = (await response.json()) as { entries: { id: string }[]; waiting?: boolean };
    return { ids: entries.map(({ id }) => id), ...(waiting !== undefined && { waiting }) };
  }

  async function recorded(): Promise<void> {
    while ((await lag(bus, RECORD_PROJECTOR_GROUP, careEventsTopic('RX901'))) > 0) await sleep(20);
  }

  const isShown = async (subject: string): Promise<boolean> => (await shown(subject, 'direct-care')).ids.length > 0;

  async function messagesOn(purpose: Purpose): Promise<number> {
    const ends = await bus.offsets(recordChangesTopic(purpose));
    const entries = await Promise.all(
      ends.map(async ({ partition, low }) => bus.read(recordChangesTopic(purpose), partition, low)),
    );
    return entries.flat().filter(({ value }) => value !== null).length;
  }

  it('in one call is obeyed before a live subscriber hears of the entry, 32 times of 32', async () => {
    for (const subject of people.slice(0, BATCHES)) {
      const envelope = {
        specversion: '1.0',
        source: 'urn:ods:RX901',
        subject,
        time: '2026-01-01T10:00:00Z',
        datacontenttype: FHIR,
      };
      const [denial, observation] = [denialOf(subject, PURPOSES), observationOf(subject)];
      await send(
        '/events',
        [
          { ...envelope, id: observation.id, type: 'care-event-recorded-1', data: observation },
          { ...envelope, id: denial.id, type: 'consent-decision-recorded-1', data: denial },
        ],
        'application/cloudevents-batch+json',
      );
    }
    await settled(region, bus);
    expect(await Promise.all(PURPOSES.map(messagesOn))).toEqual([0, 0, 0, 0]);
    expect([...told.values()].map(({ size }) => size)).toEqual([0, 0, 0, 0]);
  }, 240_000);

  it('holds the entry back for as long as no opt-out-projector runs, and says that it is arriving', async () => {
    await optOutProjector.end('SIGTERM');
    const subject = people[BATCHES]!;
    await denyAndRecord(subject);
    await recorded();
    expect(await shown(subject, 'direct-care')).toEqual({ ids: [], waiting: true });
    expect(await shown(subject, 'research')).toEqual({ ids: [] });
    const status = await region.weft('status', '--json', '--url', recordApi.url);
    expect(JSON.parse(status.stdout)).toMatchObject({ decisionsUnreadSeconds: expect.any(Number) });
    optOutProjector = await region.start('opt-out-projector');
    while (!(await isShown(subject))) await sleep(20);
    expect(await shown(subject, 'research')).toEqual({ ids: [] });
  }, 120_000);

  it('holds it back while the opt-out-projector stands still, and while it is killed', async () => {
    for (const [round, subject] of people.slice(BATCHES + 2, BATCHES + 2 + ROUNDS).entries()) {
      await denyAndRecordWhileItStandsStill(subject);
      await recorded();
      expect((await shown(subject, 'direct-care')).ids).toEqual([]);
      process.kill(optOutProjector.pid, 'SIGCONT');
      if (round % 2 === 0) {
        await optOutProjector.end('SIGKILL');
        optOutProjector = await region.start('opt-out-projector');
      }
    }
    const killed = people.slice(-ROUNDS);
    for (const subject of killed) {
      const sending = denyAndRecord(subject);
      await optOutProjector.end('SIGKILL');
      await sending;
      optOutProjector = await region.start('opt-out-projector');
    }
    for (const subject of denied) while (!(await isShown(subject))) await sleep(20);
    await settled(region, bus);
    for (const subject of denied) expect(await shown(subject, 'research')).toEqual({ ids: [] });
    while (told.get('direct-care')!.size < denied.size) await sleep(20);
    expect([told.get('population-health')!.size, told.get('research')!.size]).toEqual([0, 0]);
    expect([await messagesOn('population-health'), await messagesOn('research')]).toEqual([0, 0]);
    expect(await region.weft('verify', '--json')).toMatchObject({ status: 0 });
  }, 240_000);
});
