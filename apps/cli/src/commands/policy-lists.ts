import type { PolicyPlan } from '@weft/domain';
import { Command } from 'commander';
import { clientOf, type Context, settingsOf } from '../context.js';
import type { Terminal } from '../terminal.js';
import { summaryOf } from './policy-plan.js';
import type { Proposal } from './policy-proposals.js';

interface Version extends Partial<Pick<Proposal, 'reason' | 'proposedBy' | 'proposedAt' | 'authorisedBy' | 'plan'>> {
  readonly version: number;
  readonly name: string;
  readonly adoptedAt: string;
  readonly applied: boolean;
  readonly by: 'settings' | 'governance' | null;
}

export const proposalsCommand = (context: Context): Command =>
  new Command('proposals')
    .description('lists what was proposed, by whom and why, and what became of it')
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy proposals`,
    )
    .action(async (_: unknown, command: Command) => {
      const { terminal } = context;
      const client = clientOf(context, settingsOf(context, command), ['governance']);
      const proposals = await client.json<readonly Proposal[]>('/policies/proposals');
      if (terminal.json) return proposals.forEach((proposal) => terminal.printJson(proposal));
      if (proposals.length === 0) terminal.print('nothing was proposed yet');
      for (const { id, state, version, name, plan, ...why } of proposals) {
        const outcome =
          state === 'adopted'
            ? `adopted as version ${version}`
            : state === 'overtaken'
              ? `overtaken by version ${version}`
              : state;
        terminal.print(`${id}  ${terminal.paint(state === 'waiting' ? 'yellow' : 'dim', outcome)}`);
        showWhy(terminal, name, why, plan);
      }
    });

export const versionsCommand = (context: Context): Command =>
  new Command('versions')
    .description('lists the policies that were adopted: when, by whom, why, and what each opened and closed')
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy versions
  $ weft policy versions --json | jq .reason`,
    )
    .action(async (_: unknown, command: Command) => {
      const { terminal } = context;
      const client = clientOf(context, settingsOf(context, command), ['governance']);
      const versions = await client.json<readonly Version[]>('/policies');
      if (terminal.json) return versions.forEach((version) => terminal.printJson(version));
      for (const { version, name, adoptedAt, applied, by, plan, ...why } of versions) {
        const state = applied ? 'every view and topic obeys it' : 'readers obey it; views and topics follow';
        terminal.print(`${version}  adopted ${adoptedAt.slice(0, 10)}  ${terminal.paint('dim', state)}`);
        showWhy(terminal, name, by === 'settings' ? { reason: 'as the settings say' } : why, plan);
      }
    });

function showWhy(
  terminal: Terminal,
  name: string,
  {
    proposedBy,
    proposedAt = '',
    authorisedBy,
    reason,
  }: Partial<Pick<Proposal, 'proposedBy' | 'proposedAt' | 'authorisedBy' | 'reason'>>,
  plan: PolicyPlan | undefined,
): void {
  const people = [
    ...(proposedBy ? [`proposed by ${proposedBy.subject} on ${proposedAt.slice(0, 10)}`] : []),
    ...(authorisedBy ? [`authorised by ${authorisedBy.subject}`] : []),
  ];
  terminal.paragraph([name, ...people].join(', ') + (reason === undefined ? '' : `: ${reason}`), 3);
  if (plan !== undefined) for (const line of summaryOf(plan)) terminal.paragraph(line, 3);
}
