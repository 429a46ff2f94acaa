import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.js';

interface Route {
  readonly method: string;
  /** As fastify has it: `/records/:nhs`. */
  readonly path: string;
}

/** Of a longer address no more is compared: who sends it is looking for no route. */
const CHARACTERS_MAX = 100;

/** The routes that an app has. Of a request for none of them they say what would be right, and never what was asked for. */
export class Routes {
  private readonly routes: Route[] = [];

  /** Register before any route. */
  watch(server: Pick<FastifyInstance, 'addHook'>): void {
    server.addHook('onRoute', ({ method, url: path }) => {
      if (path.includes('*')) return;
      for (const one of [method].flat()) this.routes.push({ method: one, path });
    });
  }

  /** 405 where another method does something at this address, else 404 with the route that is nearest. */
  problemFor({ url }: Pick<FastifyRequest, 'url'>): HttpProblem {
    const asked = url.split('?')[0]!.slice(0, CHARACTERS_MAX);
    const methods = [...new Set(this.routes.filter(({ path }) => isAt(path, asked)).map(({ method }) => method))].sort();
    if (methods.length > 0) {
      const allow = methods.join(', ');
      return new HttpProblem(405, 'method-not-allowed', 'This address does not do that', {
        detail: `It answers ${allow}.`,
        headers: { allow },
      });
    }
    const nearest = this.nearestTo(asked);
    const near = nearest === undefined ? '' : `The nearest route is ${nearest.method} ${shown(nearest.path)}. `;
    return new HttpProblem(404, 'not-found', 'There is nothing at this address', {
      detail: `${near}GET /docs shows every route.`,
    });
  }

  private nearestTo(asked: string): Route | undefined {
    const far = Math.max(3, asked.length * 0.4);
    const near = this.routes
      .filter(({ method }) => method !== 'HEAD')
      .map((route) => ({ route, distance: distance(asked.toLowerCase(), filledIn(route.path, asked)) }))
      .filter(({ distance }) => distance <= far);
    return near.sort((one, other) => one.distance - other.distance)[0]?.route;
  }
}

const segmentsOf = (path: string): string[] => path.split('/');
const isParameter = (segment: string): boolean => segment.startsWith(':');
const shown = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

function isAt(path: string, asked: string): boolean {
  const [segments, given] = [segmentsOf(path), segmentsOf(asked)];
  if (segments.length !== given.length) return false;
  return segments.every((segment, index) => (isParameter(segment) ? given[index] !== '' : segment === given[index]));
}

/** The route with what the address has in the places of its parameters: they are no difference. */
function filledIn(path: string, asked: string): string {
  const given = segmentsOf(asked);
  const segments = segmentsOf(path).map((segment, index) => (isParameter(segment) ? (given[index] ?? '') : segment));
  return segments.join('/').toLowerCase();
}

/** How many characters must be put in, left out or changed (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= other.length; to += 1) {
      const change = row[to - 1]! + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(change, row[to]! + 1, next[to - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
