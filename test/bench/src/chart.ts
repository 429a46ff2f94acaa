import { percent } from './report.js';
import { timesAsGood } from './statistics.js';
import type { Results, Row } from './work.js';

const LEFT = 330;
const WIDTH = 1_000;
const RIGHT = 70;
const TOP = 78;
const LINE = 26;
const BAR = 14;
/** The scale's ends, in percent of the limit. */
const LEAST = 0.01;
const MOST = 1_000;
const TICKS = [0.01, 0.1, 1, 10, 100, 1_000] as const;

const x = (value: number): number => {
  const share = Math.log(Math.min(MOST, Math.max(LEAST, value)) / LEAST) / Math.log(MOST / LEAST);
  return LEFT + share * (WIDTH - LEFT - RIGHT);
};

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly aim: number | undefined;
  readonly ours: boolean;
}

/** Ours first, then each peer as a share of the same limit. */
function barsOf(row: Row): Bar[] {
  const { percentOfLimit, limit, better } = row;
  if (percentOfLimit === null || limit === null) return [];
  // Of the peer's own value, for ours may be nothing at all.
  const share = (value: number): number => timesAsGood(better, value, limit.value) * 100;
  const aim = row.aims.find(({ what }) => what.startsWith('% of the limit'))?.wanted;
  return [
    { name: `${row.work} ${row.row}`, value: percentOfLimit, aim, ours: true },
    ...row.peers.map(({ name, value }) => ({ name, value: share(value), aim: undefined, ours: false })),
  ];
}

/** Every row with a limit as a bar on a logarithmic scale, 100 % being the limit; a stroke marks what is aimed at. */
export function chart({ machine, works }: Results): string {
  const bars = works.flatMap(({ rows }) => rows.flatMap(barsOf));
  const height = TOP + bars.length * LINE + 46;
  const bottom = TOP + bars.length * LINE;
  const grid = TICKS.map(
    (tick) => `<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 6}" y2="${bottom}" stroke="${tick === 100 ? '#333' : '#ddd'}"/>
<text x="${x(tick)}" y="${bottom + 18}" text-anchor="middle" fill="#555">${tick} %</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="20" y="28" font-size="18" font-weight="bold" fill="#222">How near to the limit of the machine</text>
<text x="20" y="50" fill="#555">Percent of what the bare machine does on the same work, in the same run, on a logarithmic scale: ${machine.cores} cores, Node ${machine.node}. Right is better.</text>
${grid.join('\n')}
${bars.map(drawn).join('\n')}
${legend(height - 10)}
</svg>
`;
}

function drawn({ name, value, aim, ours }: Bar, index: number): string {
  const y = TOP + index * LINE;
  const label = `<text x="${LEFT - 10}" y="${y + BAR - 2}" text-anchor="end" fill="${ours ? '#222' : '#777'}">${escaped(name)}</text>`;
  const bar = `<rect x="${LEFT}" y="${y}" width="${Math.max(1, x(value) - LEFT).toFixed(1)}" height="${BAR}" fill="${ours ? '#1f6fb2' : '#b9c4cf'}"/>`;
  const figure = `<text x="${WIDTH - 8}" y="${y + BAR - 2}" text-anchor="end" fill="#222">${percent(value)}</text>`;
  const mark =
    aim === undefined
      ? ''
      : `<line x1="${x(aim)}" x2="${x(aim)}" y1="${y - 4}" y2="${y + BAR + 4}" stroke="#d1495b" stroke-width="3"/>`;
  return [label, bar, figure, mark].join('');
}

function legend(y: number): string {
  return `<rect x="${LEFT}" y="${y - 10}" width="12" height="10" fill="#1f6fb2"/><text x="${LEFT + 18}" y="${y}">Weft</text>
<rect x="${LEFT + 80}" y="${y - 10}" width="12" height="10" fill="#b9c4cf"/><text x="${LEFT + 98}" y="${y}">peers</text>
<line x1="${LEFT + 166}" x2="${LEFT + 166}" y1="${y - 12}" y2="${y + 1}" stroke="#d1495b" stroke-width="3"/><text x="${LEFT + 174}" y="${y}">what is aimed at</text>`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
