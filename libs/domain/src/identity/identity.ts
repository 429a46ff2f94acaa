import type { Coordinates, Problem, Received } from '../vocabulary.js';

/**
 * What `careRecord-<key>` streams hold of merges and unmerges of their number. A merge says which number the stream is of (`ownNhsNumber`): nothing
 * else may be known of it, and whoever is given an entry from then on is given the person's numbers.
 */
export type IdentityEvent = Received & IdentityChange;

type IdentityChange =
  /** This number gave way to another one. */
  | {
      readonly type: 'number-superseded-1';
      readonly by: string;
      readonly byNhsNumber: string;
      readonly ownNhsNumber: string;
      readonly cause: string;
      readonly recordedAt: string;
    }
  /** The merge was undone: this number stands for itself again. `undone` names a merge that never came about. */
  | { readonly type: 'number-restored-1'; readonly cause: string; readonly undone?: string; readonly recordedAt: string }
  /**
   * A merge or unmerge that came about, or that cannot be: said where it was decided, as the last word on it, so that neither a
   * redelivery nor whoever worked on it at the same time decides otherwise.
   */
  | {
      readonly type: 'merge-accepted-1';
      readonly cause: string;
      readonly coordinates: Coordinates;
      readonly recordedAt: string;
    }
  | {
      readonly type: 'merge-refused-1';
      readonly cause: string;
      readonly coordinates: Coordinates;
      readonly problems: readonly Problem[];
      readonly recordedAt: string;
    }
  /** This number took over another one's record. */
  | { readonly type: 'number-absorbed-1'; readonly key: string; readonly ownNhsNumber: string; readonly recordedAt: string }
  | { readonly type: 'number-released-1'; readonly key: string; readonly recordedAt: string };

/** One number's place among the merges. Keys, never NHS numbers, save for the one that a reader is sent on to. */
export interface Identity {
  /** `cause`: the care event that merged it, as `<source> <id>`. */
  supersededBy: { readonly key: string; readonly nhsNumber: string; readonly cause: string } | null;
  /** Numbers merged into this one, in the order in which they came. */
  absorbed: string[];
  /** Numbers that this one was ever merged with, in either direction, and may have been told to subscribers under. */
  readonly related: Set<string>;
  /** Those of them that ever gave way to this one: what they hold may have been told under it. */
  readonly everAbsorbed: Set<string>;
  /** What is wrong with merges and unmerges that were decided, by `placeOfEvent`; nothing with those accepted. */
  readonly decided: Map<string, readonly Problem[]>;
  /** The care events that merged this number or undid it, as `<source> <id>`. */
  readonly causes: Set<string>;
}

/** An event, as `<source> <id>`, at its place in the bus: it may be sent, and decided, more than once. */
export function placeOfEvent(cause: string, { topic, partition, offset }: Coordinates): string {
  return `${cause} ${topic}/${partition}/${offset}`;
}

/** The ODS code of the organisation that made the merge under which the number now stands for nothing; null where none does. */
export function madeBy({ supersededBy }: Identity): string | null {
  return /^urn:ods:([^: ]+)/.exec(supersededBy?.cause ?? '')?.[1] ?? null;
}

export function emptyIdentity(): Identity {
  const [related, everAbsorbed, causes] = [new Set<string>(), new Set<string>(), new Set<string>()];
  return { supersededBy: null, absorbed: [], related, everAbsorbed, decided: new Map(), causes };
}

export function evolveIdentity(identity: Identity, event: IdentityEvent): void {
  switch (event.type) {
    case 'number-superseded-1':
      identity.supersededBy = { key: event.by, nhsNumber: event.byNhsNumber, cause: event.cause };
      identity.causes.add(event.cause);
      identity.related.add(event.by);
      break;
    case 'merge-accepted-1':
      identity.decided.set(placeOfEvent(event.cause, event.coordinates), []);
      break;
    case 'merge-refused-1':
      identity.decided.set(placeOfEvent(event.cause, event.coordinates), event.problems);
      break;
    case 'number-restored-1':
      identity.supersededBy = null;
      identity.causes.add(event.cause);
      if (event.undone !== undefined) identity.causes.delete(event.undone);
      break;
    case 'number-absorbed-1':
      identity.related.add(event.key);
      identity.everAbsorbed.add(event.key);
      if (!identity.absorbed.includes(event.key)) identity.absorbed.push(event.key);
      break;
    case 'number-released-1':
      identity.absorbed = identity.absorbed.filter((key) => key !== event.key);
      break;
  }
}
