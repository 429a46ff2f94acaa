export { openKafkaBus, type KafkaBusOptions } from './kafka-bus.js';
export type { KafkaConnection, Logger } from './client.js';
export { openKafkaAdministration, type KafkaAdministration } from './administration.js';
export { planTopics, wantedTopics, type Difference, type Region, type TopicPlan, type WantedTopic } from './plan-topics.js';
export { readPrincipals } from './principals.js';
export type { ExistingTopic } from './topic-calls.js';
export {
  planAcls,
  subscriberGroupPrefix,
  wantedAcls,
  type AclPlan,
  type AclRule,
  type Operation,
  type Principal,
} from './plan-acls.js';
