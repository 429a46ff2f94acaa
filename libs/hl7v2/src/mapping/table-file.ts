import type { Table, Tables, TableSource, ValueTable } from './rows.js';
import { tablesWith, weftTables } from './tables.js';

type Entry = Readonly<Record<string, unknown>>;

/** Sound only where there are no faults, each of which names its place. */
export interface TableFile {
  readonly tables: Tables;
  readonly faults: readonly string[];
}

/** Weft's tables with a site's over them, as a JSON file holds those; its lines may be lists, since JSON has no text of several. */
export function tablesIn(file: unknown): TableFile {
  const { source, faults } = sourceIn(file);
  if (faults.length > 0) return { tables: weftTables(), faults };
  const compiled = tablesWith(source);
  if (compiled.ok) return { tables: compiled.tables, faults: [] };
  return {
    tables: weftTables(),
    faults: compiled.faults.map(({ table, line, message }) => `${table}, line ${line}: ${message}`),
  };
}

const MEMBERS = ['types', 'tables', 'values'];
const OF_A_TABLE = ['id', 'version', 'date', 'author', 'rows'];

const NO_TABLES: TableSource = { types: '', tables: [], values: {} };

const isEntry = (value: unknown): value is Entry => typeof value === 'object' && value !== null && !Array.isArray(value);
const isLines = (value: unknown): value is string | readonly string[] =>
  typeof value === 'string' || (Array.isArray(value) && value.every((line) => typeof line === 'string'));
const textOf = (lines: string | readonly string[]): string => (typeof lines === 'string' ? lines : lines.join('\n'));
const isValueTable = (value: unknown): value is ValueTable =>
  isEntry(value) && Object.values(value).every((meaning) => typeof meaning === 'string');

function sourceIn(value: unknown): { readonly source: TableSource; readonly faults: readonly string[] } {
  if (!isEntry(value)) return { source: NO_TABLES, faults: ['holds no { types, tables, values }'] };
  const { types = '', tables = [], values = {} } = value;
  const faults = Object.keys(value)
    .filter((name) => !MEMBERS.includes(name))
    .map((name) => `has a member ${name}; there are ${MEMBERS.join(', ')}`);
  if (!isLines(types)) faults.push('types is neither a text nor a list of lines');
  if (!Array.isArray(tables)) faults.push('tables is no list');
  else tables.forEach((table, index) => faults.push(...faultsOf(table).map((fault) => `tables[${index}]${fault}`)));
  if (!isEntry(values)) faults.push('values is no { <value table>: { <code>: <meaning> } }');
  else
    for (const [name, table] of Object.entries(values))
      if (!isValueTable(table)) faults.push(`values.${name} holds what is no text`);
  if (faults.length > 0) return { source: NO_TABLES, faults };
  const read = (tables as Entry[]).map(
    (table) => ({ ...table, rows: textOf(table['rows'] as string | string[]) }) as unknown as Table,
  );
  return { source: { types: textOf(types as string | string[]), tables: read, values: values as TableSource['values'] }, faults };
}

function faultsOf(table: unknown): string[] {
  if (!isEntry(table)) return [' is no table'];
  return OF_A_TABLE.flatMap((name) => {
    const isThere = name === 'rows' ? isLines(table[name]) : typeof table[name] === 'string';
    return isThere ? [] : [`.${name} is missing, or no text`];
  });
}
