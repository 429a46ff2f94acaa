import { provision } from '@weft/domain';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consentOf } from '@weft/care-events';
import { verifyViews } from '@weft/processing';
import { issueToken, loadSettings, type Role, type Settings, systemClock } from '@weft/service';
import { outsideEngines, samples, SECRETS, startRegion, type Sample } from './region.js';

/** So long after a request has begun it is killed, in ms: before, in the middle of and after what becomes of it. */
const KILL_AFTER_MS = [0, 1, 3, 8, 20, 45, 90, 200];
/** So long after its start, in ms: while it opens what it left half done. */
const KILL_STARTING_AFTER_MS = [150, 300, 450, 600];
/** The people of fewer files make as many kills meet as many different moments. */
const SAMPLES = samples().filter(({ nhsNumber }) => nhsNumber.endsWith('1') || nhsNumber.endsWith('3'));
const withSamples = SAMPLES.length === 0 ? describe.skip : describe;
const WEFT = join(import.meta.dirname, '..', '..', 'tools', 'weft.mjs');

/** `weft up` as its own process; resolves with its address once it is ready. */
async function up(environment: NodeJS.ProcessEnv): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const child = spawn(process.execPath, [WEFT, 'up', '--port', '0'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      said.push(String(data));
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said.join(''))?.[0];
      if (address !== undefined) resolve(address);
    });
    child.stderr.on('data', (data: Buffer) => said.push(String(data)));
    child.once('exit', () => reject(new Error(`weft up ended before it was ready: ${said.join('')}`)));
  });
  return { child, url };
}

async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** What is sent, the same each time it is sent again. */
interface Sending {
  readonly role: Role;
  readonly organisation: string;
  readonly path: string;
  readonly text: string;
}

const publication = ({ organisation, text }: Sample): Sending => ({ role: 'publisher', organisation, path: '/fhir', text });

const objection = ({ organisation, nhsNumber }: Sample): Sending => {
  const about = {
    subject: nhsNumber,
    consentId: `of-${organisation}`,
    decidedAt: '2026-01-01T10:00:00Z',
    decidedBy: 'patient',
  } as const;
  const consent = consentOf({
    ...about,
    ...{ authority: 'local-dissent', status: 'active' },
    provision: provision('deny', ['research', 'care-coordination']),
  });
  return { role: 'governance', organisation, path: '/consents', text: JSON.stringify(consent) };
};

/** Bundles, and among them people who object before, between and after what organisations send of them. */
const SENDINGS = SAMPLES.flatMap((sample, index) =>
  index % 3 === 0 ? [publication(sample), objection(sample)] : [publication(sample)],
);

/** Whether it was acknowledged. */
async function send(url: string, settings: Settings, { role, organisation, path, text }: Sending): Promise<boolean> {
  const token = await issueToken(settings, systemClock, { roles: [role], organisation });
  const headers = { 'content-type': 'application/fhir+json', authorization: `Bearer ${token}` };
  const response = await fetch(`${url}${path}`, { method: 'POST', body: text, headers }).catch(() => null);
  if (response !== null) expect([200, 202, 503]).toContain(response.status);
  return response?.ok === true;
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

withSamples('weft up, killed with -9 at any moment while organisations publish and people object', () => {
  it('has after its restarts the same digests as a region that nobody disturbed', async () => {
    const undisturbed = await startRegion();
    for (const sending of SENDINGS) expect(await send(undisturbed.url, undisturbed.service.settings, sending)).toBe(true);
    await undisturbed.settled();
    const { digests, ...counts } = await verifyViews(undisturbed.wiring);
    await undisturbed.close();

    const directory = mkdtempSync(join(tmpdir(), 'weft-killed-'));
    const environment = { ...outsideEngines(), ...SECRETS, WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal' };
    const settings = loadSettings({ ...SECRETS, WEFT_DATA_DIR: directory });
    const left = [...SENDINGS];
    let interrupted = 0;
    for (const [kills, afterMs] of KILL_AFTER_MS.entries()) {
      const { child, url } = await up(environment);
      // How far the publishing gets before it is chosen by count, not by a clock: each kill falls into another part of it.
      const killAt = left.length - Math.ceil(left.length / (KILL_AFTER_MS.length - kills + 1));
      while (!hasEnded(child) && left.length > killAt) {
        const sending = send(url, settings, left[0] as Sending);
        if (left.length - 1 === killAt) setTimeout(() => child.kill('SIGKILL'), afterMs);
        if (await sending) left.shift();
        else interrupted += 1;
      }
      if (!hasEnded(child)) await killed(child, 'SIGKILL');
      const startingMs = KILL_STARTING_AFTER_MS[kills];
      if (startingMs === undefined) continue;
      const starting = spawn(process.execPath, [WEFT, 'up', '--port', '0'], { env: environment, stdio: 'ignore' });
      await new Promise((resolve) => setTimeout(resolve, startingMs));
      await killed(starting, 'SIGKILL');
    }
    expect(interrupted).toBeGreaterThan(0);
    const { child, url } = await up(environment);
    while (left.length > 0) if (await send(url, settings, left[0] as Sending)) left.shift();
    await killed(child, 'SIGTERM');

    const healed = await startRegion({ directory });
    await healed.settled();
    expect(await verifyViews(healed.wiring)).toEqual({ ...counts, differing: [], digests });
    await healed.close();
    rmSync(directory, { recursive: true, force: true });
  }, 300_000);
});
