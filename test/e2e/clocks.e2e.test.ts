import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { provision, type Provision } from '@weft/domain';
import { consentOf } from '@weft/care-events';
import { openEngines } from '@weft/service';
import { recordChangesTopic } from '@weft/processing';
import { type AppName, Processes, type Running } from './processes.js';

const HOUR_MS = 3_600_000;
const APPS: readonly AppName[] = ['gateway', 'record-api', 'record-projector', 'opt-out-projector'];
const PATIENT = '9990000018';
const RESEARCH_TOPIC = recordChangesTopic('research');

/** What faketime has a command run with: the command itself is to be the child, so that a signal ends it. */
const preload = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).stdout?.trim() ?? '';
const hasFaketime = preload !== '';
if (!hasFaketime) it.skip('machines whose clocks are wrong: no faketime on the path', () => {});

/** A region each of whose apps is a process, all on one machine, whose clock may be wrong when it is started. */
class Machine {
  private running = new Map<AppName, Running>();
  readonly processes = new Processes({});

  /** @param clock how faketime says that it is off: `-1h`, `+1d`. */
  async start(clock?: string): Promise<void> {
    const wrong: Record<string, string> = clock === undefined ? {} : { LD_PRELOAD: preload, FAKETIME: clock };
    for (const app of APPS) this.running.set(app, await this.processes.start(app, wrong));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running.values()].map((one) => one.end('SIGTERM')));
    this.running = new Map();
  }

  url(app: AppName): string {
    return this.running.get(app)!.url;
  }

  async publish(id: string): Promise<void> {
    const body = JSON.stringify({
      ...{ resourceType: 'Observation', id, status: 'final', code: { text: 'pulse' } },
      subject: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: PATIENT } },
    });
    const headers = { 'content-type': 'application/fhir+json' };
    const answer = await this.processes.as(['publisher'], `${this.url('gateway')}/fhir/Observation/${id}`, {
      ...{ method: 'PUT', body, headers },
    });
    expect([answer.status, answer.status < 300 ? '' : await answer.text()]).toEqual([expect.any(Number), '']);
  }

  async decide(said: Provision): Promise<void> {
    const consent = consentOf({
      ...{ consentId: randomUUID(), subject: PATIENT, authority: 'local-dissent', status: 'active' },
      ...{ decidedBy: 'not-stated', provision: said },
    });
    const body = JSON.stringify(consent);
    const answer = await this.processes.as(['governance'], `${this.url('gateway')}/consents`, {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/fhir+json', prefer: 'wait=20' } },
    });
    expect(await answer.json()).toMatchObject({ state: 'obeyed' });
  }

  /** How many entries research is shown. */
  async shown(): Promise<number> {
    const path = `${this.url('record-api')}/records/${PATIENT}?purpose=research`;
    const answer = await this.processes.as(['governance'], path);
    if (answer.status === 404) return 0;
    return ((await answer.json()) as { entries: readonly unknown[] }).entries.length;
  }

  /** How many entries stand on the topic of research. */
  async standing(): Promise<number> {
    const { bus, close } = await openEngines(this.processes.settings);
    const standing = new Map<string, boolean>();
    for (const { partition, low } of await bus.offsets(RESEARCH_TOPIC))
      for (const { key, value } of await bus.read(RESEARCH_TOPIC, partition, low, 5_000)) standing.set(key, value !== null);
    await close();
    return [...standing.values()].filter(Boolean).length;
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await holds()); tries += 1) {
      if (tries > 300) throw new Error(`it did not come to pass that ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async close(): Promise<void> {
    await this.processes.close();
  }
}

(hasFaketime ? describe : describe.skip)('a machine whose clock is wrong', () => {
  let machine: Machine;
  beforeEach(() => void (machine = new Machine()));
  afterEach(() => machine.close(), 60_000);

  it('an hour back at a restart, opens nothing that a denial had begun to withhold, and says so', async () => {
    await machine.start();
    await machine.publish('a');
    await machine.until('the entry is shown', async () => (await machine.shown()) === 1);
    await machine.decide(provision('deny', ['research'], { from: Date.now() + 3_000 }));
    await machine.until('the denial begins', async () => (await machine.shown()) === 0);
    await machine.until('the entry is withdrawn', async () => (await machine.standing()) === 0);
    await machine.stop();
    await machine.start('-1h');
    expect(await machine.shown()).toBe(0);
    const status = await machine.processes.as(['operations'], `${machine.url('record-api')}/status`);
    const { clocksApartSeconds } = (await status.json()) as { clocksApartSeconds: { receipts: number } };
    expect(clocksApartSeconds.receipts).toBeGreaterThan(3_500);
    const ready = await fetch(`${machine.url('opt-out-projector')}/readyz`);
    expect(await ready.json()).toMatchObject({
      status: 'ready',
      details: { 'clocks-apart': expect.stringContaining('receipts') },
    });
    expect(await machine.standing()).toBe(0);
  }, 300_000);

  it('a day ahead at a start, has what it told of a denial that had not ended taken back once it is right', async () => {
    await machine.start();
    await machine.publish('a');
    await machine.until('the entry is told', async () => (await machine.standing()) === 1);
    await machine.decide(provision('deny', ['research'], { until: Date.now() + HOUR_MS }));
    expect([await machine.shown(), await machine.standing()]).toEqual([0, 0]);
    await machine.stop();
    await machine.start('+1d');
    await machine.until('the clock that is ahead has it told', async () => (await machine.standing()) === 1);
    await machine.stop();
    await machine.start();
    expect(await machine.shown()).toBe(0);
    await machine.until('it is withdrawn', async () => (await machine.standing()) === 0);
  }, 300_000);
});
