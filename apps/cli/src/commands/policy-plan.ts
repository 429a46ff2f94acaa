import { opens, type PolicyPlan, policyFrom, PURPOSES } from '@weft/domain';
import { planPolicy } from '@weft/processing';
import { kindsOf } from '@weft/service';
import { Command } from 'commander';
import { type Context, interruption, settingsOf, withWiring } from '../context.js';
import { EXIT } from '../failure.js';
import { counted, number, type Terminal } from '../terminal.js';
import { readPolicy } from './policy-file.js';

export const planCommand = (context: Context): Command =>
  new Command('plan')
    .description(
      'says how many people and entries the adoption of a file would open and close, by purpose. Reads the engines directly and writes nothing; Weft may be up meanwhile.',
    )
    .argument('<file>', 'a policy document, as `weft policy show --json` gives one')
    .action(async (file: string, _: unknown, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const policy = policyFrom(await readPolicy(file), kindsOf(settings));
      const { signal, release } = interruption();
      const bar = terminal.progress('planning', 0);
      try {
        const plan = await withWiring(settings, (wiring) =>
          planPolicy(wiring, policy, { signal, onProgress: (people) => bar.update(people) }),
        );
        bar.stop();
        if (terminal.json) return terminal.printJson({ name: policy.name, opens: opens(plan), ...plan });
        terminal.print(`${terminal.paint('bold', policy.name)} against version ${plan.inForce}, now in force`);
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
  const told = PURPOSES.filter((purpose) => plan.purposes[purpose].subscribers.length > 0);
  for (const purpose of told) terminal.print(`${purpose} is told to ${plan.purposes[purpose].subscribers.join(', ')}`);
  terminal.print();
  if (!opens(plan)) return terminal.print('It can only close: one person may adopt it.');
  terminal.print(terminal.paint('yellow', 'It opens something, or may: its adoption needs a second person.'));
  for (const opening of plan.openings) terminal.paragraph(opening, 2);
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
