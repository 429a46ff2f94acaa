import type { Coordinates } from '@weft/domain';
import { type EventBus, HL7_PROJECTOR_GROUP } from '@weft/processing';

const partitionOf = ({ topic, partition }: Pick<Coordinates, 'topic' | 'partition'>): string => `${topic}/${partition}`;

/** How far the group is: whoever committed an offset had told everything before it. */
export class Committed {
  private readonly offsets = new Map<string, number>();

  constructor(private readonly bus: Pick<EventBus, 'committed'>) {}

  /** Those that come from messages whose offsets are not committed. */
  async without<T extends { readonly from: Coordinates }>(untold: readonly T[]): Promise<T[]> {
    const topics = new Set(untold.filter((one) => !this.isBehind(one.from)).map(({ from }) => from.topic));
    for (const topic of topics) {
      for (const { partition, offset } of await this.bus.committed(HL7_PROJECTOR_GROUP, topic))
        this.offsets.set(partitionOf({ topic, partition }), offset);
    }
    return untold.filter(({ from }) => !this.isBehind(from));
  }

  private isBehind(from: Coordinates): boolean {
    return from.offset < (this.offsets.get(partitionOf(from)) ?? -1);
  }
}
