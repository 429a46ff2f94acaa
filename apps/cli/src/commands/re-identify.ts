import type { ReIdentification } from '@weft/processing';
import type { Purpose } from '@weft/domain';
import { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { NHS_ARGUMENT, purpose } from '../arguments.js';
import { posted } from '../client.js';
import { clientAs, clientOf, type Context, settingsOf, SUBJECT } from '../context.js';
import { minuteOf, spaced } from '../describe.js';
import { EXIT, Failure } from '../failure.js';
import type { Terminal } from '../terminal.js';

interface Disclosure {
  readonly state: 'searching' | 'disclosed';
  readonly purpose: Purpose;
  readonly nhsNumber: string;
  readonly pseudonym: string;
  readonly formerPseudonyms: readonly string[];
}

interface Options {
  readonly pseudonym?: string;
  readonly subject?: string;
}

export function reIdentifyCommand(context: Context): Command {
  return new Command('re-identify')
    .summary('join an NHS number and a pseudonym, by an act of two people')
    .description(
      'Nothing else joins an NHS number with what research or population health calls the person. One of governance proposes it with a reason, another one authorises it, and either of the two is told, once. Each of them names the person; the person’s audit says who, and why.',
    )
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(proposeCommand(context))
    .addCommand(authoriseCommand(context))
    .addCommand(discloseCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft re-identify propose - --purpose research --reason "They left the study" --subject anna
  $ weft re-identify list
  $ weft re-identify authorise 2f6d9f5e-… - --subject bert
  $ weft re-identify disclose 2f6d9f5e-… - --subject anna

The key in the data directory signs for anybody by any name, so --subject binds
nobody: two people are two only where tokens come from an issuer (WEFT_JWKS_URL),
each with a token of their own in WEFT_TOKEN.`,
    );
}

const PSEUDONYM = ['--pseudonym <pseudonym>', 'what the purpose calls the person, where their number is asked for'] as const;
const NHS_OPTIONAL = ['[nhs]', NHS_ARGUMENT[1], NHS_ARGUMENT[2]] as const;

/** What is known of the person. */
function known(nhsNumber: string | undefined, { pseudonym }: Options): { nhsNumber: string } | { pseudonym: string } {
  if ((nhsNumber === undefined) === (pseudonym === undefined)) {
    throw new Failure(EXIT.usage, 'either an NHS number or --pseudonym says whom it is about', 'give one of the two');
  }
  return nhsNumber !== undefined ? { nhsNumber } : { pseudonym: pseudonym as string };
}

const listCommand = (context: Context): Command =>
  new Command('list')
    .description('lists what was proposed, by whom and why, and what became of it; of whom is not said')
    .addHelpText(
      'after',
      `
Examples:
  $ weft re-identify list`,
    )
    .action(async (_: unknown, command: Command) => {
      const { terminal } = context;
      const client = clientOf(context, settingsOf(context, command), ['governance']);
      const all = await client.json<readonly ReIdentification[]>('/re-identifications');
      if (terminal.json) return all.forEach((one) => terminal.printJson(one));
      if (all.length === 0) terminal.print('nothing was proposed yet');
      for (const one of all) show(terminal, one);
    });

const proposeCommand = (context: Context): Command =>
  new Command('propose')
    .description('proposes to find out what a purpose calls a person, or whom it calls so; it waits a week for somebody else')
    .argument(...NHS_OPTIONAL)
    .requiredOption('--purpose <purpose>', 'research or population-health', purpose)
    .requiredOption('--reason <text>', 'why, and by what right, naming nobody; kept for good, in the person’s audit too')
    .option(...PSEUDONYM)
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft re-identify propose - --purpose research --reason "They left the study" --subject anna
  $ weft re-identify propose --pseudonym 4be1… --purpose research --reason "A finding" --subject anna`,
    )
    .action(async (nhs: string | undefined, options: ProposeOptions, command: Command) => {
      const { terminal } = context;
      const body = { purpose: options.purpose, reason: options.reason, ...known(nhs, options) };
      const client = clientAs(context, settingsOf(context, command), options.subject);
      const proposed = await client.json<ReIdentification>('/re-identifications', posted(body));
      if (terminal.json) return terminal.printJson(proposed);
      terminal.print('It is proposed, and waits. Somebody else, whom you tell whom it is about, authorises it:');
      terminal.print(`  weft re-identify authorise ${proposed.id} ${again(proposed)}`);
    });

interface ProposeOptions extends Options {
  readonly purpose: Purpose;
  readonly reason: string;
}

/** A command about one proposal, to which its caller says again whom it is about. */
const onProposal = (name: string, example: string): Command =>
  new Command(name)
    .argument('<id>', 'weft re-identify list has it')
    .argument(...NHS_OPTIONAL)
    .option(...PSEUDONYM)
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft re-identify ${example}`,
    );

const authoriseCommand = (context: Context): Command =>
  onProposal('authorise', 'authorise 2f6d9f5e-… - --subject bert')
    .description('authorises what somebody else proposed, naming whom it is about')
    .action(async (id: string, nhs: string | undefined, options: Options, command: Command) => {
      const { terminal } = context;
      const body = known(nhs, options);
      const client = clientAs(context, settingsOf(context, command), options.subject);
      const authorised = await client.json<ReIdentification>(`${address(id)}/authorisations`, posted(body));
      if (terminal.json) return terminal.printJson(authorised);
      terminal.print(
        `${terminal.paint('green', '✓')} authorised until ${minuteOf(authorised.expiresAt ?? '')} UTC; either of you is told, once:`,
      );
      terminal.print(`  weft re-identify disclose ${id} ${again(authorised)}`);
    });

const POLL_MS = 1_000;

const discloseCommand = (context: Context): Command =>
  onProposal('disclose', 'disclose 2f6d9f5e-… - --subject anna')
    .description('gives number and pseudonym together, once, to one of the two who agreed')
    .action(async (id: string, nhs: string | undefined, options: Options, command: Command) => {
      const { terminal } = context;
      const body = known(nhs, options);
      const client = clientAs(context, settingsOf(context, command), options.subject);
      const asked = (): Promise<Disclosure> => client.json<Disclosure>(`${address(id)}/disclosures`, posted(body));
      let disclosure = await asked();
      while (disclosure.state === 'searching') {
        terminal.note('looking among everybody for whom the pseudonym names …');
        await sleep(POLL_MS);
        disclosure = await asked();
      }
      if (terminal.json) return terminal.printJson(disclosure);
      const { nhsNumber, pseudonym, formerPseudonyms } = disclosure;
      terminal.print(`NHS number  ${spaced(nhsNumber)}`);
      terminal.print(`${disclosure.purpose} calls them  ${pseudonym}`);
      for (const former of formerPseudonyms) terminal.print(`and before a merge  ${former}`);
    });

const address = (id: string): string => `/re-identifications/${encodeURIComponent(id)}`;
const again = ({ known: what }: ReIdentification): string => (what === 'nhs-number' ? '-' : '--pseudonym …');

const ASKS: Record<ReIdentification['known'], string> = {
  'nhs-number': 'what it calls a person',
  pseudonym: 'whom it calls so',
};

function show(terminal: Terminal, one: ReIdentification): void {
  const { id, state, purpose: of, known: what, reason, proposedBy, proposedAt, authorisedBy, disclosedTo } = one;
  const isOpen = state === 'waiting' || state === 'authorised';
  terminal.print(`${id}  ${terminal.paint(isOpen ? 'yellow' : 'dim', state)}`);
  const people = [
    `${of}: ${ASKS[what] ?? what}`,
    `proposed by ${proposedBy.subject} on ${proposedAt.slice(0, 10)}`,
    ...(authorisedBy === null ? [] : [`authorised by ${authorisedBy.subject}`]),
    ...(disclosedTo === null ? [] : [`disclosed to ${disclosedTo.subject}`]),
  ];
  terminal.paragraph(`${people.join(', ')}: ${reason}`, 3);
}
