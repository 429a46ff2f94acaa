import { planTables, type TablesPlan } from '@weft/hl7v2-processing';
import { Command } from 'commander';
import { type Context, settingsOf, withEngines } from '../context.js';
import { tablesOf } from '../hl7v2-tables.js';
import { counted, number, type Terminal } from '../terminal.js';
import { ONE_ORGANISATION, organisationsIn } from './hl7v2-reread.js';

export function planCommand(context: Context): Command {
  return new Command('plan')
    .summary('which entries other tables would change')
    .description(
      'Maps everything that organisations ever sent by HL7 v2 twice, by the tables in the settings and by those of a file, and counts the entries that differ. It reads the engines directly and changes nothing: tables count for what comes after Weft is started with them (WEFT_HL7V2_TABLES), and this says what they would have made of what came before.',
    )
    .argument('<tables>', 'JSON: tables laid over Weft’s')
    .option(...ONE_ORGANISATION)
    .addHelpText(
      'after',
      '\nExamples:\n  $ weft hl7v2 plan tables.json\n  $ weft hl7v2 plan tables.json --org RX901 --json | jq .entries',
    )
    .action(async (file: string, { org }: { readonly org?: string }, command: Command) => {
      const settings = settingsOf(context, command);
      const other = await tablesOf(settings, file);
      const organisations = organisationsIn(settings, org);
      await withEngines(context, settings, async ({ bus }) => {
        for (const organisation of organisations) {
          const tables = { now: settings.hl7v2Tables, other };
          const plan = await planTables(bus, organisation, settings.hl7v2Listeners, tables);
          if (context.terminal.json) context.terminal.printJson({ organisation, ...plan });
          else show(context.terminal, organisation, plan);
        }
      });
    });
}

function show(terminal: Terminal, organisation: string, { messages, entries, before, after }: TablesPlan): void {
  terminal.print(`${terminal.paint('bold', organisation)}: ${counted(messages, 'message')}`);
  const rows = Object.entries(entries).map(([type, { added, changed, gone }]) => [
    type,
    number(added),
    number(changed),
    number(gone),
  ]);
  if (rows.length === 0) terminal.print('  no entry would differ');
  else terminal.table(['entries', '>added', '>changed', '>gone'], rows, 2);
  const unmapped = ({ unmapped: types }: TablesPlan['before']): number =>
    Object.values(types).reduce((sum, times) => sum + times, 0);
  terminal.table(
    ['messages', '>now', '>then'],
    [
      ['in quarantine', number(before.quarantined), number(after.quarantined)],
      ['of nobody who is known', number(before.waiting), number(after.waiting)],
      ['of a type without a table', number(unmapped(before)), number(unmapped(after))],
    ],
    2,
  );
}
