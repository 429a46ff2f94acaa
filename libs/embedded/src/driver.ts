/** The part of `node:sqlite`'s interface that is used here; both drivers offer it. */
export interface Statement {
  run(...parameters: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...parameters: SqlValue[]): unknown;
  all(...parameters: SqlValue[]): unknown[];
  iterate(...parameters: SqlValue[]): Iterable<unknown>;
}

export type SqlValue = string | number | null | Uint8Array;

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Driver {
  readonly DatabaseSync: new (file: string) => Database;
}

/** Node's own SQLite where it needs no flag (22.13 on), else the same interface from a package with prebuilt binaries. */
export async function loadDriver(version: string = process.versions.node): Promise<Driver> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const builtIn = major > 22 || (major === 22 && minor >= 13);
  // Through a variable: the types of Node 20 do not know node:sqlite.
  const name: string = builtIn ? 'node:sqlite' : '@photostructure/sqlite';
  return (await import(name)) as Driver;
}
