import type { Problem } from '@weft/domain';
import {
  EngineDamaged,
  EngineUnavailable,
  NotPermitted,
  RecordUnreadable,
  SeatTaken,
  UnknownTopic,
  WrongExpectedRevision,
  type Unreadable,
} from './errors.js';

/** What is to be done about work that failed. */
export type Step =
  /** An engine's failure: the batch comes again, until the engine works, and readiness says so. */
  | 'come-again'
  /** A message's failure, and it is not known which message's: each is tried by itself. */
  | 'try-apart'
  /** It may have been chance: the message is tried once more. */
  | 'try-again'
  /** The message has failed in this way before, and would again: it goes to quarantine, and those behind it go on. */
  | 'quarantine';

const OF_ENGINES = [EngineUnavailable, EngineDamaged, NotPermitted, SeatTaken, UnknownTopic, WrongExpectedRevision];

/**
 * Every failure is either an engine's or a message's: an engine says of itself that it is away, damaged, forbidden or overtaken,
 * and everything else follows from what was to be done. `before` holds the outcomes of the same message's earlier attempts.
 */
export function stepAfter(error: unknown, messages: number, before: ReadonlySet<string>): Step {
  if (isOfEngine(error)) return 'come-again';
  if (messages > 1) return 'try-apart';
  return before.has(outcomeOf(error)) ? 'quarantine' : 'try-again';
}

export function isOfEngine(error: unknown): boolean {
  return OF_ENGINES.some((kind) => error instanceof kind);
}

/** Why somebody's stream cannot be read, where that is what failed; null for any other failure. */
export const unreadableBy = (error: unknown): Unreadable | null => (error instanceof RecordUnreadable ? error.type : null);

/** Somebody's stream that cannot be read: the number's key, and why. */
export interface UnreadableRecord {
  readonly key: string;
  readonly why: Unreadable;
}

/** Gives what work gives; null where it comes upon somebody's stream that cannot be read, which it is told of. */
export async function unlessUnreadable<T>(work: Promise<T>, onUnreadable: (one: UnreadableRecord) => void): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RecordUnreadable)) throw error;
    onUnreadable({ key: error.key, why: error.type });
    return null;
  }
}

/** Two failures of one kind are the same outcome: their texts may differ in a revision or an id. */
function outcomeOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

const UNREADABLE: Readonly<Record<Unreadable, string>> = {
  'record-damaged':
    'the record of this person, or of somebody whose record it needs, has lost events: restore it from a backup, then redrive this',
  'written-by-a-newer-weft':
    'the record of this person, or of somebody whose record it needs, holds events of a newer version of Weft: run that version, then redrive this',
};

/** What is said of anything that Weft itself fails at. The error's own text may quote the message, so it is not told. */
export function unprocessable(error: unknown): Problem {
  const why = unreadableBy(error);
  if (why !== null) return { field: '', code: why, message: UNREADABLE[why] };
  const message = `Weft itself fails at this (${outcomeOf(error)}): report it, with what was sent; once Weft is mended it can be sent again`;
  return { field: '', code: 'unprocessable', message };
}

/**
 * Does work on messages whose order matters, and hands those that fail by their own fault to `giveUp`. Work must bear being
 * begun again after it failed half way. Throws an engine's failure.
 */
export async function eachOnItsOwn<M>(
  messages: readonly M[],
  work: (messages: readonly M[]) => Promise<void>,
  giveUp: (message: M, problem: Problem) => Promise<void>,
): Promise<void> {
  const before = new Set<string>();
  for (;;) {
    try {
      return await work(messages);
    } catch (error) {
      switch (stepAfter(error, messages.length, before)) {
        case 'come-again':
          throw error;
        case 'try-apart':
          for (const message of messages) await eachOnItsOwn([message], work, giveUp);
          return;
        case 'try-again':
          before.add(outcomeOf(error));
          break;
        case 'quarantine':
          return giveUp(messages[0] as M, unprocessable(error));
      }
    }
  }
}
