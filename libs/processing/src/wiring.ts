import type { Projection } from '@weft/domain';
import type { PolicyBook } from './policy-book.js';
import type { Clock, EventBus, EventStore, Keys, MessageReader, Random, Timers } from './ports.js';

/** Everything that processing reaches the world through. */
export interface Wiring {
  readonly store: EventStore;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly keys: Keys;
  readonly reader: MessageReader;
  readonly projections: readonly Projection[];
  readonly policies: PolicyBook;
}

export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
