import type { Projection, Purpose } from '@weft/domain';
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
  /**
   * The versions of views that are written. The first one listed of a purpose serves: readers are given it, and subscribers are
   * told of it. Another one of the purpose, behind it, is kept in line until it is to serve.
   */
  readonly projections: readonly Projection[];
  readonly policies: PolicyBook;
}

/** The version that serves a purpose. */
export function projectionOf(wiring: Pick<Wiring, 'projections'>, purpose: Purpose): Projection {
  const projection = wiring.projections.find((candidate) => candidate.purpose === purpose);
  if (projection === undefined) throw new Error(`no projection serves the purpose ${purpose}`);
  return projection;
}

export function serves(wiring: Pick<Wiring, 'projections'>, { purpose, version }: Projection): boolean {
  return projectionOf(wiring, purpose).version === version;
}

export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
