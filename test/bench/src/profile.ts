import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile, Share } from './work.js';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame; readonly children?: readonly number[] }[];
  readonly samples: readonly number[];
  /** Microseconds between the samples. */
  readonly timeDeltas: readonly number[];
}

const SHOWN = 20;
const NOT_WORK = new Set(['(idle)', '(program)', '(root)']);

/** Where the time of all profiles of a directory went, in itself; loading modules and definitions is not counted. */
export function profileOf(directory: string): Profile {
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile;
    const frames = workOf(profile);
    profile.samples.forEach((id, index) => {
      const frame = frames.get(id);
      if (frame === undefined) return;
      const spent = (profile.timeDeltas[index] ?? 0) / 1_000;
      const part = packageOf(frame);
      total += spent;
      add(packages, part, spent);
      add(functions, `${frame.functionName || '(anonymous)'}, ${part}${placeOf(frame)}`, spent);
    });
  }
  return { busyMs: Math.round(total), packages: shares(packages, total), functions: shares(functions, total) };
}

/** The frames that do work, by id; none of those that only start the process, and of what these call. */
function workOf({ nodes }: CpuProfile): ReadonlyMap<number, CallFrame> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const starting = new Set<number>();
  const mark = (ids: readonly number[]): void => {
    for (const id of ids) {
      starting.add(id);
      mark(byId.get(id)?.children ?? []);
    }
  };
  for (const { id, callFrame } of nodes) if (!starting.has(id) && isStarting(callFrame)) mark([id]);
  return new Map(
    nodes
      .filter(({ id, callFrame }) => !starting.has(id) && !NOT_WORK.has(callFrame.functionName))
      .map(({ id, callFrame }) => [id, callFrame]),
  );
}

const isStarting = ({ url, functionName }: CallFrame): boolean =>
  /^node:internal\/(modules|main|bootstrap|process\/pre_execution)/.test(url) || functionName === 'loadFhirDefinitions';

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function shares(sums: ReadonlyMap<string, number>, total: number): Share[] {
  const most = [...sums].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return most.map(([name, spent]) => ({ name, percent: Math.round((spent / total) * 1_000) / 10 }));
}

function packageOf({ url, functionName }: CallFrame): string {
  const [, ours] = /\/((?:libs|apps|test)\/[^/]+)\//.exec(url) ?? [];
  const [, theirs] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (theirs !== undefined) return theirs;
  if (ours !== undefined) return ours;
  if (functionName === '(garbage collector)') return 'garbage collector';
  return url.startsWith('node:') ? 'node' : 'native';
}

function placeOf({ url, lineNumber }: CallFrame): string {
  const file = url.split('/').at(-1) ?? '';
  return file === '' || url.startsWith('node:') ? '' : ` ${file.replace(/\.js$/, '')}:${lineNumber + 1}`;
}

/** For the terminal. */
export function profileText({ busyMs, packages, functions }: Profile): string {
  const lines = (all: readonly Share[]): string[] =>
    all.map(({ name, percent }) => `${percent.toFixed(1).padStart(5)} %  ${name}`);
  return [`busy for ${busyMs} ms`, '', 'by package', ...lines(packages), '', 'by function, itself', ...lines(functions)].join(
    '\n',
  );
}
