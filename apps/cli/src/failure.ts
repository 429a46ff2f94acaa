import { EngineError, EngineUnavailable } from '@weft/processing';
import { NoRegion, NotThisRegion, SettingsError, withoutNumbers } from '@weft/service';
import { CommanderError } from 'commander';
import { adviceOnSystem, systemCode } from './system-advice.js';

/** What the exit code of every command means; `--help` says the same. */
export const EXIT = {
  ok: 0,
  /** Something was found or refused: views that differ, events that Weft does not take, a number that nobody knows. */
  finding: 1,
  /** The command or the settings are wrong. */
  usage: 2,
  /** Weft, Kafka or EventStoreDB does not answer. */
  unreachable: 3,
  /** A fault in Weft itself. */
  fault: 4,
  /** sysexits(3), EX_CONFIG: the settings are another region's, or no region is where they say. */
  notThisRegion: 78,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command: one clear sentence, and what to do about it. Neither repeats an NHS number. */
export class Failure extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    readonly advice?: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = 'Failure';
  }
}

/** What a person is told of an error, whatever its origin. Null where commander has said it already. */
export function failureOf(error: unknown): Failure | { readonly exitCode: ExitCode; readonly message: null } {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, message: null };
  if (error instanceof NotThisRegion) {
    const message = `the settings are not those of this region:\n  ${error.message.replaceAll('\n', '\n  ')}`;
    return new Failure(EXIT.notThisRegion, message, undefined, { cause: error });
  }
  if (error instanceof NoRegion) {
    const advice = 'is it elsewhere? --data-dir and WEFT_DATA_DIR, or WEFT_EVENTSTORE_URL, say where';
    return new Failure(EXIT.notThisRegion, error.message, advice, { cause: error });
  }
  if (error instanceof SettingsError) {
    const message = `the settings cannot be used:\n  ${error.message.replaceAll('\n', '\n  ')}`;
    return new Failure(EXIT.usage, message, adviceOnSystem(error), { cause: error });
  }
  if (error instanceof EngineError) return engineFailure(error);
  if (systemCode(error) !== undefined) return failureAt(error);
  const message = error instanceof Error ? withoutNumbers(error.message) : 'something unknown was thrown';
  return new Failure(EXIT.fault, `unexpected: ${message}`, 'run it again with WEFT_LOG_LEVEL=debug to see where', {
    cause: error,
  });
}

/** Faults of the machine and not of the command. */
const OF_MACHINE = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE'];

/** What the system would not do with a file, a directory or an address, and what to do about it. */
export function failureAt(error: unknown, where = (error as NodeJS.ErrnoException).path): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof EngineError) return engineFailure(error);
  const code = systemCode(error);
  if (code === undefined) return failureOf(error) as Failure;
  const exitCode = OF_MACHINE.includes(code) ? EXIT.unreachable : EXIT.usage;
  const message = where === undefined ? withoutNumbers((error as Error).message) : `${where} cannot be used (${code})`;
  return new Failure(exitCode, message, adviceOnSystem(error), { cause: error });
}

/** Whether another process has what this one would have to itself: no fault of the machine is behind it. */
export const isInUse = (error: unknown): error is EngineUnavailable =>
  error instanceof EngineUnavailable && error.cause === undefined;

const ENGINE_AWAY = 'is the engine running, and do the settings name the right one?';

function engineFailure(error: EngineError): Failure {
  const message = withoutNumbers(error.message);
  switch (error.type) {
    case 'engine-unavailable':
      return new Failure(EXIT.unreachable, message, adviceOnSystem(error) ?? ENGINE_AWAY, { cause: error });
    case 'engine-damaged':
      return new Failure(EXIT.fault, message, 'put the data directory back from a backup; nothing was changed', { cause: error });
    default:
      return new Failure(EXIT.finding, message, undefined, { cause: error });
  }
}
