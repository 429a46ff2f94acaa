import { provision } from '@weft/domain';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { consentOf } from '@weft/care-events';
import { createRegion, issueToken, readSettings, systemClock } from '@weft/service';

const main = fileURLToPath(import.meta.url)
  .replace('/src/', '/dist/')
  .replace(/main\.e2e\.test\.ts$/, 'main.js');

describe('the gateway as a process', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'weft-gateway-'))));
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  function start(env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env['PATH'], WEFT_DATA_DIR: directory, WEFT_PORT: '0', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    let errors = '';
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const ready = new Promise<string>((resolve) => {
      child.stderr!.on('data', (chunk: Buffer) => {
        errors += chunk;
        const address = /"address":"([^"]+)"/.exec(errors)?.[1];
        if (address !== undefined) resolve(address);
      });
    });
    return { child, exited, ready, errors: () => errors };
  }

  it('ends at once with the names of the settings that are wrong', async () => {
    const { exited, errors } = start({ WEFT_PORT: 'eighty', WEFT_KAFKA_SSL: 'true' });
    expect(await exited).toEqual([2, null]);
    expect(errors()).toContain('WEFT_PORT: is no port');
    expect(errors()).toContain('WEFT_KAFKA_BROKERS: is missing');
  });

  it('ends with 78 where there is no region, says how one is made, and leaves nothing behind', async () => {
    const { exited, errors } = start();
    expect(await exited).toEqual([78, null]);
    expect(errors()).toContain(
      `gateway: WEFT_DATA_DIR: there is no region in ${directory}: \`weft up\` or \`weft region create\``,
    );
    expect(readdirSync(directory)).toEqual([]);
  });

  it('answers who is waiting before it stops, and has everything that it acknowledged when it starts again', async () => {
    const { settings } = readSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal' });
    await (await createRegion(settings)).close();
    const first = start();
    const url = await first.ready;
    const authorization = `Bearer ${await issueToken(settings, systemClock, { roles: ['governance'], organisation: 'RX901' })}`;
    const headers = { authorization, 'content-type': 'application/fhir+json' };
    const body = JSON.stringify(
      consentOf({
        subject: '9990033471',
        consentId: 'c1',
        authority: 'local-dissent',
        status: 'active',
        decidedAt: '2026-01-01T10:00:00.000Z',
        decidedBy: 'patient',
        provision: provision('deny', ['care-coordination']),
      }),
    );
    // No projector runs, so this waits until the process is told to stop.
    const waiting = fetch(`${url}/consents`, { method: 'POST', body, headers: { ...headers, prefer: 'wait=60' } });
    const location = await acknowledged(url, authorization);
    first.child.kill('SIGTERM');
    expect((await waiting).status).toBe(202);
    expect(await first.exited).toEqual([null, 'SIGTERM']);

    const second = start();
    const again = await fetch(`${await second.ready}${location}`, { headers: { authorization } });
    expect([again.status, await again.json()]).toMatchObject([200, { state: 'pending', source: 'urn:weft:governance' }]);
  });

  /** Where the first decision stands, once it is durable. */
  async function acknowledged(url: string, authorization: string): Promise<string> {
    for (;;) {
      for (const partition of [0, 1, 2, 3]) {
        const location = `/consents/${partition}-0`;
        const { ok } = await fetch(url + location, { headers: { authorization } });
        if (ok) return location;
      }
    }
  }
});
