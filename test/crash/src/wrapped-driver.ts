import { basename } from 'node:path';
import type { Database, Statement } from '../../../libs/embedded/src/driver.js';
import { around, withManyCheckpoints } from './killing.js';

/*
 * Stands in for the engines' driver in a process that is to die (see killing.ts): the same class, with every call told before
 * it runs. Imported in the driver's place, with the driver's own address behind it.
 */
const driver = new URL(import.meta.url).searchParams.get('driver') ?? '';
const real = (await import(driver)) as { readonly DatabaseSync: new (file: string) => Database };

export class DatabaseSync extends real.DatabaseSync {
  private readonly file: string;

  constructor(path: string) {
    super(path);
    // A draft belongs to the file that it will be.
    this.file = basename(path).replace(/\.db\..*/, '.db');
  }

  override exec(text: string): void {
    around('sql', text.trim(), () => super.exec(withManyCheckpoints(text)), this.file);
  }

  override prepare(text: string): Statement {
    const statement = super.prepare(text);
    for (const method of ['run', 'get', 'all'] as const) {
      const original = statement[method].bind(statement) as (...parameters: unknown[]) => unknown;
      const value = (...parameters: unknown[]): unknown => around('sql', text.trim(), () => original(...parameters), this.file);
      Object.defineProperty(statement, method, { value });
    }
    return statement;
  }
}
