import type { Broker, Cluster, TopicOffsets } from 'kafkajs';
import { InvalidCall, type Message, type PartitionOffsets } from '@weft/processing';
import { isFenced, protocolError } from './errors.js';
import { readable, type FetchedPartition } from './messages.js';

/**
 * Requests of our own making. kafkajs's consumer would join a group, and wait for it to form, to answer any of them; its
 * cluster asks about all topics that it has ever met together, so that one unknown or forbidden spoils the answer for others.
 */

const READ_COMMITTED = 1;
const EARLIEST = -2;
const LATEST = -1;
/** What a coordinator may coordinate. */
const GROUP = 0;
export const TRANSACTION = 1;
/** A member that is none: Kafka takes a commit without generation as long as the group has no members. */
const NOBODY = { groupGenerationId: -1, memberId: '' };

/** What kafkajs's brokers can do besides what its types say. */
interface AnyBroker extends Broker {
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<{ coordinator: { nodeId: number } }>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  listOffsets(request: {
    replicaId: number;
    isolationLevel: number;
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>;
}

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: number;
}

export interface Fetched {
  readonly partition: number;
  readonly messages: Message[];
  /** Where to go on from. */
  readonly next: number;
}

async function anyBroker(cluster: Cluster): Promise<AnyBroker> {
  if (cluster.getNodeIds().length === 0) await cluster.refreshMetadata();
  const [nodeId] = cluster.getNodeIds();
  return (await cluster.findBroker({ nodeId: String(nodeId) })) as AnyBroker;
}

/** Of a group, or of a transactional id. */
export async function coordinatorOf(cluster: Cluster, id: string, coordinatorType = GROUP): Promise<AnyBroker> {
  const broker = await anyBroker(cluster);
  const { coordinator } = await broker.findGroupCoordinator({ groupId: id, coordinatorType });
  return (await cluster.findBroker({ nodeId: String(coordinator.nodeId) })) as AnyBroker;
}

/** Resolves when a broker answers. */
export async function ping(cluster: Cluster): Promise<void> {
  await (await anyBroker(cluster)).apiVersions();
}

/** The node that leads each partition, in the order of the partitions. */
export async function leadersOf(cluster: Cluster, topic: string): Promise<Map<number, string>> {
  const { topicMetadata } = await (await anyBroker(cluster)).metadata([topic]);
  const partitions = topicMetadata.find((one) => one.topic === topic)?.partitionMetadata ?? [];
  const leaders = partitions.map(({ partitionId, leader }) => [partitionId, String(leader)] as const);
  return new Map(leaders.sort(([a], [b]) => a - b));
}

export async function partitionsOf(cluster: Cluster, topic: string): Promise<number[]> {
  return [...(await leadersOf(cluster, topic)).keys()];
}

/** The partitions of each node. */
export function byNode(leaders: ReadonlyMap<number, string>): Map<string, number[]> {
  const nodes = new Map<string, number[]>();
  for (const [partition, nodeId] of leaders) nodes.set(nodeId, [...(nodes.get(nodeId) ?? []), partition]);
  return nodes;
}

export async function offsetsOf(cluster: Cluster, topic: string): Promise<PartitionOffsets[]> {
  const leaders = await leadersOf(cluster, topic);
  const [low, high] = await Promise.all([
    listOffsets(cluster, topic, leaders, EARLIEST),
    listOffsets(cluster, topic, leaders, LATEST),
  ]);
  return [...leaders.keys()].map((partition) => ({ partition, low: low.get(partition)!, high: high.get(partition)! }));
}

export async function offsetsAt(cluster: Cluster, topic: string, time: number): Promise<PartitionOffset[]> {
  const leaders = await leadersOf(cluster, topic);
  const [found, high] = await Promise.all([
    listOffsets(cluster, topic, leaders, time),
    listOffsets(cluster, topic, leaders, LATEST),
  ]);
  return [...leaders.keys()].map((partition) => {
    const offset = found.get(partition)!;
    return { partition, offset: offset < 0 ? high.get(partition)! : offset };
  });
}

async function listOffsets(cluster: Cluster, topic: string, leaders: ReadonlyMap<number, string>, timestamp: number) {
  const answers = [...byNode(leaders)].map(async ([nodeId, partitions]) => {
    const broker = (await cluster.findBroker({ nodeId })) as AnyBroker;
    const wanted = partitions.map((partition) => ({ partition, timestamp }));
    const { responses } = await broker.listOffsets({
      replicaId: -1,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: wanted }],
    });
    return responses.flatMap((response) => response.partitions);
  });
  const found = (await Promise.all(answers)).flat();
  return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
}

/** For each partition the offset that the group reads next; -1 where it committed none. */
export async function committedOffsets(cluster: Cluster, group: string, topic: string): Promise<PartitionOffset[]> {
  const partitions = await partitionsOf(cluster, topic);
  const coordinator = await coordinatorOf(cluster, group);
  const topics = [{ topic, partitions: partitions.map((partition) => ({ partition })) }];
  const { responses } = await coordinator.offsetFetch({ groupId: group, topics: topics as TopicOffsets[] });
  const found = new Map((responses[0]?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
  return partitions.map((partition) => ({ partition, offset: Math.max(-1, found.get(partition) ?? -1) }));
}

/** Throws InvalidCall when the group has members. */
export async function moveGroup(
  cluster: Cluster,
  group: string,
  topic: string,
  offsets: readonly PartitionOffset[],
): Promise<void> {
  const coordinator = await coordinatorOf(cluster, group);
  const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
  try {
    await coordinator.offsetCommit({ groupId: group, ...NOBODY, topics: [{ topic, partitions }] });
  } catch (error) {
    if (isFenced(error)) throw new InvalidCall(`group ${group} has members; stop them before it is moved`);
    throw error;
  }
}

/** So that the others need not wait for the session of one that is known to be gone. */
export async function putOut(cluster: Cluster, group: string, memberId: string): Promise<void> {
  const coordinator = await coordinatorOf(cluster, group);
  await coordinator.leaveGroup({ groupId: group, memberId }).catch((error: unknown) => {
    if (!isFenced(error)) throw error;
  });
}

/**
 * One fetch from one node. `positions` are offsets by partition; a partition whose offset is no longer there, or not yet,
 * comes back empty with `next` at the first offset that is.
 */
export async function fetchFrom(
  cluster: Cluster,
  nodeId: string,
  topic: string,
  positions: ReadonlyMap<number, number>,
  { maxWaitMs, maxBytes }: { maxWaitMs: number; maxBytes: number },
): Promise<Fetched[]> {
  const broker = await cluster.findBroker({ nodeId });
  const partitions = [...positions].map(([partition, offset]) => ({ partition, fetchOffset: String(offset), maxBytes }));
  try {
    const { responses } = (await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: maxWaitMs,
      minBytes: 1,
      topics: [{ topic, partitions }],
    })) as { responses: { partitions: FetchedPartition[] }[] };
    return responses
      .flatMap((response) => response.partitions)
      .map((fetched) => ({
        partition: fetched.partition,
        ...readable(topic, positions.get(fetched.partition)!, fetched),
      }));
  } catch (error) {
    if (protocolError(error) !== 'OFFSET_OUT_OF_RANGE') throw error;
    const { partition } = error as { partition?: number };
    const leaders = new Map([[partition!, nodeId]]);
    const [low, high] = await Promise.all([
      listOffsets(cluster, topic, leaders, EARLIEST),
      listOffsets(cluster, topic, leaders, LATEST),
    ]);
    const at = positions.get(partition!)!;
    const next = at > high.get(partition!)! ? high.get(partition!)! : low.get(partition!)!;
    return [{ partition: partition!, messages: [], next }];
  }
}

/** At most `maxCount` messages from an offset on; waits for none. */
export async function readPartition(
  cluster: Cluster,
  topic: string,
  partition: number,
  from: number,
  maxCount: number,
): Promise<Message[]> {
  const nodeId = (await leadersOf(cluster, topic)).get(partition);
  if (nodeId === undefined) throw new InvalidCall(`topic ${topic} has no partition ${partition}`);
  const high = (await listOffsets(cluster, topic, new Map([[partition, nodeId]]), LATEST)).get(partition)!;
  // Not a megabyte for ten messages; a batch comes whole in any case.
  const maxBytes = Math.min(1_048_576, Math.max(65_536, maxCount * 4096));
  const found: Message[] = [];
  let at = from;
  while (at < high && found.length < maxCount) {
    const positions = new Map([[partition, at]]);
    const [fetched] = await fetchFrom(cluster, nodeId, topic, positions, { maxWaitMs: 0, maxBytes });
    if (fetched === undefined || fetched.next === at) break;
    found.push(...fetched.messages.slice(0, maxCount - found.length));
    at = fetched.next;
  }
  return found;
}
