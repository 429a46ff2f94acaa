import { Command } from 'commander';
import type { Context } from '../context.js';
import { proposalsCommand, versionsCommand } from './policy-lists.js';
import { planCommand } from './policy-plan.js';
import { adoptCommand, authoriseCommand } from './policy-proposals.js';
import { releasedCodesCommand } from './released-codes.js';
import { showCommand } from './policy-show.js';

export function policyCommand(context: Context): Command {
  return new Command('policy')
    .summary('the sharing rules: show them, plan and adopt others')
    .description(
      'The locality’s sharing rules. The first rule that applies to an entry decides; where none does, it is withheld. What opens anything needs two people and a reason.',
    )
    .addCommand(showCommand(context), { isDefault: true })
    .addCommand(planCommand(context))
    .addCommand(adoptCommand(context))
    .addCommand(authoriseCommand(context))
    .addCommand(proposalsCommand(context))
    .addCommand(versionsCommand(context))
    .addCommand(releasedCodesCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy show
  $ weft policy show --json > policy.json
  $ weft policy adopt policy.json --check
  $ weft policy plan policy.json
  $ weft policy adopt policy.json --reason "Agreed by the board in May" --subject anna
  $ weft policy proposals
  $ weft policy authorise 6f0c… --subject bert
  $ weft policy versions
  $ weft policy codes

The key in the data directory signs for anybody by any name, so --subject binds
nobody: two people are two only where tokens come from an issuer (WEFT_JWKS_URL),
each with a token of their own in WEFT_TOKEN.`,
    );
}
