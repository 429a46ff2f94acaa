import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adt, pv1 } from '../../../libs/hl7v2/src/mapping/messages.fixture.js';
import { EXIT } from './failure.js';
import { temporaryNumber } from './demo/people.js';
import { runWeft } from './weft.fixture.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const WEFT = join(ROOT, 'tools', 'weft.mjs');
const EXAMPLE = join(ROOT, 'apps', 'cli', 'examples', 'first-contact.json');
const directory = mkdtempSync(join(tmpdir(), 'weft-up-'));
// As a person has it who calls weft by its name.
const { npm_lifecycle_event: _, ...inherited } = process.env;
const environment = { ...inherited, WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'fatal' };

interface Up {
  readonly child: ChildProcess;
  readonly said: string;
  readonly url: string;
}

interface Audited {
  readonly action: string;
}

/** Resolves once it says what to try next: then everything is there. */
const up = (...options: readonly string[]): Promise<Up> => upWith({}, ...options);

async function upWith(env: Readonly<Record<string, string>>, ...options: readonly string[]): Promise<Up> {
  const child = spawn(process.execPath, [WEFT, 'up', ...options], {
    env: { ...environment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  return new Promise((resolve, reject) => {
    const hear = (data: Buffer): void => {
      said += String(data);
      if (!said.includes('Ctrl-C stops it')) return;
      resolve({ child, said, url: /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? '' });
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => reject(new Error(`weft up ended with ${code}: ${said}`)));
  });
}

/** Its exit code, once it has ended. */
const stopped = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });

/** Commands run in this process, as the real ones do in theirs; `typed` runs one as a person does. */
const weft = (line: string, env: Record<string, string> = {}) =>
  runWeft(line, { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal', ...env });
const typed = (line: string) => spawnSync(process.execPath, [WEFT, ...line.split(' ')], { env: environment, encoding: 'utf8' });

const json = async <T>(line: string, env: Record<string, string> = {}): Promise<T> =>
  JSON.parse((await weft(`${line} --json`, env)).out) as T;

describe('weft up --demo', () => {
  let running: Up;
  const there = () => ({ WEFT_URL: running.url });

  beforeAll(async () => {
    running = await up('--demo', '14');
  });
  afterAll(async () => {
    await stopped(running.child);
    rmSync(directory, { recursive: true, force: true });
  });

  it('tells what has become of the region, and that every view is right', () => {
    expect(running.said).toMatch(/Y90001 +GP practice +\d+ +1\n/);
    expect(running.said).toMatch(/research +\d+ +[1-9]\d*\n/);
    expect(running.said).toContain('1 message in quarantine');
    expect(running.said).toMatch(/✓ each of \d+ views is what record, decisions and policy make it/);
  });

  it('has what the acute trust sent by HL7 v2 in the record too', async () => {
    const { entries } = await json<{ entries: readonly { readonly resourceType: string; readonly resource: object }[] }>(
      'record 9990000018',
      there(),
    );
    const said = entries.filter(({ resource }) => JSON.stringify(resource).includes('Haemoglobin'));
    expect(said.map(({ resourceType }) => resourceType)).toEqual(['Observation']);
    expect(await json('status', there())).toMatchObject({
      groups: expect.arrayContaining([expect.objectContaining({ group: 'weft.hl7-projector', lag: 0 })]),
      hl7v2Waiting: { RX901: { messages: 0 } },
      recordsToReview: { people: 0 },
    });
  });

  it('says three commands that work when they are pasted', () => {
    const commands = [...running.said.matchAll(/^ {2}weft (.*)$/gm)].map(([, line]) => line as string);
    expect(commands.map((line) => line.split(' ')[0])).toEqual(['record', 'explain', 'opt-out']);
    expect(commands.map((line) => typed(line).status)).toEqual([0, 0, 0]);
  });

  it('obeys an objection at once and an agreement after it, and explains why', async () => {
    const research = () => json<{ entries: unknown[]; withheld: number }>('record 9990000018 --purpose research', there());
    const shared = async () => (await research()).entries.length;
    expect(await weft('opt-out 9990000018 --purpose research', there())).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('obeyed'),
    });
    expect(await shared()).toBe(0);
    expect((await weft('explain 9990000018', there())).out).toContain('local-dissent: You told your local services');
    expect((await weft('opt-in 9990000018 --purpose research', there())).exitCode).toBe(0);
    expect(await research()).toMatchObject({ withheld: 0 });
    expect(await shared()).toBeGreaterThan(10);
  });

  it('lists a person’s streams, with their sizes and kinds of events, and nothing that they say', async () => {
    expect((await weft('record 9990000018', there())).exitCode).toBe(EXIT.ok);
    const { out, exitCode } = await weft('streams 9990000018', there());
    expect(exitCode).toBe(EXIT.ok);
    expect(out).toMatch(
      /^careRecord-[0-9a-f]{32}\n {2}\d+ events, revisions 0 to \d+, [\d.]+ KiB\n {4}\d+ care-event-recorded-1\n/m,
    );
    expect(out).toMatch(/^auditOf-[0-9a-f]{32}\n/m);
    expect(out).not.toContain('9990000018');
    const nobody = await weft('streams 9434765919 --json', there());
    expect([nobody.exitCode, JSON.parse(nobody.out)]).toEqual([EXIT.finding, { streams: [] }]);
  });

  it('lists who looked, who decided and which subscriber was told, each subscriber once, across a restart too', async () => {
    const told = async () => {
      const { entries } = await json<{ entries: readonly Audited[] }>('audit 9990000018', there());
      return entries.filter(({ action }) => action === 'told');
    };
    /** In a process of its own, until it has been told everything up to now. */
    const subscribe = async (): Promise<void> => {
      const words = ['subscribe', 'research', '--from-beginning', '--org', 'RX902', '--url', running.url];
      const child = spawn(process.execPath, [WEFT, ...words], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      for await (const data of child.stderr) if ((said += String(data)).includes('up to now')) break;
      await stopped(child);
    };
    await subscribe();
    const once = [expect.objectContaining({ organisation: 'RX902', purpose: 'research', outcome: 'given' })];
    expect(await told()).toEqual(once);
    await stopped(running.child);
    running = await up('--demo', '14');
    await subscribe();
    expect(await told()).toEqual(once);
    const { out } = await weft('audit 9990000018', there());
    for (const words of ['looked at record', 'decided', 'was told']) expect(out).toContain(words);
  });

  it('tells a named subscription what happened while it was away, and while Weft itself was', async () => {
    const words = ['subscribe', 'research', '--name', 'copy', '--from-beginning', '--org', 'RX902', '--url', running.url];
    const following = () => {
      const child = spawn(process.execPath, [WEFT, ...words], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      const said = { out: '', err: '' };
      /** Resolves once it has said so, or has ended. */
      const hears = (what: RegExp) =>
        new Promise<void>((resolve) => {
          const look = (): void => (what.test(said.out + said.err) ? resolve() : undefined);
          for (const stream of [child.stdout, child.stderr]) stream.on('data', () => setImmediate(look));
          child.once('close', () => resolve());
          look();
        });
      child.stdout.on('data', (data) => (said.out += String(data)));
      child.stderr.on('data', (data) => (said.err += String(data)));
      return { child, said, hears };
    };
    const first = following();
    await first.hears(/up to now/);
    expect(await stopped(first.child)).toBe(0);
    expect(first.said.out).toContain('+ included');
    expect(first.said.err).toContain('weft subscribe research --name copy');
    await weft('opt-out 9990000018 --purpose research', there());
    const second = following();
    await second.hears(/up to now/);
    expect(second.said.out).toContain('- withdrawn');
    expect(second.said.out).not.toContain('+ included');
    await stopped(running.child);
    running = await up('--demo', '14', '--port', new URL(running.url).port);
    await weft('opt-in 9990000018 --purpose research', there());
    await second.hears(/\+ included/);
    expect(second.said.out).toContain('+ included');
    expect(second.said.err).toMatch(/trying again until it is back[^]*it is back/);
    await stopped(second.child);
  }, 180_000);

  it('has in the audit who proposed a policy, and who adopted it', async () => {
    const file = join(directory, 'policy.json');
    const { name, ...shown } = await json<{ name: string }>('policy show', there());
    writeFileSync(file, JSON.stringify({ ...shown, name: `${name}, renamed` }));
    const adopted = await weft(`policy adopt ${file} --reason Agreed --subject anna`, there());
    expect(adopted).toMatchObject({ exitCode: 0, out: expect.stringContaining('is in force as version 2') });
    const token = (await weft('token --role governance')).out.trim();
    const audit = await fetch(`${running.url}/audit`, { headers: { authorization: `Bearer ${token}` } });
    const { entries } = (await audit.json()) as { entries: readonly Audited[] };
    const acts = entries.filter(({ action }) => action.endsWith('-policy'));
    expect(acts).toEqual([
      expect.objectContaining({ who: 'the settings', action: 'adopt-policy', about: 'version 1' }),
      expect.objectContaining({ who: 'anna', action: 'propose-policy', about: expect.stringMatching(/^proposal /) }),
      expect.objectContaining({ who: 'anna', action: 'adopt-policy', about: 'version 2' }),
    ]);
  });

  it('shows the record of a number that was merged under the surviving one, and says so', async () => {
    const merged = temporaryNumber(8);
    const record = await json<{ movedTo: string; entries: unknown[] }>(`record ${merged}`, there());
    expect(record).toMatchObject({ movedTo: expect.stringMatching(/^999000/) });
    expect(record.entries).toEqual((await json<{ entries: unknown[] }>(`record ${record.movedTo}`, there())).entries);
    expect((await weft(`record ${merged}`, there())).out).toContain('merged into 999 000');
  });

  it('holds what somebody wrote past the gateway in quarantine, until it is mended and sent back', async () => {
    const list = () => json<{ id: string }[]>('quarantine list', there());
    const [found] = await list();
    expect((await weft(`quarantine show ${found?.id}`, there())).out).toContain('"finished"');
    const mended = join(directory, 'mended.json');
    writeFileSync(mended, '{"resourceType":"Observation","id":"demo-broken","status":"final","code":{"text":"Body weight"}}');
    const mend = `quarantine mend ${found?.id} --file ${mended} --reason misspelt --subject anna`;
    const { digest } = await json<{ digest: string }>(mend, there());
    expect((await weft(`quarantine show ${found?.id} --mended --subject bert`, there())).out).toContain('"final"');
    const approve = (subject: string) => weft(`quarantine approve ${found?.id} --digest ${digest} --subject ${subject}`, there());
    expect(await approve('anna')).toMatchObject({ exitCode: 1, err: expect.stringContaining('somebody else') });
    expect((await approve('bert')).exitCode).toBe(0);
    expect(await list()).toEqual([]);
    expect(await weft(`quarantine show ${found?.id}`, there())).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('404'),
    });
  });

  it('describes its API by the names that the modules give their answers, bundled as they are', async () => {
    const described = await fetch(`${running.url}/docs-json`);
    const { components } = (await described.json()) as { components: { schemas: Record<string, unknown> } };
    expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(['EntryAnswer', 'RecordAnswer', 'TopicStatus']));
    expect(Object.keys(components.schemas).filter((name) => !/^[A-Z][A-Za-z]+$/.test(name))).toEqual([]);
  });

  it('publishes a Bundle again as the same events', async () => {
    const settled = async () => {
      while ((await json<{ lag: number }>('status', there())).lag > 0);
      return (await json<{ version: string }>('record 9990000018', there())).version;
    };
    expect(await json(`publish ${EXAMPLE} --org RX901`, there())).toEqual({ accepted: 3, refused: 0 });
    const once = await settled();
    const again = await json(`publish ${EXAMPLE} --org RX901 --wait`, there());
    expect(again).toMatchObject({ accepted: 3, new: 0, unchanged: 3, duplicate: 0, quarantined: 0, pending: 0 });
    expect(await settled()).toBe(once);
  });

  it('replays a view for everybody while it runs, changes nothing, and verifies', async () => {
    expect(await json('replay research')).toMatchObject({ done: 15, total: 15, changed: 0, interrupted: false });
    expect(await json('replay research --dry-run --patient 9990000018')).toMatchObject({ done: 1, changed: 0 });
    expect(await weft('replay research --patient 9990009996')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('nothing is known of this NHS number'),
    });
    expect(await json('verify --wait')).toMatchObject({ records: 15, views: 60, differing: [], unread: 0 });
  });

  it('tells subscribers everything again when asked to, and knows only the versions of a view that are written', async () => {
    expect((await weft('replay research --tell-all')).out).toMatch(
      /15 of 15 records looked at, \d+ views told whole\n {2}\d+ included/,
    );
    expect(await json('replay research --view-version 2')).toMatchObject({ done: 15, changed: 0 });
    const unknown = await weft('replay research --view-version 7');
    expect(unknown).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('version 7 of the view for research is not written here'),
    });
    expect(unknown.err).toContain('these are: 2');
  });

  it('refuses a second one on the same directory, and a port that is taken, in a sentence', async () => {
    expect(await weft('up')).toMatchObject({ exitCode: 2, err: expect.stringMatching(/in use by another weft up, process \d+/) });
    const other = mkdtempSync(join(tmpdir(), 'weft-other-'));
    const { port } = new URL(running.url);
    expect(await weft(`up --port ${port}`, { WEFT_DATA_DIR: other })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('in use'),
    });
    rmSync(other, { recursive: true, force: true });
  });

  it('stops cleanly with exit code 0, and on the same directory does not tell the region again', async () => {
    const state = async () => {
      const { digests } = await json<{ digests: unknown }>('verify');
      const { topics } = await json<{ topics: unknown }>('status', there());
      return { digests, topics };
    };
    const before = await state();
    expect(await stopped(running.child)).toBe(0);
    running = await up('--demo', '14');
    expect(running.said).toContain('is there already');
    expect(await state()).toEqual(before);
  });
});

describe('weft up with a listener for HL7 v2', () => {
  const own = mkdtempSync(join(tmpdir(), 'weft-up-hl7v2-'));
  const listenersAt = (port: number): string => {
    const path = join(own, `listeners-${port}.json`);
    writeFileSync(path, JSON.stringify([{ name: 'pas', organisation: 'RX901', port }]));
    return path;
  };
  afterAll(() => rmSync(own, { recursive: true, force: true }));

  it('has what an engine sends in the record', async () => {
    const env = { WEFT_DATA_DIR: own, WEFT_HL7V2_LISTENERS: listenersAt(0), WEFT_LOG_LEVEL: 'info' };
    const running = await upWith(env);
    const port = Number(/"listener":"pas","port":(\d+)/.exec(running.said)?.[1]);
    const path = join(own, 'admission.hl7');
    writeFileSync(path, adt('A01', {}, pv1()).replaceAll('\n', '\r'));
    const there = { WEFT_DATA_DIR: own, WEFT_URL: running.url, WEFT_HL7V2_LISTENERS: listenersAt(port) };
    expect((await weft(`hl7v2 send ${path}`, there)).out).toContain('admission.hl7:1 AA');
    expect(await json('verify --wait', there)).toMatchObject({ records: 1, differing: [], unread: 0 });
    expect((await weft('record 9990000018', there)).out).toContain('Encounter: inpatient encounter (in-progress)');
    expect(await json('status', there)).toMatchObject({ hl7v2Waiting: { RX901: { messages: 0 } } });
    expect(await stopped(running.child)).toBe(0);
  });
});
