/** The part of `node:sqlite`'s interface that is used here; both drivers offer it. */
export interface Statement {
  run(...parameters: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...parameters: SqlValue[]): unknown;
  all(...parameters: SqlValue[]): unknown[];
  iterate(...parameters: SqlValue[]): Iterable<unknown>;
}

type SqlValue = string | number | null | Uint8Array;

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface Driver {
  readonly DatabaseSync: new (file: string) => Database;
}

/** Node's own SQLite where it needs no flag (22.13 on), else the same interface from a package with prebuilt binaries. */
export function driverFor(nodeVersion: string): string {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13) ? 'node:sqlite' : '@photostructure/sqlite';
}

export async function loadDriver(): Promise<Driver> {
  return (await import(driverFor(process.versions.node))) as Driver;
}
