import { MESSAGE_LIMIT_BYTES, type TopicSpec } from '@weft/processing';

export interface Replication {
  /** Default: the brokers' own default.replication.factor. */
  readonly replicationFactor?: number;
  /** How many replicas must have a message before it counts as durable. */
  readonly minInsyncReplicas?: number;
}

const DAY_MS = 86_400_000;
/** The broker's limit is of a batch: a message at our own limit, with its overhead, has to fit. */
const BATCH_LIMIT_BYTES = MESSAGE_LIMIT_BYTES + 128 * 1024;
/**
 * How soon a withdrawn entry leaves a compacted topic. Compaction leaves the segment alone that is being written, so
 * segments have to be short too.
 */
const COMPACTION_MS = 60_000;

/** The topic-level configuration of a spec, names and values as Kafka has them. */
export function configOf({ compacted, retentionMs }: TopicSpec, { minInsyncReplicas }: Replication = {}): Record<string, string> {
  return {
    'cleanup.policy': !compacted ? 'delete' : retentionMs === undefined ? 'compact' : 'compact,delete',
    'retention.ms': String(retentionMs ?? -1),
    'retention.bytes': '-1',
    'max.message.bytes': String(BATCH_LIMIT_BYTES),
    // The port's timestamp is when the bus took a message, not when somebody's clock said so.
    'message.timestamp.type': 'LogAppendTime',
    ...(compacted
      ? {
          'segment.ms': String(COMPACTION_MS),
          'min.cleanable.dirty.ratio': '0.01',
          'max.compaction.lag.ms': String(COMPACTION_MS),
          // A subscriber that was away for a week still learns what was withdrawn.
          'delete.retention.ms': String(7 * DAY_MS),
        }
      : {}),
    ...(minInsyncReplicas === undefined ? {} : { 'min.insync.replicas': String(minInsyncReplicas) }),
  };
}

/** What of a topic's configuration the port knows. */
export function specOf(topic: string, partitions: number, config: ReadonlyMap<string, string>): TopicSpec {
  const retentionMs = Number(config.get('retention.ms') ?? -1);
  const policy = config.get('cleanup.policy') ?? 'delete';
  return {
    topic,
    partitions,
    ...(policy.includes('compact') ? { compacted: true } : {}),
    ...(retentionMs >= 0 && policy.includes('delete') ? { retentionMs } : {}),
  };
}
