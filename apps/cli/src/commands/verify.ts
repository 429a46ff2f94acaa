import { PURPOSES } from '@weft/domain';
import { verifyViews, type VerifyReport } from '@weft/processing';
import { Command } from 'commander';
import { type Context, settingsOf, withWiring } from '../context.js';
import { EXIT } from '../failure.js';
import { counted, number, type Terminal } from '../terminal.js';

export function verifyCommand(context: Context): Command {
  return new Command('verify')
    .summary('recompute every view and compare')
    .description(
      'Recomputes every view from record, decisions and policy, and compares it with the one that stands. Reads the engines directly; Weft may be up meanwhile.',
    )
    .addHelpText(
      'after',
      `
Exit code 1 when any view differs; weft replay mends it.

Examples:
  $ weft verify
  $ weft verify --json | jq .digests`,
    )
    .action(async (_: unknown, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const report = await withWiring(settings, async (wiring) => {
        const progress = terminal.progress('verifying', 0);
        try {
          return await verifyViews(wiring, { onProgress: (records) => progress.update(records) });
        } finally {
          progress.stop();
        }
      });
      if (report.differing.length > 0) context.exitCode = EXIT.finding;
      if (terminal.json) terminal.printJson(report);
      else show(terminal, report);
    });
}

function show(terminal: Terminal, report: VerifyReport): void {
  const { records, views, entries, differing, digests } = report;
  terminal.table(
    ['purpose', 'digest of all its views'],
    PURPOSES.map((purpose) => [purpose, digests[purpose]?.slice(0, 16) ?? '']),
  );
  terminal.print();
  if (differing.length > 0) {
    terminal.table(
      ['view', '>missing', '>surplus', '>unequal'],
      differing.map(({ stream, missing, surplus, unequal }) => [stream, number(missing), number(surplus), number(unequal)]),
    );
    terminal.print();
  }
  terminal.print(verdict(terminal, report));
  terminal.print(
    `${counted(records, 'record')}, ${counted(views, 'view')} compared, ${counted(entries, 'entry', 'entries')}, ${number(differing.length)} differ`,
  );
}

/** One line that says whether all is well. */
export function verdict(terminal: Terminal, { differing }: VerifyReport): string {
  return differing.length === 0
    ? terminal.paint('green', '✓ every view is what record, decisions and policy make it')
    : terminal.paint('red', `✗ ${counted(differing.length, 'view differs', 'views differ')}; weft replay <purpose> mends them`);
}
