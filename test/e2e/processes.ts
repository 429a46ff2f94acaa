import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PURPOSES } from '@weft/domain';
import { createRegion, issueToken, loadSettings, systemClock, type Role, type Settings } from '@weft/service';
import { type AskInit, outsideEngines, SECRETS } from './region.js';

const ROOT = join(import.meta.dirname, '..', '..');

export type AppName = 'gateway' | 'record-projector' | 'opt-out-projector' | 'record-api';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One app as its own process. */
export interface Running {
  readonly app: AppName;
  readonly url: string;
  readonly pid: number;
  /** Resolves once the process has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** A region whose every app is a process of its own, on whatever engines the environment chooses. */
export class Processes {
  readonly directory = mkdtempSync(join(tmpdir(), 'weft-processes-'));
  readonly environment: Record<string, string>;
  readonly settings: Settings;
  private readonly children = new Set<ChildProcess>();
  private made: Promise<void> | undefined;

  constructor(engines: Readonly<Record<string, string>>) {
    this.environment = { ...SECRETS, ...engines, WEFT_DATA_DIR: this.directory, WEFT_PORT: '0' };
    this.settings = loadSettings(this.environment);
  }

  async start(app: AppName, more: Readonly<Record<string, string>> = {}): Promise<Running> {
    await (this.made ??= this.make());
    const main = join(ROOT, 'apps', app, 'dist', 'main.js');
    const child = spawn(process.execPath, [main], {
      cwd: ROOT,
      env: { ...outsideEngines(), ...this.environment, ...more },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.children.add(child);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (data: Buffer) => {
        if (said.length < 100_000) said += String(data);
        const address = /"address":"(http:[^"]+)"/.exec(said)?.[1];
        if (address !== undefined) resolve(address);
      });
      child.once('exit', (code) => reject(new Error(`${app} ended with ${code} before it was ready: ${said.slice(-2_000)}`)));
    });
    return {
      app,
      url,
      pid: child.pid!,
      end(signal) {
        child.kill(signal);
        return ended;
      },
    };
  }

  /** Each app finds a region, and none makes one. */
  private async make(): Promise<void> {
    const service = await createRegion({ ...this.settings, logLevel: 'fatal' });
    await service.close();
  }

  async as(roles: readonly Role[], url: string, init: AskInit = {}): Promise<Response> {
    const { organisation = 'RX901', subject, ...request } = init;
    const token = await issueToken(this.settings, systemClock, { roles, organisation, subject, purposes: PURPOSES });
    return fetch(url, { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
  }

  /** The weft command, on the same engines, one of which this process may be. */
  async weft(...words: readonly string[]): Promise<Ended> {
    const child = spawn(process.execPath, [join(ROOT, 'tools', 'weft.mjs'), ...words], {
      env: { ...outsideEngines(), ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { status: status as number | null, stdout, stderr };
  }

  async close(): Promise<void> {
    const ended = [...this.children].map(
      (child) =>
        new Promise<void>((resolve) =>
          child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', () => resolve()),
        ),
    );
    for (const child of this.children) child.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
