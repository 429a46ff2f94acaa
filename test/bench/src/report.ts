import { rounded } from './statistics.js';
import type { Aim, Row } from './work.js';

const ENGLISH = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 3 });
export const number = (value: number): string => ENGLISH.format(rounded(value));

export const percent = (value: number | null): string => (value === null ? '' : `${number(value)} %`);

const aimText = ({ what, wantedIs, wanted, got, met }: Aim): string =>
  `${what} ${wantedIs} ${number(wanted)}: ${number(got)}, ${met ? 'met' : 'not met'}`;

export const HEAD = ['work', 'measured', 'size', 'Weft', 'limit', 'of the limit', 'more', 'aims', 'peers'] as const;

/** One row of the table, in the order of HEAD. */
export function cells(row: Row): string[] {
  const { unit, ours, limit, percentOfLimit, more, aims, peers, skipped } = row;
  const compared = peers.map(({ name, value, multiple, note }) => {
    const said = `${name} ${number(value)} ${unit}: Weft ${number(multiple)} times as good`;
    return note === undefined ? said : `${said} (${note})`;
  });
  return [
    row.work,
    row.row,
    row.size,
    Number.isFinite(ours) ? `${number(ours)} ${unit}` : '',
    limit === null ? '' : `${number(limit.value)} ${unit}`,
    percent(percentOfLimit),
    Object.entries(more)
      .map(([name, value]) => `${name} ${number(value)}`)
      .join(', '),
    aims.map(aimText).join('; '),
    [...compared, ...skipped.map(({ name, reason }) => `${name} skipped: ${reason}`)].join('; '),
  ];
}

/** What is printed for one work: a line of figures a row, and below it what else is to be said of it. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => ({ row, columns: cells(row).slice(1, 6) }));
  const heads = HEAD.slice(1, 6);
  const widths = heads.map((head, column) => Math.max(head.length, ...lines.map(({ columns }) => columns[column]?.length ?? 0)));
  const line = (columns: readonly string[]): string =>
    columns
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const below = ({ row }: { readonly row: Row }): string[] =>
    cells(row)
      .slice(6)
      .filter((text) => text !== '')
      .map((text) => `    ${text}`);
  return [line(heads), ...lines.flatMap((one) => [line(one.columns), ...below(one)])].join('\n');
}
