import { acceptEvent, FHIR_JSON } from '@weft/care-events';
import type { Problem } from '@weft/domain';
import { type MappedEvent, type Note, rawEvent } from '@weft/hl7v2';
import { readParts, Trial, type Tried } from '@weft/hl7v2-processing';
import { type Hl7v2Listener, type Settings, usualListener } from '@weft/service';
import { Command } from 'commander';
import { ods } from '../arguments.js';
import { type Context, ownOrganisation, settingsOf } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { HL7_FILES, messagesOf } from '../hl7v2-files.js';
import { TABLES, tablesOf } from '../hl7v2-tables.js';
import type { Terminal } from '../terminal.js';

interface Options {
  readonly listener?: string;
  readonly org?: string;
  readonly tables?: string;
}

export function tryCommand(context: Context): Command {
  return new Command('try')
    .summary('what would come of messages')
    .description(
      'Maps the messages of files in their order, as if nobody in them had been heard of before: entries, notes, what waits and what would stand in quarantine. Nothing is sent, and nothing kept. Whoever watches the terminal sees what the messages say.',
    )
    .argument(...HL7_FILES)
    .option('--listener <name>', 'read as what this listener is sent (WEFT_HL7V2_LISTENERS); default the only one')
    .option('--org <ods>', 'without a listener: whose messages they are; default the region’s first', ods)
    .option(...TABLES)
    .addHelpText(
      'after',
      `
Exit code 1 when a message would stand in quarantine, or no table maps its type.

Examples:
  $ weft hl7v2 try admission.hl7 result.hl7
  $ weft hl7v2 try monday.hl7 --listener lab --tables site-tables.json
  $ weft hl7v2 try result.hl7 --json | jq .events[].resource`,
    )
    .action(async (files: readonly string[], options: Options, command: Command) => {
      const settings = settingsOf(context, command);
      const listener = listenerOf(settings, options);
      const tables = await tablesOf(settings, options.tables);
      const trial = new Trial(listener.organisation);
      for (const file of files) {
        for (const [index, bytes] of (await messagesOf(file)).entries()) {
          const receivedAt = Date.now();
          const received = { id: rawEvent(listener, 'message', bytes, receivedAt).id, receivedAt, bytes };
          const tried = judged(trial.take(readParts(received, listener, tables)), settings);
          if (tried.problems.length > 0 || tried.unmapped !== undefined) context.exitCode = EXIT.finding;
          if (context.terminal.json) context.terminal.printJson({ file, message: index + 1, ...tried });
          else show(context.terminal, `${file}:${index + 1}`, tried);
        }
      }
    });
}

function listenerOf({ hl7v2Listeners, organisations }: Settings, { listener, org }: Options): Hl7v2Listener {
  const [only, ...others] = hl7v2Listeners;
  const named = listener === undefined ? undefined : hl7v2Listeners.find(({ name }) => name === listener);
  if (listener !== undefined && named === undefined) {
    throw new Failure(
      EXIT.usage,
      'no listener is called so',
      `there are: ${hl7v2Listeners.map(({ name }) => name).join(', ') || 'none'}`,
    );
  }
  if (named !== undefined) return named;
  if (org === undefined && only !== undefined && others.length === 0) return only;
  const organisation = org ?? ownOrganisation({ organisations });
  if (organisation === undefined) throw new Failure(EXIT.usage, 'whose messages they are is not known', 'say it with --org');
  return usualListener('try', organisation);
}

/** With what the record-projector would refuse of it. */
function judged(tried: Tried, settings: Settings): Tried {
  const refused = tried.events.flatMap((event) => problemsOf(event, settings));
  return { ...tried, problems: [...tried.problems, ...refused] };
}

function problemsOf({ type, id, source, subject, time, resource }: MappedEvent, settings: Settings): readonly Problem[] {
  const attributes = { specversion: '1.0', type, id, source, subject, time, datacontenttype: FHIR_JSON };
  const received = { attributes, data: { ok: true, event: resource }, bytes: new Uint8Array() } as const;
  const reading = acceptEvent(received, {
    organisations: new Map(settings.organisations.map((one) => [one.ods, one])),
    now: Date.now(),
  });
  return reading.ok ? [] : reading.problems;
}

const DONE: Readonly<Record<string, string>> = {
  'care-event-recorded-1': 'recorded',
  'care-event-retracted-1': 'retracted',
  'patient-died-1': 'died',
  'patient-death-retracted-1': 'death retracted',
};

function show(terminal: Terminal, place: string, { type, events, notes, problems, waiting, review, unmapped }: Tried): void {
  terminal.print(`${terminal.paint('bold', place)} ${type ?? ''}`);
  const rows = events.map(({ type: done, resource, subject }) => [
    DONE[done] ?? done,
    resource.resourceType,
    typeof resource['status'] === 'string' ? resource['status'] : '',
    subject,
    resource.id ?? '',
  ]);
  if (rows.length > 0) terminal.table(['', 'entry', 'status', 'NHS number', 'id'], rows, 2);
  for (const why of waiting) terminal.print(terminal.paint('yellow', `  waits until it is known whose it is: ${why}`));
  for (const one of review) terminal.print(terminal.paint('yellow', `  a person is asked to look at it: ${one}`));
  for (const { field, code, message } of problems)
    terminal.print(terminal.paint('red', `  in quarantine: ${[field, code, message].filter((text) => text !== '').join(' ')}`));
  if (unmapped !== undefined) terminal.print(terminal.paint('yellow', `  no table maps ${unmapped}: it is kept`));
  for (const note of notes) terminal.print(terminal.paint('dim', `  note: ${noteText(note)}`));
}

const noteText = ({ code, segment, index, field, repetition, component }: Note): string =>
  segment === undefined ? code : `${code} at ${segment}[${index}]-${field}[${repetition}].${component}`;
