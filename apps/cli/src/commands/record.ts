import { isPurpose, type Purpose, PURPOSES, type Resource } from '@weft/domain';
import { Command } from 'commander';
import { NHS_ARGUMENT, ods, purpose } from '../arguments.js';
import { clientOf, type Context, ownOrganisation, settingsOf } from '../context.js';
import { describe, minuteOf, shortened, spaced } from '../describe.js';
import { counted, type Terminal } from '../terminal.js';

interface RecordAnswer {
  readonly purpose: Purpose;
  readonly policyVersion: number;
  readonly version: string;
  readonly entries: readonly {
    readonly id: string;
    readonly resourceType: string;
    readonly organisation: string;
    readonly occurredAt: string | null;
    readonly resource: Resource;
  }[];
  readonly notice?: string;
  /** A care event about the person stands in quarantine. */
  readonly waiting?: boolean;
  readonly review?: readonly { readonly entry: string; readonly fields: readonly string[] }[];
  /** For governance alone. */
  readonly withheld?: number;
}

interface Options {
  readonly purpose: Purpose;
  readonly org?: string;
  readonly all?: boolean;
}

/** A longer record would push what a person looks for out of sight. */
const SHOWN = 100;

/** Purposes that a clinician may read for; whoever reads for another does so as governance, and the audit says so. */
const CLINICAL: readonly Purpose[] = ['direct-care', 'care-coordination'];

export function recordCommand(context: Context): Command {
  return new Command('record')
    .summary('show a record, as a purpose may see it')
    .description('Shows the record of one person as a purpose may see it. The read is audited.')
    .argument(...NHS_ARGUMENT)
    .option('--purpose <purpose>', PURPOSES.join(', '), purpose, 'direct-care' satisfies Purpose)
    .option('--org <ods>', 'the organisation that looks; default the region’s first', ods)
    .option('--all', `every entry; without it the ${SHOWN} latest are shown`)
    .addHelpText(
      'after',
      `
Examples:
  $ weft record 9990000018
  $ weft record 9990000018 --purpose research
  $ weft record 9990000018 --all | less
  $ weft record - < number.txt
  $ weft record 9990000018 --json | jq '.entries[].resource'`,
    )
    .action(async (nhs: string, { purpose: about, org, all }: Options, command: Command) => {
      const settings = settingsOf(context, command);
      const role = CLINICAL.includes(about) ? 'clinician' : 'governance';
      const client = clientOf(context, settings, [role], { organisation: org ?? ownOrganisation(settings) });
      const response = await client.ask(`/records/${nhs}?purpose=${about}`);
      const record = await client.read<RecordAnswer>(response);
      const movedTo = movedToOf(response);
      if (context.terminal.json) context.terminal.printJson({ ...record, movedTo });
      else show(context.terminal, nhs, record, { movedTo, all });
    });
}

/** A number that was merged answers for the surviving one, and says so. */
function movedToOf(response: Response): string | null {
  return /\/records\/(\d{10})/.exec(response.headers.get('content-location') ?? '')?.[1] ?? null;
}

interface Shown {
  readonly movedTo: string | null;
  readonly all?: boolean;
}

function showReview(terminal: Terminal, review: NonNullable<RecordAnswer['review']>): void {
  for (const [what, isNumber] of [
    ['born on different days by', false],
    ['versions name several NHS numbers of', true],
  ] as const) {
    const named = review.filter(({ fields }) => fields.includes('nhsNumber') === isNumber).map(({ entry }) => entry);
    if (named.length > 0) terminal.print(terminal.paint('yellow', `Please review: ${what} ${named.join(', ')}`));
  }
}

function show(terminal: Terminal, nhs: string, record: RecordAnswer, { movedTo, all }: Shown): void {
  const { entries, notice, waiting, review = [], withheld } = record;
  const purposeName = isPurpose(record.purpose) ? record.purpose.replace('-', ' ') : record.purpose;
  const counts = [counted(entries.length, 'entry', 'entries'), ...(withheld === undefined ? [] : [`${withheld} withheld`])];
  terminal.print(`${terminal.paint('bold', spaced(nhs))} · ${purposeName} · ${counts.join(', ')}`);
  if (movedTo !== null) terminal.print(`merged into ${spaced(movedTo)}, whose record this is`);
  if (notice !== undefined) terminal.print(terminal.paint('yellow', notice));
  if (waiting === true) {
    const missing = 'Something that was sent about this person could not be taken in yet. It is missing here.';
    terminal.print(terminal.paint('yellow', missing));
  }
  showReview(terminal, review);
  terminal.print();
  showEntries(terminal, all === true ? entries : entries.slice(-SHOWN));
  if (entries.length > 0) terminal.print();
  const left = entries.length - SHOWN;
  if (all !== true && left > 0) {
    const more = `${counted(left, 'earlier entry is', 'earlier entries are')} not shown`;
    terminal.print(terminal.paint('yellow', `${more}: --all shows every one, --json gives them to programs.`));
  }
  if (withheld !== undefined && withheld > 0) {
    const held = counted(withheld, 'entry is', 'entries are');
    terminal.print(terminal.paint('yellow', `${held} held back by a decision or the policy; explain says why.`));
  }
  terminal.print(terminal.paint('dim', `policy ${record.policyVersion}, version ${record.version.slice(0, 12)}`));
}

/** Who recorded it and its type stand in an entry’s id, unless that is a pseudonym. */
function showEntries(terminal: Terminal, entries: RecordAnswer['entries']): void {
  const isNamed = entries.every(({ id, organisation }) => id.startsWith(organisation));
  terminal.table(
    ['when', ...(isNamed ? [] : ['from']), 'what', 'id'],
    entries.map(({ id, occurredAt, organisation, resourceType, resource }) => [
      occurredAt === null ? '–' : minuteOf(occurredAt),
      ...(isNamed ? [] : [shortened(organisation)]),
      [resourceType, describe(resource)].filter((part) => part !== '').join(': '),
      id,
    ]),
  );
}
