import kafkajs, { type AclEntry, type Admin } from 'kafkajs';
import { EngineUnavailable } from '@weft/processing';
import { type AdminConnection, Connections, createKafka, type KafkaConnection, openAdmin, type Surroundings } from './client.js';
import { protocolError } from './errors.js';
import { type AclPlan, type AclRule, type Operation, planAcls } from './plan-acls.js';
import { planTopics, type TopicPlan } from './plan-topics.js';
import { systemClock, systemRandom, systemTimers } from './system.js';
import { type ExistingTopic, existingTopics } from './topic-calls.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, ResourcePatternTypes } = kafkajs;
const TIMEOUT_MS = 15_000;
const TELLING_MS = 50;

/** What `weft topics` does at the brokers; what is to be done is planned elsewhere, and looked at first. */
export interface KafkaAdministration {
  existingTopics(): Promise<ExistingTopic[]>;
  /** Creates, adds partitions, sets configuration; leaves what the plan says stays, and every other topic. May be done again. */
  applyTopics(plan: TopicPlan): Promise<void>;
  /** How many messages of a topic its group has not dealt with yet. */
  lag(group: string, topic: string): Promise<number>;
  /** Undefined when the brokers have no authorizer: then everybody may do everything. */
  existingAcls(): Promise<AclRule[] | undefined>;
  /** Permits what is missing; takes away what is surplus only with `remove`. May be done again. */
  applyAcls(plan: AclPlan, options?: { readonly remove?: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** Each call throws EngineUnavailable after `deadlineMs` (default 30 s), InvalidCall for what the brokers refuse. */
export function openKafkaAdministration(
  options: KafkaConnection & Partial<Surroundings> & { readonly deadlineMs?: number },
): KafkaAdministration {
  const { clock = systemClock, timers = systemTimers, random = systemRandom, deadlineMs = 30_000 } = options;
  const kafka = createKafka(options);
  const connections = new Connections<AdminConnection>(() => openAdmin(kafka), { clock, timers, random });
  const ask = <T>(doing: string, work: (admin: Admin) => Promise<T>) =>
    connections.use(doing, ({ admin }) => work(admin), deadlineMs);
  /** The controller has decided; the brokers learn of it a moment later, and until then answer as before. */
  const untilTold = async (what: string, isTold: () => Promise<boolean>) => {
    const limit = clock.steady() + deadlineMs;
    while (!(await isTold())) {
      if (clock.steady() > limit) throw new EngineUnavailable('Kafka', `${what} are changed and not yet to be seen`);
      await timers.sleep(TELLING_MS);
    }
  };
  return {
    existingTopics: () => ask('listing topics', existingTopics),
    applyTopics: async (plan) => {
      await ask('changing topics', (admin) => applyTopics(admin, plan));
      await untilTold('topics', async () => isApplied(plan, await ask('listing topics', existingTopics)));
    },
    lag: (group, topic) => ask(`reading where group ${group} stands`, (admin) => lag(admin, group, topic)),
    existingAcls: () => ask('listing access rules', existingAcls),
    applyAcls: async (plan, { remove = false } = {}) => {
      const going = remove ? plan.surplus : [];
      await ask('changing access rules', async (admin) => {
        await permit(admin, plan.missing);
        await forbid(admin, going);
      });
      await untilTold('access rules', async () => {
        const there = (await ask('listing access rules', existingAcls)) ?? [];
        return planAcls(plan.missing, there).missing.length === 0 && planAcls(going, there).same.length === 0;
      });
    },
    close: () => connections.close(),
  };
}

async function applyTopics(admin: Admin, { missing, differing }: TopicPlan): Promise<void> {
  if (missing.length > 0) {
    const topics = missing.map(({ topic, partitions, replicationFactor = -1, config }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor,
      configEntries: toEntries(config),
    }));
    await admin.createTopics({ timeout: TIMEOUT_MS, topics });
  }
  const changing = differing.map(({ topic, differences }) => ({
    topic,
    changes: differences.filter(({ stays }) => stays === undefined),
  }));
  const growing = changing.filter(({ changes }) => changes.some(({ what }) => what === 'partitions'));
  if (growing.length > 0) {
    const topicPartitions = growing.map(({ topic }) => ({ topic: topic.topic, count: topic.partitions }));
    await admin.createPartitions({ timeout: TIMEOUT_MS, topicPartitions });
  }
  const configured = changing.filter(({ topic, changes }) => changes.some(({ what }) => what in topic.config));
  if (configured.length === 0) return;
  const before = new Map((await existingTopics(admin)).map((topic) => [topic.topic, topic]));
  const resources = configured.map(({ topic }) => ({
    type: ConfigResourceTypes.TOPIC,
    name: topic.topic,
    configEntries: toEntries({ ...ownConfig(before.get(topic.topic)!), ...topic.config }),
  }));
  await admin.alterConfigs({ validateOnly: false, resources });
}

function isApplied({ missing, differing }: TopicPlan, existing: readonly ExistingTopic[]): boolean {
  const left = planTopics([...missing, ...differing.map(({ topic }) => topic)], existing);
  const doable = left.differing.flatMap(({ differences }) => differences).filter(({ stays }) => stays === undefined);
  return left.missing.length + doable.length === 0;
}

/** Before its first commit a group begins with what is still there. */
async function lag(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [held, stands] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: false }),
  ]);
  const next = new Map(stands[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  const behind = held.map(({ partition, low, high }) => Number(high) - Math.max(Number(low), next.get(partition) ?? -1));
  return behind.reduce((sum, messages) => sum + Math.max(0, messages), 0);
}

/** kafkajs can only set all of a topic's own configuration at once: what somebody else set is set again. */
function ownConfig({ config, own }: ExistingTopic): Record<string, string> {
  return Object.fromEntries([...own].map((name) => [name, config.get(name)!]));
}

const toEntries = (config: Readonly<Record<string, string>>) => Object.entries(config).map(([name, value]) => ({ name, value }));

// ---------------------------------------------------------------- access rules

const OPERATIONS: Record<Operation, number> = {
  all: AclOperationTypes.ALL,
  read: AclOperationTypes.READ,
  write: AclOperationTypes.WRITE,
  create: AclOperationTypes.CREATE,
  alter: AclOperationTypes.ALTER,
  describe: AclOperationTypes.DESCRIBE,
  'describe-configs': AclOperationTypes.DESCRIBE_CONFIGS,
  'alter-configs': AclOperationTypes.ALTER_CONFIGS,
  'idempotent-write': AclOperationTypes.IDEMPOTENT_WRITE,
};
const RESOURCES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  cluster: AclResourceTypes.CLUSTER,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
};
const PATTERNS = { literal: ResourcePatternTypes.LITERAL, prefixed: ResourcePatternTypes.PREFIXED };

function nameIn<T extends string>(names: Record<T, number>, code: number): T | undefined {
  return (Object.keys(names) as T[]).find((name) => names[name] === code);
}

async function existingAcls(admin: Admin): Promise<AclRule[] | undefined> {
  const any = { resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY };
  try {
    const found = await admin.describeAcls({
      ...any,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ALLOW,
    });
    return found.resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) => {
      const resource = nameIn(RESOURCES, resourceType);
      const pattern = nameIn(PATTERNS, resourcePatternType);
      if (resource === undefined || pattern === undefined) return [];
      return acls.flatMap(({ principal, operation }) => {
        const known = nameIn(OPERATIONS, operation);
        return known === undefined ? [] : [{ principal, resource, name: resourceName, pattern, operation: known }];
      });
    });
  } catch (error) {
    if (protocolError(error) === 'SECURITY_DISABLED') return undefined;
    throw error;
  }
}

const toAcl = ({ principal, resource, name, pattern, operation }: AclRule): AclEntry => ({
  principal,
  host: '*',
  resourceType: RESOURCES[resource],
  resourceName: name,
  resourcePatternType: PATTERNS[pattern],
  operation: OPERATIONS[operation],
  permissionType: AclPermissionTypes.ALLOW,
});

async function permit(admin: Admin, rules: readonly AclRule[]): Promise<void> {
  if (rules.length > 0) await admin.createAcls({ acl: rules.map(toAcl) });
}

async function forbid(admin: Admin, rules: readonly AclRule[]): Promise<void> {
  if (rules.length > 0) await admin.deleteAcls({ filters: rules.map((rule) => ({ ...toAcl(rule), host: undefined })) });
}
