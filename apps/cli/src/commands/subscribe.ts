import { type Purpose, PURPOSES, type Resource } from '@weft/domain';
import { Command } from 'commander';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { purpose } from '../arguments.js';
import { clientOf, type Context, interruption, settingsOf } from '../context.js';
import { dayOf, describe, shortened } from '../describe.js';
import { EXIT, Failure } from '../failure.js';
import type { Terminal } from '../terminal.js';

interface Options {
  readonly fromBeginning?: boolean;
  readonly after?: string;
}

interface Change {
  readonly kind: 'included' | 'amended' | 'withdrawn';
  readonly subject: string;
  readonly entry: {
    readonly organisation: string;
    readonly resourceType: string;
    readonly occurredAt: string | null;
    readonly resource: Resource;
  } | null;
  readonly cursor?: string;
}

export function subscribeCommand(context: Context): Command {
  return new Command('subscribe')
    .summary('follow what is shared for a purpose')
    .description('Follows a purpose’s changes as they happen: entries included, amended, and withdrawn. Ctrl-C ends it.')
    .argument('<purpose>', PURPOSES.join(', '), purpose)
    .option('--from-beginning', 'first everything that is shared now')
    .option('--after <cursor>', 'go on behind the cursor of a line that came before; not with --from-beginning')
    .addHelpText(
      'after',
      `
Examples:
  $ weft subscribe research --from-beginning
  $ weft subscribe care-coordination --json >> changes.ndjson`,
    )
    .action(async (about: Purpose, { fromBeginning, after }: Options, command: Command) => {
      if (fromBeginning === true && after !== undefined) {
        throw new Failure(EXIT.usage, '--from-beginning and --after exclude each other');
      }
      const settings = settingsOf(context, command);
      const query =
        after === undefined ? `from=${fromBeginning === true ? 'beginning' : 'end'}` : `after=${encodeURIComponent(after)}`;
      const { signal, release } = interruption();
      try {
        const client = clientOf(context, settings, ['subscriber'], { signal });
        const response = await client.ask(`/record-changes/${about}?${query}`);
        await follow(context.terminal, about, response, signal);
      } finally {
        release();
      }
    });
}

async function follow(terminal: Terminal, about: Purpose, response: Response, signal: AbortSignal): Promise<void> {
  if (!terminal.json) terminal.note(terminal.paint('dim', `following ${about}; Ctrl-C ends it`));
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0], { signal });
  let caughtUp = false;
  try {
    for await (const line of createInterface({ input: body, crlfDelay: Infinity })) {
      if (line !== '') show(terminal, line);
      else if (!caughtUp && !terminal.json) terminal.note(terminal.paint('dim', 'up to now; what comes next is new'));
      caughtUp ||= line === '';
    }
  } catch (error) {
    if (signal.aborted) return;
    throw new Failure(EXIT.unreachable, 'Weft broke off', 'the same command goes on; --after takes the last cursor', {
      cause: error,
    });
  }
  if (!signal.aborted)
    throw new Failure(EXIT.unreachable, 'Weft has ended the subscription', 'is it being stopped? The same command goes on');
}

const SIGNS = { included: ['green', '+'], amended: ['cyan', '~'], withdrawn: ['yellow', '-'] } as const;

function show(terminal: Terminal, line: string): void {
  if (terminal.json) return terminal.print(line);
  const { kind, subject, entry } = JSON.parse(line) as Change;
  const [colour, sign] = SIGNS[kind];
  const about = `${terminal.paint(colour, `${sign} ${kind.padEnd(9)}`)} ${terminal.paint('dim', subject.slice(0, 8))}`;
  if (entry === null) return terminal.print(about);
  const when = dayOf(entry.occurredAt).padEnd(10);
  terminal.print(`${about} ${when} ${shortened(entry.organisation).padEnd(9)} ${entry.resourceType} ${describe(entry.resource)}`);
}
