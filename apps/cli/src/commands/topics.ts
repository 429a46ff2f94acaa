import { type Organisation, PURPOSES } from '@weft/domain';
import type {
  AclPlan,
  AclRule,
  ExistingTopic,
  KafkaAdministration,
  Principal,
  Region,
  TopicPlan,
  WantedTopic,
} from '@weft/kafka';
import { groupOf } from '@weft/processing';
import { NoRegion, openService, organisationsByHl7v2, type Settings } from '@weft/service';
import { Command } from 'commander';
import { duration, whole } from '../arguments.js';
import { type Context, settingsOf } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { textOf } from '../given-file.js';
import { counted, type Terminal } from '../terminal.js';

interface Options {
  readonly apply?: boolean;
  readonly partitions?: number;
  readonly replication?: number;
  readonly minInsync?: number;
  /** Seconds. */
  readonly retention?: number;
  readonly users?: string;
  readonly removeSurplus?: boolean;
}

/** Of who may do what: nobody asked, the brokers let everybody in, or what there is to do. */
type Access = 'not looked at' | 'no authorizer' | AclPlan;

export function topicsCommand(context: Context): Command {
  return new Command('topics')
    .summary('plan and create the region’s topics and access rules on Kafka')
    .description(
      'Compares the topics that the region needs with those that Kafka has, and with --users the access rules too; with --apply creates and mends them. Nothing is ever taken away unless --remove-surplus says so. The embedded bus needs none of this.',
    )
    .option('--apply', 'do it; without this it is only shown')
    .option('--partitions <count>', 'of each topic but quarantine; default 6, or as many as it has', whole)
    .option('--replication <factor>', 'replicas of each partition; default the brokers’ own', whole)
    .option(
      '--min-insync <count>',
      'replicas that must have a message before it is acknowledged; default the brokers’ own',
      whole,
    )
    .option('--retention <time>', 'inbound messages older than this may go, as 90d; default: they stay', duration)
    .option('--users <file>', 'JSON: who the brokers’ users are; access rules are planned for them')
    .option('--remove-surplus', 'with --users and --apply: take away what else lets anybody in to Weft’s topics')
    .addHelpText(
      'after',
      `
The file of --users is a list of { "user", "role" }. Roles: gateway, hl7-gateway, hl7-projector, national-gateway, record-projector,
opt-out-projector, record-api, operations, organisation (with "ods") and subscriber (with "purposes", a list).

More partitions move keys: what comes next could overtake what is not dealt with yet. So they are added to an inbound topic
only while nothing waits in it; let publishers rest meanwhile.

Exit code 1 when something is missing or differs and --apply is not given.

Examples:
  $ WEFT_KAFKA_BROKERS=kafka:9092 weft topics
  $ WEFT_KAFKA_BROKERS=kafka:9092 weft topics --apply --replication 3 --min-insync 2 --users users.json`,
    )
    .action(async (options: Options, command: Command) => {
      const settings = settingsOf(context, command);
      const { kafka } = settings;
      if (kafka === undefined) {
        throw new Failure(EXIT.usage, 'WEFT_KAFKA_BROKERS is not set', 'the embedded bus makes its topics by itself');
      }
      const { openKafkaAdministration, planTopics, readPrincipals, wantedTopics } = await import('@weft/kafka');
      const organisations = await organisationsOf(context, settings);
      const principals = options.users === undefined ? undefined : await usersIn(options.users, readPrincipals);
      const { partitions: count } = options;
      const wanted = wantedTopics({
        organisations: organisations.map(({ ods }) => ods),
        byHl7v2: organisationsByHl7v2(settings),
        hearsNational: settings.national !== undefined,
        purposes: PURPOSES,
        ...regionOf(options),
      });
      const administration = openKafkaAdministration(kafka);
      try {
        const existing = await administration.existingTopics();
        const plan = planTopics(count === undefined ? withTheirPartitions(wanted, existing) : wanted, existing);
        const access = await planAccess(administration, principals);
        if (options.apply === true) {
          await refuseOvertaking(administration, plan);
          await administration.applyTopics(plan);
          if (typeof access === 'object') await administration.applyAcls(access, { remove: options.removeSurplus === true });
        }
        tell(context, plan, access, options);
      } finally {
        await administration.close();
      }
    });
}

/** Those that the region knows; before there is one the ones that it would be made with. */
async function organisationsOf({ terminal }: Context, settings: Settings): Promise<readonly Organisation[]> {
  try {
    const service = await openService(settings);
    await service.close();
    return [...service.organisations.known.values()];
  } catch (error) {
    if (!(error instanceof NoRegion)) throw error;
    terminal.note(terminal.paint('dim', 'there is no region here: the topics are those of WEFT_ORGANISATIONS'));
    return settings.organisations;
  }
}

function regionOf({ partitions: count, replication, minInsync, retention }: Options): Partial<Region> {
  return {
    ...(count !== undefined && { partitions: { careEvents: count, consent: count, recordChanges: count } }),
    ...(replication !== undefined && { replicationFactor: replication }),
    ...(minInsync !== undefined && { minInsyncReplicas: minInsync }),
    ...(retention !== undefined && { inboundRetentionMs: retention * 1_000 }),
  };
}

async function usersIn(file: string, readPrincipals: (value: unknown) => Principal[]): Promise<Principal[]> {
  const text = await textOf(file);
  try {
    return readPrincipals(JSON.parse(text));
  } catch (error) {
    throw new Failure(EXIT.usage, `--users ${file}: ${(error as Error).message}`, '`weft topics --help` says what it holds');
  }
}

async function planAccess(administration: KafkaAdministration, principals: readonly Principal[] | undefined): Promise<Access> {
  if (principals === undefined) return 'not looked at';
  const { planAcls, wantedAcls } = await import('@weft/kafka');
  const existing = await administration.existingAcls();
  return existing === undefined ? 'no authorizer' : planAcls(wantedAcls(principals), existing);
}

/** More partitions move keys, and with them a patient's place in the order: only who asks for it gets that. */
function withTheirPartitions(wanted: readonly WantedTopic[], existing: readonly ExistingTopic[]): WantedTopic[] {
  const counts = new Map(existing.map(({ topic, partitions }) => [topic, partitions]));
  return wanted.map((topic) => ({ ...topic, partitions: counts.get(topic.topic) ?? topic.partitions }));
}

/** Throws Failure where an inbound topic would be given partitions while messages of it wait. */
async function refuseOvertaking(administration: KafkaAdministration, { differing }: TopicPlan): Promise<void> {
  const growing = differing.filter(({ differences }) =>
    differences.some(({ what, stays }) => what === 'partitions' && stays === undefined),
  );
  for (const { topic } of growing) {
    const group = groupOf(topic.topic);
    const waiting = group === undefined ? 0 : await administration.lag(group, topic.topic);
    if (waiting === 0) continue;
    throw new Failure(
      EXIT.finding,
      `${topic.topic} holds ${counted(waiting, 'message')} not dealt with yet: with more partitions, what comes next could overtake them`,
      'let publishers rest until `weft status` shows that nothing waits, then try again; nothing was changed',
    );
  }
}

function tell(context: Context, plan: TopicPlan, access: Access, { apply, removeSurplus }: Options): void {
  const { terminal } = context;
  const { missing, differing, same, others } = plan;
  const applied = apply === true;
  const rules = typeof access === 'object' ? access : { missing: [], surplus: [], same: [] };
  const kept = applied && removeSurplus === true ? 0 : rules.surplus.length;
  const staying = differing.filter(({ differences }) => differences.some(({ stays }) => stays !== undefined)).length;
  const undone = applied ? staying : missing.length + differing.length + rules.missing.length;
  const left = undone + kept + (access === 'no authorizer' ? 1 : 0);
  if (left > 0) context.exitCode = EXIT.finding;
  if (terminal.json) return terminal.printJson({ applied, missing, differing, same, others, access });
  terminal.table(
    ['topic', '>partitions', ''],
    [
      ...missing.map((topic) => row(topic, terminal.paint('yellow', applied ? 'created' : 'missing'))),
      ...differing.flatMap(({ topic, differences }) =>
        differences.map(({ what, has, wants, stays }) =>
          row(topic, stays === undefined ? `${what}: ${has} → ${wants}` : `${what}: ${has}, wanted ${wants}; stays: ${stays}`),
        ),
      ),
      ...same.map((topic) => [topic, '', terminal.paint('green', 'as wanted')]),
      ...others.map((topic) => [topic, '', terminal.paint('dim', 'wanted by nobody; left alone')]),
    ],
  );
  tellAccess(terminal, access, applied, kept === 0);
  terminal.print();
  terminal.print(verdict(terminal, left, applied));
}

const row = ({ topic, partitions }: WantedTopic, state: string): string[] => [topic, String(partitions), state];

function tellAccess(terminal: Terminal, access: Access, applied: boolean, removed: boolean): void {
  if (access === 'not looked at') return;
  terminal.print();
  if (access === 'no authorizer') {
    return terminal.print(terminal.paint('red', 'the brokers have no authorizer: everybody may read and write everything'));
  }
  const rows = (rules: readonly AclRule[], state: string): string[][] =>
    rules.map(({ principal, operation, resource, pattern, name }) => [
      principal,
      `${operation} ${resource} ${name}${pattern === 'prefixed' ? '*' : ''}`,
      state,
    ]);
  const { missing, surplus, same } = access;
  terminal.table(
    ['user', 'may', ''],
    [
      ...rows(missing, terminal.paint('yellow', applied ? 'permitted' : 'missing')),
      ...rows(
        surplus,
        terminal.paint('red', applied && removed ? 'taken away' : 'surplus; --apply --remove-surplus takes it away'),
      ),
      ...(same.length > 0 ? [[counted(same.length, 'rule'), '', terminal.paint('green', 'as wanted')]] : []),
    ],
  );
}

function verdict(terminal: Terminal, left: number, applied: boolean): string {
  if (applied && left === 0) return terminal.paint('green', '✓ the region’s topics are there');
  if (applied) return terminal.paint('yellow', 'the region’s topics are there; what is left is shown above');
  return left === 0 ? terminal.paint('green', '✓ nothing to do') : 'weft topics --apply does this';
}
