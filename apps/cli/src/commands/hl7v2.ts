import { Command } from 'commander';
import type { Context } from '../context.js';
import { planCommand } from './hl7v2-plan.js';
import { rereadCommand } from './hl7v2-reread.js';
import { sendCommand } from './hl7v2-send.js';
import { tryCommand } from './hl7v2-try.js';

export function hl7v2Command(context: Context): Command {
  return new Command('hl7v2')
    .summary('try and send HL7 v2, and plan other tables')
    .description('HL7 v2 comes over MLLP, and is mapped by tables, Weft’s and a site’s own over them (docs/hl7v2.md).')
    .addCommand(tryCommand(context))
    .addCommand(planCommand(context))
    .addCommand(sendCommand(context))
    .addCommand(rereadCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft hl7v2 try admission.hl7
  $ weft hl7v2 plan tables.json --org RX901
  $ weft hl7v2 send admission.hl7`,
    );
}
