import { closeSync, createReadStream, openSync, writeFileSync, writeSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import {
  BadManifest,
  type Finding,
  type Manifest,
  type ManifestSource,
  readManifest,
  reconcile,
  type SignedStatement,
  type Statement,
  type Verdict,
  verifyStatement,
} from '@weft/reconciliation';
import { AuditLog, type Settings, statementKeyOf } from '@weft/service';
import { Command } from 'commander';
import { ods } from '../arguments.js';
import { clientOf, type Context, interruption, ownOrganisation, settingsOf, withWiring } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { failureOfFile, textOf } from '../given-file.js';
import { bytes, counted, number, type Terminal } from '../terminal.js';

/** What one request may carry. */
const SENT_BYTES_MAX = 64 * 1024 * 1024;
const SHOWN_MAX = 20;

export function reconcileCommand(context: Context): Command {
  return new Command('reconcile')
    .summary('compare what was sent with what arrived')
    .description(
      'A manifest says what an organisation sent: events or HL7 v2 messages by their ids, or how many of each type in each hour, as JSON lines, CSV or JSON (docs/reconciliation.md). What is missing, doubled, refused or waiting is said, and stated by the region, signed.',
    )
    .addCommand(runCommand(context), { isDefault: true })
    .addCommand(statementsCommand(context))
    .addCommand(verifyCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft reconcile sent-2026-03-04.ndjson
  $ weft reconcile run sent-2026-03-04.csv --statement statement.json
  $ weft reconcile statements --org RX901
  $ weft reconcile verify statement.json --manifest sent-2026-03-04.csv`,
    );
}

interface RunOptions {
  readonly engines?: true;
  readonly statement?: string;
  readonly findings?: string;
}

interface Answer extends SignedStatement {
  readonly findings: readonly Finding[];
  readonly more: number;
}

function runCommand(context: Context): Command {
  return new Command('run')
    .description(
      'compares a manifest with what arrived of its organisation, as that organisation’s publisher. With --engines it reads the engines directly, for the region’s operators and for manifests of any size; Weft may be up meanwhile.',
    )
    .argument('<file>', 'the manifest')
    .option('--engines', 'read the engines directly, where the settings have them')
    .option('--statement <file>', 'write the signed statement there')
    .option('--findings <file>', 'write every finding there, as JSON lines')
    .addHelpText(
      'after',
      `
Exit code 1 when anything is missing or refused, 2 when the manifest cannot be read: each fault has its line.

Examples:
  $ weft reconcile sent.ndjson
  $ weft reconcile sent.csv --engines --findings findings.ndjson --json | jq .statement.counts`,
    )
    .action(async (file: string, options: RunOptions, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const source: ManifestSource = () => createReadStream(file, { highWaterMark: 256 * 1024 });
      const manifest = await readFrom(file, source);
      const told = findingsTo(options.findings);
      try {
        const answer =
          options.engines === true
            ? await compareHere(context, settings, source, manifest, told.take)
            : await compareThere(context, settings, file, manifest, told.take);
        const { statement, signature } = answer;
        if (options.statement !== undefined) writeTo(options.statement, `${JSON.stringify({ statement, signature })}\n`);
        const { missing, refused } = statement.counts;
        if (missing + refused > 0) context.exitCode = EXIT.finding;
        if (terminal.json) return terminal.printJson({ statement, signature, findings: told.first, more: told.more() });
        show(terminal, statement, told.first, told.more());
      } finally {
        told.close();
      }
    });
}

async function readFrom(file: string, source: ManifestSource): Promise<Manifest> {
  try {
    return await readManifest(source);
  } catch (error) {
    throw failureOfManifest(error, file);
  }
}

function failureOfManifest(error: unknown, file: string): unknown {
  if (error instanceof BadManifest) {
    const faults = error.message.split('\n').map((line) => `\n  ${line}`);
    return new Failure(
      EXIT.usage,
      `${file} is no manifest that can be compared:${faults.join('')}`,
      'docs/reconciliation.md has the form',
    );
  }
  return (error as NodeJS.ErrnoException).syscall === undefined ? error : failureOfFile(error, file);
}

/** The first findings for whoever looks on, and all of them into a file where one is named. */
function findingsTo(path: string | undefined) {
  const file = path === undefined ? undefined : openTo(path);
  const first: Finding[] = [];
  let all = 0;
  return {
    first,
    more: () => all - first.length,
    take(finding: Finding): void {
      all += 1;
      if (first.length < SHOWN_MAX) first.push(finding);
      if (file !== undefined) writeSync(file, `${JSON.stringify(finding)}\n`);
    },
    close: () => (file === undefined ? undefined : closeSync(file)),
  };
}

function openTo(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (error) {
    throw failureOfFile(error, path);
  }
}

function writeTo(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw failureOfFile(error, path);
  }
}

async function compareHere(
  context: Context,
  settings: Settings,
  source: ManifestSource,
  manifest: Manifest,
  onFinding: (finding: Finding) => void,
): Promise<SignedStatement> {
  const { signal, release } = interruption();
  const progress = context.terminal.progress('comparing', 0);
  const { organisation, kind, digest } = manifest;
  const by = { subject: 'weft-cli', organisation: null };
  try {
    return await withWiring(context, settings, async (wiring, service) => {
      if (!service.organisations.known.has(organisation))
        throw new Failure(EXIT.finding, `${organisation} is no organisation of this region`, '`weft organisations` lists them');
      const about = `${organisation} ${kind} ${digest}`;
      await new AuditLog(service).note({ subject: by.subject, roles: ['operations'] }, 'reconcile', {
        outcome: 'accepted',
        about,
      });
      const onProgress = (done: number, total: number): void => {
        progress.total(total);
        progress.update(done);
      };
      const region = { region: service.region.id, key: statementKeyOf(settings), listeners: settings.hl7v2Listeners, by };
      return reconcile(wiring, source, manifest, region, { onFinding, onProgress, signal });
    });
  } catch (error) {
    if (signal.aborted) throw new Failure(EXIT.interrupted, 'interrupted: nothing was stated', undefined, { cause: error });
    throw failureOfManifest(error, 'the manifest');
  } finally {
    progress.stop();
    release();
  }
}

const TYPES: Readonly<Record<string, string>> = { '.csv': 'text/csv', '.json': 'application/json' };

async function compareThere(
  context: Context,
  settings: Settings,
  file: string,
  { organisation }: Manifest,
  onFinding: (finding: Finding) => void,
): Promise<SignedStatement> {
  const { size } = await stat(file);
  if (size > SENT_BYTES_MAX)
    throw new Failure(
      EXIT.usage,
      `${file} is above ${bytes(SENT_BYTES_MAX)}`,
      'send several manifests, or read the engines with --engines',
    );
  const answer = await clientOf(context, settings, ['publisher'], { organisation }).json<Answer>('/reconciliations', {
    method: 'POST',
    headers: { 'content-type': TYPES[extname(file).toLowerCase()] ?? 'application/x-ndjson' },
    body: await readFile(file),
    patient: true,
  });
  for (const finding of answer.findings) onFinding(finding);
  if (answer.more > 0) context.terminal.note(`${counted(answer.more, 'finding')} more than Weft lists: --engines tells all`);
  return answer;
}

const KINDS: Readonly<Record<Statement['kind'], string>> = {
  events: 'events',
  hl7v2: 'HL7 v2 messages',
  'event-counts': 'events by type and hour',
  'hl7v2-counts': 'HL7 v2 messages by type and hour',
};

const sentBy = ({ organisation, kind, listener, from, until }: Statement): string =>
  `${KINDS[kind]} of ${organisation}${listener === undefined ? '' : `, ${listener}`}, ${from} to ${until}`;

function show(terminal: Terminal, statement: Statement, findings: readonly Finding[], more: number): void {
  const { sent, arrived, ...rest } = statement.counts;
  terminal.print(terminal.paint('bold', sentBy(statement)));
  terminal.table(
    ['', '>'],
    [
      ['sent', number(sent)],
      ['arrived', number(arrived)],
      ...Object.entries(rest).map(([name, count]) => [name, shownCount(terminal, name, count)]),
    ],
  );
  if (findings.length > 0) {
    terminal.print();
    terminal.table(
      ['what', '>at', '>times', 'which', 'why'],
      findings.map((one) => [one.what, one.at === null ? '–' : number(one.at), number(one.times), whichOf(one), whyOf(one)]),
    );
  }
  if (more > 0) terminal.print(`and ${counted(more, 'finding')} more; --findings FILE writes them`);
  terminal.print();
  terminal.print(verdictOf(terminal, statement));
}

function shownCount(terminal: Terminal, name: string, count: number): string {
  if (count === 0) return '0';
  return terminal.paint(name === 'missing' || name === 'refused' ? 'red' : 'yellow', number(count));
}

const whichOf = ({ source, id, type, hour }: Finding): string =>
  [source, id, type, hour].filter((one) => one !== undefined).join(' ');
const whyOf = ({ problems = [] }: Finding): string => problems.map(({ field, code }) => `${field} ${code}`.trim()).join(', ');

function verdictOf(terminal: Terminal, { counts, id }: Statement): string {
  const { missing, refused, sent } = counts;
  if (missing + refused === 0)
    return terminal.paint('green', `✓ all of ${number(sent)} arrived, and none was refused; statement ${id}`);
  return terminal.paint('red', `✗ ${number(missing)} missing, ${number(refused)} refused of ${number(sent)}; statement ${id}`);
}

function statementsCommand(context: Context): Command {
  return new Command('statements')
    .summary('the last statements of an organisation')
    .description('Lists what was stated of an organisation’s manifests, the newest first.')
    .option('--org <ods>', 'ODS code; default the region’s first', ods)
    .addHelpText(
      'after',
      '\nExamples:\n  $ weft reconcile statements --org RX901\n  $ weft reconcile statements --json | jq .statement.counts',
    )
    .action(async ({ org }: { readonly org?: string }, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const organisation = org ?? (context.env['WEFT_TOKEN'] === undefined ? ownOrganisation(settings) : undefined);
      const query = organisation === undefined ? '' : `?organisation=${organisation}`;
      const client = clientOf(context, settings, ['operations']);
      const all = await client.json<readonly SignedStatement[]>(`/reconciliations${query}`);
      if (terminal.json) return all.forEach((one) => terminal.printJson(one));
      if (all.length === 0) return terminal.print('no manifest of it was ever compared');
      terminal.table(
        ['compared', 'kind', 'from', '>sent', '>missing', '>doubled', '>refused', '>waiting', '>unlisted'],
        all.map(({ statement: { comparedAt, kind, from, counts } }) => [
          ...[comparedAt, kind, from],
          ...[counts.sent, counts.missing, counts.doubled, counts.refused, counts.waiting, counts.unlisted].map(number),
        ]),
      );
    });
}

interface VerifyOptions {
  readonly keys?: string;
  readonly manifest?: string;
}

const SAID: Readonly<Record<Verdict, string>> = {
  genuine: 'is the region’s, as it was signed',
  forged: 'is not what the region signed',
  'unknown-key': 'is signed by none of these keys: the region’s integrity secret was changed since, or it is another region’s',
  malformed: 'is no signed statement',
};

function verifyCommand(context: Context): Command {
  return new Command('verify')
    .summary('is a statement the region’s')
    .description(
      'Verifies the signature of a statement, by the region’s public keys: those that Weft gives, or that were kept of it.',
    )
    .argument('<file>', 'the signed statement, or the whole answer with it')
    .option('--keys <file>', 'a JWK set, as GET /reconciliations/keys gave it; then nobody is asked')
    .option('--manifest <file>', 'whether the statement is about this very file')
    .addHelpText(
      'after',
      `
Exit code 1 when it is not the region's, or about another manifest.

Examples:
  $ weft reconcile verify statement.json
  $ weft reconcile verify statement.json --keys weft-keys.json --manifest sent.csv`,
    )
    .action(async (file: string, { keys: keysFile, manifest }: VerifyOptions, command: Command) => {
      const { terminal } = context;
      const signed = jsonOf(await textOf(file), file) as Partial<SignedStatement> | null;
      const set =
        keysFile === undefined
          ? await clientOf(context, settingsOf(context, command), []).json<KeySet>('/reconciliations/keys')
          : (jsonOf(await textOf(keysFile), keysFile) as KeySet | null);
      const keys = Array.isArray(set?.keys) ? set.keys : [];
      const verdict = verifyStatement(signed, keys);
      const digest = manifest === undefined ? undefined : (await readFrom(manifest, () => createReadStream(manifest))).digest;
      const isAbout = digest === undefined || signed?.statement?.manifest?.digest === digest;
      if (verdict !== 'genuine' || !isAbout) context.exitCode = EXIT.finding;
      if (terminal.json) return terminal.printJson({ verdict, ...(digest !== undefined && { isAbout }) });
      if (verdict !== 'genuine') return terminal.print(terminal.paint('red', `✗ ${file} ${SAID[verdict]}`));
      terminal.print(terminal.paint('green', `✓ ${file} ${SAID[verdict]}`));
      terminal.print(sentBy(signed!.statement!));
      if (digest !== undefined)
        terminal.print(
          isAbout ? `it is about ${manifest}` : terminal.paint('red', `✗ it is about another manifest than ${manifest}`),
        );
    });
}

interface KeySet {
  readonly keys?: readonly unknown[];
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(EXIT.usage, `${file} is not JSON`);
  }
}
