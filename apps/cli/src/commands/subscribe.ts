import { parseWithDigits, type Purpose, PURPOSES, type Resource } from '@weft/domain';
import { Command, InvalidArgumentError } from 'commander';
import { ods, purpose } from '../arguments.js';
import { Refused } from '../client.js';
import { clientOf, type Context, interruption, ownOrganisation, settingsOf } from '../context.js';
import { describe, minuteOf, shortened } from '../describe.js';
import { EXIT, Failure } from '../failure.js';
import { Position } from '../subscribe/position.js';
import { Subscription } from '../subscribe/subscription.js';
import type { Terminal } from '../terminal.js';

interface Options {
  readonly fromBeginning?: boolean;
  readonly after?: string;
  readonly name?: string;
  readonly restart?: boolean;
  readonly org?: string;
}

/** A connection ends with its token; the next one has a token of its own. */
const TOKEN_SECONDS = 12 * 60 * 60;

interface Change {
  readonly kind: 'included' | 'amended' | 'withdrawn';
  readonly key: string;
  readonly subject: string;
  readonly entry: {
    readonly id: string;
    readonly organisation: string;
    readonly resourceType: string;
    readonly occurredAt: string | null;
    readonly resource: Resource;
  } | null;
}

export function subscribeCommand(context: Context): Command {
  return new Command('subscribe')
    .summary('follow what is shared for a purpose')
    .description(
      'Follows a purpose’s changes as they happen: entries included, amended, and withdrawn. Where Weft restarts or the network fails it connects again, and goes on behind what it has told. Ctrl-C ends it. Weft audits whom it tells of.',
    )
    .argument('<purpose>', PURPOSES.join(', '), purpose)
    .option('--name <name>', 'remember where this subscription is: the same command goes on there, also after days off', named)
    .option('--from-beginning', 'first everything that is shared now; with --name only where it has not begun yet')
    .option('--restart', 'with --name: forget where it is, and begin anew')
    .option('--after <cursor>', 'go on behind the cursor of a line that came before; not with --from-beginning or --name')
    .option('--org <ods>', 'the organisation that subscribes; default the region’s first', ods)
    .addHelpText(
      'after',
      `
Where a named subscription is stands in WEFT_DATA_DIR, below subscriptions/, by
region (the address of Weft), purpose and name. It is written once a line is out:
after a crash a line may come again, and none is missing, however long the pause.

Examples:
  $ weft subscribe research --name our-copy --from-beginning
  $ weft subscribe research --org RX901
  $ weft subscribe care-coordination --name feed --json >> changes.ndjson`,
    )
    .action(async (about: Purpose, options: Options, command: Command) => {
      refuseContradiction(options);
      await subscribe(context, about, options, command);
    });
}

function named(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('A name is up to 64 of a to z, 0 to 9 and -, and does not begin with -.');
}

function refuseContradiction({ fromBeginning, after, name, restart }: Options): void {
  const other = fromBeginning === true ? '--from-beginning' : name === undefined ? null : '--name';
  if (after !== undefined && other !== null) {
    throw new Failure(EXIT.usage, `${other} and --after exclude each other`, 'leave one of them out');
  }
  if (restart === true && name === undefined) {
    throw new Failure(EXIT.usage, '--restart is about a subscription with a --name', 'without one every start begins anew');
  }
}

async function subscribe(context: Context, purpose: Purpose, options: Options, command: Command): Promise<void> {
  const { terminal } = context;
  const { fromBeginning, after, name, restart, org } = options;
  const settings = settingsOf(context, command);
  const { signal, release } = interruption();
  const position = name === undefined ? undefined : await Position.open(settings, purpose, name, restart);
  const about = {
    organisation: org ?? ownOrganisation(settings),
    purposes: [purpose],
    expiresIn: Math.min(TOKEN_SECONDS, settings.tokens.localHours * 3_600),
    signal,
  };
  const subscription = new Subscription({
    ...{ purpose, signal, cursor: position?.cursor ?? after, begin: fromBeginning === true ? 'beginning' : 'end' },
    connect: () => clientOf(context, settings, ['subscriber'], about),
    hasNewTokens: !context.env['WEFT_TOKEN']?.trim(),
    tell: (line) => terminal.printed(terminal.json ? line : lineOf(terminal, parseWithDigits(line) as Change)),
    keep: async (cursor) => position?.keep(cursor),
    note: (text) => terminal.note(terminal.paint('dim', text)),
  });
  try {
    await subscription.run();
    terminal.note(terminal.paint('dim', `ended; ${goOn(command, options, subscription.cursor)}`));
  } catch (error) {
    throw withAdvice(error, command, options, subscription.cursor);
  } finally {
    position?.release();
    release();
  }
}

/** How the same subscription goes on later. */
function goOn(command: Command, options: Options, cursor: string | undefined): string {
  if (options.name !== undefined) return `${again(command, options)} goes on from here`;
  if (cursor === undefined) return 'the same command begins anew';
  return `${again(command, options)} --after ${cursor} goes on from here`;
}

/** The command as it was given, without where it was to begin. */
function again(command: Command, { name, org }: Options): string {
  const { url, dataDir, json } = command.optsWithGlobals<{ url?: string; dataDir?: string; json?: boolean }>();
  const given = Object.entries({ name, org, url, 'data-dir': dataDir }).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option} ${value}`],
  );
  return ['weft subscribe', ...command.args, ...given, ...(json === true ? ['--json'] : [])].join(' ');
}

/** What ended the subscription, with how to go on from there. */
function withAdvice(error: unknown, command: Command, options: Options, cursor: string | undefined): unknown {
  if (!(error instanceof Failure)) return error;
  if (error instanceof Refused && isAboutCursor(error)) {
    const anew = options.name === undefined ? ' --from-beginning' : ' --from-beginning --restart';
    const advice = `${again(command, options)}${anew} begins anew; drop what it has not told by “up to now”`;
    return new Failure(error.exitCode, error.message, advice, { cause: error });
  }
  const then = cursor === undefined ? undefined : `then ${goOn(command, options, cursor)}`;
  const advice = [error.advice, then].filter((part) => part !== undefined).join('; ');
  return new Failure(error.exitCode, error.message, advice === '' ? undefined : advice, { cause: error });
}

const isAboutCursor = ({ status, problem }: Refused): boolean =>
  status === 410 || (problem.errors ?? []).some(({ field }) => field === 'after');

const SIGNS = { included: ['green', '+'], amended: ['cyan', '~'], withdrawn: ['yellow', '-'] } as const;

/** The person and the entry by the beginnings of their keys: of a withdrawal nothing else is told. */
function lineOf(terminal: Terminal, { kind, key, subject, entry }: Change): string {
  const [colour, sign] = SIGNS[kind];
  const keys = `${subject.slice(0, 8)}.${key.slice(subject.length + 1).slice(0, 8)}`;
  const about = `${terminal.paint(colour, `${sign} ${kind.padEnd(9)}`)} ${terminal.paint('dim', keys)}`;
  if (entry === null) return about;
  const when = entry.occurredAt === null ? '–' : minuteOf(entry.occurredAt);
  const what = [entry.resourceType, describe(entry.resource)].filter((part) => part !== '').join(' ');
  return `${about} ${when.padEnd(16)} ${shortened(entry.organisation).padEnd(9)} ${what} ${terminal.paint('dim', entry.id)}`;
}
