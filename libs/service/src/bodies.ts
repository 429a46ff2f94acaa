import { RouteConfig } from '@nestjs/platform-fastify';
import { repeatedMemberOf } from '@weft/care-events';
import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify';
import { Transform, type Readable } from 'node:stream';
import { type Lane, laneOf, refusalsBy, Shares, whoOf } from './limits.js';
import { refuseUnlessTaken, unsupported } from './media-types.js';
import { HttpProblem } from './problem.js';
import type { Service } from './service.js';
import type { LimitSettings } from './settings.js';

/** A body where no route says otherwise: one event, or a query. Bytes. */
export const BODY_LIMIT_BYTES = 1_100_000;
const MIB = 1024 * 1024;
/** A body up to so many bytes is charged when it is announced; a longer one as it comes, so that nobody holds room by saying so. */
const SMALL_BYTES = 16 * 1024;

declare module 'fastify' {
  interface FastifyContextConfig {
    rawBody?: boolean;
    /** The content types of bodies that the route takes; absent: JSON, and of a raw body any. */
    takes?: readonly string[];
    bodyLimitBytes?: number;
  }
}

/** The handler gets the body as it came, a Buffer whatever its content type, of at most so many bytes. `more`: of the route. */
export const RawBody = (limitBytes = BODY_LIMIT_BYTES, more: Pick<FastifyContextConfig, 'audited' | 'lane' | 'takes'> = {}) =>
  RouteConfig({ rawBody: true, bodyLimitBytes: limitBytes, ...more });

/** How bodies are read, and how many at a time. Register before any route. */
export function readBodies(server: FastifyInstance, service: Pick<Service, 'settings' | 'metrics'>): void {
  server.addHook('onRoute', (route) => {
    route.bodyLimit ??= route.config?.bodyLimitBytes;
  });
  server.addHook('onRequest', async (request) => {
    const { takes } = request.routeOptions.config;
    if (takes !== undefined && hasBody(request)) refuseUnlessTaken(request, takes);
  });
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (request.routeOptions.config.rawBody === true || body.length === 0) return done(null, body);
    if (!/^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
      return done(unsupported((request.headers['content-type'] ?? '').toLowerCase(), ['application/json']));
    }
    const text = utf8Text(body);
    if (text === undefined)
      return done(new HttpProblem(400, 'malformed-request', 'The request cannot be read', { detail: 'The body is not UTF-8.' }));
    return parseJson(request, text, (error, value: unknown) => {
      const repeated = error === null ? repeatedMemberOf(body, value, 'body') : null;
      if (repeated === null) done(error, value);
      else done(new HttpProblem(400, 'malformed-request', 'The request cannot be read', { errors: [repeated] }));
    });
  });
  boundBytesInFlight(server, service);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
/** undefined when the bytes are not UTF-8; a byte order mark is left out. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Memory is bounded by refusing, with a time to come again, what would not fit: of one caller, of one organisation, of all. Bytes
 * are charged as they are received, until the answer has gone: an upload that stands idle takes no room from anybody. What is
 * announced and would not fit now is refused before a byte of it is read.
 */
function boundBytesInFlight(server: FastifyInstance, service: Pick<Service, 'settings' | 'metrics'>): void {
  const rooms = roomsOf(service.settings.limits);
  const refusal = refusalsBy(service);
  const held = new WeakMap<FastifyRequest, number>();
  const refused = (request: FastifyRequest, bytes: number, how: 'take' | 'full'): HttpProblem | undefined => {
    const lane = laneOf(request);
    const scope = rooms[lane][how](whoOf(request), bytes);
    if (scope !== null) return refusal('bodies', scope, lane);
    if (how === 'take') held.set(request, (held.get(request) ?? 0) + bytes);
    return undefined;
  };

  server.addHook('onRequest', (request, reply, done) => {
    if (!hasBody(request)) return done();
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') return done(compressed());
    const who = whoOf(request);
    reply.raw.once('close', () => {
      rooms[laneOf(request)].giveBack(who, held.get(request) ?? 0);
      held.delete(request);
    });
    const limit = request.routeOptions.bodyLimit ?? BODY_LIMIT_BYTES;
    const length = lengthOf(request);
    // One that is too long on its own is answered as such (413) when it is about to be read.
    done(length > limit ? undefined : refused(request, length, isCharged(request) ? 'take' : 'full'));
  });

  server.addHook('preParsing', (request, _reply, payload, done) => {
    if (!hasBody(request) || isCharged(request)) return done(null, payload);
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        const problem = refused(request, chunk.length, 'take');
        if (problem === undefined) next(null, chunk);
        else next(problem);
      },
    });
    (payload as Readable).once('error', (error) => counted.destroy(error));
    return done(null, (payload as Readable).pipe(counted));
  });
}

const lengthOf = ({ headers }: FastifyRequest): number => Number(headers['content-length'] ?? 0);

/** Whether its bytes are charged when it is announced. */
const isCharged = (request: FastifyRequest): boolean =>
  request.headers['transfer-encoding'] === undefined && lengthOf(request) <= SMALL_BYTES;

/** Decisions have room of their own. */
function roomsOf(limits: LimitSettings): Readonly<Record<Lane, Shares>> {
  const general = new Shares({
    token: limits.WEFT_LIMIT_TOKEN_BODIES * MIB,
    organisation: limits.WEFT_LIMIT_ORGANISATION_BODIES * MIB,
    total: limits.WEFT_LIMIT_BODIES * MIB,
  });
  const total = limits.WEFT_LIMIT_DECISION_BODIES * MIB;
  return { general, feeds: general, decisions: new Shares({ organisation: total / 4, total }) };
}

export const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const compressed = (): HttpProblem =>
  new HttpProblem(415, 'unsupported-media-type', 'This content type is not understood here', {
    detail: 'Send the body without Content-Encoding.',
    headers: { 'accept-encoding': 'identity' },
  });
