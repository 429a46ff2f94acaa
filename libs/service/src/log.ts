import type { LoggerService } from '@nestjs/common';
import { EngineError } from '@weft/processing';
import { destination, type DestinationStream, type Logger, pino } from 'pino';
import type { Settings } from './settings.js';

export type { Logger } from 'pino';

/** JSON lines to standard error, so that standard output stays what a command was asked for. */
export function createLogger(settings: Pick<Settings, 'logLevel'>, to: DestinationStream = destination(2)): Logger {
  return pino(
    { level: settings.logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: loggableError } },
    to,
  );
}

/**
 * An error as a log may hold it. Our own messages never repeat identifiers; those of others may quote their input (JSON.parse
 * does), so digits that could be an NHS number are struck out, and of a SyntaxError only its place is kept. Nor does it hold what a
 * purpose beyond individual care calls a person: beside it stand a request or a topic's place, which lead to the number.
 */
export function loggableError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const message = error instanceof SyntaxError ? 'text that cannot be read' : withoutNumbers(withoutPseudonyms(error.message));
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: error instanceof EngineError ? error.type : error.name,
    message,
    code: (error as { code?: unknown }).code,
    stack: frames.join('\n'),
    cause: error.cause === undefined ? undefined : loggableError(error.cause),
  };
}

/** Without what could be an NHS number. */
export const withoutNumbers = (text: string): string => text.replace(/\d{3}[ -]?\d{3}[ -]?\d{4}/g, '[number]');

/** Names of streams without the keys in them that may be pseudonyms. */
const withoutPseudonyms = (text: string): string => text.replace(/\bauditOf-[0-9a-f]{32}/g, 'auditOf-[pseudonym]');

/** Nest's own lines, at pino's levels; what it says while it starts is debug. */
export function nestLogger(log: Logger): LoggerService {
  const say =
    (level: 'debug' | 'warn' | 'error' | 'fatal') =>
    (message: unknown, ...rest: unknown[]) => {
      const context = rest.at(-1);
      const text = message instanceof Error ? undefined : withoutNumbers(String(message));
      log[level](
        { err: message instanceof Error ? message : undefined, context: typeof context === 'string' ? context : undefined },
        text,
      );
    };
  return {
    log: say('debug'),
    verbose: say('debug'),
    debug: say('debug'),
    warn: say('warn'),
    error: say('error'),
    fatal: say('fatal'),
  };
}
