import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds between the samples. */
  readonly timeDeltas: readonly number[];
}

const SHOWN = 25;
const NOT_WORK = new Set(['(idle)', '(program)', '(root)']);

/** Where the time of all profiles of a directory went: by package, and by function, in itself. */
export function summary(directory: string): string {
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    samples.forEach((id, index) => {
      const frame = frames.get(id);
      if (frame === undefined || NOT_WORK.has(frame.functionName)) return;
      const spent = (timeDeltas[index] ?? 0) / 1_000;
      const part = packageOf(frame.url, frame.functionName);
      total += spent;
      add(packages, part, spent);
      add(functions, `${frame.functionName || '(anonymous)'}  ${part}${placeOf(frame.url, frame.lineNumber)}`, spent);
    });
  }
  return [
    `busy for ${Math.round(total)} ms`,
    '',
    'by package',
    ...lines(packages, total),
    '',
    'by function, itself',
    ...lines(functions, total),
  ].join('\n');
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function lines(sums: ReadonlyMap<string, number>, total: number): string[] {
  const most = [...sums].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return most.map(
    ([name, spent]) =>
      `${((spent / total) * 100).toFixed(1).padStart(5)} %  ${String(Math.round(spent)).padStart(7)} ms  ${name}`,
  );
}

function packageOf(url: string, functionName: string): string {
  const [, ours] = /\/((?:libs|apps|test)\/[^/]+)\//.exec(url) ?? [];
  const [, theirs] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (ours !== undefined && theirs === undefined) return ours;
  if (theirs !== undefined) return theirs;
  if (functionName === '(garbage collector)') return 'garbage collector';
  return url.startsWith('node:') ? 'node' : 'native';
}

const placeOf = (url: string, line: number): string => {
  const file = url.split('/').at(-1) ?? '';
  return file === '' ? '' : ` ${file}:${line + 1}`;
};
