import { READER_NAMES } from './facts-of.js';
import { type Compiled, compileTables, type TableSource, type Tables } from './rows.js';
import { WEFT_TABLES } from './weft-tables.js';

/** Weft's tables, with a site's own laid over them; or every line of the site's that says what cannot be. */
export const tablesWith = (...sites: readonly TableSource[]): Compiled => compileTables([WEFT_TABLES, ...sites], READER_NAMES);

/** Weft's tables alone. */
export function weftTables(): Tables {
  const compiled = tablesWith();
  if (!compiled.ok)
    throw new Error(compiled.faults.map(({ table, line, message }) => `${table}, line ${line}: ${message}`).join('; '));
  return compiled.tables;
}
