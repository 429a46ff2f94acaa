import { availableParallelism } from 'node:os';
import { type Projection, type Purpose, PURPOSES } from '@weft/domain';
import { isKnown, NO_STREAM, POLICY_STREAM, replayPatient, replayView, type ReplayProgress, type Wiring } from '@weft/processing';
import { createReplayWorkers, type Settings } from '@weft/service';
import { Command } from 'commander';
import { nhsNumber, purpose, whole } from '../arguments.js';
import { type Context, interruption, settingsOf, withWiring } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { counted, number, type Terminal } from '../terminal.js';
import { showUnreadable } from './verify.js';

interface Options {
  readonly patient?: string;
  readonly dryRun?: boolean;
  readonly fromBeginning?: boolean;
  readonly viewVersion?: number;
  readonly tellAll?: boolean;
}

export function replayCommand(context: Context): Command {
  return new Command('replay')
    .summary('derive a view anew for everybody, or for one person')
    .description(
      'Derives a purpose’s view anew from each record’s first event on, and puts it right where it differs. Safe while events keep coming and at any kill: run again, it goes on where it stopped.',
    )
    .argument('<view>', PURPOSES.join(', '), purpose)
    .option('--patient <nhs>', 'only this person’s', nhsNumber)
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--from-beginning', 'begin anew, not where an interrupted replay stopped')
    .option('--view-version <n>', 'a version that is written beside the one that serves', whole)
    .option(
      '--tell-all',
      'tell subscribers everything, changed or not: once another version serves them, or their topics were made anew; a running Weft publishes it',
    )
    .addHelpText(
      'after',
      `
Ctrl-C ends it at a good place, with exit code 130. Exit code 1 when a record cannot be read: its views stay as they are.

Examples:
  $ weft replay research --dry-run
  $ weft replay direct-care
  $ weft replay direct-care --patient 9990000018
  $ weft replay research --view-version 2         before it serves
  $ weft replay research --tell-all               once it does`,
    )
    .action(async (view: Purpose, options: Options, command: Command) => {
      const settings = settingsOf(context, command);
      const outcome = await withWiring(context, settings, async (wiring) => {
        if ((await wiring.store.head(POLICY_STREAM)) === NO_STREAM) {
          throw new Failure(
            EXIT.finding,
            'no policy was adopted yet, so there is no view',
            'start Weft once, or adopt one: weft policy adopt FILE',
          );
        }
        const projection = versionOf(wiring, view, options.viewVersion);
        if (options.patient === undefined) return replayAll(context.terminal, settings, wiring, projection, options);
        const key = wiring.keys.patient(options.patient);
        if (!(await isKnown(wiring, key))) throw new Failure(EXIT.finding, 'nothing is known of this NHS number');
        return { ...(await replayPatient(wiring, key, projection, options)), interrupted: false };
      });
      if (outcome.unreadable.length > 0) context.exitCode = EXIT.finding;
      if (outcome.interrupted) context.exitCode = EXIT.interrupted;
      if (context.terminal.json) context.terminal.printJson({ view, dryRun: options.dryRun === true, ...outcome });
      else show(context.terminal, options, outcome);
    });
}

function versionOf(wiring: Wiring, purpose: Purpose, version: number | undefined): Projection {
  const versions = wiring.projections.filter((candidate) => candidate.purpose === purpose);
  const found = version === undefined ? versions[0] : versions.find((candidate) => candidate.version === version);
  if (found !== undefined) return found;
  const written = versions.map((candidate) => candidate.version).join(', ');
  throw new Failure(EXIT.usage, `version ${version} of the view for ${purpose} is not written here`, `these are: ${written}`);
}

interface Outcome extends ReplayProgress {
  readonly interrupted: boolean;
}

async function replayAll(
  terminal: Terminal,
  settings: Settings,
  wiring: Wiring,
  projection: Projection,
  options: Options,
): Promise<Outcome> {
  const { signal, release } = interruption();
  const workers = createReplayWorkers(settings, availableParallelism());
  const bar = terminal.progress(options.dryRun === true ? 'dry run' : 'replaying', 0);
  try {
    const progress = await replayView(wiring, projection, {
      dryRun: options.dryRun === true,
      fromBeginning: options.fromBeginning === true,
      tellAll: options.tellAll === true,
      lanes: workers.lanes,
      signal,
      onProgress: ({ done, total, changed }) => {
        bar.total(total);
        bar.update(done, `${number(changed)} changed`);
      },
      onUnpublished: () => {
        bar.stop();
        terminal.note('waiting until a running Weft has published it …');
      },
    });
    return { ...progress, interrupted: signal.aborted && (progress.done < progress.total || progress.unpublished === true) };
  } finally {
    bar.stop();
    await workers.close();
    release();
  }
}

function show(
  terminal: Terminal,
  { dryRun = false, tellAll = false }: Options,
  { done, total, changed, changes, unreadable, interrupted, unpublished }: Outcome,
): void {
  const would = dryRun ? 'would change' : tellAll ? 'told whole' : 'changed';
  terminal.print(`${number(done)} of ${counted(total, 'record')} looked at, ${counted(changed, 'view')} ${would}`);
  if (changed > 0) {
    const { included, amended, withdrawn } = changes;
    terminal.print(`  ${number(included)} included, ${number(amended)} amended, ${number(withdrawn)} withdrawn`);
  }
  const left = unpublished
    ? 'all of it is written and not yet published; a running Weft publishes it'
    : 'the same command goes on from here';
  showUnreadable(terminal, unreadable);
  if (interrupted) terminal.print(terminal.paint('yellow', `interrupted; ${left}`));
}
