import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Message, careEventsTopic } from '@weft/processing';
import { CARE_EVENT_TYPES, DECISION_TYPE } from '@weft/domain';
import { matching, stepsOf } from '../guide.js';
import { type Region, startRegion } from './region.js';

const ROOT = join(import.meta.dirname, '..', '..');

/** One shell for a whole guide, as a reader has it. */
class Shell {
  private readonly child: ChildProcess;
  private out = '';
  private err = '';

  constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.child = spawn('bash', ['-e'], { cwd: directory, env, stdio: 'pipe' });
    this.child.stdout!.on('data', (data: Buffer) => (this.out += String(data)));
    this.child.stderr!.on('data', (data: Buffer) => (this.err += String(data)));
  }

  /** What the command writes to its standard output. Throws with what it says where it fails. */
  async run(command: string): Promise<string> {
    this.out = '';
    this.err = '';
    if (this.child.exitCode !== null) throw new Error('the guide failed before this');
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const end = this.out.indexOf(DONE);
        if (end >= 0) settle(() => resolve(this.out.slice(0, end)));
      };
      const ended = (): void => settle(() => reject(new Error(`it fails: ${this.err}${this.out}`)));
      const settle = (how: () => void): void => {
        this.child.stdout!.off('data', look);
        this.child.off('close', ended);
        how();
      };
      this.child.stdout!.on('data', look);
      this.child.once('close', ended);
      this.child.stdin!.write(`${command}\nprintf '${DONE}'\n`);
    });
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}
const DONE = '@@done@@';

/** The region's bus behind `kcat`, as far as the guides use it: there are no brokers here. */
const PRELUDE = `
kcat() {
  case "\${*: -1}" in
    *.json) curl --silent --show-error --fail-with-body "$GUIDE_BUS" --header "x-args: $*" --data-binary "@\${*: -1}" ;;
    *) curl --silent --show-error --fail-with-body "$GUIDE_BUS" --header "x-args: \${*//$'\\n'/}" ;;
  esac
}
weft() { (cd "${ROOT}" && node tools/weft.mjs "$@"); }
`;

function serveBus({ service: { bus } }: Region): Promise<Server> {
  const option = (args: string, name: string): string => new RegExp(`(?:^| )-${name} (\\S+)`).exec(args)![1]!;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void answer().catch((error: unknown) => response.writeHead(500).end(String(error))));
    const answer = async (): Promise<void> => {
      const args = String(request.headers['x-args']);
      if (request.method === 'POST') {
        const headers = Object.fromEntries([...args.matchAll(/-H ([^=]+)=(\S+)/g)].map(([, name, value]) => [name!, value!]));
        await bus.publish([{ topic: option(args, 't'), key: option(args, 'k'), value: Buffer.concat(chunks), headers }]);
        return void response.end();
      }
      const topic = option(args, 't');
      const pages = await Promise.all(
        (await bus.offsets(topic)).map(({ partition, low }) => bus.read(topic, partition, low, 5_000)),
      );
      const shown = ({ key, value }: Message): string => `${key} ${value === null ? '' : Buffer.from(value).toString('utf8')}\n`;
      response.end(pages.flat().map(shown).join(''));
    };
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

describe.each(['publishing.md', 'subscribing.md'])('docs/%s', (guide) => {
  let region: Region;
  let shell: Shell;
  let bus: Server;
  const data = mkdtempSync(join(tmpdir(), 'weft-guide-data-'));
  const directory = mkdtempSync(join(tmpdir(), 'weft-guide-'));

  beforeAll(async () => {
    region = await startRegion({ directory: data });
    bus = await serveBus(region);
    const { npm_lifecycle_event: _, ...env } = process.env;
    shell = new Shell(directory, {
      ...env,
      ...{ WEFT_URL: region.url, WEFT_DATA_DIR: data, WEFT_LOG_LEVEL: 'fatal', NO_COLOR: '1' },
      GUIDE_BUS: `http://127.0.0.1:${(bus.address() as AddressInfo).port}`,
    });
    await shell.run(PRELUDE);
  });
  afterAll(async () => {
    shell.end();
    bus.close();
    await region.close();
    for (const one of [data, directory]) rmSync(one, { recursive: true, force: true });
  });

  it.each(stepsOf(`docs/${guide}`).map((step) => [step.line, step] as const))(
    'does and answers on line %s what it says',
    async (_, step) => {
      const said = await shell.run(step.command);
      await region.settled();
      if (step.answer === undefined) return;
      if (step.answer.language === 'json') expect(JSON.parse(said)).toEqual(matching(JSON.parse(step.answer.text)));
      else expect(said.trim()).toEqual(matching(step.answer.text.trim()));
    },
  );

  it('leaves nothing in quarantine', async () => {
    const answer = await region.as(['operations'], '/status?counts=true');
    expect(await answer.json()).toMatchObject({ counts: { quarantined: 0 } });
  });
});

it('docs/publishing.md shows every type of event', () => {
  const text = readFileSync(join(ROOT, 'docs', 'publishing.md'), 'utf8');
  for (const type of [...CARE_EVENT_TYPES, DECISION_TYPE]) expect(text).toContain(`"type": "${type}"`);
  expect(text).toContain(careEventsTopic('RX901'));
});
