import type { Counts, World } from './world.js';

const LINES: Readonly<Record<keyof Counts, string>> = {
  kills: 'processes killed with -9 and started again',
  decisions: 'decisions answered as obeyed',
  events: 'events acknowledged, in Bundles and one by one',
  reads: 'reads checked',
  entriesRead: 'entries looked up in what was read',
  messages: 'messages to subscribers checked',
  withdrawals: 'withdrawals told to subscribers who had the entry',
};
const WIDTH = 52;

/** What a storm did and what it broke, with all that is needed to see it again. */
export function report(
  { counts, violated, violations, seed }: Pick<World, 'counts' | 'violated' | 'violations' | 'seed'>,
  { seconds, again, directory }: { readonly seconds: number; readonly again: string; readonly directory: string },
): string[] {
  const names = Object.keys(LINES) as (keyof Counts)[];
  const lines = names.map((name) => `  ${LINES[name].padEnd(WIDTH)} ${String(counts[name]).padStart(9)}`);
  const broken = violations.map((violation) => `  BROKEN ${violation}`);
  if (violated > violations.length) broken.push(`  and ${violated - violations.length} more`);
  if (violated > 0) broken.push(`  data and logs: ${directory}`, `  again: ${again}`);
  const verdict = violated === 0 ? 'every promise kept' : `${violated} broken promises`;
  return [...lines, ...broken, `storm of ${seconds.toFixed(1)} s, seed ${seed}: ${verdict}`];
}
