export interface Member {
  readonly id: string;
  readonly topics: ReadonlySet<string>;
}

interface Assignable {
  readonly id: number;
  readonly topic: string;
}

/**
 * Shares partitions among a group's members as evenly as their topics allow. The same for the same members and partitions,
 * whoever computes it: each partition in turn goes to the one with the fewest that reads its topic.
 */
export function assign(members: readonly Member[], partitions: readonly Assignable[]): Map<string, number[]> {
  const shares = [...members].sort((a, b) => (a.id < b.id ? -1 : 1)).map((member) => ({ member, held: [] as number[] }));
  for (const partition of [...partitions].sort((a, b) => a.id - b.id)) {
    const readers = shares.filter(({ member }) => member.topics.has(partition.topic));
    const [first, ...others] = readers;
    if (first === undefined) continue;
    others.reduce((least, share) => (share.held.length < least.held.length ? share : least), first).held.push(partition.id);
  }
  return new Map(shares.map(({ member, held }) => [member.id, held]));
}
