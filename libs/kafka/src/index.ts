export { openKafkaBus, type KafkaBusOptions } from './kafka-bus.js';
export type { KafkaConnection, Logger } from './client.js';
