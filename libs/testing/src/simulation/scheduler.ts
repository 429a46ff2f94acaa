import { Prng } from './prng.js';

/** Whoever a task belongs to. A dead owner's tasks never run; a paused one's wait until it wakes. */
export interface Owner {
  readonly name: string;
  readonly alive: boolean;
  readonly paused: boolean;
  readonly held: Task[];
}

export interface Task {
  readonly owner: Owner | undefined;
  readonly what: string;
  readonly detail: string;
  readonly run: () => void;
  readonly due: number;
  readonly order: number;
  cancelled: boolean;
}

export interface TracedStep {
  readonly step: number;
  readonly at: number;
  readonly owner: string;
  readonly what: string;
  readonly detail: string;
}

/** So many steps at most until somebody else is the one to be hurried or kept waiting. */
const LEANING_STEPS = 600;

/**
 * The only source of order: one task a step, drawn by seed from those that are ready, in simulated time.
 * A step takes a millisecond; when nothing is ready, time leaps to the next task that is due.
 *
 * Drawn alike, all make their way at about the same pace, and what goes wrong only where one does much while another stands
 * between two steps hardly ever happens. A scheduler that leans takes one owner's tasks first for a while, or last.
 */
export class Scheduler {
  /** Simulated time, milliseconds since 1970. */
  now: number;
  steps = 0;
  /** A running hash of every choice: two runs with the same value took the same steps. */
  fingerprint = 0;
  /** Set to an array to have every step recorded. */
  trace: TracedStep[] | undefined;
  private readonly ready: Task[] = [];
  private readonly later: Task[] = [];
  private order = 0;
  private leaning: { readonly towards: boolean; readonly name: string | undefined } | undefined;
  private leansUntil = 0;

  constructor(
    private readonly prng: Prng,
    startsAt: number,
    private readonly leans = false,
  ) {
    this.now = startsAt;
  }

  /** Makes a task ready now. `owner` absent: an engine's or the network's, that no crash takes away. */
  soon(owner: Owner | undefined, what: string, detail: string, run: () => void): Task {
    const task = { owner, what, detail, run, due: this.now, order: this.order++, cancelled: false };
    this.ready.push(task);
    return task;
  }

  /** Makes a task ready once `ms` of simulated time have gone by. */
  after(ms: number, owner: Owner | undefined, what: string, detail: string, run: () => void): Task {
    if (!(ms > 0)) return this.soon(owner, what, detail, run);
    const task = { owner, what, detail, run, due: this.now + ms, order: this.order++, cancelled: false };
    push(this.later, task);
    return task;
  }

  /** Makes an owner's held tasks ready again. */
  wake(owner: Owner): void {
    this.ready.push(...owner.held.splice(0));
  }

  /** Runs one task, `elapsed` milliseconds after the last; false when there is none, now or later. */
  step(elapsed = 1): boolean {
    this.now += elapsed;
    const task = this.next(true);
    if (task === undefined) return false;
    this.take(task);
    return true;
  }

  /** The same in real time: nothing leaps, false when nothing is ready yet. */
  stepAt(now: number): boolean {
    this.now = Math.max(this.now, now);
    const task = this.next(false);
    if (task === undefined) return false;
    this.take(task);
    return true;
  }

  private take(task: Task): void {
    this.steps++;
    this.fingerprint = Math.imul(this.fingerprint ^ task.order ^ (this.now | 0), 0x01000193) ^ this.ready.length;
    this.trace?.push({ step: this.steps, at: this.now, owner: task.owner?.name ?? '', what: task.what, detail: task.detail });
    task.run();
  }

  private next(leaps: boolean): Task | undefined {
    for (;;) {
      this.ripen();
      if (this.ready.length === 0) {
        const first = this.later[0];
        if (first === undefined || !leaps) return undefined;
        this.now = first.due;
        continue;
      }
      const task = this.draw();
      if (task.cancelled || task.owner?.alive === false) continue;
      if (task.owner?.paused !== true) return task;
      task.owner.held.push(task);
    }
  }

  private ripen(): void {
    for (let first = this.later[0]; first !== undefined; first = this.later[0]) {
      const gone = first.cancelled || first.owner?.alive === false;
      if (!gone && first.due > this.now) return;
      pop(this.later);
      if (!gone) this.ready.push(first);
    }
  }

  private draw(): Task {
    const index = this.drawnIndex();
    const task = this.ready[index] as Task;
    const last = this.ready.pop() as Task;
    if (last !== task) this.ready[index] = last;
    return task;
  }

  private drawnIndex(): number {
    const { prng, ready } = this;
    const any = prng.below(ready.length);
    if (!this.leans) return any;
    if (this.steps >= this.leansUntil) {
      this.leansUntil = this.steps + prng.between(1, LEANING_STEPS);
      this.leaning = prng.chance(0.3) ? undefined : { towards: prng.chance(0.3), name: ready[any]?.owner?.name };
    }
    const { leaning } = this;
    if (leaning === undefined) return any;
    for (let step = 0; step < ready.length; step += 1) {
      const index = (any + step) % ready.length;
      if ((ready[index]?.owner?.name === leaning.name) === leaning.towards) return index;
    }
    return any;
  }
}

/**
 * Calls `step` until it says false, with every microtask done between two calls. Node runs the tick queue only when the
 * microtask queue is empty, so a tick asked for from a microtask is exactly the moment after the last continuation:
 * no counting, no guess at a bound, and no turn of the event loop.
 */
export function drive(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const tick = (): void => {
      try {
        if (!step()) return resolve();
      } catch (error) {
        return reject(error as Error);
      }
      void done.then(afterMicrotasks);
    };
    const afterMicrotasks = (): void => process.nextTick(tick);
    // As queueMicrotask would, without a resource of its own for each.
    const done = Promise.resolve();
    void done.then(afterMicrotasks);
  });
}

/** Runs steps as they come, simulated time being the machine's: for suites that wait in real time. Returns what stops it. */
export function driveInRealTime(scheduler: Scheduler): () => void {
  let stopped = false;
  const turn = (): void => {
    if (stopped) return;
    if (scheduler.stepAt(Date.now())) setImmediate(turn);
    else setTimeout(turn, 1);
  };
  setImmediate(turn);
  return () => {
    stopped = true;
  };
}

// A binary heap, the earliest first; tasks of one instant in the order they were asked for.
function earlier(a: Task, b: Task): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

function push(heap: Task[], task: Task): void {
  let index = heap.push(task) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!earlier(task, heap[parent] as Task)) break;
    heap[index] = heap[parent] as Task;
    index = parent;
  }
  heap[index] = task;
}

function pop(heap: Task[]): void {
  const task = heap.pop() as Task;
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && earlier(heap[child + 1] as Task, heap[child] as Task)) child++;
    if (!earlier(heap[child] as Task, task)) break;
    heap[index] = heap[child] as Task;
    index = child;
  }
  heap[index] = task;
}
