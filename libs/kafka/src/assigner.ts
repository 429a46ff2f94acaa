import kafkajs, { type Assignment, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs';

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;
const VERSION = 0;
const NAME = 'weft';

export interface JoinHooks {
  /** Awaited before this member asks to join, at every rebalance: finish and commit what is under way. */
  beforeJoin(): Promise<void>;
  /** Called as the request goes out: from here until the group is joined the partitions may be another's. */
  onJoining(): void;
}

/**
 * Shares the partitions out among those members that asked for their topic, evenly. (kafkajs's own gives every topic of the
 * leader to every member; what a member did not ask for is then read by nobody, which happens in every rolling update that
 * adds an organisation.)
 *
 * It is also the one place where kafkajs says that it is about to join, and the way to make it wait: a member that joins
 * while its handlers still run hands over partitions in the middle of a batch.
 */
export function sharedOut({ beforeJoin, onJoining }: JoinHooks): PartitionAssigner {
  return ({ cluster }) => {
    const find = cluster.findGroupCoordinator.bind(cluster);
    cluster.findGroupCoordinator = async (group) => {
      await beforeJoin();
      return find(group);
    };
    return {
      name: NAME,
      version: VERSION,
      protocol({ topics }) {
        onJoining();
        return { name: NAME, metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) }) };
      },
      async assign({ members }) {
        const wanted = topicsOf(members);
        const topics = [...new Set([...wanted.values()].flat())].sort();
        const partitions = await countPartitions(cluster, topics);
        return [...shareOut(wanted, partitions)].map(([memberId, assignment]) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) }),
        }));
      },
    };
  };
}

function topicsOf(members: readonly GroupMember[]): Map<string, readonly string[]> {
  return new Map(members.map(({ memberId, memberMetadata }) => [memberId, MemberMetadata.decode(memberMetadata)?.topics ?? []]));
}

async function countPartitions(cluster: Cluster, topics: readonly string[]): Promise<Map<string, number[]>> {
  // Topics that this member did not ask for itself; one that it may not see must not keep the group from forming.
  for (const topic of topics) await cluster.addMultipleTargetTopics([topic]).catch(() => {});
  return new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)]));
}

/** Each partition to the member with the fewest so far of those that want its topic. The same for whoever computes it. */
export function shareOut(
  wanted: ReadonlyMap<string, readonly string[]>,
  partitions: ReadonlyMap<string, readonly number[]>,
): Map<string, Assignment> {
  const members = [...wanted.keys()].sort();
  const shares = new Map<string, Assignment>(members.map((member) => [member, {}]));
  const counts = new Map(members.map((member) => [member, 0]));
  for (const topic of [...partitions.keys()].sort()) {
    const takers = members.filter((member) => wanted.get(member)!.includes(topic));
    if (takers.length === 0) continue;
    for (const partition of [...partitions.get(topic)!].sort((a, b) => a - b)) {
      const taker = takers.reduce((least, member) => (counts.get(member)! < counts.get(least)! ? member : least));
      (shares.get(taker)![topic] ??= []).push(partition);
      counts.set(taker, counts.get(taker)! + 1);
    }
  }
  return shares;
}
