import { EngineError } from '@weft/processing';
import { SettingsError, withoutNumbers } from '@weft/service';
import { CommanderError } from 'commander';

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
  if (error instanceof SettingsError) {
    return new Failure(EXIT.usage, `the settings cannot be used:\n  ${error.message.replaceAll('\n', '\n  ')}`);
  }
  if (error instanceof EngineError) return engineFailure(error);
  const message = error instanceof Error ? withoutNumbers(error.message) : 'something unknown was thrown';
  return new Failure(EXIT.fault, `unexpected: ${message}`, 'run it again with WEFT_LOG_LEVEL=debug to see where', {
    cause: error,
  });
}

function engineFailure(error: EngineError): Failure {
  const message = withoutNumbers(error.message);
  switch (error.type) {
    case 'engine-unavailable':
      return new Failure(EXIT.unreachable, message, 'is the engine running, and do the settings name the right one?', {
        cause: error,
      });
    case 'engine-damaged':
      return new Failure(EXIT.fault, message, 'put the data directory back from a backup; nothing was changed', { cause: error });
    default:
      return new Failure(EXIT.finding, message, undefined, { cause: error });
  }
}
