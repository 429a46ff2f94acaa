import { AUTHORITIES, noticesOf, type Policy, PURPOSES, type Rule, wholePolicy, type WholePolicy } from '@weft/domain';
import { Command } from 'commander';
import { clientOf, type Context, settingsOf } from '../context.js';
import type { Terminal } from '../terminal.js';

/** What of the settings is not in force. */
export interface Differing {
  readonly settingsDiffer: boolean;
  /** ODS codes. */
  readonly organisationsDiffer: readonly string[];
  readonly codesDiffer: boolean;
}

interface PolicyAnswer extends Policy, Differing {
  readonly version: number;
  readonly adoptedAt: string;
}

export function showDiffering(terminal: Terminal, { settingsDiffer, organisationsDiffer, codesDiffer }: Differing): void {
  const lines: string[] = [];
  if (settingsDiffer) lines.push(...POLICY_DIFFERS);
  if (organisationsDiffer.length > 0) {
    lines.push(
      `WEFT_ORGANISATIONS does not say the kinds of organisations in force, which stay: ${organisationsDiffer.join(', ')}`,
      '  weft organisations add proposes others',
    );
  }
  if (codesDiffer) {
    lines.push(
      'WEFT_RELEASED_CODES names other codes than those in force, which stay',
      '  weft policy codes FILE proposes others',
    );
  }
  for (const line of lines) terminal.print(terminal.paint('yellow', line));
}

const POLICY_DIFFERS = [
  'WEFT_POLICY names another policy than the one in force. It is not in force.',
  '  weft policy adopt FILE --reason "…" proposes it; else take it out of the settings',
];

export const showCommand = (context: Context): Command =>
  new Command('show')
    .description('shows the rules in force, as a patient reads them, and who may record, lift and identify')
    .addHelpText(
      'after',
      `
Examples:
  $ weft policy show
  $ weft policy show --json > policy.json`,
    )
    .action(async (_: unknown, command: Command) => {
      const settings = settingsOf(context, command);
      const policy = await clientOf(context, settings, ['governance']).json<PolicyAnswer>('/policy');
      if (context.terminal.json) context.terminal.printJson(policy);
      else show(context.terminal, policy);
    });

function show(
  terminal: Terminal,
  { version, adoptedAt, settingsDiffer, organisationsDiffer, codesDiffer, ...given }: PolicyAnswer,
): void {
  const policy = wholePolicy(given);
  const { name, rules } = policy;
  terminal.print(`${terminal.paint('bold', name)} · version ${version}, adopted ${adoptedAt.slice(0, 10)}`);
  showDiffering(terminal, { settingsDiffer, organisationsDiffer, codesDiffer });
  rules.forEach((rule, index) => {
    terminal.print();
    const effect = rule.effect === 'permit' ? terminal.paint('green', 'permit') : terminal.paint('yellow', 'deny');
    terminal.print(`${index + 1}. ${effect} ${rule.id}  ${terminal.paint('dim', scopeOf(rule))}`);
    terminal.paragraph(rule.plainEnglish, 3);
  });
  terminal.print();
  showAuthorities(terminal, policy);
  terminal.print();
  for (const line of [...identityIn(policy), ...agesAndCodesIn(policy), noticesIn(policy), waitsIn(policy)]) {
    terminal.print(terminal.paint('dim', line));
  }
}

function scopeOf({ purposes, when }: Rule): string {
  const about = purposes.length === PURPOSES.length ? 'every purpose' : purposes.join(', ');
  const limits = [...(when.organisationKinds ?? []), ...(when.resourceTypes ?? []), ...(when.codes ?? [])];
  return [about, ...limits].join('; ');
}

function showAuthorities(terminal: Terminal, { authorities }: WholePolicy): void {
  const rows = AUTHORITIES.map((authority) => {
    const { recordedBy, denialRecordedBy, needs = [], liftedBy } = authorities[authority];
    const needed = needs.length === 0 ? '' : ` with ${needs.join(', ')}`;
    const refusals = denialRecordedBy === undefined ? '' : `; a refusal: ${denialRecordedBy.join(', ')}`;
    return [authority, `${recordedBy.join(', ')}${needed}${refusals}`, liftedBy.join(', ')];
  });
  terminal.table(['authority', 'recorded by', 'lifted by'], rows);
}

function identityIn({ identity }: WholePolicy): string[] {
  const { demographics, merges, unmerges, deaths, deathRetractions } = identity;
  const by = (who: readonly string[]): string => who.join(', ') || 'nobody';
  return [
    `demographics services: ${demographics.join(', ') || 'none'}`,
    `merges by ${by(merges)}; unmerges by ${by(unmerges)}; deaths by ${by(deaths)}; their retractions by ${by(deathRetractions)}`,
  ];
}

function agesAndCodesIn({ ages, codes }: WholePolicy): string[] {
  const known = codes.length === 0 ? [] : [`codes known though no entry carries them: ${codes.join(', ')}`];
  return [`permits for themselves from the age of ${ages.own}`, ...known];
}

const waitsIn = ({ waits }: WholePolicy): string =>
  `what arrives waits in individual care for decisions that cannot be read: ${waits.individualCareMinutes} minutes at most`;

function noticesIn(policy: WholePolicy): string {
  const { withheld, silent } = noticesOf(policy);
  const told = `told that something is not shown: ${withheld.join(', ') || 'nobody'}`;
  return silent.length === 0 ? told : `${told}; never of ${silent.join(', ')}`;
}
