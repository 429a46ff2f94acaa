import type { Person, ReleasedCodes } from '@weft/domain';
import { Command } from 'commander';
import { posted } from '../client.js';
import { clientAs, clientOf, type Context, settingsOf, SUBJECT } from '../context.js';
import { counted, type Terminal } from '../terminal.js';
import { documentIn } from './policy-file.js';

/** As `/released-codes` answers. */
interface Codes {
  readonly codes: ReleasedCodes;
  readonly authorisedBy: Person | null;
  readonly waiting: { readonly id: string; readonly codes: ReleasedCodes; readonly by: Person; readonly reason: string } | null;
}

export const releasedCodesCommand = (context: Context): Command =>
  new Command('codes')
    .description(
      'shows which codes population health and research are told; with a file proposes others, which somebody else authorises with --authorise. WEFT_RELEASED_CODES says those of an empty region alone.',
    )
    .argument('[file]', 'JSON: lists of codes, by code system')
    .option('--reason <text>', 'why; kept with the codes for good')
    .option('--authorise <id>', 'authorises what somebody else proposed')
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy codes
  $ weft policy codes codes.json --reason "The committee agreed in May" --subject anna
  $ weft policy codes --authorise 6f0c… --subject bert`,
    )
    .action(async (file: string | undefined, { reason, authorise, subject }: Options, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const client = subject === undefined ? clientOf(context, settings, ['governance']) : clientAs(context, settings, subject);
      const path =
        authorise === undefined ? '/released-codes' : `/released-codes/${encodeURIComponent(authorise)}/authorisations`;
      const body = authorise !== undefined ? {} : file === undefined ? null : { codes: await documentIn(file), reason };
      const answer = await client.json<Codes>(path, body === null ? {} : posted(body));
      if (terminal.json) return terminal.printJson(answer);
      show(terminal, answer, authorise !== undefined);
    });

interface Options {
  readonly reason?: string;
  readonly authorise?: string;
  readonly subject?: string;
}

function show(terminal: Terminal, { codes, waiting }: Codes, isNew: boolean): void {
  const systems = Object.entries(codes).map(([system, list]) => `${system}: ${counted(list.length, 'code')}`);
  terminal.print(systems.length === 0 ? 'the shipped codes are told' : 'told instead of the shipped codes of these systems:');
  for (const line of systems) terminal.print(`  ${line}`);
  if (isNew) {
    terminal.print(
      'Every app takes them at its next start; then weft replay population-health --tell-all, and weft replay research --tell-all',
    );
  }
  if (waiting === null) return;
  terminal.paragraph(`${waiting.by.subject} proposes others: ${waiting.reason}`);
  terminal.print(`Somebody else authorises them: weft policy codes --authorise ${waiting.id}`);
}
