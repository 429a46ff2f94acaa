import { Command } from 'commander';
import type { Context } from '../context.js';
import { planCommand } from './hl7v2-plan.js';
import { tryCommand } from './hl7v2-try.js';

export function hl7v2Command(context: Context): Command {
  return new Command('hl7v2')
    .summary('what becomes of HL7 v2: try messages, and plan other tables')
    .description(
      'HL7 v2 is mapped by tables, Weft’s and a site’s own over them. Nothing here sends or changes anything (docs/hl7v2.md).',
    )
    .addCommand(tryCommand(context))
    .addCommand(planCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft hl7v2 try admission.hl7
  $ weft hl7v2 plan tables.json --org RX901`,
    );
}
