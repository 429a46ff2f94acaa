import { PURPOSES } from '@weft/domain';
import type { ExistingTopic, TopicPlan, WantedTopic } from '@weft/kafka';
import { Command } from 'commander';
import { whole } from '../arguments.js';
import { type Context, settingsOf } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import type { Terminal } from '../terminal.js';

interface Options {
  readonly apply?: boolean;
  readonly partitions?: number;
  readonly replication?: number;
}

export function topicsCommand(context: Context): Command {
  return new Command('topics')
    .summary('plan and create the region’s topics on Kafka')
    .description(
      'Compares the topics that the region needs with those that Kafka has, and with --apply creates and mends them. Nothing is ever taken away. The embedded bus needs none of this.',
    )
    .option('--apply', 'do it; without this it is only shown')
    .option('--partitions <count>', 'of each topic but quarantine; default 6, or as many as it has', whole)
    .option('--replication <factor>', 'replicas of each partition; default the brokers’ own', whole)
    .addHelpText(
      'after',
      `
Exit code 1 when something is missing or differs and --apply is not given.

Examples:
  $ WEFT_KAFKA_BROKERS=kafka:9092 weft topics
  $ WEFT_KAFKA_BROKERS=kafka:9092 weft topics --apply --replication 3`,
    )
    .action(async (options: Options, command: Command) => {
      const { kafka, organisations } = settingsOf(context, command);
      if (kafka === undefined) {
        throw new Failure(EXIT.usage, 'WEFT_KAFKA_BROKERS is not set', 'the embedded bus makes its topics by itself');
      }
      const { openKafkaAdministration, planTopics, wantedTopics } = await import('@weft/kafka');
      const { partitions: count, replication: replicationFactor } = options;
      const wanted = wantedTopics({
        organisations: organisations.map(({ ods }) => ods),
        purposes: PURPOSES,
        ...(count !== undefined && { partitions: { careEvents: count, consent: count, recordChanges: count } }),
        ...(replicationFactor !== undefined && { replicationFactor }),
      });
      const administration = openKafkaAdministration(kafka);
      try {
        const existing = await administration.existingTopics();
        const plan = planTopics(count === undefined ? withTheirPartitions(wanted, existing) : wanted, existing);
        if (options.apply === true) await administration.applyTopics(plan);
        tell(context, plan, options.apply === true);
      } finally {
        await administration.close();
      }
    });
}

/** More partitions move keys, and with them a patient’s place in the order: only who asks for it gets that. */
function withTheirPartitions(wanted: readonly WantedTopic[], existing: readonly ExistingTopic[]): WantedTopic[] {
  const counts = new Map(existing.map(({ topic, partitions }) => [topic, partitions]));
  return wanted.map((topic) => ({ ...topic, partitions: counts.get(topic.topic) ?? topic.partitions }));
}

function tell(context: Context, plan: TopicPlan, applied: boolean): void {
  const { terminal } = context;
  const { missing, differing, same, others } = plan;
  const left = applied ? 0 : missing.length + differing.length;
  if (left > 0) context.exitCode = EXIT.finding;
  if (terminal.json) return terminal.printJson({ applied, missing, differing, same, others });
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
  terminal.print();
  terminal.print(verdict(terminal, left, applied));
}

const row = ({ topic, partitions }: WantedTopic, state: string): string[] => [topic, String(partitions), state];

function verdict(terminal: Terminal, left: number, applied: boolean): string {
  if (applied) return terminal.paint('green', '✓ the region’s topics are there');
  return left === 0 ? terminal.paint('green', '✓ nothing to do') : 'weft topics --apply does this';
}
