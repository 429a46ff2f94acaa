import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Settings } from '@weft/service';
import type { Terminal } from './terminal.js';

const DEFAULT_URL = 'http://127.0.0.1:8080';
const EXAMPLE = fileURLToPath(new URL('../examples/first-contact.json', import.meta.url));
/** The person of the example. */
const EXAMPLE_NUMBER = '9990000018';

/** What to type next, as it can be pasted into another terminal in the same directory. `example`: somebody with a record. */
export function tellNextSteps(terminal: Terminal, settings: Settings, example: string | null): void {
  const weft = commandLine(settings);
  const org = settings.organisations[0]?.ods ?? '';
  const number = example ?? EXAMPLE_NUMBER;
  const steps =
    example === null
      ? [
          ['publish an example', weft(`publish ${near(EXAMPLE)} --org ${org}`)],
          ['read it', weft(`record ${number}`)],
          ['check every view', weft('verify')],
        ]
      : [
          ['read a record', weft(`record ${number}`)],
          ['see why', weft(`explain ${number}`)],
          ['opt out', weft(`opt-out ${number} --purpose research`)],
        ];
  terminal.print();
  terminal.print(`${terminal.paint('bold', 'Try it')} in another terminal:`);
  for (const [what, command] of steps) {
    terminal.print(`  ${terminal.paint('dim', `# ${what}`)}`);
    terminal.print(`  ${terminal.paint('cyan', command ?? '')}`);
  }
  terminal.print();
  terminal.table(
    [],
    [
      ['Console', `${settings.url}/console`],
      ['API', `${settings.url}/docs`],
      ['Metrics', `${settings.url}/metrics`],
    ],
  );
  terminal.print(`A token for the console: ${terminal.paint('cyan', weft('token --role governance'))}`);
  terminal.print(terminal.paint('dim', `Ctrl-C stops it; the data stays in ${near(settings.dataDirectory)}.`));
}

/** How this very command was called, with what the others need to find this Weft. */
function commandLine({ url, dataDirectory }: Settings): (rest: string) => string {
  const options = [
    ...(url === DEFAULT_URL ? [] : [`--url ${url}`]),
    ...(near(dataDirectory) === '.weft' ? [] : [`--data-dir ${near(dataDirectory)}`]),
  ];
  const call = process.env['npm_lifecycle_event'] === undefined ? 'weft' : 'npm run weft --';
  return (rest) => [call, rest, ...options].join(' ');
}

/** A path as it is typed from here. */
function near(path: string): string {
  const from = relative(process.cwd(), path);
  return from === '' ? '.' : from.startsWith(`..${sep}`) ? path : from;
}
