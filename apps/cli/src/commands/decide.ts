import { consentOf, FHIR_JSON } from '@weft/care-events';
import {
  AUTHORITIES,
  type Authority,
  type DecidedBy,
  intervalOf,
  type Limit,
  type Problem,
  type Provision,
  provision,
  type Purpose,
  PURPOSES,
} from '@weft/domain';
import { systemClock, systemRandom } from '@weft/service';
import { Command, Option } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { authority, NHS_ARGUMENT, ods, odsCodes, purposes, texts, whenText } from '../arguments.js';
import { type Client } from '../client.js';
import { clientOf, type Context, ownOrganisation, settingsOf } from '../context.js';
import { minuteOf, spaced } from '../describe.js';
import { EXIT, Failure } from '../failure.js';
import { counted } from '../terminal.js';

interface Options {
  readonly purpose: readonly Purpose[];
  readonly authority: Authority;
  readonly from?: string;
  readonly until?: string;
  readonly organisation?: readonly string[];
  readonly entry?: readonly string[];
  readonly category?: readonly string[];
  readonly by: DecidedBy;
  readonly org?: string;
}

interface DecisionAnswer {
  readonly id: string;
  readonly state: 'pending' | 'obeyed' | 'superseded' | 'covers-nothing' | 'quarantined';
  readonly event: string;
  readonly source: string;
  readonly standing: boolean;
  readonly since: string | null;
  readonly until: string | null;
  readonly covers?: Readonly<Record<Purpose, number>>;
  readonly supersededBy?: string;
  readonly warnings: readonly Problem[];
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

/** What is not said exactly never opens anything: a date is a whole day in England, and the choice within it the narrower one. */
const DATES = {
  deny: {
    from: 'in force from then on: a time with its offset, or a date, which counts from its beginning in England; default at once',
    until: 'in force up to then; a date counts to its end in England; default for good',
  },
  permit: {
    from: 'in force from then on: a time with its offset, or a date, which counts from its END in England; default at once',
    until: 'in force up to then; a date counts to its BEGINNING in England; default for good',
  },
} as const;

function decisionCommand(context: Context, name: string, effect: Provision['effect']): Command {
  return new Command(name)
    .argument(...NHS_ARGUMENT)
    .requiredOption('--purpose <purpose...>', `one or several of ${PURPOSES.join(', ')}`, purposes)
    .option('--authority <authority>', AUTHORITIES.join(', '), authority, 'local-dissent' satisfies Authority)
    .option('--organisation <ods>', 'only what these organisations recorded; several by commas', odsCodes)
    .option('--entry <id>', 'only these entries, like RX901/Condition/ab12 or Condition/ab12; several by commas', texts)
    .option('--category <code>', 'only these resource types or codes; several by commas', texts)
    .option('--from <time>', DATES[effect].from, whenText)
    .option('--until <time>', DATES[effect].until, whenText)
    .addOption(
      new Option('--by <role>', 'who decided').choices(['patient', 'proxy', 'organisation', 'not-stated']).default('patient'),
    )
    .option('--org <ods>', 'the organisation of the person who records it, as it is kept with the decision', ods)
    .action(async (nhs: string, options: Options, command: Command) => {
      const settings = settingsOf(context, command);
      const [from, until] = [options.from, options.until].map((text) => intervalOf(text)?.from);
      if (from !== undefined && until !== undefined && from >= until) {
        throw new Failure(EXIT.usage, 'it would end before it begins', '--from must be before --until');
      }
      refusePointless(options);
      const through = options.org ?? (context.env['WEFT_TOKEN'] ? undefined : ownOrganisation(settings));
      const client = clientOf(context, settings, ['governance'], { organisation: through });
      const answer = await decide(client, consentBody(nhs, effect, options));
      show(context, name, nhs, options, answer);
    });
}

/** Authorities that the law knows for uses beyond a person's own care alone. */
const BEYOND_CARE_ONLY: readonly Authority[] = ['national-data-opt-out', 'type-1'];

function refusePointless({ authority, purpose }: Options): void {
  if (!BEYOND_CARE_ONLY.includes(authority)) return;
  if (purpose.some((one) => one === 'research' || one === 'population-health')) return;
  throw new Failure(
    EXIT.usage,
    `${authority} is about uses beyond a person’s own care, and changes nothing for ${purpose.join(' and ')}`,
    'name --purpose research or population-health; an objection to sharing for care is --authority local-dissent',
  );
}

function consentBody(nhs: string, effect: Provision['effect'], options: Options): string {
  const { purpose, authority, organisation, entry, category, from, until, by } = options;
  const limits: Limit[] = [];
  if (organisation !== undefined) limits.push({ kind: 'recorded-by', organisations: organisation });
  if (entry !== undefined) limits.push({ kind: 'entries', entries: entry.map((one) => ({ entry: one, reach: 'instance' })) });
  if (category !== undefined) limits.push({ kind: 'classes', codes: category.map((code) => ({ code })) });
  const consent = consentOf({
    ...{ subject: nhs, consentId: systemRandom.uuid(), authority, status: 'active', decidedBy: by },
    decidedAt: new Date(systemClock.now()).toISOString(),
    provision: provision(effect, [...new Set(purpose)], { limits }),
  });
  // Dates go as they were typed: what a day means for an objection, and for an agreement, is for Weft to say.
  const period = { ...(from !== undefined && { start: from }), ...(until !== undefined && { end: until }) };
  const provided = consent['provision'] as object;
  return JSON.stringify(from === undefined && until === undefined ? consent : { ...consent, provision: { ...provided, period } });
}

/** Resolves once the decision is obeyed. May be sent twice: its key says that it is the same. */
async function decide(client: Client, body: string): Promise<DecisionAnswer> {
  let answer = await client.json<DecisionAnswer>('/consents', {
    method: 'POST',
    body,
    headers: { 'content-type': FHIR_JSON, prefer: 'wait=60', 'idempotency-key': `"${systemRandom.uuid()}"` },
    patient: true,
  });
  const limit = Date.now() + OBEDIENCE_LIMIT_MS;
  while (answer.state === 'pending' && Date.now() < limit) {
    await sleep(500);
    answer = await client.json<DecisionAnswer>(`/consents/${answer.id}`, { patient: true });
  }
  return answer;
}

function show(context: Context, name: string, nhs: string, options: Options, answer: DecisionAnswer): void {
  const { terminal } = context;
  const fault = faultOf(name, options, answer);
  if (terminal.json) {
    terminal.printJson({ decision: name, ...answer });
    if (fault !== null) context.exitCode = EXIT.finding;
    return;
  }
  for (const { field, message } of answer.warnings) terminal.note(`${terminal.paint('yellow', '!')} ${field}: ${message}`);
  if (fault !== null) throw fault;
  const isLater = answer.since !== null && Date.parse(answer.since) > Date.now();
  const preposition = name === 'opt-in' ? 'to' : 'of';
  const what = `${spaced(nhs)}: ${name} ${preposition} ${options.purpose.join(' and ')}`;
  const when = isLater ? `will be obeyed from ${minuteOf(answer.since as string)} UTC` : 'is obeyed in every view and topic';
  const end = answer.until === null ? '' : ` until ${minuteOf(answer.until)} UTC`;
  terminal.print(`${terminal.paint('green', '✓')} ${what} ${when}${end}`);
  if (name === 'opt-in' && isDate(options.from)) {
    terminal.paragraph(
      `A date is a whole day, and an agreement begins when ${options.from} has ended in England. ${earlier(options)}`,
      2,
    );
  }
  if (answer.covers !== undefined) terminal.paragraph(covered(name, answer.covers, isLater), 2);
}

const isDate = (text: string | undefined): text is string => text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text);

const earlier = ({ from }: Options): string =>
  `To begin at a time of that day, give it with its offset, like --from ${from}T09:00:00Z.`;

/** Why nothing in the record changes: somebody who opts in must not think that all is shared now. */
const UNCHANGED = {
  deny: 'It changes nothing that is in the record now: what it covers was not shared before either.',
  permit:
    'It changes nothing that is in the record now: what is still withheld is so by another decision or a rule. weft explain says by which.',
} as const;

/** "It withholds 12 entries from research." */
function covered(name: string, covers: NonNullable<DecisionAnswer['covers']>, isLater: boolean): string {
  const some = PURPOSES.filter((purpose) => covers[purpose] > 0);
  if (some.length === 0) return UNCHANGED[name === 'opt-in' ? 'permit' : 'deny'];
  const parts = some.map(
    (purpose) => `${counted(covers[purpose], 'entry', 'entries')} ${name === 'opt-in' ? 'with' : 'from'} ${purpose}`,
  );
  const verb = name === 'opt-in' ? 'share' : 'withhold';
  return `It ${isLater ? `will ${verb}` : `${verb}s`} ${parts.join(', ')}.`;
}

function faultOf(
  name: string,
  { entry, category, organisation, authority, purpose }: Options,
  answer: DecisionAnswer,
): Failure | null {
  const nothing = name === 'opt-in' ? 'Nothing was opened.' : 'Nothing was hidden.';
  switch (answer.state) {
    case 'obeyed':
      return null;
    case 'superseded':
      return new Failure(
        EXIT.finding,
        'the decision is recorded, and a later one is in force instead of it',
        'weft explain shows the decisions; to decide anew, record it with the date of today',
      );
    case 'covers-nothing': {
      const named = [
        ...(entry === undefined ? [] : [`no entry ${entry.join(' or ')}`]),
        ...(category === undefined ? [] : [`nothing of the kind ${category.join(' or ')}`]),
        ...(organisation === undefined ? [] : [`nothing from ${organisation.join(' or ')}`]),
      ];
      const found =
        named.length === 0
          ? `The region’s sharing policy does not use ${authority} for ${purpose.join(' or ')}.`
          : `There is ${named.join(', and ')} in the record.`;
      return new Failure(
        EXIT.finding,
        `${found} ${nothing}`,
        named.length === 0
          ? 'the decision is recorded; weft policy show says which authorities count for which purposes'
          : 'the decision is recorded, and covers such entries once they come; weft record shows the ids of those that are there',
      );
    }
    case 'pending':
      return new Failure(
        EXIT.finding,
        'the decision is recorded and not obeyed everywhere yet',
        'it cannot be lost, and is followed once the opt-out-projector comes to it; is that running?',
      );
    case 'quarantined':
      return new Failure(
        EXIT.finding,
        'the decision was taken, and the projector could not read it; what it may deny is closed until it is mended',
        'see weft quarantine list',
      );
  }
}
