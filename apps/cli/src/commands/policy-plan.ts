import { opens, type PolicyPlan, policyFrom, PURPOSES } from '@weft/domain';
import { planPolicy } from '@weft/processing';
import { Command } from 'commander';
import { type Context, interruption, settingsOf, withWiring } from '../context.js';
import { EXIT } from '../failure.js';
import { dayOf } from '../describe.js';
import { counted, number, type Terminal } from '../terminal.js';
import { readPolicy } from './policy-file.js';

export const planCommand = (context: Context): Command =>
  new Command('plan')
    .description(
      'says how many people and entries the adoption of a file would open and close, by purpose and by subscriber. Reads the engines directly and writes nothing; Weft may be up meanwhile.',
    )
    .argument('<file>', 'a policy document, as `weft policy show --json` gives one')
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy plan policy.json`,
    )
    .action(async (file: string, _: unknown, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const document = await readPolicy(file);
      const { signal, release } = interruption();
      const bar = terminal.progress('planning', 0);
      try {
        const plan = await withWiring(context, settings, async (wiring) => {
          const { organisations } = (await wiring.policies.current()).policy;
          return planPolicy(wiring, policyFrom(document, organisations), {
            signal,
            onProgress: (people) => bar.update(people),
          });
        });
        bar.stop();
        if (terminal.json) return terminal.printJson({ name: document.name, opens: opens(plan), ...plan });
        terminal.print(`${terminal.paint('bold', document.name)} against version ${plan.inForce}, now in force`);
        showPlan(terminal, plan);
      } catch (error) {
        if (!signal.aborted) throw error;
        context.exitCode = EXIT.interrupted;
      } finally {
        bar.stop();
        release();
      }
    });

/** What it opens and closes, and what its adoption needs. */
export function showPlan(terminal: Terminal, plan: PolicyPlan): void {
  terminal.print(`${counted(plan.people, 'person', 'people')} looked at`);
  terminal.print();
  const rows = PURPOSES.map((purpose) => {
    const { opened, closed } = plan.purposes[purpose];
    return [purpose, ...[opened.people, opened.entries, closed.people, closed.entries].map(number)];
  });
  terminal.table(['purpose', '>people opened', '>entries opened', '>people closed', '>entries closed'], rows);
  terminal.print();
  showSubscribers(terminal, plan);
  terminal.print();
  if (!opens(plan)) return terminal.print('It can only close: one person may adopt it.');
  terminal.print(terminal.paint('yellow', 'It opens something, or may: its adoption needs a second person.'));
  for (const opening of plan.openings) terminal.paragraph(opening, 2);
}

/** Who would be told of it: of one purpose everybody the same. */
function showSubscribers(terminal: Terminal, { purposes }: PolicyPlan): void {
  const rows = PURPOSES.flatMap((purpose) =>
    purposes[purpose].subscribers.map(({ subject, organisation, lastBegan, opened, closed }) => [
      ...[purpose, organisation ?? '–', subject, dayOf(lastBegan)],
      ...[opened, closed].map((reach) => (reach.entries === 0 ? '–' : entriesOf(reach))),
    ]),
  );
  if (rows.length === 0) terminal.print('Nobody has subscribed to any purpose over HTTP.');
  else {
    terminal.table(['purpose', 'org', 'subscriber', 'last began', 'opens', 'closes'], rows);
    terminal.paragraph(
      'Every subscriber of a purpose is told all that opens and closes for it. One that is not connected is told when it comes again.',
    );
  }
  terminal.paragraph('Weft does not know who reads the topics on Kafka itself: the brokers’ access rules say who may.');
}

/** The same in a line for each purpose that changes. */
export function summaryOf({ purposes }: PolicyPlan): string[] {
  const lines = PURPOSES.flatMap((purpose) => {
    const { opened, closed } = purposes[purpose];
    const parts = [
      ...(opened.entries > 0 ? [`opens ${entriesOf(opened)}`] : []),
      ...(closed.entries > 0 ? [`closes ${entriesOf(closed)}`] : []),
    ];
    return parts.length === 0 ? [] : [`${purpose}: ${parts.join(', ')}`];
  });
  return lines.length === 0 ? ['changes nothing for anybody known'] : lines;
}

const entriesOf = ({ people, entries }: { readonly people: number; readonly entries: number }): string =>
  `${counted(entries, 'entry', 'entries')} of ${counted(people, 'person', 'people')}`;
