import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profile, Share } from './work.js';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame; readonly children?: readonly number[] }[];
  readonly samples: readonly number[];
  /** Microseconds of the machine's clock that nobody sets. */
  readonly startTime: number;
  readonly endTime: number;
  /** Microseconds between the samples. */
  readonly timeDeltas: readonly number[];
}

const SHOWN = 20;
const NOT_WORK = new Set(['(idle)', '(program)', '(root)']);

/** Leaves out of the profiles of a directory what came later than now, in the one that was being taken then. */
export function endProfile(directory: string, now: bigint): void {
  const end = Number(now / 1_000n);
  for (const [path, profile] of profilesOf(directory)) {
    if (profile.startTime > end || profile.endTime < end) continue;
    let at = profile.startTime;
    const later = profile.timeDeltas.findIndex((delta) => (at += delta) > end);
    const [samples, timeDeltas] = [profile.samples.slice(0, later), profile.timeDeltas.slice(0, later)];
    if (later !== -1) writeFileSync(path, JSON.stringify({ ...profile, endTime: end, samples, timeDeltas }));
  }
}

/**
 * Where the time of all profiles of a directory went, in itself. Of what serves for long, loading modules and definitions is
 * not counted.
 */
export function profileOf(directory: string, { starts }: { readonly starts: boolean }): Profile {
  const packages = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  for (const [, profile] of profilesOf(directory)) {
    const frames = workOf(profile, starts);
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

function profilesOf(directory: string): (readonly [path: string, CpuProfile])[] {
  const paths = readdirSync(directory).map((name) => join(directory, name));
  return paths
    .filter((path) => path.endsWith('.cpuprofile'))
    .map((path) => [path, JSON.parse(readFileSync(path, 'utf8')) as CpuProfile]);
}

/** The frames that do work, by id; none of those that only start the process, and of what these call, unless that is it. */
function workOf({ nodes }: CpuProfile, starts: boolean): ReadonlyMap<number, CallFrame> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const starting = new Set<number>();
  const mark = (ids: readonly number[]): void => {
    for (const id of ids) {
      starting.add(id);
      mark(byId.get(id)?.children ?? []);
    }
  };
  if (!starts) for (const { id, callFrame } of nodes) if (!starting.has(id) && isStarting(callFrame)) mark([id]);
  return new Map(
    nodes
      .filter(({ id, callFrame }) => !starting.has(id) && !NOT_WORK.has(callFrame.functionName))
      .map(({ id, callFrame }) => [id, asWritten(callFrame)]),
  );
}

const maps = new Map<string, SourceMap | undefined>();

/** Where the source has it, whatever file it runs from. */
function asWritten(frame: CallFrame): CallFrame {
  const map = frame.url.startsWith('file:') ? mapOf(frame.url) : undefined;
  const entry = map?.findEntry(frame.lineNumber, frame.columnNumber);
  if (entry === undefined || !('originalSource' in entry)) return frame;
  const { originalSource, originalLine, originalColumn } = entry;
  const url = new URL(originalSource, frame.url).href;
  return { ...frame, url, lineNumber: originalLine, columnNumber: originalColumn };
}

function mapOf(url: string): SourceMap | undefined {
  const path = `${fileURLToPath(url)}.map`;
  if (!maps.has(path)) maps.set(path, existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, 'utf8'))) : undefined);
  return maps.get(path);
}

const isStarting = ({ url }: CallFrame): boolean => /^node:internal\/(modules|main|bootstrap|process\/pre_execution)/.test(url);

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function shares(sums: ReadonlyMap<string, number>, total: number): Share[] {
  const most = [...sums].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return most.map(([name, spent]) => ({ name, percent: Math.round((spent / total) * 1_000) / 10 }));
}

function packageOf({ url, functionName }: CallFrame): string {
  const [, ours] = /\/((?:libs|apps|test)\/[^/]+)\/(?:src|dist)\//.exec(url) ?? [];
  const [, theirs] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (theirs !== undefined) return theirs;
  if (ours !== undefined) return ours;
  if (functionName === '(garbage collector)') return 'garbage collector';
  return url.startsWith('node:') ? 'node' : 'native';
}

function placeOf({ url, lineNumber }: CallFrame): string {
  const file = url.split('/').at(-1) ?? '';
  return file === '' || url.startsWith('node:') ? '' : ` ${file.replace(/\.[jt]s$/, '')}:${lineNumber + 1}`;
}

/** For the terminal. */
export function profileText({ busyMs, packages, functions }: Profile): string {
  const lines = (all: readonly Share[]): string[] =>
    all.map(({ name, percent }) => `${percent.toFixed(1).padStart(5)} %  ${name}`);
  return [`busy for ${busyMs} ms`, '', 'by package', ...lines(packages), '', 'by function, itself', ...lines(functions)].join(
    '\n',
  );
}
