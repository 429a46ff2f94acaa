import type { Problem } from '@weft/domain';
import { Feed, type MappedEvent, type MessagePart, type Note, type WaitingReason } from '@weft/hl7v2';
import { unprocessable } from '@weft/processing';
import type { MessageReading } from './read-parts.js';
import { refusalsOf, waitOf } from './refusals.js';

/** What would come of a message. */
export interface Tried {
  /** `ADT^A01`; absent where it is no message. */
  readonly type?: string;
  readonly events: readonly MappedEvent[];
  readonly notes: readonly Note[];
  /** Why it would stand in quarantine. */
  readonly problems: readonly Problem[];
  /** Why a part of it would wait. */
  readonly waiting: readonly WaitingReason[];
  readonly review: readonly string[];
  /** The type that no table maps. */
  readonly unmapped?: string;
}

/** Messages as they would be taken if nobody in them had been heard of before; nothing is kept, and nothing sent. */
export class Trial {
  private feed: Feed;
  private kept: MessagePart[] = [];

  constructor(private readonly organisation: string) {
    this.feed = new Feed(organisation);
  }

  /** How many parts of messages wait. */
  get waiting(): number {
    return this.feed.stillWaiting().length;
  }

  take({ type, parts, problems, notes, unmapped }: MessageReading): Tried {
    const takens = parts.map((part) => this.takePart(part));
    return {
      ...(type !== undefined && { type }),
      ...(unmapped !== undefined && { unmapped }),
      events: takens.flatMap(({ events }) => events),
      notes: [...notes, ...takens.flatMap((taken) => taken.notes)],
      problems: [...problems, ...takens.flatMap((taken) => taken.problems)],
      waiting: takens.flatMap(({ waiting }) => waiting),
      review: takens.flatMap(({ review }) => review),
    };
  }

  private takePart(part: MessagePart): Tried {
    try {
      const taken = this.feed.take(part);
      const { notes, review, events } = taken;
      const problems = refusalsOf(taken, part);
      if (problems.length > 0) return this.refuse(problems, { notes, review });
      this.kept.push(part);
      const why = waitOf(taken, part)?.why;
      return { events, notes, problems, waiting: why === undefined ? [] : [why], review };
    } catch (error) {
      return this.refuse([unprocessable(error)], { notes: [], review: [] });
    }
  }

  /** It is in no lane: those after it are taken as if it had not come. */
  private refuse(problems: readonly Problem[], said: Pick<Tried, 'notes' | 'review'>): Tried {
    this.feed = new Feed(this.organisation);
    for (const part of this.kept) this.feed.take(part);
    return { events: [], waiting: [], problems, ...said };
  }
}
