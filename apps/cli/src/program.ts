import { readFileSync } from 'node:fs';
import { plainText } from '@weft/domain';
import { withoutNumbers } from '@weft/service';
import { Command, CommanderError } from 'commander';
import type { Context } from './context.js';
import { EXIT, failureOf } from './failure.js';
import { joinNumbers } from './arguments.js';
import { readNumbers } from './given-number.js';
import { auditCommand } from './commands/audit.js';
import { optInCommand, optOutCommand } from './commands/decide.js';
import { explainCommand } from './commands/explain.js';
import { hl7v2Command } from './commands/hl7v2.js';
import { organisationsCommand } from './commands/organisations.js';
import { policyCommand } from './commands/policy.js';
import { publishCommand } from './commands/publish.js';
import { quarantineCommand } from './commands/quarantine.js';
import { reIdentifyCommand } from './commands/re-identify.js';
import { reconcileCommand } from './commands/reconcile.js';
import { recordCommand } from './commands/record.js';
import { regionCommand } from './commands/region.js';
import { replayCommand } from './commands/replay.js';
import { statusCommand } from './commands/status.js';
import { streamsCommand } from './commands/streams.js';
import { subscribeCommand } from './commands/subscribe.js';
import { tokenCommand } from './commands/token.js';
import { topicsCommand } from './commands/topics.js';
import { upCommand } from './commands/up.js';
import { verifyCommand } from './commands/verify.js';

const EXIT_CODES = `
Exit codes:
  0  done, and nothing was found wanting
  1  a finding or a refusal: views differ, events were refused, nothing is known
  2  the command or the settings are wrong
  3  Weft or an engine does not answer
  4  a fault in Weft itself
  78  there is no region here, or the settings are not its own
  130  interrupted

Where Weft is: WEFT_URL, its data: WEFT_DATA_DIR. Commands speak with a token of
their own from the key in that directory, unless WEFT_TOKEN holds one.

An NHS number on the command line stands in the list of processes: - reads it from
standard input, or asks for it, and @FILE from a file.
weft <command> --help shows examples.`;

const groups = (context: Context): readonly (readonly [title: string, commands: readonly Command[]])[] => [
  ['Run', [upCommand(context), topicsCommand(context), tokenCommand(context)]],
  ['Share', [publishCommand(context), recordCommand(context), subscribeCommand(context)]],
  [
    'Decide and explain',
    [
      ...[explainCommand(context), auditCommand(context), optOutCommand(context), optInCommand(context), policyCommand(context)],
      reIdentifyCommand(context),
    ],
  ],
  [
    'Operate',
    [
      ...[statusCommand(context), verifyCommand(context), replayCommand(context), quarantineCommand(context)],
      ...[streamsCommand(context), organisationsCommand(context), regionCommand(context), hl7v2Command(context)],
      reconcileCommand(context),
    ],
  ],
];

function createProgram(context: Context): Command {
  const program = new Command('weft')
    .description('Weft: the backbone on which care organisations share one record of each person, as that person allows.')
    .version(versionOf(), '-V, --version', 'which Weft this is')
    .option('--json', 'answer for machines: one JSON text a line on standard output')
    .option('--data-dir <directory>', 'where the embedded engines and the keys live (WEFT_DATA_DIR, default .weft)')
    .option('--url <address>', 'where a running Weft answers (WEFT_URL, else http://127.0.0.1 with WEFT_PORT, 8080)')
    .helpCommand(false)
    .addHelpText('after', EXIT_CODES);
  for (const [title, commands] of groups(context)) {
    for (const command of commands) program.addCommand(command.helpGroup(title + ':'));
  }
  program.hook('preAction', (_, command) => readNumbers(command, context));
  for (const command of [program, ...allBelow(program)]) {
    command
      .configureHelp({ showGlobalOptions: command !== program })
      .exitOverride()
      .showHelpAfterError(`(weft${command === program ? '' : ` ${pathOf(command)}`} --help shows how)`)
      .configureOutput({
        writeOut: (text) => void context.terminal.out.write(text),
        // Commander quotes what it was given, and that may be somebody's number.
        writeErr: (text) => void context.terminal.err.write(plainText(withoutNumbers(text))),
        getOutHelpWidth: () => context.terminal.width,
        getErrHelpWidth: () => context.terminal.width,
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      });
  }
  return program;
}

const versionOf = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const allBelow = (command: Command): Command[] => command.commands.flatMap((one) => [one, ...allBelow(one)]);

function pathOf(command: Command): string {
  const names: string[] = [];
  for (let one: Command | null = command; one?.parent; one = one.parent) names.unshift(one.name());
  return names.join(' ');
}

/** Runs one command line to its end and gives its exit code. Says what went wrong in one sentence, and what to do. */
export async function run(args: readonly string[], context: Context): Promise<number> {
  const { terminal, env } = context;
  terminal.json = args.includes('--json');
  try {
    const program = createProgram(context);
    if (args.length === 0) program.help();
    await program.parseAsync(joinNumbers(args), { from: 'user' });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.ok;
    const failure = failureOf(error);
    if (failure.message === null) {
      if (terminal.json && failure.exitCode !== EXIT.ok) {
        terminal.printJson({ error: withoutNumbers((error as Error).message), exitCode: failure.exitCode });
      }
    } else {
      if (terminal.json) terminal.printJson({ error: failure.message, exitCode: failure.exitCode });
      terminal.note(`${terminal.paint('red', 'weft:')} ${failure.message}`);
      if (failure.advice !== undefined) terminal.note(`${terminal.paint('dim', '→')} ${failure.advice}`);
      if (env['WEFT_LOG_LEVEL'] === 'debug' && error instanceof Error) terminal.note(error.stack);
    }
    return failure.exitCode;
  }
}
