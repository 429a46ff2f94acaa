import fs from 'node:fs';
import { register, syncBuiltinESMExports } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Point } from './points.js';

/** Wraps what a call may do, so that the process is killed at its point. */
export class Killing {
  private seen = 0;
  private readonly alarm: Int32Array | undefined;

  /** `afterUs`: for `within`, so many microseconds after the call began. */
  constructor(
    private readonly point: Point | undefined,
    private readonly nth: number,
    afterUs: number,
  ) {
    if (point?.when === 'within') this.alarm = startAlarm(afterUs);
  }

  around<T>(kind: Point['kind'], call: string, run: () => T, file?: string): T {
    if (!this.isHere(kind, call, file)) return run();
    if (this.point?.when === 'before') die();
    if (this.alarm !== undefined) {
      Atomics.store(this.alarm, 0, 1);
      Atomics.notify(this.alarm, 0);
    }
    const result = run();
    if (this.point?.when === 'after') die();
    return result;
  }

  /** The same for a port's call: it is over when its promise has resolved. */
  async aroundPort<T>(call: string, run: () => Promise<T>): Promise<T> {
    if (!this.isHere('port', call)) return run();
    if (this.point?.when === 'before') die();
    const result = await run();
    die();
    return result;
  }

  private isHere(kind: Point['kind'], call: string, file?: string): boolean {
    const { point } = this;
    if (point === undefined || point.kind !== kind || !point.call.test(call)) return false;
    if (point.file !== undefined && point.file !== file) return false;
    this.seen += 1;
    return this.seen === this.nth;
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // Not reached: the signal is there before the call returns.
  throw new Error('still alive');
}

function startAlarm(afterUs: number): Int32Array {
  const alarm = new Int32Array(new SharedArrayBuffer(4));
  const program = `
    const { workerData: { alarm, afterUs, pid } } = require('node:worker_threads');
    Atomics.wait(alarm, 0, 0);
    for (const until = performance.now() + afterUs / 1000; performance.now() < until; );
    process.kill(pid, 'SIGKILL');`;
  new Worker(program, { eval: true, workerData: { alarm, afterUs, pid: process.pid } }).unref();
  return alarm;
}

/** What the wrapped driver asks around each call; set before any engine is opened. */
let inForce: { readonly killing: Killing; readonly checkpointPages: number } | undefined;

export function around<T>(kind: 'sql', call: string, run: () => T, file: string): T {
  return inForce === undefined ? run() : inForce.killing.around(kind, call, run, file);
}

/** Lets a log be checkpointed so often that kills and faults meet it. */
export function withManyCheckpoints(text: string): string {
  return text.replace(/wal_autocheckpoint = \d+/, (usual) =>
    inForce === undefined ? usual : `wal_autocheckpoint = ${inForce.checkpointPages}`,
  );
}

/** Puts the killing around the engines' driver, and around what else they do to files. */
export function wrapEngines(killing: Killing, checkpointPages: number): void {
  inForce = { killing, checkpointPages };
  const wrapped = new URL('./wrapped-driver.js', import.meta.url).href;
  const hook = `export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    if (!/\\/embedded\\/dist\\/driver\\.js$/.test(context.parentURL ?? '')) return found;
    return { url: ${JSON.stringify(wrapped)} + '?driver=' + encodeURIComponent(found.url), shortCircuit: true };
  }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
  for (const name of ['linkSync', 'rmSync', 'fsyncSync'] as const) {
    const original = fs[name] as (...parameters: unknown[]) => unknown;
    Object.assign(fs, { [name]: (...parameters: unknown[]) => killing.around('fs', name, () => original(...parameters)) });
  }
  syncBuiltinESMExports();
}
