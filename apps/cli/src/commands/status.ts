import { Command } from 'commander';
import { clientOf, type Context, settingsOf } from '../context.js';
import { EXIT } from '../failure.js';
import { counted, number, type Terminal } from '../terminal.js';
import { type Differing, showDiffering } from './policy-show.js';

interface StatusAnswer extends Differing {
  readonly version: string;
  readonly region: string;
  readonly findings: readonly { readonly text: string; readonly mend: string }[];
  readonly policyVersion: number;
  readonly lag: number;
  readonly published: boolean;
  readonly recordsToReview: { readonly people: number; readonly organisations: Readonly<Record<string, number>> };
  readonly versions: Readonly<Record<string, { readonly setAside: number; readonly disagreeing: number }>>;
  readonly hl7v2Waiting: Readonly<
    Record<
      string,
      { readonly messages: number; readonly reasons: Readonly<Record<string, number>>; readonly since: string | null }
    >
  >;
  readonly groups: readonly { readonly group: string; readonly topic: string; readonly lag: number }[];
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly low: number; readonly high: number }[];
  }[];
  readonly counts: { readonly records: number; readonly views: number; readonly quarantined: number };
}

interface ReadyAnswer {
  readonly status: 'ready' | 'not-ready';
  readonly checks: Readonly<Record<string, string>>;
}

export function statusCommand(context: Context): Command {
  return new Command('status')
    .summary('is Weft well, and how far behind is it')
    .description(
      'Judges the region, not only the process that answers: what is wrong in it and what mends that, where each topic stands,\nhow far behind the projectors are, and counts.',
    )
    .addHelpText(
      'after',
      `
Whatever is wrong in the region stands in red with what mends it: a message in quarantine that may be an objection, decisions or
messages that nobody reads, changes that are not published, a policy in force that not every view obeys, a record that cannot
be read, a store or topics that were put back and are not caught up, clocks that are more than a minute apart. Exit code 1 where there is any, or a part of the process that
answers is not ready.

Examples:
  $ weft status
  $ weft status --json | jq .findings`,
    )
    .action(async (_: unknown, command: Command) => {
      const settings = settingsOf(context, command);
      const client = clientOf(context, settings, ['operations']);
      const status = await client.json<StatusAnswer>('/status?counts=true');
      // Not ready is an answer here, whatever its status code.
      const ready = (await (await fetch(`${settings.url}/readyz`)).json()) as ReadyAnswer;
      if (ready.status !== 'ready' || status.findings.length > 0) context.exitCode = EXIT.finding;
      if (context.terminal.json) context.terminal.printJson({ ...status, ready });
      else show(context.terminal, settings.url, status, ready);
    });
}

function show(terminal: Terminal, url: string, status: StatusAnswer, ready: ReadyAnswer): void {
  const failing = Object.entries(ready.checks).filter(([, result]) => result !== 'ok');
  const health = failing.length === 0 ? terminal.paint('green', 'ready') : terminal.paint('red', 'not ready');
  terminal.print(`Weft ${status.version} at ${url} is ${health}`);
  terminal.print(`region ${terminal.paint('bold', status.region)}`);
  for (const [part, result] of failing) terminal.print(`  ${part}: ${result}`);
  for (const { text, mend } of status.findings) {
    terminal.print(terminal.paint('red', text));
    terminal.print(`  ${mend}`);
  }
  const { people, organisations } = status.recordsToReview;
  if (people > 0) {
    const whose = Object.entries(organisations).map(([ods, times]) => `${ods} in ${number(times)}`);
    terminal.print(
      terminal.paint(
        'yellow',
        `${counted(people, 'record')} for direct care to review, born on different days or with versions under several NHS numbers, by ${whose.join(', ')}`,
      ),
    );
  }
  showVersions(terminal, status.versions);
  showDiffering(terminal, status);
  showWaiting(terminal, status.hl7v2Waiting);
  terminal.print();
  terminal.table(
    ['topic', '>partitions', '>messages', '>behind'],
    status.topics.map(({ topic, partitions }) => [
      topic,
      number(partitions.length),
      number(partitions.reduce((sum, { low, high }) => sum + high - low, 0)),
      lagOf(terminal, status, topic),
    ]),
  );
  terminal.print();
  const { records, views, quarantined } = status.counts;
  terminal.table(
    ['', '>'],
    [
      ['policy version', number(status.policyVersion)],
      ['records', number(records)],
      ['views', number(views)],
      ['changes published', status.published ? 'all' : terminal.paint('yellow', 'not all')],
      ['in quarantine', quarantined === 0 ? '0' : terminal.paint('yellow', number(quarantined))],
    ],
  );
}

/** What the organisations' senders should look at comes first. */
function showVersions(terminal: Terminal, versions: StatusAnswer['versions']): void {
  const by = (of: (one: StatusAnswer['versions'][string]) => number): string =>
    Object.entries(versions)
      .filter(([, one]) => of(one) > 0)
      .map(([ods, one]) => `${number(of(one))} from ${ods}`)
      .join(', ');
  const [disagreeing, setAside] = [by((one) => one.disagreeing), by((one) => one.setAside)];
  const unclear = 'versions whose number and date disagree about which is later, so that the last to come counts';
  if (disagreeing !== '') terminal.print(terminal.paint('yellow', `${unclear}: ${disagreeing}`));
  if (setAside !== '') terminal.print(`versions that came late or again and changed nothing: ${setAside}`);
}

/** Of HL7 v2 what waits until it is known whose it is. */
function showWaiting(terminal: Terminal, waiting: StatusAnswer['hl7v2Waiting']): void {
  for (const [ods, { messages, reasons, since }] of Object.entries(waiting)) {
    if (messages === 0) continue;
    const why = Object.entries(reasons).map(([reason, times]) => `${number(times)} ${reason}`);
    const line = `${counted(messages, 'HL7 v2 message')} of ${ods} for it to be known whose they are, since ${since}: ${why.join(', ')}`;
    terminal.print(terminal.paint('yellow', `waiting: ${line}`));
  }
}

/** Only what a projector reads has somebody who can be behind. */
function lagOf(terminal: Terminal, { groups }: StatusAnswer, topic: string): string {
  const found = groups.filter((group) => group.topic === topic);
  if (found.length === 0) return '–';
  const lag = found.reduce((sum, group) => sum + group.lag, 0);
  return lag === 0 ? '0' : terminal.paint('yellow', number(lag));
}
