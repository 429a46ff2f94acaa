import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PURPOSES } from '@weft/domain';
import { GatewayModule } from '@weft/gateway';
import { OptOutProjectorModule } from '@weft/opt-out-projector';
import { RecordProjectorModule } from '@weft/record-projector';
import {
  createHttpApp,
  createLogger,
  issueToken,
  listen,
  loadSettings,
  createRegion,
  openWiring,
  type Role,
} from '@weft/service';
import type { Looked } from './check.js';
import type { Input } from './inputs.js';

/** A region in this process, on the embedded engines. */
export interface Region extends Looked {
  /** What the projectors said of batches that failed, with no engine away. */
  readonly failures: readonly string[];
  ask(request: Input & { readonly kind: 'request' }): Promise<{ readonly status: number; readonly body: string }>;
  close(): Promise<void>;
}

export async function openRegion(): Promise<Region> {
  const directory = mkdtempSync(join(tmpdir(), 'weft-fuzz-'));
  const settings = loadSettings({ WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'fatal' });
  const failures: string[] = [];
  const log = createLogger({ logLevel: 'warn' }, { write: (line: string) => void failures.push(...failuresIn(line)) });
  const service = await createRegion(settings, { log });
  const wiring = openWiring(service);
  const modules = [GatewayModule, RecordProjectorModule, OptOutProjectorModule].map((one) => one.register(wiring));
  const app = await createHttpApp(service, modules);
  const url = await listen(app, settings);
  const tokens = new Map<string, string>();
  const tokenOf = async (role: Role, organisation: string): Promise<string> => {
    const who = `${role} ${organisation}`;
    const token =
      tokens.get(who) ?? (await issueToken(settings, service.clock, { roles: [role], organisation, purposes: PURPOSES }));
    tokens.set(who, token);
    return token;
  };
  return {
    wiring,
    organisations: settings.organisations.map(({ ods }) => ods),
    failures,
    async ask({ method, path, role, organisation, headers, body }) {
      const authorization = `Bearer ${await tokenOf(role, organisation)}`;
      const response = await fetch(url + path, {
        ...{ method, headers: { ...headers, authorization } },
        ...(body !== undefined && { body: new Uint8Array(body) }),
      });
      return { status: response.status, body: await response.text() };
    },
    async close() {
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A merge that waits for older messages is no failure. */
const WAITS = /waits for older events|loop of merges/;

function failuresIn(line: string): string[] {
  const { msg, err } = JSON.parse(line) as { msg?: string; err?: { type?: string; message?: string; stack?: string } };
  if (msg !== 'a batch failed and comes again' || WAITS.test(err?.message ?? '')) return [];
  return [`${err?.message}\n${err?.stack ?? ''}`];
}
