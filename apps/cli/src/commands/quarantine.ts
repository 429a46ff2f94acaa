import type { Coordinates, Problem } from '@weft/domain';
import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { nhsNumber } from '../arguments.js';
import { clientOf, type Context, settingsOf } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { bytes, counted, type Terminal } from '../terminal.js';

interface Quarantined {
  readonly id: string;
  readonly quarantinedAt: string;
  readonly problems: readonly Problem[];
  readonly from: Coordinates;
  readonly bytes: number;
}

interface QuarantinedWhole extends Quarantined {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly base64?: string;
}

export function quarantineCommand(context: Context): Command {
  return new Command('quarantine')
    .summary('what could not be accepted, and why')
    .description(
      'Messages that could not be accepted, with every reason and their bytes untouched. Nothing is lost here: mend it, and send it back.',
    )
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(showCommand(context))
    .addCommand(redriveCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft quarantine list
  $ weft quarantine show weft.care-events.RX901/0/17 > mended.json
  $ weft quarantine redrive weft.care-events.RX901/0/17 --file mended.json`,
    );
}

/** The id's slashes are part of the address. */
const address = (id: string): string => `/quarantine/${encodeURIComponent(id)}`;

const listCommand = (context: Context): Command =>
  new Command('list').description('lists what is in quarantine, oldest first').action(async (_: unknown, command: Command) => {
    const settings = settingsOf(context, command);
    const found = await clientOf(context, settings, ['operations']).json<readonly Quarantined[]>('/quarantine');
    if (context.terminal.json) context.terminal.printJson(found);
    else showList(context.terminal, found);
  });

function showList(terminal: Terminal, found: readonly Quarantined[]): void {
  if (found.length === 0) return terminal.print('Nothing is in quarantine.');
  for (const { id, quarantinedAt, problems, bytes: size } of found) {
    terminal.print(
      `${terminal.paint('bold', id)}  ${terminal.paint('dim', `${quarantinedAt.slice(0, 19).replace('T', ' ')}, ${bytes(size)}`)}`,
    );
    for (const problem of problems) terminal.paragraph(sentence(problem), 2);
  }
  terminal.print();
  terminal.print(`${counted(found.length, 'message')} in quarantine`);
}

const sentence = ({ field, message }: Problem): string => (field === '' ? message : `${field}: ${message}`);

const showCommand = (context: Context): Command =>
  new Command('show')
    .description('writes one message to standard output as it came; why it is here goes to standard error')
    .argument('<id>', 'topic/partition/offset, as the list has it')
    .action(async (id: string, _: unknown, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const found = await clientOf(context, settings, ['operations']).json<QuarantinedWhole>(address(id));
      if (terminal.json) return terminal.printJson(found);
      for (const problem of found.problems) terminal.note(`${terminal.paint('yellow', '✗')} ${sentence(problem)}`);
      terminal.out.write(found.text ?? Buffer.from(found.base64 ?? '', 'base64'));
      if (terminal.out.isTTY === true) terminal.print();
    });

const redriveCommand = (context: Context): Command =>
  new Command('redrive')
    .description('sends a message back to its topic, as it is or mended, and takes it out of quarantine')
    .argument('<id>', 'topic/partition/offset, as the list has it')
    .option('--file <mended>', 'the resource (or structured event) to send instead')
    .option('--key <nhs>', 'the NHS number to send it under instead', nhsNumber)
    .option('--header <name=value>', 'sets one header, like ce_type=care-event-recorded-1; may be repeated', header)
    .action(
      async (
        id: string,
        options: { file?: string; key?: string; header?: Readonly<Record<string, string>> },
        command: Command,
      ) => {
        const settings = settingsOf(context, command);
        const client = clientOf(context, settings, ['operations']);
        const mended = options.file === undefined ? undefined : await readMended(options.file);
        const headers = options.header
          ? { ...(await client.json<QuarantinedWhole>(address(id))).headers, ...options.header }
          : undefined;
        const at = await client.json<Coordinates>(`${address(id)}/redrive`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            ...(options.key !== undefined && { key: options.key }),
            ...(headers !== undefined && { headers }),
            ...(mended !== undefined && { text: mended }),
          }),
        });
        if (context.terminal.json) return context.terminal.printJson(at);
        context.terminal.print(`${context.terminal.paint('green', '✓')} sent back as ${at.topic}/${at.partition}/${at.offset}`);
        context.terminal.print(
          context.terminal.paint('dim', 'if it is still not acceptable, it comes back here with the reasons'),
        );
      },
    );

async function readMended(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure(EXIT.usage, `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

function header(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new Failure(EXIT.usage, 'a header is given as name=value');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}
