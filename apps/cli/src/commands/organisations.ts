import { ORGANISATION_KINDS, type OrganisationKind, type Person } from '@weft/domain';
import { Command, Option } from 'commander';
import { ods, odsList } from '../arguments.js';
import { posted } from '../client.js';
import { clientAs, clientOf, type Context, settingsOf, SUBJECT } from '../context.js';
import { dayOf } from '../describe.js';
import type { Terminal } from '../terminal.js';
import { type Proposal, settled } from './policy-proposals.js';
import { showPlan } from './policy-plan.js';

interface Act {
  readonly by: Person;
  readonly reason: string;
  readonly at: string;
}

/** As `/organisations` answers. */
interface Organisation {
  readonly ods: string;
  readonly name: string;
  readonly kind: OrganisationKind | null;
  readonly sends: boolean;
  readonly added: Act | null;
  readonly suspended: Act | null;
  readonly reinstatement: Act | null;
  readonly proposal?: Proposal;
}

interface ActOptions {
  readonly reason: string;
  readonly subject?: string;
}

const REASON = ['--reason <text>', 'why; kept with the organisation for good'] as const;

export function organisationsCommand(context: Context): Command {
  return new Command('organisations')
    .summary('who sends and reads: show them, add one, suspend one')
    .description(
      'The organisations of the region. WEFT_ORGANISATIONS says the first ones of an empty region; from then on they are added and suspended here, and every app knows within seconds. None is ever taken away: what it sent stays read.',
    )
    .addCommand(showCommand(context), { isDefault: true })
    .addCommand(addCommand(context))
    .addCommand(suspendCommand(context))
    .addCommand(reinstateCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft organisations
  $ weft organisations show
  $ weft organisations add RX904 --name "Ambulance trust" --kind acute --reason "Joined in May" --subject anna
  $ weft policy authorise 6f0c… --subject bert
  $ weft organisations suspend RX904 --reason "Sends under wrong numbers" --subject anna`,
    );
}

const showCommand = (context: Context): Command =>
  new Command('show')
    .description('lists every organisation, what it may do now, and who added or suspended it and why')
    .addHelpText('after', '\nExamples:\n  $ weft organisations show\n  $ weft organisations show --json | jq .ods')
    .action(async (_: unknown, command: Command) => {
      const { terminal } = context;
      const client = clientOf(context, settingsOf(context, command), ['governance']);
      const organisations = await client.json<readonly Organisation[]>('/organisations');
      if (terminal.json) return organisations.forEach((one) => terminal.printJson(one));
      terminal.table(
        ['org', 'name', 'kind', ''],
        organisations.map((one) => [one.ods, one.name, one.kind ?? '–', stateOf(terminal, one)]),
      );
      for (const one of organisations) {
        const why = one.reinstatement ?? one.suspended ?? one.added;
        if (why !== null) terminal.paragraph(`${one.ods}: ${why.by.subject}, ${dayOf(why.at)}: ${why.reason}`);
      }
    });

function stateOf(terminal: Terminal, { kind, suspended, reinstatement }: Organisation): string {
  if (reinstatement !== null) return terminal.paint('yellow', 'suspended; a second person has to reinstate it too');
  if (suspended !== null) return terminal.paint('yellow', 'suspended: what it sends is not taken');
  return kind === null ? terminal.paint('yellow', 'sends; reads once its kind is authorised') : 'sends and reads';
}

const addCommand = (context: Context): Command =>
  new Command('add')
    .description(
      'adds an organisation, or proposes another kind for one that is there. It may send at once; its kind decides what is shared, so that is in force, and its people may read, once somebody else has authorised it with `weft policy authorise`.',
    )
    .argument('<ods>', 'its ODS code', ods)
    .requiredOption('--name <name>', 'what it is called')
    .addOption(new Option('--kind <kind>', 'what it is').choices(ORGANISATION_KINDS).makeOptionMandatory())
    .option('--site <ods>', 'ODS code of a site of it; may be repeated', odsList)
    .requiredOption(...REASON)
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
On Kafka its topic is made by weft topics --apply, run where the store is in the settings.

Examples:
  $ weft organisations add RX904 --name "Ambulance trust" --kind acute --reason "Joined in May" --subject anna`,
    )
    .action(
      async (
        code: string,
        given: ActOptions & { readonly name: string; readonly kind: OrganisationKind; readonly site?: readonly string[] },
        command: Command,
      ) => {
        const { terminal } = context;
        const { name, kind, site, reason, subject } = given;
        const client = clientAs(context, settingsOf(context, command), subject);
        const body = { ods: code, name, kind, reason, ...(site !== undefined && { sites: site }) };
        const { proposal: first, ...organisation } = await client.json<Organisation>('/organisations', posted(body));
        const proposal = first && (await settled(client, terminal, first));
        if (terminal.json) return terminal.printJson({ ...organisation, ...(proposal && { proposal }) });
        terminal.print(`${terminal.paint('green', '✓')} ${organisation.ods} is an organisation of this region, and may send`);
        if (proposal === undefined) return terminal.print(`its kind is in force: ${organisation.kind}`);
        if (proposal.state === 'waiting') showPlan(terminal, proposal.plan);
        const { id, state } = proposal;
        terminal.print(
          state === 'planning'
            ? `That it is of kind ${kind} is still being planned: weft policy proposals shows what became of it`
            : `That it is of kind ${kind} waits for somebody else: weft policy authorise ${id}`,
        );
      },
    );

const suspendCommand = (context: Context): Command =>
  new Command('suspend')
    .description('takes nothing more that an organisation sends. What it sent stays read and shared; its people read on.')
    .argument('<ods>', 'its ODS code', ods)
    .requiredOption(...REASON)
    .option(...SUBJECT)
    .addHelpText('after', '\nExamples:\n  $ weft organisations suspend RX904 --reason "Sends under wrong numbers" --subject anna')
    .action(async (code: string, options: ActOptions, command: Command) => {
      const { terminal } = context;
      const done = await act(context, command, `/organisations/${code}/suspensions`, options);
      if (terminal.json) return terminal.printJson(done);
      terminal.print(`${terminal.paint('green', '✓')} ${done.ods} is suspended: within seconds no app takes what it sends`);
    });

const reinstateCommand = (context: Context): Command =>
  new Command('reinstate')
    .description('lets a suspended organisation send again, once two people have said so')
    .argument('<ods>', 'its ODS code', ods)
    .requiredOption(...REASON)
    .option(...SUBJECT)
    .addHelpText('after', '\nExamples:\n  $ weft organisations reinstate RX904 --reason "Its interface is mended" --subject bert')
    .action(async (code: string, options: ActOptions, command: Command) => {
      const { terminal } = context;
      const done = await act(context, command, `/organisations/${code}/reinstatements`, options);
      if (terminal.json) return terminal.printJson(done);
      terminal.print(
        done.suspended === null
          ? `${terminal.paint('green', '✓')} ${done.ods} may send again`
          : `${done.ods} stays suspended until somebody else reinstates it too`,
      );
    });

function act(context: Context, command: Command, path: string, { reason, subject }: ActOptions): Promise<Organisation> {
  return clientAs(context, settingsOf(context, command), subject).json<Organisation>(path, posted({ reason }));
}
