import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.js';
import type { Service } from './service.js';
import type { LimitSettings } from './settings.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which room a route's requests share. Decisions have their own, so that nothing else that is sent holds an opt-out up. */
    lane?: Lane;
  }
}

export type Lane = 'general' | 'decisions' | 'feeds';
type Scope = 'token' | 'organisation' | 'total';
/** Who takes, as a key within each scope. */
export type Who = Readonly<Record<Scope, string>>;

const SCOPES: readonly Scope[] = ['token', 'organisation', 'total'];
/** What was saved up in a quiet time may be spent at once, as far as so long. */
const BURST_MS = 2_000;
/** Callers whose rate is remembered; of more, those who have long been quiet are forgotten. */
const REMEMBERED_MAX = 10_000;

/** How much of something is taken at a time, by whom, within bounds for each scope. */
export class Shares {
  private readonly taken = new Map<string, number>();

  constructor(private readonly bounds: Partial<Readonly<Record<Scope, number>>>) {}

  /** Where there is no room for so much more; null where there is. */
  full(who: Who, amount: number): Scope | null {
    return SCOPES.find((scope) => this.of(who[scope]) + amount > (this.bounds[scope] ?? Infinity)) ?? null;
  }

  /** Takes it where there is room; otherwise nothing, and says where there is none. */
  take(who: Who, amount: number): Scope | null {
    const scope = this.full(who, amount);
    if (scope === null) this.change(who, amount);
    return scope;
  }

  giveBack(who: Who, amount: number): void {
    this.change(who, -amount);
  }

  private of(key: string): number {
    return this.taken.get(key) ?? 0;
  }

  private change(who: Who, by: number): void {
    for (const scope of SCOPES) {
      const next = this.of(who[scope]) + by;
      if (next === 0) this.taken.delete(who[scope]);
      else this.taken.set(who[scope], next);
    }
  }
}

/** How often, by whom: each request takes its part of a second, and who is too far ahead of the clock waits. */
export class Rates {
  private readonly due = new Map<string, number>();

  constructor(private readonly perSecond: Partial<Readonly<Record<Scope, number>>>) {}

  /** Takes one where there is room for it; otherwise nothing, and says where there is none and for how long. */
  take(who: Who, now: number): { readonly scope: Scope; readonly waitMs: number } | null {
    for (const scope of SCOPES) {
      const waitMs = this.dueOf(who[scope], now) - now - BURST_MS;
      if (this.perSecond[scope] !== undefined && waitMs > 0) return { scope, waitMs };
    }
    for (const scope of SCOPES) {
      const rate = this.perSecond[scope];
      if (rate !== undefined) this.due.set(who[scope], this.dueOf(who[scope], now) + 1_000 / rate);
    }
    if (this.due.size > REMEMBERED_MAX) for (const [key, due] of this.due) if (due <= now) this.due.delete(key);
    return null;
  }

  private dueOf(key: string, now: number): number {
    return Math.max(this.due.get(key) ?? 0, now);
  }
}

/** The caller of a request. One that is not known holds nothing: bodies are read, and feeds given, only for those who are. */
export function whoOf({ caller }: FastifyRequest): Who {
  const { organisation, subject } = caller ?? { subject: '' };
  const token = JSON.stringify([organisation ?? null, subject]);
  return { token: `token ${token}`, organisation: `organisation ${organisation ?? token}`, total: 'total' };
}

export const laneOf = ({ routeOptions }: FastifyRequest): Lane => routeOptions.config.lane ?? 'general';

/** Says which limit was met, as an answer and as a metric. */
export function refusalsBy({ metrics }: Pick<Service, 'metrics'>) {
  const refused = metrics.counter('weft_limited_requests_total', 'Requests refused by a limit', ['limit', 'scope', 'lane']);
  return (limit: 'rate' | 'requests' | 'bodies', scope: Scope, lane: Lane, waitMs = 1_000): HttpProblem => {
    refused.inc({ limit, scope, lane });
    const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1_000))) };
    if (scope === 'total') return new HttpProblem(503, 'busy', 'Too much is being asked of Weft just now', { headers });
    const whose = scope === 'token' ? 'the caller of this token' : 'this organisation';
    return new HttpProblem(429, 'too-many', 'Too much is being asked by one caller', {
      headers,
      detail: `The limit of ${limit === 'requests' && lane === 'feeds' ? 'subscriptions' : limit} for ${whose} is reached: send it again later.`,
    });
  };
}

/** Who asks too often, or has too much under way, is told when to come again; nobody else waits for them. Register after the caller is known. */
export function limitCallers(server: FastifyInstance, service: Pick<Service, 'settings' | 'metrics' | 'clock'>): void {
  const { limits } = service.settings;
  const refusal = refusalsBy(service);
  const lanes: Readonly<Record<Lane, { readonly rates: Rates; readonly shares: Shares }>> = {
    general: { rates: ratesOf(limits), shares: new Shares(atOnce(limits)) },
    decisions: { rates: ratesOf(limits), shares: new Shares(atOnce(limits)) },
    feeds: {
      rates: ratesOf(limits),
      shares: new Shares({
        token: limits.WEFT_LIMIT_TOKEN_FEEDS,
        organisation: limits.WEFT_LIMIT_ORGANISATION_FEEDS,
        total: limits.WEFT_LIMIT_FEEDS,
      }),
    },
  };
  server.addHook('onRequest', (request, reply, done) => {
    if (request.caller === null) return done();
    const lane = laneOf(request);
    const who = whoOf(request);
    const { rates, shares } = lanes[lane];
    const soon = rates.take(who, service.clock.steady());
    if (soon !== null) return done(refusal('rate', soon.scope, lane, soon.waitMs));
    const full = shares.take(who, 1);
    if (full !== null) return done(refusal('requests', full, lane));
    reply.raw.once('close', () => shares.giveBack(who, 1));
    done();
  });
}

const ratesOf = (limits: LimitSettings): Rates =>
  new Rates({ token: limits.WEFT_LIMIT_TOKEN_RATE, organisation: limits.WEFT_LIMIT_ORGANISATION_RATE });

const atOnce = (limits: LimitSettings) => ({
  token: limits.WEFT_LIMIT_TOKEN_REQUESTS,
  organisation: limits.WEFT_LIMIT_ORGANISATION_REQUESTS,
});
