import { type Coordinates, type Person, placeOf, type Problem } from '@weft/domain';
import { Command } from 'commander';
import { posted } from '../client.js';
import { clientAs, clientOf, type Context, settingsOf, SUBJECT } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { textOf } from '../given-file.js';
import { bytes, counted, type Terminal } from '../terminal.js';

interface Quarantined {
  readonly id: string;
  readonly quarantinedAt: string;
  readonly problems: readonly Problem[];
  readonly from: Coordinates;
  readonly bytes: number;
  readonly redrives?: string;
  readonly mend?: Mend;
}

interface Content {
  readonly text?: string;
  readonly base64?: string;
}

interface Mend extends Content {
  readonly digest: string;
  readonly proposedBy: Person;
  readonly reason: string;
}

interface QuarantinedWhole extends Quarantined, Content {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function quarantineCommand(context: Context): Command {
  return new Command('quarantine')
    .summary('what could not be accepted, and why')
    .description(
      'Messages that could not be accepted, with every reason and their bytes untouched. Nothing is lost here: send it back as it is once its cause is gone (redrive), or propose what goes instead (mend), which somebody else approves (approve).',
    )
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(showCommand(context))
    .addCommand(redriveCommand(context))
    .addCommand(mendCommand(context))
    .addCommand(approveCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft quarantine list
  $ weft quarantine show weft.care-events.RX901/0/17 > mended.json
  $ weft quarantine redrive weft.care-events.RX901/0/17
  $ weft quarantine mend weft.care-events.RX901/0/17 --file mended.json --reason "the code was misspelt" --subject anna
  $ weft quarantine approve weft.care-events.RX901/0/17 --digest 9f86d081… --subject bert`,
    );
}

/** The id's slashes are part of the address. */
const address = (id: string): string => `/quarantine/${encodeURIComponent(id)}`;

const listCommand = (context: Context): Command =>
  new Command('list')
    .description('lists what is in quarantine, oldest first')
    .addHelpText(
      'after',
      `
Examples:
  $ weft quarantine list
  $ weft quarantine list --json | jq ".[].id"`,
    )
    .action(async (_: unknown, command: Command) => {
      const settings = settingsOf(context, command);
      const found = await clientOf(context, settings, ['operations']).json<readonly Quarantined[]>('/quarantine');
      if (context.terminal.json) context.terminal.printJson(found);
      else showList(context.terminal, found);
    });

function showList(terminal: Terminal, found: readonly Quarantined[]): void {
  if (found.length === 0) return terminal.print('Nothing is in quarantine.');
  for (const { id, quarantinedAt, problems, bytes: size, redrives, mend } of found) {
    terminal.print(
      `${terminal.paint('bold', id)}  ${terminal.paint('dim', `${quarantinedAt.slice(0, 19).replace('T', ' ')}, ${bytes(size)}`)}`,
    );
    for (const problem of problems) terminal.paragraph(sentence(problem), 2);
    if (redrives !== undefined) terminal.paragraph(`sent again for ${redrives}`, 2);
    if (mend !== undefined) terminal.paragraph(`${mend.proposedBy.subject} proposed another content: ${mend.reason}`, 2);
  }
  terminal.print();
  terminal.print(`${counted(found.length, 'message')} in quarantine`);
}

const sentence = ({ field, message }: Problem): string => (field === '' ? message : `${field}: ${message}`);

const showCommand = (context: Context): Command =>
  new Command('show')
    .description('for governance: writes one message to standard output as it came; why it is here goes to standard error')
    .argument('<id>', 'topic/partition/offset, as the list has it')
    .option('--mended', 'what was proposed to go instead')
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft quarantine show weft.care-events.RX901/0/17 > mended.json
  $ weft quarantine show weft.care-events.RX901/0/17 --mended --subject bert`,
    )
    .action(async (id: string, { mended, subject }: { mended?: boolean; subject?: string }, command: Command) => {
      const { terminal } = context;
      const client = clientAs(context, settingsOf(context, command), subject);
      const found = await client.json<QuarantinedWhole>(address(id));
      if (terminal.json) return terminal.printJson(found);
      for (const problem of found.problems) terminal.note(`${terminal.paint('yellow', '✗')} ${sentence(problem)}`);
      if (mended === true && found.mend === undefined) throw new Failure(EXIT.finding, 'nothing was proposed to go instead');
      const { text, base64 } = mended === true ? (found.mend as Mend) : found;
      const whole = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
      // A file or a program is given it as it came; a terminal would obey it.
      if (terminal.out.isTTY === true) terminal.text(whole.toString('utf8'));
      else terminal.out.write(whole);
    });

const redriveCommand = (context: Context): Command =>
  new Command('redrive')
    .description('sends a message back to its topic as it is, and takes it out of quarantine')
    .argument('<id>', 'topic/partition/offset, as the list has it')
    .addHelpText(
      'after',
      `
Examples:
  $ weft quarantine redrive weft.care-events.RX901/0/17`,
    )
    .action(async (id: string, _: unknown, command: Command) => {
      const client = clientOf(context, settingsOf(context, command), ['operations']);
      tell(context, await client.json<Coordinates>(`${address(id)}/redrive`, posted({})));
    });

const mendCommand = (context: Context): Command =>
  new Command('mend')
    .description('proposes what is to go instead of a message; somebody else approves it. Its key, id, source and subject stay')
    .argument('<id>', 'topic/partition/offset, as the list has it')
    .requiredOption('--file <mended>', 'the resource (or structured event) to send instead')
    .requiredOption('--reason <text>', 'why; shown to whoever approves it')
    .option('--header <name=value>', 'sets one header, like ce_type=care-event-recorded-1; may be repeated', header)
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft quarantine mend weft.care-events.RX901/0/17 --file mended.json --reason "the code was misspelt" --subject anna`,
    )
    .action(async (id: string, options: MendOptions, command: Command) => {
      const client = clientAs(context, settingsOf(context, command), options.subject);
      const text = await textOf(options.file);
      const headers = options.header && {
        ...(await client.json<QuarantinedWhole>(address(id))).headers,
        ...options.header,
      };
      const body = { text, reason: options.reason, ...(headers !== undefined && { headers }) };
      const { digest } = await client.json<Mend>(`${address(id)}/mend`, posted(body));
      if (context.terminal.json) return context.terminal.printJson({ digest });
      context.terminal.print('It is proposed, and waits. Somebody else looks at it and approves it:');
      context.terminal.print(`  weft quarantine show ${id} --mended`);
      context.terminal.print(`  weft quarantine approve ${id} --digest ${digest}`);
    });

interface MendOptions {
  readonly file: string;
  readonly reason: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly subject?: string;
}

const approveCommand = (context: Context): Command =>
  new Command('approve')
    .description('approves what somebody else proposed to send instead, which is then sent')
    .argument('<id>', 'topic/partition/offset, as the list has it')
    .requiredOption('--digest <digest>', 'of the mend that you looked at')
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft quarantine approve weft.care-events.RX901/0/17 --digest 9f86d081… --subject bert`,
    )
    .action(async (id: string, { digest, subject }: { digest: string; subject?: string }, command: Command) => {
      const client = clientAs(context, settingsOf(context, command), subject);
      tell(context, await client.json<Coordinates>(`${address(id)}/approve`, posted({ digest })));
    });

function tell({ terminal }: Context, at: Coordinates): void {
  if (terminal.json) return terminal.printJson(at);
  terminal.print(`${terminal.paint('green', '✓')} sent back as ${placeOf(at)}`);
  terminal.print(terminal.paint('dim', 'if it is still not acceptable, it comes back here with the reasons'));
}

function header(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new Failure(EXIT.usage, 'a header is given as name=value');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}
