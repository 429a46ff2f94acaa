import { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { ods } from '../arguments.js';
import { clientOf, type Context, settingsOf } from '../context.js';
import { EXIT } from '../failure.js';
import { requestsOf } from '../publish/inputs.js';
import { Publisher, type Refusal } from '../publish/publisher.js';
import type { Where } from '../publish/requests.js';
import { counted, number, type Terminal } from '../terminal.js';

export function publishCommand(context: Context): Command {
  return new Command('publish')
    .summary('publish FHIR Bundles and CloudEvents from files')
    .description(
      'Publishes as one organisation: FHIR R4 Bundles and resources as JSON, CloudEvents 1.0 as JSON or JSON lines, files of any size, several, or - for standard input. Large Bundles are split. What was accepted is durable.',
    )
    .argument('<file...>', 'files, or - for standard input')
    .requiredOption('--org <ods>', 'ODS code of the organisation that publishes', ods)
    .addHelpText(
      'after',
      `
To publish the same file again does no harm: an event is known by its source and
id. Exit code 1 when anything was refused; each refusal says where and why. With
--json each is a line of its own, and the last line counts.

Examples:
  $ weft publish discharges.json --org RX901
  $ weft publish events.ndjson --org Y90001 --json
  $ zcat history.ndjson.gz | weft publish - --org RX902`,
    )
    .action(async (files: readonly string[], { org }: { readonly org: string }, command: Command) => {
      const settings = settingsOf(context, command);
      const { terminal } = context;
      const publisher = new Publisher(clientOf(context, settings, ['publisher'], { organisation: org }), (refusal) =>
        tellRefusal(terminal, refusal),
      );
      await publishAll(context, files, publisher);
      const { accepted, refused } = publisher;
      if (refused > 0) context.exitCode = EXIT.finding;
      if (terminal.json) terminal.printJson({ accepted, refused });
      else tellCounts(terminal, accepted, refused);
    });
}

async function publishAll({ terminal, stdin }: Context, files: readonly string[], publisher: Publisher): Promise<void> {
  const sizes = await Promise.all(files.map(async (file) => (file === '-' ? 0 : await sizeOf(file))));
  const progress = terminal.progress('publishing', files.includes('-') ? 0 : sum(sizes), { unit: 'bytes' });
  try {
    for (const [index, file] of files.entries()) {
      const before = sum(sizes.slice(0, index));
      const onBytes = (bytes: number): void => progress.update(before + bytes, `${number(publisher.accepted)} accepted`);
      for await (const outgoing of requestsOf(file, stdin, { onBytes })) await publisher.send(outgoing);
    }
  } finally {
    progress.stop();
  }
}

/** Whoever reads the file says what is wrong with it. */
const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function tellRefusal(terminal: Terminal, { where, errors }: Refusal): void {
  if (terminal.json) return terminal.printJson({ refused: where, errors });
  terminal.print(`${terminal.paint('red', '✗')} ${placeOf(where)}`);
  for (const { field, message } of errors) terminal.paragraph(field === '' ? message : `${field}: ${message}`, 4);
}

/** `events.ndjson:17`, as editors open it; `bundle.json entry[3]`. */
const placeOf = ({ file, line, entry }: Where): string =>
  `${file}${line === undefined ? '' : `:${line}`}${entry === undefined ? '' : ` entry[${entry}]`}`;

function tellCounts(terminal: Terminal, accepted: number, refused: number): void {
  const sign = refused === 0 ? terminal.paint('green', '✓') : terminal.paint('yellow', '!');
  terminal.print(`${sign} ${counted(accepted, 'event')} accepted and durable, ${number(refused)} refused`);
}
