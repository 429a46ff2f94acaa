import kafkajs, { type Admin } from 'kafkajs';
import { InvalidCall, type TopicSpec } from '@weft/processing';
import { configOf, type Replication, specOf } from './topic-config.js';

const { ConfigResourceTypes } = kafkajs;
const CONFIGS_A_REQUEST = 200;
const TIMEOUT_MS = 15_000;

export interface ExistingTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Effective values, defaults included. */
  readonly config: ReadonlyMap<string, string>;
  /** Names of those that were set on the topic itself. */
  readonly own: ReadonlySet<string>;
}

/** All topics but Kafka's own. */
export async function existingTopics(admin: Admin): Promise<ExistingTopic[]> {
  const { topics } = await admin.fetchTopicMetadata();
  const ours = topics.filter(({ name }) => !name.startsWith('__')).sort((a, b) => (a.name < b.name ? -1 : 1));
  const configs = await describeConfigs(
    admin,
    ours.map(({ name }) => name),
  );
  return ours.map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
    ...configs.get(name)!,
  }));
}

async function describeConfigs(admin: Admin, topics: readonly string[]) {
  const configs = new Map<string, { config: Map<string, string>; own: Set<string> }>();
  for (let start = 0; start < topics.length; start += CONFIGS_A_REQUEST) {
    const some = topics.slice(start, start + CONFIGS_A_REQUEST);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: some.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
    });
    for (const { resourceName, configEntries } of resources) {
      configs.set(resourceName, {
        config: new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
        own: new Set(
          configEntries.filter(({ configSource }) => configSource === TOPIC_CONFIG).map(({ configName }) => configName),
        ),
      });
    }
  }
  return configs;
}

/** kafkajs's ConfigSource.TOPIC_CONFIG: set on the topic itself. */
const TOPIC_CONFIG = 1;

export async function listTopics(admin: Admin): Promise<TopicSpec[]> {
  return (await existingTopics(admin)).map(({ topic, partitions, config }) => specOf(topic, partitions, config));
}

/** Creates what is missing and adds partitions; changes nothing else. Gives the topics that were touched. */
export async function createTopics(admin: Admin, specs: readonly TopicSpec[], replication: Replication): Promise<string[]> {
  for (const { topic, partitions } of specs) {
    if (!Number.isInteger(partitions) || partitions < 1)
      throw new InvalidCall(`topic ${topic} cannot have ${partitions} partitions`);
  }
  const { topics } = await admin.fetchTopicMetadata();
  const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
  const missing = specs.filter(({ topic }) => !counts.has(topic));
  const smaller = specs.filter(({ topic, partitions }) => (counts.get(topic) ?? Infinity) < partitions);
  if (missing.length > 0) {
    await admin.createTopics({
      timeout: TIMEOUT_MS,
      topics: missing.map((spec) => ({
        topic: spec.topic,
        numPartitions: spec.partitions,
        replicationFactor: replication.replicationFactor ?? -1,
        configEntries: Object.entries(configOf(spec, replication)).map(([name, value]) => ({ name, value })),
      })),
    });
  }
  if (smaller.length > 0) {
    const topicPartitions = smaller.map(({ topic, partitions }) => ({ topic, count: partitions }));
    await admin.createPartitions({ timeout: TIMEOUT_MS, topicPartitions });
  }
  return [...missing, ...smaller].map(({ topic }) => topic);
}
