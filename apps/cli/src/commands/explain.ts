import { decidedAtOf, type Limit, type Purpose, PURPOSES } from '@weft/domain';
import type { ExplainedRecord, Explanation } from '@weft/processing';
import { Command } from 'commander';
import { instant, NHS_ARGUMENT } from '../arguments.js';
import { clientOf, type Context, settingsOf } from '../context.js';
import { dayOf, minuteOf, spaced } from '../describe.js';
import { counted, type Terminal } from '../terminal.js';

export function explainCommand(context: Context): Command {
  return new Command('explain')
    .summary('why each entry is shared or withheld')
    .description(
      'Says of each entry of a record, for each purpose, whether it is shared, by which rule, and under which decision; as Weft knew and decided at any time.',
    )
    .argument(...NHS_ARGUMENT)
    .option('--at <time>', 'RFC 3339, or a date (by its end, UTC); default now', checkedTime)
    .addHelpText(
      'after',
      `
Examples:
  $ weft explain 9990000018
  $ weft explain 9990000018 --at 2026-01-31
  $ weft explain - < number.txt`,
    )
    .action(async (nhs: string, { at }: { readonly at?: string }, command: Command) => {
      const settings = settingsOf(context, command);
      const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`;
      const explained = await clientOf(context, settings, ['governance']).json<ExplainedRecord>(
        `/records/${nhs}/explain${query}`,
      );
      if (context.terminal.json) context.terminal.printJson(explained);
      else show(context.terminal, nhs, explained);
    });
}

/** As it was written: what a date alone means is for the record API to say. */
function checkedTime(text: string): string {
  instant(text);
  return text;
}

/** Column heads short enough for four of them beside an entry. */
const SHORT: Record<Purpose, string> = {
  'direct-care': 'direct',
  'care-coordination': 'coord.',
  'population-health': 'popul.',
  research: 'research',
};

function show(terminal: Terminal, nhs: string, explained: ExplainedRecord): void {
  const { at, policyName, policyVersion, decisions, entries, setAside, corrected, movedTo } = explained;
  const policy = policyVersion === null ? 'no policy yet' : `${policyName}, version ${policyVersion}`;
  terminal.print(`${terminal.paint('bold', spaced(nhs))} · as of ${minuteOf(at)} UTC`);
  terminal.print(terminal.paint('dim', policy));
  if (movedTo !== null) terminal.print(`merged into ${spaced(movedTo)}, whose record this is`);
  terminal.print();
  showDecisions(terminal, decisions, Date.parse(at));
  const reasons = new Reasons(decisions);
  const inOrder = [...entries].sort((a, b) => (a.occurredAt ?? '').localeCompare(b.occurredAt ?? ''));
  terminal.table(
    ['when', 'what', ...PURPOSES.map((purpose) => SHORT[purpose])],
    inOrder.map((entry) => [
      entry.occurredAt === null ? '–' : minuteOf(entry.occurredAt),
      nameOf(entry),
      ...PURPOSES.map((purpose) =>
        mark(
          terminal,
          reasons,
          entry.purposes.find((one) => one.purpose === purpose),
        ),
      ),
    ]),
  );
  if (entries.length === 0) terminal.print('No entry was known then.');
  terminal.print();
  for (const [label, text] of reasons.all) terminal.table([], [[label, text]]);
  if (entries.length > 0) terminal.table([], [['·', terminal.paint('dim', 'not of this purpose’s concern')]]);
  showSetAside(terminal, setAside);
  showCorrected(terminal, corrected);
}

/** What it is about where that may be said, and its id, which has organisation and type. */
const nameOf = ({ id, resourceType, about = null }: ExplainedRecord['entries'][number]): string =>
  `${about === null ? resourceType : `${resourceType}: ${about}`} ${id}`;

function showDecisions(terminal: Terminal, decisions: ExplainedRecord['decisions'], at: number): void {
  if (decisions.length === 0) {
    terminal.print('Nothing was decided.');
    return terminal.print();
  }
  terminal.print(`${counted(decisions.length, 'decision')}, in the order in which they came`);
  for (const [index, decision] of decisions.entries()) {
    const { provision, authority, decidedBy, recorder } = decision;
    const head = [String(index + 1).padStart(3), dayOf(decidedAtOf(decision)), authority, stateOf(decision)].join('  ');
    terminal.print(`${head}  ${standingOf(terminal, decision, at)}`);
    const purposes = provision.purposes.length === PURPOSES.length ? 'every purpose' : provision.purposes.join(', ');
    const about = [purposes === '' ? 'for no purpose Weft shares for' : `for ${purposes}`, ...limits(provision)];
    terminal.paragraph(about.join('; '), 5);
    terminal.paragraph(terminal.paint('dim', `by ${byOf(decidedBy)}, recorded by ${recorderOf(recorder)}`), 5);
  }
  terminal.print();
}

/** Whether it was in force then, and for which purposes, where it was not for all of its own. */
function standingOf(
  terminal: Terminal,
  { status, standsFor, provision: { purposes, from, until } }: Explained,
  at: number,
): string {
  if (standsFor.length > 0) {
    const part = standsFor.length < purposes.length ? ` for ${standsFor.join(', ')}` : '';
    return terminal.paint('green', `${from !== undefined && from > at ? 'to come' : 'in force'}${part}`);
  }
  const why =
    status === 'withdrawn' ? '' : until !== undefined && until <= at ? 'ended' : purposes.length === 0 ? '' : 'not in force';
  return terminal.paint('dim', why);
}

type Explained = ExplainedRecord['decisions'][number];

function stateOf({ status, unread, provision }: Explained): string {
  if (unread === true) return 'not read: closed';
  return status === 'withdrawn' ? 'withdrawn' : provision.effect;
}

const byOf = (decidedBy: Explained['decidedBy']): string => (decidedBy === 'not-stated' ? 'nobody named' : `the ${decidedBy}`);

function recorderOf({ as, organisation, subject }: Explained['recorder']): string {
  const who = [as === 'organisation' ? null : as, organisation].filter((part) => part !== null).join(' of ');
  return subject === null ? who || 'nobody known' : `${subject} (${who})`;
}

function limits({ limits: narrowed, from, until, provisions }: Explained['provision']): string[] {
  return [
    ...narrowed.map(describeLimit),
    ...(from === undefined ? [] : [`from ${minuteOf(new Date(from).toISOString())} UTC`]),
    ...(until === undefined ? [] : [`until ${minuteOf(new Date(until).toISOString())} UTC`]),
    ...(provisions.length === 0 ? [] : [counted(provisions.length, 'exception')]),
  ];
}

/** What narrows a decision, in a few words. */
function describeLimit(limit: Limit): string {
  switch (limit.kind) {
    case 'recorded-by':
      return `only from ${limit.organisations.map((ods) => ods ?? 'somebody not understood').join(', ')}`;
    case 'entries':
      return `only ${limit.entries.map((named) => named?.entry ?? 'an entry not understood').join(', ')}`;
    case 'data-period':
      return 'only of a time';
    case 'unread':
      return `${limit.field} not understood`;
    default:
      return `only ${limit.codes.map((code) => code?.code ?? 'a code not understood').join(', ')}`;
  }
}

/** No list of entries has what changed nothing: whose numbers or clock are wrong is seen here. */
function showSetAside(terminal: Terminal, setAside: ExplainedRecord['setAside']): void {
  if (setAside.length === 0) return;
  terminal.print();
  terminal.print(`${counted(setAside.length, 'version')} that changed nothing, or whose number and date disagree`);
  for (const { entry, recordedAt, plainEnglish } of setAside) {
    terminal.print(`  ${minuteOf(recordedAt)}  ${entry}`);
    terminal.paragraph(plainEnglish, 5);
  }
}

function showCorrected(terminal: Terminal, corrected: ExplainedRecord['corrected']): void {
  if (corrected.length === 0) return;
  terminal.print();
  terminal.print(`${counted(corrected.length, 'entry', 'entries')} with versions under several NHS numbers`);
  for (const { entry, plainEnglish } of corrected) {
    terminal.print(`  ${entry}`);
    terminal.paragraph(plainEnglish, 5);
  }
}

function mark(terminal: Terminal, reasons: Reasons, explanation: Explanation | undefined): string {
  if (explanation === undefined || explanation.rule === 'not-of-concern') return terminal.paint('dim', '·');
  const label = reasons.label(explanation);
  return explanation.included ? terminal.paint('green', `✓ ${label}`) : terminal.paint('yellow', `✗ ${label}`);
}

/** Each reason is told once, under a letter. */
class Reasons {
  readonly all = new Map<string, string>();
  private readonly labels = new Map<string, string>();

  constructor(private readonly decisions: ExplainedRecord['decisions']) {}

  label({ rule, decision, plainEnglish }: Explanation): string {
    const key = `${rule} ${decision?.id ?? ''} ${decision?.authority ?? ''}`;
    const known = this.labels.get(key);
    if (known !== undefined) return known;
    const label = letters(this.labels.size);
    const place = this.decisions.findIndex(({ id, authority }) => id === decision?.id && authority === decision.authority);
    const ground =
      decision === null ? '' : ` Decision ${place + 1}, of ${dayOf(decision.decidedAt)} by ${byOf(decision.decidedBy)}.`;
    this.labels.set(key, label);
    this.all.set(label, `${rule}: ${plainEnglish}${ground}`);
    return label;
  }
}

/** a … z, aa, ab … */
function letters(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : letters(Math.floor(index / 26) - 1) + letter;
}
