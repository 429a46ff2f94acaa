import { Command } from 'commander';
import type { Readable } from 'node:stream';
import { ods } from '../arguments.js';
import { clientOf, type Context, interruption, settingsOf } from '../context.js';
import { EXIT } from '../failure.js';
import { filesOf, type Found } from '../publish/files.js';
import { requestsOf } from '../publish/inputs.js';
import { Publisher, type Refusal } from '../publish/publisher.js';
import type { Where } from '../publish/requests.js';
import { counted, number, type Terminal } from '../terminal.js';

export function publishCommand(context: Context): Command {
  return new Command('publish')
    .summary('publish FHIR Bundles and CloudEvents from files')
    .description(
      'Publishes as one organisation: FHIR R4 Bundles and resources as JSON, CloudEvents 1.0 as JSON or JSON lines, files of any size, several, whole directories, or - for standard input. Large Bundles are split. What was accepted is durable.',
    )
    .argument('<file...>', 'files, directories (all *.json, *.ndjson and *.jsonl below them), or - for standard input')
    .requiredOption('--org <ods>', 'ODS code of the organisation that publishes', ods)
    .option('--wait', 'say what became of each event: Weft is asked to answer once the record has it')
    .addHelpText(
      'after',
      `
To publish the same file again does no harm: a CloudEvent is known by its source
and id, and a FHIR resource that says what stands changes nothing. So after
Ctrl-C, or where Weft went away, the same command goes on. Exit code 1 when
anything was refused; each refusal says where and why. With --json each is a line
of its own, and the last line counts.

Accepted is durable, and no more: whether the record knew it already is seen by
whoever records it. --wait waits for that, at most ${WAIT_SECONDS} s a request, and counts how
many events were new, unchanged (the record says the same, or something later),
duplicates (recorded before) or in quarantine; then quarantine is exit code 1 too.

Examples:
  $ weft publish discharges.json --org RX901
  $ weft publish export/ --org RX901 --wait
  $ weft publish events.ndjson --org Y90001 --json
  $ zcat history.ndjson.gz | weft publish - --org RX902`,
    )
    .action(async (named: readonly string[], { org, wait = false }: Options, command: Command) => {
      const settings = settingsOf(context, command);
      const files = await filesOf(named);
      tellSkipped(context.terminal, files.skipped);
      const { signal, answered, release } = interruptionBetween();
      const client = clientOf(context, settings, ['publisher'], { organisation: org, signal: answered });
      const publisher = new Publisher(client, (refusal) => tellRefusal(context.terminal, refusal), wait ? WAIT_SECONDS : 0);
      let isWhole = false;
      try {
        isWhole = await publishAll(context, files.found, publisher, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        release();
        tellOutcome(context, publisher, { wait, isWhole, isInterrupted: signal.aborted });
      }
    });
}

interface Options {
  readonly org: string;
  readonly wait?: boolean;
}

/** A request's answer waits for its events so long. */
const WAIT_SECONDS = 60;

/** An answer that is under way when a person ends the command is waited for so long: otherwise nobody knows what it says. */
const GRACE_MS = 5_000;

/** `signal` ends the work between two requests, `answered` a request whose answer does not come. */
function interruptionBetween() {
  const { signal, release } = interruption();
  const answered = new AbortController();
  const abort = (): void => void setTimeout(() => answered.abort(), GRACE_MS).unref();
  signal.addEventListener('abort', abort, { once: true });
  return { signal, answered: answered.signal, release };
}

/** Whether it came to the end of everything. */
async function publishAll(
  { terminal, stdin }: Context,
  files: readonly Found[],
  publisher: Publisher,
  signal: AbortSignal,
): Promise<boolean> {
  // Whoever types the input has no end of it to wait for.
  signal.addEventListener('abort', () => (stdin as Readable).destroy(), { once: true });
  const isCounted = files.every(({ file }) => file !== '-');
  const progress = terminal.progress('publishing', isCounted ? sum(files.map(({ bytes }) => bytes)) : 0, { unit: 'bytes' });
  try {
    for (const [index, { file }] of files.entries()) {
      const before = sum(files.slice(0, index).map(({ bytes }) => bytes));
      const onBytes = (bytes: number): void => progress.update(before + bytes, `${number(publisher.accepted)} accepted`);
      for await (const outgoing of requestsOf(file, stdin, { onBytes })) {
        if (signal.aborted) return false;
        await publisher.send(outgoing);
      }
    }
    return true;
  } finally {
    progress.stop();
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const SHOWN_SKIPPED = 5;

function tellSkipped(terminal: Terminal, skipped: readonly string[]): void {
  if (skipped.length === 0) return;
  const more = skipped.length > SHOWN_SKIPPED ? ` and ${number(skipped.length - SHOWN_SKIPPED)} more` : '';
  const why = 'of a directory only *.json, *.ndjson and *.jsonl are published';
  terminal.note(
    `${terminal.paint('yellow', '!')} skipped ${counted(skipped.length, 'file')}: ${skipped.slice(0, SHOWN_SKIPPED).join(', ')}${more}; ${why}`,
  );
}

function tellRefusal(terminal: Terminal, { where, errors }: Refusal): void {
  if (terminal.json) return terminal.printJson({ refused: where, errors });
  terminal.print(`${terminal.paint('red', '✗')} ${placeOf(where)}`);
  for (const { field, message } of errors) terminal.paragraph(field === '' ? message : `${field}: ${message}`, 4);
}

/** `events.ndjson:17`, as editors open it; `bundle.json entry[3]`. */
const placeOf = ({ file, line, entry }: Where): string =>
  `${file}${line === undefined ? '' : `:${line}`}${entry === undefined ? '' : ` entry[${entry}]`}`;

interface Ending {
  readonly wait: boolean;
  readonly isWhole: boolean;
  readonly isInterrupted: boolean;
}

function tellOutcome(context: Context, publisher: Publisher, { wait, isWhole, isInterrupted }: Ending): void {
  const { terminal } = context;
  const { accepted, refused, kept, became } = publisher;
  const isAllWell = refused === 0 && became.quarantined === 0;
  if (!isAllWell) context.exitCode = EXIT.finding;
  if (isInterrupted && !isWhole) context.exitCode = EXIT.interrupted;
  // Where nothing was sent at all, the error says it all.
  if (!isWhole && !isInterrupted && accepted + kept + refused === 0) return;
  if (terminal.json) {
    return terminal.printJson({
      accepted,
      ...(kept > 0 && { kept }),
      refused,
      ...(wait && became),
      ...(!isWhole && { unfinished: true }),
    });
  }
  const sign = isAllWell && isWhole ? terminal.paint('green', '✓') : terminal.paint('yellow', '!');
  const soFar = isWhole ? '' : ' so far';
  const besides = kept === 0 ? '' : `, ${counted(kept, 'resource')} about nobody kept with them`;
  terminal.print(`${sign} ${counted(accepted, 'event')} accepted and durable${besides}, ${number(refused)} refused${soFar}`);
  if (wait) terminal.print(`  ${wordsOf(became)}`);
  if (!isWhole) terminal.note('the same command goes on: what was accepted is known again, and not taken twice');
}

function wordsOf({ duplicate, quarantined, pending, ...became }: Publisher['became']): string {
  const waiting = pending === 0 ? '' : `; ${number(pending)} not yet recorded when Weft answered`;
  const { new: fresh, unchanged } = became;
  return `${number(fresh)} new, ${number(unchanged)} unchanged, ${counted(duplicate, 'duplicate')}, ${number(quarantined)} in quarantine${waiting}`;
}
