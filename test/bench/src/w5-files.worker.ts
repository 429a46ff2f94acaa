import { join } from 'node:path';
import { candidates, type Found } from './rounds.js';
import { openSqlite } from './sqlite.js';

/** Opens the file that Weft opens by itself, and reads from it. Nothing of Weft is loaded for it. */
async function open({ directory }: { readonly directory: string }): Promise<Found> {
  const database = await openSqlite(join(directory, 'weft.db'));
  for (const table of ['events', 'messages']) database.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
  database.close();
  return { opened: 1 };
}

await candidates({ open });
