import type { Purpose } from '@weft/domain';
import {
  CARE_EVENTS_PREFIX,
  careEventsTopic,
  CONSENT_TOPIC,
  hl7v2Topic,
  NATIONAL_EVENTS_TOPIC,
  QUARANTINE_TOPIC,
  recordChangesTopic,
  type TopicSpec,
} from '@weft/processing';
import type { ExistingTopic } from './topic-calls.js';
import { configOf, type Replication } from './topic-config.js';

/** What `weft topics` is to see to. */
export interface Region extends Replication {
  /** ODS codes. */
  readonly organisations: readonly string[];
  /** Those of them that send HL7 v2. */
  readonly byHl7v2?: readonly string[];
  /** Whether the region hears of national events. */
  readonly hearsNational?: boolean;
  readonly purposes: readonly Purpose[];
  /** Of the topics of organisations (default 6), of consent (6), of record changes (6), of quarantine (3). */
  readonly partitions?: {
    readonly careEvents?: number;
    readonly consent?: number;
    readonly recordChanges?: number;
    readonly quarantine?: number;
  };
  /** Inbound messages older than this may go, once they are in records; absent: never. */
  readonly inboundRetentionMs?: number;
}

export interface WantedTopic extends TopicSpec {
  /** Absent: whatever the brokers give. */
  readonly replicationFactor?: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface Difference {
  /** `partitions`, `replication factor` or the name of a configuration entry. */
  readonly what: string;
  readonly has: string;
  readonly wants: string;
  /** Present: applying leaves it as it is, and why. */
  readonly stays?: string;
}

export interface TopicPlan {
  readonly missing: readonly WantedTopic[];
  readonly differing: readonly { readonly topic: WantedTopic; readonly differences: readonly Difference[] }[];
  /** As wanted. */
  readonly same: readonly string[];
  /** Weft's by their name, and wanted by nobody: an organisation that has left, perhaps. Never touched. */
  readonly others: readonly string[];
}

const OURS = CARE_EVENTS_PREFIX.slice(0, CARE_EVENTS_PREFIX.indexOf('.') + 1);

export function wantedTopics({
  organisations,
  byHl7v2 = [],
  hearsNational = false,
  purposes,
  partitions = {},
  inboundRetentionMs,
  ...replication
}: Region): WantedTopic[] {
  const { careEvents = 6, consent = 6, recordChanges = 6, quarantine = 3 } = partitions;
  const inbound = inboundRetentionMs === undefined ? {} : { retentionMs: inboundRetentionMs };
  const specs: TopicSpec[] = [
    ...organisations.map((ods) => ({ topic: careEventsTopic(ods), partitions: careEvents, ...inbound })),
    // What a corrected mapping is made of anew: it stays.
    ...byHl7v2.map((ods) => ({ topic: hl7v2Topic(ods), partitions: careEvents })),
    ...(hearsNational ? [{ topic: NATIONAL_EVENTS_TOPIC, partitions: consent, ...inbound }] : []),
    { topic: CONSENT_TOPIC, partitions: consent, ...inbound },
    // Compacted, so that what is withdrawn goes, and what is mended does not stay in quarantine.
    ...purposes.map((purpose) => ({ topic: recordChangesTopic(purpose), partitions: recordChanges, compacted: true })),
    { topic: QUARANTINE_TOPIC, partitions: quarantine, compacted: true },
  ];
  const { replicationFactor } = replication;
  return specs.map((spec) => ({
    ...spec,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    config: configOf(spec, replication),
  }));
}

/** What there is to do, and what of it can be done. */
export function planTopics(wanted: readonly WantedTopic[], existing: readonly ExistingTopic[]): TopicPlan {
  const found = new Map(existing.map((topic) => [topic.topic, topic]));
  const compared = wanted
    .filter(({ topic }) => found.has(topic))
    .map((topic) => ({ topic, differences: differences(topic, found.get(topic.topic)!) }));
  const names = new Set(wanted.map(({ topic }) => topic));
  return {
    missing: wanted.filter(({ topic }) => !found.has(topic)),
    differing: compared.filter((one) => one.differences.length > 0),
    same: compared.filter((one) => one.differences.length === 0).map(({ topic }) => topic.topic),
    others: existing.map(({ topic }) => topic).filter((topic) => topic.startsWith(OURS) && !names.has(topic)),
  };
}

function differences(wanted: WantedTopic, existing: ExistingTopic): Difference[] {
  const found: Difference[] = [];
  if (wanted.partitions !== existing.partitions) {
    found.push({
      what: 'partitions',
      has: String(existing.partitions),
      wants: String(wanted.partitions),
      ...staysAt(wanted, existing),
    });
  }
  const { replicationFactor } = wanted;
  if (replicationFactor !== undefined && replicationFactor !== existing.replicationFactor) {
    found.push({
      what: 'replication factor',
      has: String(existing.replicationFactor),
      wants: String(replicationFactor),
      stays: 'moving replicas is kafka-reassign-partitions’ work',
    });
  }
  for (const [name, wants] of Object.entries(wanted.config)) {
    const has = existing.config.get(name) ?? '';
    if (normal(has) !== normal(wants)) found.push({ what: name, has, wants });
  }
  return found;
}

/** What was withdrawn from a compacted topic has to go: its tombstone must come to the partition where the key has been. */
function staysAt(wanted: WantedTopic, existing: ExistingTopic): { readonly stays?: string } {
  if (wanted.partitions < existing.partitions) return { stays: 'Kafka cannot take partitions away' };
  return wanted.compacted === true
    ? { stays: 'what keys left behind in their former partitions would never be compacted away' }
    : {};
}

/** Kafka gives lists back in an order of its own. */
const normal = (value: string): string => value.split(',').sort().join(',');
