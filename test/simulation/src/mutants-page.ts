import type { Caught } from './mutate.js';

/** The page of the docs that says which mistake was caught by what. */
export function asMarkdown(results: readonly Caught[], seeds: number): string {
  const rows = results.map(({ mutant: { name, file }, by }) => [
    name,
    `\`${file.replace(/^libs\/(\w+)\/src\//, '$1/')}\``,
    by === null ? 'survived' : by.invariant,
    by === null ? '' : String(by.seed),
  ]);
  const survivors = results.filter(({ by }) => by === null).length;
  return `# Mistakes that the simulation catches

Each of these mistakes is built into the code alone, and seeds are simulated until one breaks a guarantee: the one that broke it
when this page was last written, then from 0 on, ${seeds} at most: ${results.length} mistakes, ${survivors} not caught. Written by
\`npm run simulate:mutants -- --seeds ${seeds} --write docs/simulation-mutants.md\`.

${table([['mistake', 'in', 'caught by', 'seed'], ...rows])}
`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n');
}

/** Of each mistake on such a page the seed that caught it. */
export function seedsOf(page: string): ReadonlyMap<string, number> {
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(rows.flatMap(([, name = '', , , seed = '']) => (/^\d+$/.test(seed) ? [[name, Number(seed)] as const] : [])));
}
