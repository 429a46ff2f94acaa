import type { Person, PolicyPlan } from '@weft/domain';
import { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, posted, Refused } from '../client.js';
import { clientAs, type Context, settingsOf, SUBJECT } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { number, type Terminal } from '../terminal.js';
import { readPolicy } from './policy-file.js';
import { showPlan, summaryOf } from './policy-plan.js';

/** As `/policies` answers; of one that is still planned little more than its state. */
export interface Proposal {
  readonly id: string;
  readonly state: 'planning' | 'waiting' | 'adopted' | 'overtaken' | 'in-force';
  readonly people?: number;
  readonly name: string;
  readonly reason: string;
  readonly proposedBy: Person;
  readonly proposedAt: string;
  readonly authorisedBy: Person | null;
  readonly version: number | null;
  readonly plan: PolicyPlan;
}

interface AdoptOptions {
  readonly check?: boolean;
  readonly reason?: string;
  readonly subject?: string;
}

export const adoptCommand = (context: Context): Command =>
  new Command('adopt')
    .description(
      'proposes the policy of a JSON file to the running Weft. One that only closes is adopted at once; what opens anything waits for `weft policy authorise` by somebody else.',
    )
    .argument('<file>', 'a policy document, as `weft policy show --json` gives one')
    .option('--check', 'only say what is wrong with it')
    .option('--reason <text>', 'why; kept with the policy for good')
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy adopt policy.json --check
  $ weft policy adopt policy.json --reason "Agreed by the board in May" --subject anna`,
    )
    .action(async (file: string, { check, reason, subject }: AdoptOptions, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const document = await readPolicy(file);
      if (check === true) return terminal.json ? terminal.printJson({ sound: true }) : terminal.print(`${file} is sound`);
      if (reason === undefined) throw new Failure(EXIT.usage, 'a policy is adopted for a reason', 'say it with --reason "…"');
      const client = clientAs(context, settings, subject);
      const answer = await client.json<Proposal>('/policies', posted({ document, reason }));
      tell(terminal, await settled(client, terminal, answer));
    });

export const authoriseCommand = (context: Context): Command =>
  new Command('authorise')
    .description('authorises a proposal of somebody else, which is then adopted')
    .argument('<id>', 'of the proposal; weft policy proposals lists them')
    .option(...SUBJECT)
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy authorise 6f0c… --subject bert`,
    )
    .action(async (id: string, { subject }: AdoptOptions, command: Command) => {
      const client = clientAs(context, settingsOf(context, command), subject);
      const path = `/policies/${encodeURIComponent(id)}/authorisations`;
      const answer = await client.json<Proposal>(path, posted({}));
      // Another instance that is asked how far it is knows of no plan, and says that it still waits.
      const isDone = ({ state }: Proposal): boolean => state === 'adopted' || state === 'overtaken';
      const latest = await planned(client, context.terminal, answer, isDone);
      tell(context.terminal, isDone(latest) ? latest : { ...latest, state: 'planning' });
    });

const POLL_MS = 1_000;
/** A plan of a large region takes hours; nobody need wait for it here. */
const PATIENCE_MS = 10 * 60_000;

/** Waits for a plan that takes longer than a request does. */
async function planned(
  client: Client,
  terminal: Terminal,
  answer: Proposal,
  isDone: (latest: Proposal) => boolean,
): Promise<Proposal> {
  const bar = terminal.progress('planning', 0);
  const deadline = Date.now() + PATIENCE_MS;
  try {
    let latest = answer;
    while (!isDone(latest) && Date.now() < deadline) {
      if (latest.people !== undefined) bar.update(latest.people);
      await sleep(POLL_MS);
      latest = await client
        .json<Proposal>(`/policies/proposals/${answer.id}`, { patient: true })
        .catch(unlessPlannedElsewhere(latest));
    }
    return latest;
  } finally {
    bar.stop();
  }
}

/** Another instance of the record-api may plan it, and only that one knows of it meanwhile. */
const unlessPlannedElsewhere =
  (latest: Proposal) =>
  (error: unknown): Proposal => {
    if (error instanceof Refused && error.status === 404) return latest;
    throw error;
  };

/** A proposal once it is planned. */
export const settled = (client: Client, terminal: Terminal, answer: Proposal): Promise<Proposal> =>
  planned(client, terminal, answer, ({ state }) => state !== 'planning');

function tell(terminal: Terminal, proposal: Proposal): void {
  const { id, state, version, plan } = proposal;
  if (state === 'overtaken') {
    throw new Failure(
      EXIT.finding,
      `version ${version} came in between, and changed what this opens and closes`,
      'propose it again, and look at its plan',
    );
  }
  if (terminal.json) return terminal.printJson(proposal);
  if (state === 'in-force') return terminal.print(`${terminal.paint('green', '✓')} it is in force already; nothing changes`);
  if (state === 'planning') {
    terminal.print(`proposal ${id} is still being planned: weft policy proposals shows what became of it`);
    return terminal.print('If Weft stops before that is done, nothing is adopted: run this command again.');
  }
  if (state === 'adopted') {
    terminal.print(`${terminal.paint('green', '✓')} ${proposal.name} is in force as version ${number(version ?? 0)}`);
    for (const line of summaryOf(plan)) terminal.print(`  ${line}`);
    return terminal.print('Readers obey it now; views and topics follow: weft policy versions says when they have');
  }
  terminal.print(`${terminal.paint('bold', proposal.name)} is proposed, against version ${plan.inForce}, now in force`);
  showPlan(terminal, plan);
  terminal.print();
  terminal.print(`Somebody else authorises it: weft policy authorise ${id}`);
}
