import { join } from 'node:path';
import { candidates, type Found } from './rounds.js';
import { openSqlite } from './sqlite.js';

/** Opens the files that Weft opens by themselves, and reads from each. Nothing of Weft is loaded for it. */
async function open({ directory }: { readonly directory: string }): Promise<Found> {
  for (const [file, table] of [
    ['store.db', 'events'],
    ['bus.db', 'records'],
  ] as const) {
    const database = await openSqlite(join(directory, file));
    database.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
    database.close();
  }
  return { opened: 1 };
}

await candidates({ open });
