import { HL7_PROJECTOR_GROUP, hl7v2Topic } from '@weft/processing';
import { organisationsByHl7v2, type Settings } from '@weft/service';
import { Command } from 'commander';
import { ods } from '../arguments.js';
import { type Context, settingsOf, withEngines } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { counted } from '../terminal.js';

export function rereadCommand(context: Context): Command {
  return new Command('reread')
    .summary('have everything that was sent read again')
    .description(
      'Has the hl7-projector begin again with the first message that it is sent of an organisation. What was taken before is known and stays as it is; what no table mapped, or stood in quarantine, is taken by the tables and the settings that count now. Stop every hl7-projector first, or `weft up`.',
    )
    .option(...ONE_ORGANISATION)
    .addHelpText('after', '\nExamples:\n  $ WEFT_HL7V2_TABLES=tables.json weft hl7v2 reread --org RX901')
    .action(async ({ org }: { readonly org?: string }, command: Command) => {
      const settings = settingsOf(context, command);
      const organisations = organisationsIn(settings, org);
      await withEngines(context, settings, async ({ bus }) => {
        for (const organisation of organisations) {
          const topic = hl7v2Topic(organisation);
          const held = await bus.offsets(topic);
          await bus.seek(
            HL7_PROJECTOR_GROUP,
            topic,
            held.map(({ partition, low }) => ({ partition, offset: low })),
          );
          const messages = held.reduce((sum, { low, high }) => sum + high - low, 0);
          if (context.terminal.json) context.terminal.printJson({ organisation, messages });
          else context.terminal.print(`${counted(messages, 'message')} of ${organisation} to be read again`);
        }
      });
    });
}

/** The option of commands about what organisations send by HL7 v2. */
export const ONE_ORGANISATION = ['--org <ods>', 'one organisation; default each that has a listener', ods] as const;

/** Throws Failure where there is none. */
export function organisationsIn(settings: Settings, org: string | undefined): readonly string[] {
  const found = organisationsByHl7v2(settings).filter((one) => org === undefined || one === org);
  if (found.length > 0) return found;
  throw new Failure(EXIT.usage, 'no listener is of such an organisation', 'WEFT_HL7V2_LISTENERS names them');
}
