/** The part of `node:sqlite`'s interface that limits and checks use. */
interface Statement {
  run(...parameters: (string | number | null | Uint8Array)[]): unknown;
  get(...parameters: (string | number | null | Uint8Array)[]): unknown;
  iterate(...parameters: (string | number | null | Uint8Array)[]): Iterable<unknown>;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** The driver that Weft's embedded engines use on this Node. */
export async function openSqlite(file: string): Promise<Database> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const driver = major > 22 || (major === 22 && minor >= 13) ? 'node:sqlite' : '@photostructure/sqlite';
  const { DatabaseSync } = (await import(driver)) as { DatabaseSync: new (file: string) => Database };
  return new DatabaseSync(file);
}
