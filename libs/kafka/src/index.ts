export { openKafkaBus, type KafkaBusOptions } from './kafka-bus.js';
export type { KafkaConnection, Logger } from './client.js';
export { openKafkaAdministration, type KafkaAdministration } from './administration.js';
export { planTopics, wantedTopics, type Difference, type Region, type TopicPlan, type WantedTopic } from './plan-topics.js';
export type { ExistingTopic } from './topic-calls.js';
export {
  planAccess,
  subscriberGroupPrefix,
  wantedAccess,
  type AccessPlan,
  type AccessRule,
  type Operation,
  type Principal,
} from './plan-acls.js';
