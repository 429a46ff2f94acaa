import { demographicsStream } from '@weft/national';
import { auditOfStream, bytesOf, careRecordStream, eventsOf, keysOfPerson, type Wiring } from '@weft/processing';
import { Command } from 'commander';
import { NHS_ARGUMENT } from '../arguments.js';
import { type Context, settingsOf, withWiring } from '../context.js';
import { EXIT } from '../failure.js';
import { bytes, counted, number, type Terminal } from '../terminal.js';

export function streamsCommand(context: Context): Command {
  return new Command('streams')
    .summary('the streams about one person in the store, how long and how large they are')
    .description(
      'Lists the streams about one person: of each NHS number that is theirs the care record, with decisions, merges and what each changed in the views, what national events said, and the audit. Reads the store directly, and shows nothing of what the events say. Streams under the names that research and population health have for the person are left out: beside the number they would say who that is.',
    )
    .argument(...NHS_ARGUMENT)
    .addHelpText(
      'after',
      `
Exit code 1 where there is nothing about the number.

Examples:
  $ weft streams 9990000018
  $ weft streams 9990000018 --json | jq '.streams[] | select(.bytes > 1e6)'`,
    )
    .action(async (nhsNumber: string, _: object, command: Command) => {
      const { terminal } = context;
      const streams = await withWiring(context, settingsOf(context, command), (wiring) => streamsAbout(wiring, nhsNumber));
      if (streams.length === 0) context.exitCode = EXIT.finding;
      if (terminal.json) terminal.printJson({ streams });
      else show(terminal, streams);
    });
}

interface StreamAbout {
  readonly stream: string;
  readonly events: number;
  /** Of the first event that can be read, and of the last. */
  readonly first: number;
  readonly last: number;
  /** Of data and of what stands beside it, before the store packs them. */
  readonly bytes: number;
  /** By type of event. */
  readonly types: Readonly<Record<string, number>>;
}

async function streamsAbout({ store, keys }: Wiring, nhsNumber: string): Promise<readonly StreamAbout[]> {
  const found: StreamAbout[] = [];
  for (const key of await keysOfPerson(store, keys.patient(nhsNumber))) {
    for (const stream of [careRecordStream(key), demographicsStream(key), auditOfStream(key)]) {
      const types: Record<string, number> = {};
      let [events, first, last, size] = [0, 0, -1, 0];
      for await (const page of eventsOf(store, stream)) {
        for (const { type, revision, data, meta } of page) {
          if (events === 0) first = revision;
          last = revision;
          events += 1;
          size += data.length + bytesOf(JSON.stringify(meta)).length;
          types[type] = (types[type] ?? 0) + 1;
        }
      }
      if (events > 0) found.push({ stream, events, first, last, bytes: size, types });
    }
  }
  return found;
}

function show(terminal: Terminal, streams: readonly StreamAbout[]): void {
  if (streams.length === 0) return terminal.print('nothing in the store is about this number');
  for (const { stream, events, first, last, bytes: size, types } of streams) {
    terminal.print(terminal.paint('bold', stream));
    terminal.print(`  ${counted(events, 'event')}, revisions ${first} to ${last}, ${bytes(size)}`);
    for (const [type, count] of Object.entries(types)) terminal.print(`    ${number(count)} ${type}`);
  }
}
