import { type Purpose, PURPOSES, type Resource } from '@weft/domain';
import { Command } from 'commander';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { ods, purpose } from '../arguments.js';
import { clientOf, type Context, interruption, ownOrganisation, settingsOf } from '../context.js';
import { dayOf, describe, shortened } from '../describe.js';
import { EXIT, Failure } from '../failure.js';
import type { Terminal } from '../terminal.js';

interface Options {
  readonly fromBeginning?: boolean;
  readonly after?: string;
  readonly org?: string;
}

/** A subscription ends with its token. A cursor from its beginning is still good then. */
const TOKEN_SECONDS = 12 * 60 * 60;

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

/** What Weft says last when it ends a subscription. */
interface LastWord {
  readonly reason: 'token-ended' | 'stopping';
  readonly cursor?: string;
}

const LAST_WORD = '{"kind":"ended"';

export function subscribeCommand(context: Context): Command {
  return new Command('subscribe')
    .summary('follow what is shared for a purpose')
    .description(
      'Follows a purpose’s changes as they happen: entries included, amended, and withdrawn. Ctrl-C ends it, and its token does after 12 hours. Weft audits whom it tells of.',
    )
    .argument('<purpose>', PURPOSES.join(', '), purpose)
    .option('--from-beginning', 'first everything that is shared now')
    .option('--org <ods>', 'the organisation that subscribes; default the region’s first', ods)
    .option('--after <cursor>', 'go on behind the cursor of a line that came before; not with --from-beginning')
    .addHelpText(
      'after',
      `
Examples:
  $ weft subscribe research --from-beginning
  $ weft subscribe research --org RX901
  $ weft subscribe care-coordination --json >> changes.ndjson`,
    )
    .action(async (about: Purpose, { fromBeginning, after, org }: Options, command: Command) => {
      if (fromBeginning === true && after !== undefined) {
        throw new Failure(EXIT.usage, '--from-beginning and --after exclude each other');
      }
      const settings = settingsOf(context, command);
      const query =
        after === undefined ? `from=${fromBeginning === true ? 'beginning' : 'end'}` : `after=${encodeURIComponent(after)}`;
      const { signal, release } = interruption();
      try {
        const organisation = org ?? ownOrganisation(settings);
        const of = { organisation, purposes: [about], expiresIn: Math.min(TOKEN_SECONDS, settings.tokens.localHours * 3_600) };
        const client = clientOf(context, settings, ['subscriber'], { ...of, signal });
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
      if (line.startsWith(LAST_WORD)) throw endOf(terminal, about, line);
      if (line !== '') show(terminal, line);
      else if (!caughtUp && !terminal.json) terminal.note(terminal.paint('dim', 'up to now; what comes next is new'));
      caughtUp ||= line === '';
    }
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Failure) throw error;
    throw new Failure(EXIT.unreachable, 'Weft broke off', 'the same command goes on; --after takes the last cursor', {
      cause: error,
    });
  }
  if (!signal.aborted)
    throw new Failure(
      EXIT.unreachable,
      'the connection ended without a word',
      'the same command goes on; --after takes the last cursor',
    );
}

function endOf(terminal: Terminal, about: Purpose, line: string): Failure {
  if (terminal.json) terminal.print(line);
  const { reason, cursor } = JSON.parse(line) as LastWord;
  const again = cursor === undefined ? 'the same command begins anew' : `weft subscribe ${about} --after ${cursor} goes on`;
  if (reason === 'token-ended')
    return new Failure(EXIT.finding, 'the token of this subscription has ended', `with a new one, ${again}`);
  return new Failure(EXIT.unreachable, 'Weft is stopping, and has ended the subscription', `once it is back, ${again}`);
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
