import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort, stopped } from '../server.js';
import { Missing } from '../missing.js';

export interface Postgres {
  /** Makes an empty database of that name and gives its connection string. */
  database(name: string): Promise<string>;
  stop(): Promise<void>;
}

const DEBIAN = '/usr/lib/postgresql';
/** PostgreSQL refuses to run as root: then it runs as one of these. */
const USERS = ['postgres', 'nobody'];
const PATIENCE_MS = 20_000;
/** Room for the bench's data; durability is left as it comes: fsync on, synchronous_commit on. */
const SETTINGS = ['shared_buffers=1GB', 'max_wal_size=4GB', 'max_connections=120'];

/** A server of its own in a temporary directory, on the loopback address. Throws Missing where Debian's PostgreSQL is not installed. */
export async function startPostgres(): Promise<Postgres> {
  const bin = binaries();
  const owner: Owner = process.getuid?.() === 0 ? ownerIds() : {};
  const directory = mkdtempSync(join(tmpdir(), 'weft-bench-postgres-'));
  if (owner.uid !== undefined) chownSync(directory, owner.uid, owner.gid ?? owner.uid);
  const data = join(directory, 'data');
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'weft', '-A', 'trust', '-E', 'UTF8', '--locale=C'], {
    ...{ ...owner, cwd: directory, stdio: 'ignore' },
  });
  const port = await freePort();
  const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, 'unix_socket_directories=', ...SETTINGS];
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((one) => ['-c', one])], {
    ...{ ...owner, cwd: directory, stdio: 'ignore' },
  });
  const url = (name: string): string => `postgresql://weft@127.0.0.1:${port}/${name}`;
  await answers(url('postgres'));
  return {
    async database(name) {
      await ask(url('postgres'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await ask(url('postgres'), `CREATE DATABASE ${name}`);
      return url(name);
    },
    async stop() {
      await stopped(server, 'SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function binaries(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(DEBIAN, version, 'bin')).find((bin) => existsSync(join(bin, 'postgres')));
  if (found === undefined) throw new Missing(`PostgreSQL is not installed below ${DEBIAN}`);
  return found;
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

function ownerIds(): Owner {
  for (const user of USERS) {
    try {
      const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, user], { stdio: 'pipe' }).toString()));
      return { uid: uid as number, gid: gid as number };
    } catch {
      continue;
    }
  }
  throw new Missing(`PostgreSQL does not run as root, and there is no user ${USERS.join(' or ')}`);
}

async function ask(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function answers(connectionString: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask(connectionString, 'SELECT 1');
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
