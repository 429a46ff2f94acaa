import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, issueToken, loadSettings, type Settings } from '@weft/service';
import { verifyViews } from '@weft/processing';
import { publishBundle, samples, SECRETS, startRegion, type Sample } from './region.js';

const KILLS = 6;
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

async function post(url: string, settings: Settings, { organisation, text }: Sample): Promise<boolean> {
  const token = await issueToken(settings, systemClock, { roles: ['publisher'], organisation });
  const headers = { 'content-type': 'application/fhir+json', authorization: `Bearer ${token}` };
  try {
    return (await fetch(`${url}/fhir`, { method: 'POST', body: text, headers })).status === 202;
  } catch {
    return false;
  }
}

withSamples('weft up, killed with -9 at any moment while organisations publish', () => {
  it('has after its restarts the same digests as a region that nobody disturbed', async () => {
    const undisturbed = await startRegion();
    for (const sample of SAMPLES) await publishBundle(undisturbed, sample);
    await undisturbed.settled();
    const { digests } = await verifyViews(undisturbed.wiring);
    await undisturbed.close();

    const directory = mkdtempSync(join(tmpdir(), 'weft-killed-'));
    const environment = { ...process.env, ...SECRETS, WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal' };
    const settings = loadSettings({ ...SECRETS, WEFT_DATA_DIR: directory });
    const left = [...SAMPLES];
    for (let kills = 0; kills < KILLS && left.length > 0; kills += 1) {
      const { child, url } = await up(environment);
      // The moment is chosen by how far the publishing got, not by a clock: in the middle of one of the next requests.
      const killAt = left.length - Math.ceil(left.length / (KILLS - kills + 1));
      while (left.length > killAt) {
        const publishing = post(url, settings, left[0] as Sample);
        if (left.length - 1 === killAt) setTimeout(() => child.kill('SIGKILL'), 3 * kills * kills);
        if (await publishing) left.shift();
        else if (child.exitCode !== null || child.signalCode !== null) break;
      }
      if (child.exitCode === null && child.signalCode === null) await killed(child, 'SIGKILL');
    }
    const { child, url } = await up(environment);
    while (left.length > 0) if (await post(url, settings, left[0] as Sample)) left.shift();
    await killed(child, 'SIGTERM');

    const healed = await startRegion({ directory });
    await healed.settled();
    expect(await verifyViews(healed.wiring)).toMatchObject({ differing: [], digests });
    await healed.close();
    rmSync(directory, { recursive: true, force: true });
  }, 300_000);
});
