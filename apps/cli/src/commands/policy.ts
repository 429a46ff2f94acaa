import { type Policy, type PolicyDocument, policyProblems, PURPOSES, type Rule } from '@weft/domain';
import { applyPolicy, type ReplayProgress } from '@weft/processing';
import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { clientOf, type Context, settingsOf, withWiring } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { number, type Terminal } from '../terminal.js';

interface PolicyAnswer extends Policy {
  readonly version: number;
  readonly adoptedAt: string;
}

export function policyCommand(context: Context): Command {
  return new Command('policy')
    .summary('the sharing rules: show them, adopt others')
    .description(
      'The locality’s sharing rules. The first rule that applies to an entry decides; where none does, it is withheld.',
    )
    .addCommand(showCommand(context), { isDefault: true })
    .addCommand(adoptCommand(context))
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy show
  $ weft policy show --json > policy.json
  $ weft policy adopt policy.json --check
  $ weft policy adopt policy.json`,
    );
}

const showCommand = (context: Context): Command =>
  new Command('show')
    .description('shows the rules in force, as a patient reads them')
    .action(async (_: unknown, command: Command) => {
      const settings = settingsOf(context, command);
      const policy = await clientOf(context, settings, ['governance']).json<PolicyAnswer>('/policy');
      if (context.terminal.json) context.terminal.printJson(policy);
      else show(context.terminal, policy);
    });

function show(terminal: Terminal, { name, version, adoptedAt, rules }: PolicyAnswer): void {
  terminal.print(`${terminal.paint('bold', name)} · version ${version}, adopted ${adoptedAt.slice(0, 10)}`);
  rules.forEach((rule, index) => {
    terminal.print();
    const effect = rule.effect === 'permit' ? terminal.paint('green', 'permit') : terminal.paint('yellow', 'deny');
    terminal.print(`${index + 1}. ${effect} ${rule.id}  ${terminal.paint('dim', scopeOf(rule))}`);
    terminal.paragraph(rule.plainEnglish, 3);
  });
}

function scopeOf({ purposes, when }: Rule): string {
  const about = purposes.length === PURPOSES.length ? 'every purpose' : purposes.join(', ');
  const limits = [...(when.organisationKinds ?? []), ...(when.resourceTypes ?? []), ...(when.codes ?? [])];
  return [about, ...limits].join('; ');
}

const adoptCommand = (context: Context): Command =>
  new Command('adopt')
    .description('adopts the rules of a JSON file, { name, rules }, and rebuilds what they change')
    .argument('<file>', 'a policy document, as `weft policy show --json` gives one')
    .option('--check', 'only say what is wrong with it')
    .action(async (file: string, { check }: { readonly check?: boolean }, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const document = await readPolicy(file);
      if (check === true) return terminal.json ? terminal.printJson({ sound: true }) : terminal.print(`${file} is sound`);
      const organisations = Object.fromEntries(settings.organisations.map(({ ods, kind }) => [ods, kind]));
      const policy: Policy = { name: document.name, rules: document.rules, organisations };
      let changed = 0;
      const version = await withWiring(settings, async (wiring) => {
        const bar = terminal.progress('rebuilding', 0);
        try {
          const onProgress = (progress: ReplayProgress): void => {
            bar.total(progress.total);
            bar.update(progress.done);
            if (progress.done === progress.total) changed += progress.changed;
          };
          return await applyPolicy(wiring, policy, { onProgress });
        } finally {
          bar.stop();
        }
      });
      if (terminal.json) terminal.printJson({ version, name: policy.name, changed });
      else
        terminal.print(
          `${terminal.paint('green', '✓')} ${policy.name} is in force as version ${version}; ${number(changed)} views changed`,
        );
    });

/** Throws Failure with every fault: a misspelt condition would share what nobody meant to. */
async function readPolicy(file: string): Promise<PolicyDocument> {
  let document: unknown;
  try {
    document = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const why =
      error instanceof SyntaxError
        ? 'holds no JSON'
        : `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
    throw new Failure(EXIT.usage, `${file} ${why}`);
  }
  const problems = policyProblems(document);
  if (problems.length === 0) return document as PolicyDocument;
  const lines = problems.map(({ field, message }) => `\n  ${field === '' ? 'the document' : field} ${message}`);
  throw new Failure(EXIT.finding, `${file} cannot be adopted:${lines.join('')}`);
}
