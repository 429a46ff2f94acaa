import type { Prng } from '@weft/testing';
import { GP, type Entry, type Organisation, type Person, type Purpose, PURPOSES } from './entries.js';

export type Authority = 'national-data-opt-out' | 'type-1' | 'local-dissent' | 'withheld-item' | 'explicit-consent';

/** What a decision is about: all that it names must fit. */
export interface Scope {
  readonly organisations?: readonly Organisation[];
  readonly category?: string;
  readonly entry?: Entry;
}

/** What a person wishes for a while. `none`: nothing, or no more. */
export interface Wish {
  readonly effect: 'deny' | 'permit' | 'none';
  readonly purposes: readonly Purpose[];
  /** Milliseconds since 1970. */
  readonly from?: number;
  readonly until?: number;
}

/** A wish that was sent. Until Weft has answered that it obeys, it may hold or not. */
export interface Act extends Wish {
  readonly sentAt: number;
  obeyedAt: number | null;
}

/** One Consent, which its maker sends in ever newer versions: the last one obeyed is what it says. One is under way at a time. */
export interface Matter {
  readonly id: string;
  readonly person: Person;
  readonly authority: Authority;
  readonly scope: Scope;
  readonly maker: Organisation | 'governance';
  readonly purposes: readonly Purpose[];
  readonly isDated: boolean;
  readonly acts: Act[];
  isBusy: boolean;
}

const SHARED_MS = 3_000;

const BEYOND_CARE = ['population-health', 'research'] as const;

/** Everything that a person decides about: no two of one authority have one scope, so that none replaces another. */
export function mattersOf(person: Person, entries: readonly Entry[]): Matter[] {
  const ownOf = (organisation: Organisation): Entry => entries.find((entry) => entry.organisation === organisation)!;
  const matter = (id: string, authority: Authority, maker: Matter['maker'], more: Partial<Matter> = {}): Matter => ({
    ...{ id: `${id}-of-${person.index}`, person, authority, maker, scope: {}, purposes: PURPOSES, isDated: false },
    ...{ acts: [], isBusy: false },
    ...more,
  });
  return [
    matter('national', 'national-data-opt-out', 'governance', { purposes: BEYOND_CARE }),
    matter('type-1', 'type-1', GP, { purposes: BEYOND_CARE }),
    matter('all', 'local-dissent', 'governance'),
    matter('organisation', 'local-dissent', 'RX902', { scope: { organisations: ['RX902'] } }),
    matter('category', 'local-dissent', GP, { scope: { category: 'category-1' } }),
    matter('item', 'withheld-item', 'RX901', { scope: { entry: ownOf('RX901') } }),
    matter('consent', 'explicit-consent', 'governance', { purposes: BEYOND_CARE }),
    matter('dated', 'local-dissent', 'governance', {
      scope: { organisations: [GP, 'RX901', 'RX902', 'RX903'] },
      isDated: true,
    }),
    matter('dated-category', 'local-dissent', GP, { scope: { category: 'category-0' }, isDated: true }),
    matter('dated-item', 'withheld-item', 'RX903', { scope: { entry: ownOf('RX903') }, isDated: true }),
  ];
}

/** What is wished next: out, then back in; a dated one begins and ends within seconds, or is taken back before. */
export function nextWish({ authority, purposes, acts, isDated }: Matter, now: number, draw: Prng): Wish {
  const last = acts.at(-1)?.effect ?? 'none';
  const some = draw.some(purposes);
  const named = some.length > 0 ? some : purposes;
  if (authority === 'explicit-consent') {
    const effect = draw.pick((['deny', 'permit', 'none'] as const).filter((one) => one !== last));
    return { effect, purposes: named };
  }
  if (last === 'deny') return { effect: 'none', purposes: named };
  if (!isDated) return { effect: 'deny', purposes: named };
  const soon = now + draw.between(500, 6_000);
  // Half of them share their time, as the first of a month is shared.
  const from = draw.chance(0.5) ? Math.ceil(soon / SHARED_MS) * SHARED_MS : soon;
  return { effect: 'deny', purposes: named, from, until: from + draw.between(1_500, 8_000) };
}

/** What begins next by itself; null where nothing will. */
export function nextBeginning(matters: Iterable<Matter>, now: number): { readonly at: number; readonly person: Person } | null {
  let next: { readonly at: number; readonly person: Person } | null = null;
  for (const { acts, person } of matters) {
    const at = acts.at(-1)?.from ?? 0;
    if (at > now && (next === null || at < next.at)) next = { at, person };
  }
  return next;
}

/** When nothing will begin or end by itself any more. */
export function lastDate(matters: Iterable<Matter>): number {
  let last = 0;
  for (const { acts } of matters) {
    const act = acts.at(-1);
    last = Math.max(last, act?.from ?? 0, act?.until ?? 0);
  }
  return last;
}
