import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PURPOSES } from '@weft/domain';
import { openService, openWiring } from '@weft/service';
import { Processes } from './processes.js';
import { outsideEngines, publishBundle, samples, startRegion } from './region.js';

const WEFT = join(import.meta.dirname, '..', '..', 'tools', 'weft.mjs');
const SAMPLES = samples().filter(({ nhsNumber }) => /[13]$/.test(nhsNumber));
const withSamples = SAMPLES.length === 0 ? describe.skip : describe;
/** So long after its start each replay is killed, in ms: while it opens, in the middle of its work, about its end. */
const KILL_AFTER_MS = [400, 700, 900, 1_100, 1_300, 1_600];

interface Replayed {
  readonly done: number;
  readonly total: number;
  readonly changed: number;
  readonly changes: { readonly withdrawn: number };
}
interface Verified {
  readonly views: number;
  readonly differing: readonly { readonly view: string }[];
}

withSamples('weft replay, after a policy that nobody rebuilt for', () => {
  let region: Processes;
  const json = async <T>(...words: readonly string[]) => {
    const { status, stdout } = await region.weft(...words, '--json');
    return { status, ...(JSON.parse(stdout) as T) };
  };
  const differing = async () => (await json<Verified>('verify')).differing.map(({ view }) => view);

  beforeAll(async () => {
    region = new Processes({ WEFT_LOG_LEVEL: 'fatal' });
    const running = await startRegion({ directory: region.directory });
    for (const sample of SAMPLES) await publishBundle(running, sample);
    await running.settled();
    await running.close();
    // An opt-out-projector that ran would bring it to the views.
    const service = await openService(region.settings);
    const { policies } = openWiring(service);
    const { policy } = await policies.current();
    const rule = {
      id: 'no-medication',
      purposes: PURPOSES,
      when: { resourceTypes: ['MedicationRequest'] },
      effect: 'deny',
      plainEnglish: 'Nobody is told of medicines.',
    } as const;
    await policies.adopt({ ...policy, rules: [rule, ...policy.rules] });
    await service.close();
  }, 240_000);
  afterAll(() => region.close());

  it('says with a dry run what would change, as verify does, and changes nothing', async () => {
    const before = await differing();
    const { status, changed, changes } = await json<Replayed>('replay', 'direct-care', '--dry-run');
    expect(status).toBe(0);
    expect(changed).toBe(before.filter((view) => view.startsWith('direct-care@')).length);
    expect(changed).toBeGreaterThan(0);
    expect(changes.withdrawn).toBeGreaterThan(0);
    expect(await differing()).toEqual(before);
    expect((await region.weft('verify')).status).toBe(1);
  }, 240_000);

  it('may be killed with -9 at any moment and run again, until every view is right', async () => {
    let killed = 0;
    for (const afterMs of KILL_AFTER_MS) {
      const env = { ...outsideEngines(), ...region.environment };
      const child = spawn(process.execPath, [WEFT, 'replay', 'direct-care'], { env, stdio: 'ignore' });
      const signal = await new Promise<NodeJS.Signals | null>((resolve) => {
        const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
        child.once('exit', (_, by) => {
          clearTimeout(timer);
          resolve(by);
        });
      });
      if (signal === 'SIGKILL') killed += 1;
    }
    expect(killed).toBeGreaterThan(0);
    const { done, total } = await json<Replayed>('replay', 'direct-care');
    expect(done).toBeLessThanOrEqual(total);
    expect((await differing()).filter((view) => view.startsWith('direct-care@'))).toEqual([]);
    for (const purpose of PURPOSES) expect((await region.weft('replay', purpose)).status).toBe(0);
    expect(await differing()).toEqual([]);
    expect((await region.weft('verify')).status).toBe(0);
  }, 240_000);
});
