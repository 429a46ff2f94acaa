import type { AuditEntry } from '@weft/processing';
import { Command, InvalidArgumentError } from 'commander';
import { instant, NHS_ARGUMENT } from '../arguments.js';
import { type Client } from '../client.js';
import { clientOf, type Context, settingsOf } from '../context.js';
import { minuteOf, spaced } from '../describe.js';
import { counted, type Terminal } from '../terminal.js';

interface AuditAnswer {
  readonly from: string;
  readonly to: string;
  readonly entries: readonly AuditEntry[];
  readonly next: string | null;
  readonly note: string | null;
}

export function auditCommand(context: Context): Command {
  return new Command('audit')
    .summary('who looked at a record, decided about it, or was told of it')
    .description(
      'Lists who looked at the record of one person, who decided about it, and which subscribers were told of it, oldest first. This look is audited too.',
    )
    .argument(...NHS_ARGUMENT)
    .option('--from <day>', 'first day, UTC; default the day on which the region was made, 30 days ago at least', day)
    .option('--to <day>', 'last day, UTC; default today', day)
    .addHelpText(
      'after',
      `
Examples:
  $ weft audit 9990000018
  $ weft audit 9990000018 --from 2026-01-01 --to 2026-01-31
  $ weft audit 9990000018 --json | jq '.entries[] | select(.action == "told")'`,
    )
    .action(async (nhs: string, days: { readonly from?: string; readonly to?: string }, command: Command) => {
      const settings = settingsOf(context, command);
      const query = new URLSearchParams({ ...days }).toString();
      const first = `/records/${nhs}/audit${query === '' ? '' : `?${query}`}`;
      const answer = await wholeOf(clientOf(context, settings, ['governance']), first);
      if (context.terminal.json) context.terminal.printJson(answer);
      else show(context.terminal, nhs, answer);
    });
}

function day(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) throw new InvalidArgumentError('A day is like 2026-01-31.');
  instant(text);
  return text;
}

/** All pages as one. */
async function wholeOf(client: Client, first: string): Promise<Omit<AuditAnswer, 'next'>> {
  const entries: AuditEntry[] = [];
  for (let path = first; ;) {
    const { next, ...answer } = await client.json<AuditAnswer>(path);
    entries.push(...answer.entries);
    if (next === null) return { ...answer, entries };
    path = next;
  }
}

function show(terminal: Terminal, nhs: string, { from, to, entries, note }: Omit<AuditAnswer, 'next'>): void {
  terminal.print(
    `${terminal.paint('bold', spaced(nhs))} · ${from} to ${to}, UTC · ${counted(entries.length, 'entry', 'entries')}`,
  );
  terminal.print();
  terminal.table(
    ['when', 'who', 'org', 'what', 'purpose', 'outcome'],
    entries.map(({ time, who, organisation, action, purpose, outcome }) => [
      minuteOf(time),
      who,
      organisation ?? '–',
      DID[action] ?? action,
      purpose ?? '',
      outcome === 'given' || outcome === 'accepted' ? outcome : terminal.paint('yellow', outcome),
    ]),
  );
  if (note === null) return;
  if (entries.length > 0) terminal.print();
  terminal.paragraph(note);
}

/** What the audit calls it, in words that a person reads and a line has room for. */
const DID: Readonly<Record<string, string>> = {
  record: 'looked at record',
  everything: 'looked at all',
  summary: 'looked at summary',
  explain: 'looked at reasons',
  audit: 'looked at audit',
  quarantine: 'looked at message',
  redrive: 'sent message on',
  decide: 'decided',
  'propose-re-identification': 'proposed re-identifying',
  'authorise-re-identification': 'authorised re-identifying',
  're-identify': 're-identified',
  told: 'was told',
};
