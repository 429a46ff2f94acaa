import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_RULES } from '@weft/domain';
import {
  careEventsTopic,
  type EventBus,
  listQuarantine,
  loadNumber,
  type Message,
  NATIONAL_EVENTS_TOPIC,
  NATIONAL_GROUP,
  RECORD_PROJECTOR_GROUP,
} from '@weft/processing';
import { createRegion, loadSettings, openService, type Service, systemTimers } from '@weft/service';

const mainOf = (app: string): string => fileURLToPath(new URL(`../../${app}/dist/main.js`, import.meta.url));
const STAND_IN = fileURLToPath(new URL('../../../infra/pds/pds.mjs', import.meta.url));
const NUMBERS = ['9990000018', '9990000026', '9990000034', '9990000042', '9990000050', '9990000069'] as const;
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

interface StandInAddresses {
  readonly url: string;
  readonly pdsUrl: string;
  readonly tokenUrl: string;
  readonly queueUrl: string;
  readonly mailbox: string;
  readonly accessKeyId: string;
}

describe.each(['sqs', 'mesh'] as const)('the national-gateway as a process, by %s', (kind) => {
  let directory: string;
  let nation: StandInAddresses;
  let env: Record<string, string>;
  let service: Service;
  let bus: EventBus;
  const children: ChildProcess[] = [];
  const file = (name: string, text: string | object): string => {
    const path = join(directory, name);
    writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text), { mode: 0o600 });
    return path;
  };

  beforeEach(async () => void (directory = mkdtempSync(join(tmpdir(), 'weft-national-'))));
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await service?.close();
    rmSync(directory, { recursive: true });
  });

  async function region(demographics: readonly string[]): Promise<void> {
    const options = ['--port', '0', '--public-key', file('public.pem', publicKey), '--duplicates', '0.5', '--shuffle'];
    const standIn = start(STAND_IN, [...options, '--visibility', '1'], { PATH: process.env['PATH']! }, 'pipe');
    const [line] = (await once(standIn.child.stdout!, 'data')) as [Buffer];
    nation = JSON.parse(line.toString()) as StandInAddresses;
    const organisations = [
      { ods: 'RX901', name: 'Acute trust', kind: 'acute' },
      { ods: 'X26', name: 'Demographics service', kind: 'acute' },
    ];
    const policy = { name: 'test', rules: DEFAULT_RULES, identity: { demographics } };
    env = {
      ...{ PATH: process.env['PATH']!, WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'info' },
      WEFT_ORGANISATIONS: file('organisations.json', organisations),
      WEFT_POLICY: file('policy.json', policy),
      WEFT_NATIONAL: file('national.json', { organisation: 'X26', pds: pds(), inbox: { [kind]: inbox() } }),
    };
    await (await createRegion(loadSettings({ ...env, WEFT_LOG_LEVEL: 'fatal' }))).close();
    service = await openService(loadSettings({ ...env, WEFT_LOG_LEVEL: 'fatal' }));
    bus = service.bus;
  }

  const pds = () => ({
    url: nation.pdsUrl,
    token: { url: nation.tokenUrl, clientId: 'weft', keyId: 'key-1', keyFile: file('private.pem', privateKey) },
  });
  function inbox(): object {
    const { url, queueUrl, mailbox, accessKeyId } = nation;
    const sqs = { url: queueUrl, accessKeyId, secretAccessKeyFile: file('secret', 'stand-in-secret\n'), waitSeconds: 1 };
    const files = { passwordFile: file('password', 'stand-in-password'), sharedKeyFile: file('shared', 'stand-in-shared-key') };
    return kind === 'sqs' ? sqs : { url, mailbox, ...files, pollSeconds: 1 };
  }

  function start(
    main: string,
    args: readonly string[],
    environment: Record<string, string>,
    stdout: 'ignore' | 'pipe' = 'ignore',
  ) {
    const child = spawn(process.execPath, [main, ...args], { env: environment, stdio: ['ignore', stdout, 'pipe'] });
    children.push(child);
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => void (errors += chunk));
    return { child, exited: once(child, 'exit'), errors: () => errors };
  }

  async function tell(what: 'people' | 'signals' | 'raw' | 'faults', body: object | string): Promise<void> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    expect((await fetch(`${nation.url}/stand-in/${what}`, { method: 'POST', body: text })).status).toBe(204);
  }
  const inboxed = async (): Promise<number> =>
    ((await (await fetch(`${nation.url}/stand-in`)).json()) as { readonly inbox: number }).inbox;

  async function told(): Promise<Message[]> {
    const found: Message[] = [];
    for (const { partition, high } of await bus.offsets(careEventsTopic('X26'))) {
      for (let from = 0; from < high; from = found.at(-1)!.offset + 1) {
        found.push(...(await bus.read(careEventsTopic('X26'), partition, from)));
      }
    }
    return found;
  }

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await systemTimers.sleep(20);
  }

  async function isDone(group: string, topic: string): Promise<boolean> {
    const committed = new Map((await bus.committed(group, topic)).map((one) => [one.partition, one.offset]));
    return (await bus.offsets(topic)).every(({ partition, high }) => high === 0 || (committed.get(partition) ?? -1) >= high);
  }
  const isAllTold = async (): Promise<boolean> => (await inboxed()) === 0 && isDone(NATIONAL_GROUP, NATIONAL_EVENTS_TOPIC);

  const [dead, moved, old, surviving, restricted, unknown] = NUMBERS;
  async function happen(): Promise<void> {
    await tell('people', { nhsNumber: dead, deceasedDateTime: '2026-06-09', deathNotificationStatus: '1' });
    await tell('people', { nhsNumber: moved, generalPractitioner: 'Y90002' });
    await tell('people', { nhsNumber: surviving });
    await tell('people', { nhsNumber: old, supersededBy: surviving });
    await tell('people', { nhsNumber: restricted, security: 'R' });
    for (const form of ['fhir', 'cloudevent']) {
      await tell('signals', { type: 'pds-death-notification-2', subject: dead, form });
      await tell('signals', { type: 'pds-change-of-gp-2', subject: moved, form });
      await tell('signals', { type: 'nhs-number-change-2', subject: old, form });
      await tell('signals', { type: 'pds-record-change-2', subject: restricted, versionId: 'W/"1"', form });
      await tell('signals', { type: 'mns-test-signal-1', form });
    }
    await tell('signals', { type: 'pds-change-of-gp-2', subject: unknown });
    await tell('raw', 'no signal');
  }

  it('tells each thing once, killed again and again wherever it is, and leaves nothing in the inbox', async () => {
    await region(['X26']);
    await happen();
    const logs: string[] = [];
    for (let kill = 0; kill < 6; kill += 1) {
      const [before, left] = [(await told()).length, await inboxed()];
      const { child, exited, errors } = start(mainOf('national-gateway'), [], env);
      // At the inbox, or at PDS, or between them.
      const isAt = kill % 2 === 0 ? async () => (await inboxed()) < left : async () => (await told()).length > before;
      await until(async () => (await isAt()) || isAllTold());
      child.kill('SIGKILL');
      await exited;
      logs.push(errors());
    }
    const last = start(mainOf('national-gateway'), [], env);
    await until(isAllTold);
    last.child.kill('SIGTERM');
    await last.exited;
    const events = new Map<string, string>();
    for (const { headers, value } of await told()) {
      const said = `${headers['ce_type']} ${headers['ce_subject']} ${new TextDecoder().decode(value!)}`;
      const id = headers['ce_id'] ?? '';
      expect(events.get(id) ?? said).toBe(said);
      events.set(id, said);
    }
    expect([...events.values()].map((said) => said.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      `care-event-recorded-1 ${moved}`,
      `care-event-recorded-1 ${restricted}`,
      `patient-died-1 ${dead}`,
      `patient-merged-1 ${old}`,
    ]);
    const codes = (await listQuarantine(bus)).flatMap(({ problems }) => problems.map(({ code }) => code));
    expect([...new Set(codes)].sort()).toEqual(['not-json', 'not-known-to-pds']);
    for (const log of [...logs, last.errors()]) for (const number of NUMBERS) expect(log).not.toContain(number);
  });

  if (kind === 'mesh') return;

  it('ends at once with what is wrong with its settings', async () => {
    await region(['X26']);
    const none = start(mainOf('national-gateway'), [], { ...env, WEFT_NATIONAL: '' });
    expect(await none.exited).toEqual([2, null]);
    expect(none.errors()).toContain('WEFT_NATIONAL: is missing');
    const stranger = { organisation: 'X99', pds: pds(), inbox: { sqs: inbox() } };
    const strange = start(mainOf('national-gateway'), [], { ...env, WEFT_NATIONAL: file('strange.json', stranger) });
    expect(await strange.exited).toEqual([2, null]);
    expect(strange.errors()).toContain('WEFT_NATIONAL: organisation is none of the region’s');
  });

  it.each([
    ['is in the record where the policy lets the demographics service say so', ['X26'], true],
    ['stands in quarantine where the policy does not', [], false],
  ] as const)('what it tells of a death and a changed number %s', async (_, demographics, counts) => {
    await region(demographics);
    await happen();
    const apps = ['national-gateway', 'record-projector'].map((app) => start(mainOf(app), [], env));
    await until(isAllTold);
    await until(() => isDone(RECORD_PROJECTOR_GROUP, careEventsTopic('X26')));
    for (const { child, exited } of apps) {
      child.kill('SIGTERM');
      await exited;
    }
    const numberOf = (nhsNumber: string) => loadNumber(service.store, service.keys.patient(nhsNumber));
    const died = [...(await numberOf(dead)).record.entries.values()].filter(({ id }) => id.includes('/death/'));
    expect(died).toHaveLength(counts ? 1 : 0);
    expect((await numberOf(old)).identity.supersededBy?.key ?? null).toBe(counts ? service.keys.patient(surviving) : null);
    const refused = (await listQuarantine(bus)).filter(({ from }) => from.topic === careEventsTopic('X26'));
    expect(refused.flatMap(({ problems }) => problems.map(({ code }) => code)).sort()).toEqual(
      counts ? [] : ['not-yours-to-merge', 'not-yours-to-record-a-death'],
    );
    const patients = await Promise.all([moved, restricted].map(numberOf));
    for (const { record } of patients) expect(record.entries.size).toBe(1);
    expect(apps[0]!.errors().includes('identity.demographics')).toBe(!counts);
  });
});
