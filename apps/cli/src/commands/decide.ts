import { consentOf, FHIR_JSON } from '@weft/care-events';
import { AUTHORITIES, type Authority, type Provision, type Purpose, PURPOSES } from '@weft/domain';
import { systemClock, systemRandom } from '@weft/service';
import { Command, Option } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { authority, instant, nhsNumber, ods, odsCodes, purposes, texts } from '../arguments.js';
import { type Client } from '../client.js';
import { clientOf, type Context, settingsOf } from '../context.js';
import { spaced } from '../describe.js';
import { EXIT, Failure } from '../failure.js';

interface Options {
  readonly purpose: readonly Purpose[];
  readonly authority: Authority;
  readonly from?: number;
  readonly until?: number;
  readonly organisation?: readonly string[];
  readonly entry?: readonly string[];
  readonly category?: readonly string[];
  readonly by: string;
  readonly org?: string;
}

interface DecisionAnswer {
  readonly id: string;
  readonly state: 'pending' | 'obeyed' | 'quarantined';
  readonly event: string;
  readonly source: string;
}

/** A decision that is not obeyed everywhere by then is durable all the same, and will be. */
const OBEDIENCE_LIMIT_MS = 120_000;

export const optOutCommand = (context: Context): Command =>
  decisionCommand(context, 'opt-out', 'deny')
    .summary('record that a person does not want to share')
    .description(
      'Records an objection, and waits until every view and every subscriber’s topic obeys it. A later decision of the same scope and authority replaces an earlier one.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ weft opt-out 9990000018 --purpose research
  $ weft opt-out 9990000018 --purpose direct-care --organisation RX902
  $ weft opt-out 9990000018 --purpose research population-health \\
      --authority national-data-opt-out --until 2027-01-01`,
    );

export const optInCommand = (context: Context): Command =>
  decisionCommand(context, 'opt-in', 'permit')
    .summary('record that a person does want to share')
    .description(
      'Records an agreement, and waits until every view and every subscriber’s topic follows it. Under the authority of an earlier objection of the same scope it takes that back.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ weft opt-in 9990000018 --purpose research
  $ weft opt-in 9990000018 --purpose research --authority explicit-consent`,
    );

function decisionCommand(context: Context, name: string, effect: Provision['effect']): Command {
  return new Command(name)
    .argument('<nhs>', 'NHS number; spaces do not matter', nhsNumber)
    .requiredOption('--purpose <purpose...>', `one or several of ${PURPOSES.join(', ')}`, purposes)
    .option('--authority <authority>', AUTHORITIES.join(', '), authority, 'local-dissent' satisfies Authority)
    .option('--organisation <ods>', 'only what these organisations recorded', odsCodes)
    .option('--entry <id>', 'only these entries, like RX901/Condition/ab12 or Condition/ab12', texts)
    .option('--category <code>', 'only these resource types or codes', texts)
    .option('--from <time>', 'in force from then on; default at once', instant)
    .option('--until <time>', 'in force up to then; default for good', instant)
    .addOption(new Option('--by <role>', 'who decided').choices(['patient', 'proxy', 'organisation']).default('patient'))
    .option('--org <ods>', 'the organisation that the decision comes through; default the region’s first', ods)
    .action(async (nhs: string, options: Options, command: Command) => {
      const settings = settingsOf(context, command);
      if (options.from !== undefined && options.until !== undefined && options.from >= options.until) {
        throw new Failure(EXIT.usage, 'it would end before it begins', '--from must be before --until');
      }
      const through = options.org ?? (context.env['WEFT_TOKEN'] ? undefined : settings.organisations[0]?.ods);
      const client = clientOf(context, settings, ['governance'], { organisation: through });
      const answer = await decide(client, consentBody(nhs, effect, options), through);
      tell(context, name, nhs, options, answer);
    });
}

function consentBody(nhs: string, effect: Provision['effect'], options: Options): string {
  const { purpose, authority, organisation, entry, category, from, until, by } = options;
  const provision: Provision = {
    effect,
    purposes: [...new Set(purpose)],
    ...(organisation && { organisations: organisation }),
    ...(entry && { entries: entry }),
    ...(category && { categories: category }),
    ...(from !== undefined && { from }),
    ...(until !== undefined && { until }),
  };
  const decidedAt = new Date(systemClock.now()).toISOString();
  const consentId = systemRandom.uuid();
  return JSON.stringify(
    consentOf({ subject: nhs, consentId, authority, status: 'active', decidedAt, decidedBy: by, provision, exceptions: [] }),
  );
}

/** Resolves once the decision is obeyed. May be sent twice: the same Consent is one decision. */
async function decide(client: Client, body: string, through: string | undefined): Promise<DecisionAnswer> {
  let answer = await client.json<DecisionAnswer>('/consents', {
    method: 'POST',
    body,
    headers: {
      'content-type': FHIR_JSON,
      prefer: 'wait=60',
      ...(through !== undefined && { 'ce-source': `urn:ods:${through}` }),
    },
    patient: true,
  });
  const limit = Date.now() + OBEDIENCE_LIMIT_MS;
  while (answer.state === 'pending' && Date.now() < limit) {
    await sleep(500);
    answer = await client.json<DecisionAnswer>(`/consents/${answer.id}`, { patient: true });
  }
  return answer;
}

function tell({ terminal }: Context, name: string, nhs: string, options: Options, answer: DecisionAnswer): void {
  if (answer.state !== 'obeyed') {
    throw new Failure(
      EXIT.finding,
      answer.state === 'pending'
        ? 'the decision is recorded and not obeyed everywhere yet'
        : 'the decision was taken, and then put into quarantine by the projector',
      answer.state === 'pending'
        ? 'it cannot be lost, and is followed once the opt-out-projector comes to it; is that running?'
        : 'see weft quarantine list',
    );
  }
  if (terminal.json) return terminal.printJson({ decision: name, ...answer });
  const when = options.from !== undefined && options.from > Date.now() ? 'known' : 'obeyed';
  terminal.print(
    `${terminal.paint('green', '✓')} ${spaced(nhs)}: ${name} ${name === 'opt-in' ? 'to' : 'of'} ${options.purpose.join(' and ')} is ${when} in every view and topic`,
  );
}
