import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify';
import { Transform, type Readable } from 'node:stream';
import { HttpProblem } from './problem.js';

/** A body where no route says otherwise: one event, or a query. Bytes. */
export const BODY_LIMIT_BYTES = 1_100_000;
/** All the bodies that are being read or worked on at one time, in bytes. */
const IN_FLIGHT_LIMIT_BYTES = 256 * 1024 * 1024;

declare module 'fastify' {
  interface FastifyContextConfig {
    rawBody?: boolean;
    bodyLimitBytes?: number;
  }
}

/** The handler gets the body as it came, a Buffer whatever its content type, of at most so many bytes. `more`: of the route. */
export const RawBody = (limitBytes = BODY_LIMIT_BYTES, more: Pick<FastifyContextConfig, 'audited'> = {}) =>
  RouteConfig({ rawBody: true, bodyLimitBytes: limitBytes, ...more });

/** How bodies are read, and how many at a time. Register before any route. */
export function readBodies(server: FastifyInstance, inFlightLimitBytes = IN_FLIGHT_LIMIT_BYTES): void {
  server.addHook('onRoute', (route) => {
    route.bodyLimit ??= route.config?.bodyLimitBytes;
  });
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (request.routeOptions.config.rawBody === true || body.length === 0) return done(null, body);
    if (!/^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
      return done(
        new HttpProblem(415, 'unsupported-media-type', 'This content type is not understood here', {
          detail: 'Send application/json.',
        }),
      );
    }
    const text = utf8Text(body);
    if (text === undefined)
      return done(new HttpProblem(400, 'malformed-request', 'The request cannot be read', { detail: 'The body is not UTF-8.' }));
    return parseJson(request, text, done);
  });
  boundBytesInFlight(server, inFlightLimitBytes);
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
 * Memory is bounded by refusing, early and with a time to come again, what would not fit. A body with a length is counted
 * before a byte of it is read, a chunked one as it comes in; both until the answer has gone.
 */
function boundBytesInFlight(server: FastifyInstance, limitBytes: number): void {
  let inFlight = 0;
  const held = new WeakMap<FastifyRequest, number>();
  const take = (request: FastifyRequest, bytes: number): boolean => {
    if (inFlight + bytes > limitBytes) return false;
    inFlight += bytes;
    held.set(request, (held.get(request) ?? 0) + bytes);
    return true;
  };

  server.addHook('onRequest', (request, reply, done) => {
    if (!hasBody(request)) return done();
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') return done(compressed());
    reply.raw.once('close', () => {
      inFlight -= held.get(request) ?? 0;
      held.delete(request);
    });
    const limit = request.routeOptions.bodyLimit ?? BODY_LIMIT_BYTES;
    const length = Number(request.headers['content-length'] ?? 0);
    // One that is too long on its own is answered as such (413) when it is about to be read.
    return length > limit || take(request, length) ? done() : done(busy());
  });

  server.addHook('preParsing', (request, _reply, payload, done) => {
    if (request.headers['transfer-encoding'] === undefined) return done(null, payload);
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, next) => (take(request, chunk.length) ? next(null, chunk) : next(busy())),
    });
    (payload as Readable).once('error', (error) => counted.destroy(error));
    return done(null, (payload as Readable).pipe(counted));
  });
}

export const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const busy = (): HttpProblem =>
  new HttpProblem(503, 'busy', 'Too much is being sent to Weft just now', { headers: { 'retry-after': '1' } });

const compressed = (): HttpProblem =>
  new HttpProblem(415, 'unsupported-media-type', 'This content type is not understood here', {
    detail: 'Send the body without Content-Encoding.',
    headers: { 'accept-encoding': 'identity' },
  });
