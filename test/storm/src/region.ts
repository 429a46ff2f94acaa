import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { createRegion, issueToken, loadSettings, type Role, type Settings, systemClock } from '@weft/service';
import { PURPOSES, releasedCodes } from './entries.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** The record-projector runs twice, so that one goes on where the other is killed. */
export const PROCESSES = ['gateway', 'record-api', 'record-projector', 'record-projector-2', 'opt-out-projector'] as const;
export type ProcessName = (typeof PROCESSES)[number];

export interface Asking {
  readonly roles: readonly Role[];
  readonly organisation: string;
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

/** A region as its users have it: each app a process of its own on the embedded engines, asked over HTTP and nothing else. */
export class Region {
  private readonly running = new Map<ProcessName, Running>();
  private readonly children = new Set<ChildProcess>();
  private readonly tokens = new Map<string, Promise<string>>();
  private readonly environment: NodeJS.ProcessEnv;
  private readonly settings: Settings;

  constructor(
    readonly directory: string,
    private readonly onWarning: (name: ProcessName, text: string) => void,
  ) {
    const released = join(directory, 'released-codes.json');
    writeFileSync(released, JSON.stringify(releasedCodes()));
    const own = {
      WEFT_RELEASED_CODES: released,
      ...{ WEFT_DATA_DIR: join(directory, 'data'), WEFT_PORT: '0', WEFT_LOG_LEVEL: 'info' },
      // All subscribers are of one caller here.
      ...{ WEFT_LIMIT_TOKEN_FEEDS: '1000', WEFT_LIMIT_ORGANISATION_FEEDS: '1000' },
    };
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith('WEFT_'));
    this.environment = { ...Object.fromEntries(others), ...own };
    this.settings = loadSettings(own);
    process.once('exit', () => this.children.forEach((child) => child.kill('SIGKILL')));
  }

  /** Each process finds a region, and none makes one. */
  async make(): Promise<void> {
    const service = await createRegion({ ...this.settings, logLevel: 'fatal' });
    await service.close();
  }

  /** Resolves once the process is ready. Its log is appended to a file beside the data. */
  async start(name: ProcessName): Promise<void> {
    const main = join(ROOT, 'apps', name.replace(/-2$/, ''), 'dist', 'main.js');
    const child = spawn(process.execPath, [main], { env: this.environment, stdio: ['ignore', 'ignore', 'pipe'] });
    this.children.add(child);
    const log = createWriteStream(join(this.directory, `${name}.log`), { flags: 'a' });
    const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
      child.once('exit', (code, signal) => {
        this.children.delete(child);
        resolve(signal ?? code);
      });
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stderr })
        .on('line', (line) => {
          log.write(`${line}\n`);
          const address = /"address":"(http:[^"]+)"/.exec(line)?.[1];
          if (address !== undefined) resolve(address);
          const warning = /^\(node:\d+\).*Warning: (.*)$/.exec(line)?.[1];
          if (warning !== undefined) this.onWarning(name, warning);
        })
        .on('close', () => log.end());
      void ended.then((how) => reject(new Error(`${name} ended with ${how} before it was ready; see ${name}.log`)));
    });
    this.running.set(name, { child, url, ended });
  }

  /** kill -9. */
  async kill(name: ProcessName): Promise<void> {
    const one = this.running.get(name);
    this.running.delete(name);
    one?.child.kill('SIGKILL');
    await one?.ended;
  }

  /** Asks every process to stop; gives those that had not after so long, which are then killed. */
  async stop(patienceMs: number): Promise<ProcessName[]> {
    const late: ProcessName[] = [];
    const stopping = [...this.running].map(async ([name, { child, ended }]) => {
      const killing = setTimeout(() => {
        late.push(name);
        child.kill('SIGKILL');
      }, patienceMs);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(killing);
    });
    this.running.clear();
    await Promise.all(stopping);
    return late;
  }

  /** Null where nobody answers, as of a process that is being killed. */
  async ask(name: 'gateway' | 'record-api', path: string, asking: Asking): Promise<Answer | null> {
    try {
      const response = await this.open(name, path, asking);
      return response && { status: response.status, text: await response.text() };
    } catch {
      return null;
    }
  }

  /** As `ask`, for an answer that goes on. */
  async open(
    name: 'gateway' | 'record-api',
    path: string,
    { roles, organisation, headers, ...init }: Asking,
  ): Promise<Response | null> {
    const url = this.running.get(name)?.url;
    if (url === undefined) return null;
    const authorization = `Bearer ${await this.tokenOf(roles, organisation)}`;
    return fetch(`${url}${path}`, { ...init, headers: { ...headers, authorization } }).catch(() => null);
  }

  /** The weft command, on the same data. */
  async weft(...words: readonly string[]): Promise<{ readonly status: number | null; readonly said: string }> {
    const child = spawn(process.execPath, [join(ROOT, 'tools', 'weft.mjs'), ...words], {
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    return { status, said: stdout + stderr };
  }

  private tokenOf(roles: readonly Role[], organisation: string): Promise<string> {
    const who = `${roles.join()} ${organisation}`;
    const known = this.tokens.get(who);
    if (known !== undefined) return known;
    // Longer than any storm: a feed ends with its token.
    const token = issueToken(this.settings, systemClock, { roles, organisation, purposes: PURPOSES, expiresIn: 12 * 3_600 });
    this.tokens.set(who, token);
    return token;
  }
}
