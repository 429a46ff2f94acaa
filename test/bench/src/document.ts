import type { Profile, Results, Row, Share } from './work.js';
import { cells, HEAD, number } from './report.js';

const BEGIN = '<!-- figures: written by npm run bench -->';
const END = '<!-- end of the figures -->';

/** The text with the figures between its two markers. Throws where these are missing. */
export function withFigures(text: string, results: Results): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('the document has lost the markers between which the figures stand');
  return `${text.slice(0, begin)}${BEGIN}\n\n${figures(results)}\n\n${text.slice(end)}`;
}

function figures({ machine, works }: Results): string {
  const measured = works.map(({ name, title, on, load, rows, profile }) => {
    const lines = rows.map((row) => cells(row).slice(1));
    const table = [HEAD.slice(1), HEAD.slice(1).map(() => '---'), ...lines].map(
      (columns) => `| ${columns.map(escaped).join(' | ')} |`,
    );
    return `### ${name} ${title}\n\nMeasured on ${on}, ${roundsOf(rows)}; the load average of the machine was ${number(load)} before it began.\n\n${table.join('\n')}${profileOf(profile)}`;
  });
  return [`On ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}.`, ...measured].join('\n\n');
}

/** The most of where the time went, in one paragraph. */
function profileOf(profile: Profile | undefined): string {
  if (profile === undefined) return '';
  const said = (all: readonly Share[]): string =>
    all
      .slice(0, 8)
      .map(({ name, percent }) => `${name} ${percent} %`)
      .join('; ');
  return `\n\nWhere the time goes (\`--profile\`), by package: ${said(profile.packages)}. By function, itself: ${said(profile.functions)}.`;
}

/** Rows of one work may be of different numbers of rounds. */
function roundsOf(rows: readonly Row[]): string {
  const rounds = Math.max(...rows.map((row) => row.rounds));
  return rounds === 1 ? 'once' : `medians of ${rounds} rounds`;
}

const escaped = (text: string): string => text.replaceAll('|', '\\|');
