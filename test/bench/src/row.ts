import type { Rounds } from './rounds.js';
import { valuesOf } from './rounds.js';
import { median, timesAsGood } from './statistics.js';
import type { Context, Peer, Row } from './work.js';

interface Asked {
  readonly work: string;
  readonly row: string;
  readonly size: string;
  readonly unit: string;
  readonly better?: 'higher' | 'lower';
  /** Which candidate is ours, and which of its figures this row is about (default `rate`). */
  readonly candidate: string;
  readonly figure?: string;
  readonly limit: { readonly what: string; readonly rounds: readonly number[] } | null;
  /** Candidates of the same rounds, with the same figure. */
  readonly peers?: readonly { readonly name: string; readonly candidate: string; readonly note?: string }[];
}

/** Medians over the rounds, ours as a share of the limit of the same round and as a multiple of each peer. */
export function row({ rounds: count }: Pick<Context, 'rounds'>, rounds: Rounds, asked: Asked): Row {
  const { work, row, size, unit, better = 'higher', candidate, figure = 'rate', limit } = asked;
  const values = valuesOf(rounds, candidate, figure);
  const ours = median(values);
  const shares = limit?.rounds.map((bound, round) => timesAsGood(better, values[round] ?? NaN, bound) * 100) ?? [];
  return {
    ...{ work, row, size, rounds: count, unit, better, ours },
    limit: limit === null ? null : { what: limit.what, value: median(limit.rounds) },
    percentOfLimit: limit === null ? null : median(shares),
    more: {},
    aims: [],
    peers: (asked.peers ?? []).flatMap((peer) => peerOf(rounds, peer, figure, ours, better)),
    skipped: rounds.skipped.filter(({ name }) => (asked.peers ?? []).some((peer) => peer.candidate === name)),
  };
}

function peerOf(
  rounds: Rounds,
  { name, candidate, note }: { readonly name: string; readonly candidate: string; readonly note?: string },
  figure: string,
  ours: number,
  better: 'higher' | 'lower',
): Peer[] {
  const values = valuesOf(rounds, candidate, figure);
  if (values.length === 0) return [];
  const value = median(values);
  return [{ name, value, multiple: timesAsGood(better, ours, value), ...(note === undefined ? {} : { note }) }];
}
