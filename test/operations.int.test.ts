import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { type Purpose, PURPOSES } from '@weft/domain';
import { openEmbeddedBus, openEmbeddedStore } from '@weft/embedded';
import { GatewayModule } from '@weft/gateway';
import { OptOutProjectorModule } from '@weft/opt-out-projector';
import { careEventsTopic, type EventBus, recordChangesTopic } from '@weft/processing';
import { RecordApiModule } from '@weft/record-api';
import { RecordProjectorModule } from '@weft/record-projector';
import {
  createHttpApp,
  createRegion,
  issueToken,
  listen,
  loadSettings,
  openService,
  openWiring,
  prepareRegion,
  type Role,
  type Service,
  type Settings,
  systemClock,
} from '@weft/service';
import { runWeft } from '../apps/cli/src/weft.fixture.js';
import { linesMatching, type Step, stepsOf } from './guide.js';

const DOCUMENT = 'docs/operations.md';
const ANNE = '9990000018';

/** What the document says of a machine and of a person, and what it is here: below a directory of the test's own. */
const PUT_IN: readonly (readonly [said: RegExp, here: (machine: Machine) => string])[] = [
  [/(?=\/(?:var\/lib|backup|etc)\/)/g, ({ root }) => root],
  [/\bNHS-NUMBER\b/g, () => ANNE],
];

/** What stands in capitals for what an earlier command printed, and how it is found there; the latest counts. */
const PRINTED: readonly (readonly [said: string, where: RegExp])[] = [
  ['PROPOSAL', /weft policy authorise (\S+)/],
  ['CODES', /weft policy codes --authorise (\S+)/],
  ['REQUEST', /weft re-identify authorise (\S+)/],
  ['MESSAGE', /^(weft\.\S+\/\d+\/\d+) /m],
  ['DIGEST', /--digest (\S+)/],
];

/** What starts and stops a process of the machine's does so with the region in this process. */
const ACTS: Readonly<Record<string, (machine: Machine) => Promise<void>>> = {
  'systemctl stop weft': (machine) => machine.stop(),
  'systemctl start weft': (machine) => machine.start(),
  'systemctl stop eventstore': (machine) => machine.stop(),
  // The projectors come once it was seen what is said without them: they take some milliseconds.
  'systemctl start eventstore': (machine) => machine.start([RecordApiModule]),
};

/** Programs of every machine, which run here as they are. */
const PROGRAMS = ['cp', 'mv', 'rm', 'sed', 'openssl'];

/** The one of them that is not on every machine. */
const OPENSSL = `command -v openssl > /dev/null || openssl() { node -p 'crypto.randomBytes(32).toString("hex")'; }`;

/** What needs more than there is here. */
const NOT_RUN: readonly (readonly [command: RegExp, why: string])[] = [
  [/^helm upgrade /, 'a cluster'],
  [/^kubectl exec /, 'a cluster'],
  [/^kafka-topics /, 'Kafka’s own tool; the bus is put back to an earlier copy instead'],
  [/^weft topics --apply$/, 'Kafka; the embedded bus makes its topics by itself'],
  [/\/chaser\.chk /, 'a file of EventStoreDB; the embedded store has none beside its own'],
];

type Modules = readonly (
  typeof GatewayModule | typeof RecordApiModule | typeof RecordProjectorModule | typeof OptOutProjectorModule
)[];
const ALL: Modules = [GatewayModule, RecordApiModule, RecordProjectorModule, OptOutProjectorModule];

interface Status {
  readonly lag: number;
  readonly published: boolean;
  readonly messagesLost: number;
  readonly epoch: number;
  readonly toldAnew: number | null;
}

/** A machine on which a region runs, with everything that the document names of one. */
class Machine {
  readonly root = mkdtempSync(join(tmpdir(), 'weft-operations-'));
  private readonly env: Record<string, string>;
  private running: { readonly service: Service; readonly url: string; close(): Promise<void> } | null = null;
  private readonly printed = new Map<string, string>();
  /** Where the region has its data; of a split one the store. */
  readonly data: string;

  /** `isSplit`: the bus lies in a directory of its own, and the store where EventStoreDB has its files. */
  constructor(private readonly isSplit: boolean) {
    this.data = join(this.root, 'var/lib', isSplit ? 'eventstore' : 'weft');
    for (const directory of ['var/lib', 'backup', 'etc/weft', 'etc/prometheus/weft'])
      mkdirSync(join(this.root, directory), { recursive: true });
    const secrets = ['region', 'research', 'integrity'].map((name) => {
      const file = join(this.root, 'etc/weft', `${name}-secret`);
      writeFileSync(file, `${name}-secret-of-the-tests-of-operations\n`);
      chmodSync(file, 0o600);
      return [`WEFT_${name.toUpperCase()}_SECRET_FILE`, file] as const;
    });
    this.env = {
      ...Object.fromEntries(secrets),
      ...{ WEFT_DATA_DIR: this.data, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'silent', WEFT_LOCAL_TOKEN_HOURS: '720' },
    };
  }

  get busDirectory(): string {
    return join(this.root, 'bus');
  }

  private readonly engines = async (): Promise<Pick<Service, 'bus' | 'store'>> => ({
    bus: await openEmbeddedBus({ directory: this.busDirectory }),
    store: await openEmbeddedStore({ directory: this.data }),
  });

  async start(modules: Modules = ALL): Promise<void> {
    const settings = loadSettings(this.env);
    const service = await this.opened(settings);
    const wiring = openWiring(service);
    const app = await createHttpApp(
      service,
      modules.map((one) => one.register(wiring)),
    );
    const url = await listen(app, settings);
    this.running = { service, url, close: () => app.close() };
    this.env['WEFT_URL'] = url;
  }

  /** `weft up` makes the region in its data directory; where the engines are elsewhere somebody has made it. */
  private async opened(settings: Settings): Promise<Service> {
    if (!this.isSplit) return createRegion(settings);
    const service = await openService(settings, await this.engines());
    await prepareRegion(service);
    return service;
  }

  async stop(): Promise<void> {
    await this.running?.close();
    this.running = null;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  get url(): string {
    return this.running!.url;
  }

  get service(): Service {
    return this.running!.service;
  }

  async tokenOf(roles: readonly Role[], organisation = 'RX901'): Promise<string> {
    return issueToken(loadSettings(this.env), systemClock, { roles, organisation, purposes: PURPOSES });
  }

  async as(roles: readonly Role[], path: string, init: RequestInit & { readonly organisation?: string } = {}): Promise<Response> {
    const authorization = `Bearer ${await this.tokenOf(roles, init.organisation)}`;
    return fetch(`${this.running!.url}${path}`, { ...init, headers: { ...init.headers, authorization } });
  }

  async status(): Promise<Status> {
    return (await (await this.as(['operations'], '/status')).json()) as Status;
  }

  /** Resolves once all that was sent is read and published, where the projectors run. */
  async settled(): Promise<void> {
    for (;;) {
      const { lag, published, messagesLost, toldAnew } = await this.status();
      if (lag === 0 && published && messagesLost === 0 && toldAnew === null) return;
      await this.service.timers.sleep(20);
    }
  }

  publish(id: string, organisation?: string): Promise<number> {
    return this.publishAll([observation(id)], organisation);
  }

  async publishAll(resources: readonly object[], organisation = 'RX901'): Promise<number> {
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) };
    const headers = { 'content-type': 'application/fhir+json' };
    const answer = await this.as(['publisher'], '/fhir', { method: 'POST', body: JSON.stringify(bundle), headers, organisation });
    await answer.body?.cancel();
    await this.settled();
    return answer.status;
  }

  /** Of ANNE, as a clinician sees them. */
  async entries(): Promise<string[]> {
    const answer = await this.as(['clinician'], `/records/${ANNE}`);
    if (answer.status !== 200) return [];
    return ((await answer.json()) as { readonly entries: readonly { readonly id: string }[] }).entries.map(({ id }) => id).sort();
  }

  /** As an organisation writes it that does not ask the gateway. */
  async write(organisation: string, resource: object): Promise<void> {
    const headers = {
      ...{ ce_specversion: '1.0', ce_id: 'written', ce_source: `urn:ods:${organisation}`, ce_type: 'care-event-recorded-1' },
      ...{ ce_subject: ANNE, ce_time: '2026-02-03T10:00:00Z', 'content-type': 'application/fhir+json' },
    };
    const value = Buffer.from(JSON.stringify(resource));
    await this.service.bus.publish([{ topic: careEventsTopic(organisation), key: ANNE, value, headers }]);
    await this.settled();
  }

  /** Runs one line; throws where it does not end as it says, and gives what it prints. */
  async run(line: string): Promise<string> {
    const [, command, said] = /^(.*?)(?:\s+# (.*))?$/.exec(line) as unknown as [string, string, string?];
    if (NOT_RUN.some(([one]) => one.test(command))) return '';
    const act = ACTS[command];
    if (act !== undefined) return act(this).then(() => '');
    const [, exitCode = '0', until] = /exit code (\d+)( until)?/.exec(said ?? '') ?? [];
    const ran = await this.ran(this.here(command));
    const mayEnd = [Number(exitCode), ...(until !== undefined && this.hasProjectors ? [0] : [])];
    if (!mayEnd.includes(ran.exitCode)) throw new Error(`${command} ends with exit code ${ran.exitCode}: ${ran.err}${ran.out}`);
    for (const [word, where] of PRINTED) {
      const found = where.exec(ran.out)?.[1];
      if (found !== undefined) this.printed.set(word, found);
    }
    if (this.running !== null && this.hasProjectors) await this.settled();
    return ran.isKept ? '' : ran.out.replace(/(?<=[^\n])$/, '\n');
  }

  private hasProjectors = true;
  /** Holds what makes a region whole again, until it is let go. */
  hold(): void {
    this.hasProjectors = false;
  }
  async letGo(): Promise<void> {
    this.hasProjectors = true;
    await this.stop();
    await this.start();
  }

  private here(command: string): string {
    const placed = PUT_IN.reduce((text, [said, here]) => text.replace(said, here(this)), command);
    return PRINTED.reduce(
      (text, [word]) => text.replace(new RegExp(`\\b${word}\\b`, 'g'), () => this.printed.get(word)!),
      placed,
    );
  }

  private async ran(command: string) {
    const [program] = command.split(' ', 1) as [string];
    if (program === 'weft') {
      const [, words, file] = /^weft (.*?)(?: > (\S+))?$/.exec(command) as unknown as [string, string, string?];
      const given = [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
      const inRoot = given.map((word) => (/^\w+\.json$/.test(word) ? join(this.root, word) : word));
      const { out, err, exitCode } = await runWeft(inRoot, this.env, false, [], this.isSplit ? this.engines : undefined);
      if (file !== undefined) writeFileSync(file.startsWith('/') ? file : join(this.root, file), out);
      return { out: out.replaceAll(`${this.root}/`, ''), err, exitCode, isKept: file !== undefined };
    }
    if (!PROGRAMS.includes(program)) throw new Error(`${command} is neither run here nor said not to be`);
    const { status, stdout, stderr } = spawnSync('bash', ['-c', `${OPENSSL}\n${command}`], { cwd: this.root, encoding: 'utf8' });
    return { out: stdout, err: stderr, exitCode: status ?? -1, isKept: false };
  }
}

const observation = (id: string, status = 'final') => ({
  resourceType: 'Observation',
  ...{ id, status, code: { text: 'Blood pressure' }, effectiveDateTime: '2026-02-03' },
  subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: ANNE } },
});

const CODES = { 'http://hl7.org/fhir/sid/icd-10': ['E11.9'] };
const diabetes = {
  resourceType: 'Condition',
  id: 'diabetes',
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
  code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'E11.9' }] },
  subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: ANNE } },
};

/** What is there before a procedure, and what it must have come to. */
interface Procedure {
  readonly isSplit?: true;
  before?(machine: Machine): Promise<void>;
  /** Between two blocks of commands. */
  between?(machine: Machine, block: number): Promise<void>;
  after?(machine: Machine): Promise<void>;
}

const isShared = async (machine: Machine, ...ids: readonly string[]): Promise<void> =>
  expect((await machine.entries()).filter((id) => id.startsWith('RX901/Observation/'))).toEqual(
    ids.map((id) => `RX901/Observation/${id}`).sort(),
  );
const messagesOf = async (bus: EventBus, purpose: Purpose) => {
  const topic = recordChangesTopic(purpose);
  return (await Promise.all((await bus.offsets(topic)).map(({ partition, low }) => bus.read(topic, partition, low)))).flat();
};
/** What is shared, as its topic says it. */
const toldOf = async (bus: EventBus, purpose: Purpose): Promise<string[]> =>
  (await messagesOf(bus, purpose)).flatMap(({ value }) => (value === null ? [] : Buffer.from(value).toString()));
const researchKeys = async ({ service }: Machine): Promise<Set<string>> =>
  new Set((await messagesOf(service.bus, 'research')).map(({ key }) => key));
const hasOptedOut = async (machine: Machine): Promise<void> => {
  const answer = await machine.as(['governance'], `/records/${ANNE}?purpose=research`);
  expect(await answer.json()).toMatchObject({ entries: [] });
};
const isInQuarantine = async (machine: Machine, messages: number): Promise<void> =>
  expect(await (await machine.as(['operations'], '/quarantine')).json()).toHaveLength(messages);

let oldToken: string;
let oldKeys: Set<string>;

/** Every procedure of the document, by its heading. */
const PROCEDURES: Readonly<Record<string, Procedure>> = {
  'Rolling the apps': { after: (machine) => isShared(machine, 'a') },
  'Changing the released codes': {
    async before(machine) {
      writeFileSync(join(machine.root, 'codes.json'), JSON.stringify(CODES));
      await machine.publishAll([diabetes]);
      expect((await toldOf(machine.service.bus, 'research')).join()).not.toContain('E11.9');
    },
    async after(machine) {
      expect(await (await machine.as(['governance'], '/released-codes')).json()).toMatchObject({ codes: CODES, waiting: null });
      expect((await toldOf(machine.service.bus, 'research')).join()).toContain('E11.9');
    },
  },
  'Re-identification': {
    async after(machine) {
      const audit = (await (await machine.as(['governance'], `/records/${ANNE}/audit`)).json()) as { readonly entries: object[] };
      expect(JSON.stringify(audit.entries)).toMatch(/re-identif/);
    },
  },
  'Adopting a policy': {
    async after(machine) {
      const policy = (await (await machine.as(['governance'], '/policy')).json()) as object;
      expect(policy).toMatchObject({ version: 2, waits: { individualCareMinutes: 5 } });
    },
  },
  'Backing up the embedded engines': { after: async (machine) => void (await machine.publish('b')) },
  'Restoring the embedded engines': {
    before: (machine) => isShared(machine, 'a', 'b'),
    async after(machine) {
      await isShared(machine, 'a');
      await machine.publish('b');
      await isShared(machine, 'a', 'b');
    },
  },
  'Restoring EventStoreDB': {
    isSplit: true,
    async before(machine) {
      await machine.stop();
      cpSync(machine.data, join(machine.root, 'backup/eventstore'), { recursive: true });
      await machine.start();
      await machine.publish('b');
      await isShared(machine, 'a', 'b');
      machine.hold();
    },
    async between(machine) {
      const answer = await machine.as(['clinician'], `/records/${ANNE}`);
      expect([answer.status, await answer.json()]).toEqual([
        503,
        expect.objectContaining({ type: 'urn:weft:problem:catching-up' }),
      ]);
      await machine.letGo();
    },
    async after(machine) {
      await isShared(machine, 'a', 'b');
      expect((await machine.status()).epoch).toBe(1);
    },
  },
  'Building the store again from the topics': {
    isSplit: true,
    async before(machine) {
      await machine.run('weft opt-out NHS-NUMBER --purpose research');
      await hasOptedOut(machine);
    },
    async after(machine) {
      await isShared(machine, 'a', 'b');
      await hasOptedOut(machine);
      expect((await machine.status()).epoch).toBe(2);
    },
  },
  'Restoring Kafka': {
    isSplit: true,
    async before(machine) {
      await machine.stop();
      cpSync(machine.busDirectory, join(machine.root, 'backup/bus'), { recursive: true });
      await machine.start();
      await machine.publish('c');
      await machine.stop();
      rmSync(machine.busDirectory, { recursive: true });
      cpSync(join(machine.root, 'backup/bus'), machine.busDirectory, { recursive: true });
      await machine.start();
    },
    async after(machine) {
      await isShared(machine, 'a', 'b', 'c');
      // Of the entry that no topic has any more too: the publisher sees what the topics lost when it takes its seat.
      const { bus, timers } = machine.service;
      while (!(await toldOf(bus, 'direct-care')).some((text) => text.includes('RX901/Observation/c'))) await timers.sleep(20);
    },
  },
  'Deriving a view anew': { after: (machine) => isShared(machine, 'a', 'b') },
  Quarantine: {
    async before(machine) {
      await machine.service.bus.createTopics([{ topic: careEventsTopic('RX909'), partitions: 1 }]);
      await machine.write('RX909', observation('early'));
      await isInQuarantine(machine, 1);
      await machine.run("weft organisations add RX909 --name 'Hospice' --kind acute --reason 'It was forgotten' --subject anna");
    },
    async between(machine, block) {
      if (block > 1) return;
      await isInQuarantine(machine, 0);
      expect(await machine.entries()).toContain('RX909/Observation/early');
      await machine.write('RX901', observation('wrong', 'finl'));
      await isInQuarantine(machine, 1);
    },
    async after(machine) {
      await isInQuarantine(machine, 0);
      expect(await machine.entries()).toContain('RX901/Observation/wrong');
    },
  },
  'Adding an organisation': {
    async after(machine) {
      expect(await machine.publish('d', 'RX904')).toBe(200);
      expect(await machine.entries()).toContain('RX904/Observation/d');
    },
  },
  'Suspending an organisation': {
    async between(machine) {
      expect(await machine.publish('e', 'RX904')).toBe(403);
    },
    async after(machine) {
      expect(await machine.publish('e', 'RX904')).toBe(200);
    },
  },
  "The local key pair, and Prometheus' token": {
    async before(machine) {
      oldToken = await machine.tokenOf(['operations']);
    },
    async after(machine) {
      const metrics = async (token: string): Promise<number> => {
        const answer = await fetch(`${machine.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
        await answer.body?.cancel();
        return answer.status;
      };
      const token = readFileSync(join(machine.root, 'etc/prometheus/weft/token'), 'utf8').trim();
      expect([await metrics(oldToken), await metrics(token)]).toEqual([401, 200]);
    },
  },
  'The research secret': {
    async before(machine) {
      oldKeys = await researchKeys(machine);
    },
    async after(machine) {
      const added = [...(await researchKeys(machine))].filter((key) => !oldKeys.has(key));
      expect([oldKeys.size > 0, added.length > 0]).toEqual([true, true]);
    },
  },
  'The integrity secret': {},
};

const steps = stepsOf(DOCUMENT);
const byHeading = new Map<string, Step[]>();
for (const step of steps) byHeading.set(step.heading, [...(byHeading.get(step.heading) ?? []), step]);
const linesOf = ({ command }: Step): string[] => command.trimEnd().split('\n');

describe('docs/operations.md', () => {
  const machines = { whole: new Machine(false), split: new Machine(true) };

  beforeAll(async () => {
    await machines.split.run('weft region create');
    for (const machine of Object.values(machines)) {
      await machine.start();
      await machine.publish('a');
    }
  });
  afterAll(() => Promise.all(Object.values(machines).map((machine) => machine.close())));

  it('has commands under no heading that is not tested here, and under each that is', () =>
    expect([...byHeading.keys()]).toEqual(Object.keys(PROCEDURES)));

  it.each(NOT_RUN.map(([command, why]) => [String(command), why, command] as const))(
    'has a command %s, which needs more than there is here: %s',
    (_, __, command) =>
      expect(steps.flatMap(linesOf).filter((line) => command.test(line.replace(/\s+# .*/, '')))).not.toEqual([]),
  );

  it('names in its sentences no command, and no option of one, that there is not', async () => {
    const text = readFileSync(join(import.meta.dirname, '..', DOCUMENT), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
    const named = new Set([...text.matchAll(/`(?:WEFT_\w+=\S+ )?weft ([a-z][^`]*)`/g)].map(([, words]) => words!));
    expect(named.size).toBeGreaterThan(30);
    for (const words of named) {
      const given = words.split(/\s+/);
      const path = given.filter(
        (word, index) => /^[a-z][a-z0-9-]*$/.test(word) && given.slice(0, index).every((one) => /^[a-z]/.test(one)),
      );
      const { out } = await runWeft([...path, '--help'], {});
      const [, usage] = /^Usage: weft (.*?) \[/.exec(out) ?? [];
      expect({ words, isThere: path.join(' ').startsWith(usage ?? 'nothing') }).toEqual({ words, isThere: true });
      for (const option of given.filter((word) => word.startsWith('--')))
        expect({ words, out }).toEqual({ words, out: expect.stringContaining(option) });
    }
  });

  it.each(Object.entries(PROCEDURES))(
    'does and answers what it says: %s',
    async (heading, { isSplit, before, between, after }) => {
      const machine = isSplit ? machines.split : machines.whole;
      await before?.(machine);
      for (const [index, step] of (byHeading.get(heading) ?? []).entries()) {
        if (index > 0) await between?.(machine, index);
        let printed = '';
        for (const line of linesOf(step)) printed += await machine.run(line);
        if (step.answer !== undefined) expect(printed).toMatch(linesMatching(step.answer.text));
      }
      await after?.(machine);
    },
  );
});
