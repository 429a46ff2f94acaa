import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';

/** Members of groups that live in this process; shared by every copy of this module in it. */
const LIVING = Symbol.for('weft.embedded.living-members');
const shared = globalThis as typeof globalThis & { [LIVING]?: Set<string> };
export const livingMembers = (shared[LIVING] ??= new Set<string>());

/** Process numbers mean something only within one namespace of one machine. */
function namespace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

const NAMESPACE = namespace();

export interface ProcessIdentity {
  readonly namespace: string;
  readonly pid: number;
  readonly thread: number;
}

export const thisProcess: ProcessIdentity = { namespace: NAMESPACE, pid: process.pid, thread: threadId };

/**
 * True only if the process that joined as this member is certainly gone. After a kill its partitions can then move at once;
 * where this cannot tell, its lease runs out.
 */
export function isGone(memberId: string, { namespace, pid, thread }: ProcessIdentity): boolean {
  if (namespace !== NAMESPACE) return false;
  if (pid === process.pid) return thread === threadId && !livingMembers.has(memberId);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'ESRCH';
  }
}
