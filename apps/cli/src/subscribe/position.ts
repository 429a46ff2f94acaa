import type { Purpose } from '@weft/domain';
import { lockDirectory } from '@weft/embedded';
import type { Settings } from '@weft/service';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, Failure, failureAt, isInUse } from '../failure.js';

/** Directory, within the data directory, of where named subscriptions are. */
const POSITIONS = 'subscriptions';
const FILE = 'position.json';

interface Kept {
  readonly url: string;
  readonly cursor: string;
}

/** Where one named subscription is: how far whoever reads its output has been told. One process at a time has it. */
export class Position {
  private constructor(
    private readonly directory: string,
    private readonly url: string,
    /** Absent before the first time. */
    readonly cursor: string | undefined,
    readonly release: () => void,
  ) {}

  /** Throws Failure where another process follows by this name, or where the file cannot be used. */
  static async open({ dataDirectory, url }: Settings, purpose: Purpose, name: string, restart = false): Promise<Position> {
    const region = url.replace(/^https?:\/\//, '').replace(/[^\w.-]/g, '_');
    const directory = join(dataDirectory, POSITIONS, region, purpose, name);
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw failureAt(error, directory);
    });
    const lock = await lockDirectory(directory, 'subscribe').catch((error: unknown) => {
      if (!isInUse(error)) throw failureAt(error, directory);
      throw new Failure(EXIT.usage, `${name} cannot be followed: ${error.message}`, 'follow by another --name, or end that one', {
        cause: error,
      });
    });
    try {
      return new Position(directory, url, restart ? undefined : await cursorIn(directory, url), () => lock.release());
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** To be called once everything up to the cursor is out. The file is the old one or the new one, whatever happens meanwhile. */
  async keep(cursor: string): Promise<void> {
    const path = join(this.directory, FILE);
    try {
      await writeFile(`${path}.new`, JSON.stringify({ url: this.url, cursor } satisfies Kept), { mode: 0o600, flush: true });
      await rename(`${path}.new`, path);
    } catch (error) {
      throw failureAt(error, path);
    }
  }
}

async function cursorIn(directory: string, url: string): Promise<string | undefined> {
  const path = join(directory, FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw failureAt(error, path);
  }
  const kept = parsed(text);
  if (typeof kept?.cursor === 'string' && kept.url === url) return kept.cursor;
  throw new Failure(
    EXIT.usage,
    `${path} does not say where this subscription is`,
    'begin anew with --restart, or put the file back',
  );
}

function parsed(text: string): Partial<Kept> | null {
  try {
    return JSON.parse(text) as Partial<Kept> | null;
  } catch {
    return null;
  }
}
