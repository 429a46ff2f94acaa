import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import {
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Type,
  ValidationPipe,
} from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import * as transformerPackage from 'class-transformer';
import * as validatorPackage from 'class-validator';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AccessGuard } from './access.js';
import { AnswerTimes } from './answer-times.js';
import { AuditLog } from './audit-log.js';
import { BODY_LIMIT_BYTES, hasBody, readBodies } from './bodies.js';
import { serveDocumentation } from './documentation.js';
import { limitCallers } from './limits.js';
import { nestLogger } from './log.js';
import { OperationsController } from './operations.js';
import { invalidRequest, sendProblem } from './problem.js';
import { ProblemFilter } from './problem-filter.js';
import { watchReadiness } from './region-metrics.js';
import { Service } from './service.js';
import { SettingsError } from './settings.js';
import { Routes } from './unmatched.js';

export interface HttpAppOptions {
  /** What /docs says at its top. */
  readonly description?: string;
  /** Name of the app, where it runs by itself. */
  readonly name?: string;
}

/**
 * Makes Service, its AuditLog and its AnswerTimes known to every module, follows the region's organisations, and closes the service once
 * the server has stopped and the modules have.
 */
@Module({})
class ServiceModule implements OnApplicationBootstrap, OnApplicationShutdown {
  private unfollow: (() => Promise<void>) | undefined;

  constructor(private readonly service: Service) {}

  static register(service: Service, modules: readonly (Type | DynamicModule)[]): DynamicModule {
    return {
      module: ServiceModule,
      global: true,
      imports: [...modules],
      controllers: [OperationsController],
      providers: [
        { provide: Service, useValue: service },
        { provide: AuditLog, useFactory: () => new AuditLog(service) },
        { provide: AnswerTimes, useFactory: () => new AnswerTimes(service) },
      ],
      exports: [Service, AuditLog, AnswerTimes],
    };
  }

  onApplicationBootstrap(): void {
    this.unfollow = this.service.organisations.follow(this.service, this.service.log);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.unfollow?.();
    await this.service.close();
  }
}

/**
 * A Nest app on fastify with all that Weft's apps have in common: tokens and roles, problems, bounded bodies, request logs
 * and metrics, /healthz /readyz /metrics /docs, and a shutdown that lets go of nothing half done. Its modules' providers take
 * Service. Closing it closes the engines.
 */
export async function createHttpApp(
  service: Service,
  modules: readonly (Type | DynamicModule)[],
  options: HttpAppOptions = {},
): Promise<NestFastifyApplication> {
  const adapter = fastifyAdapter(service);
  const server = adapter.getInstance() as unknown as FastifyInstance;
  const routes = new Routes();
  routes.watch(server);
  observe(server, service);
  watchReadiness(service);
  setHeaders(server, service.region.id);
  closeUnasked(server);
  authenticate(server, service);
  limitCallers(server, service);
  readBodies(server, service);

  const app = await NestFactory.create<NestFastifyApplication>(ServiceModule.register(service, modules), adapter, {
    logger: nestLogger(service.log),
    bodyParser: false,
    abortOnError: false,
    return503OnClosing: true,
  });
  app.useGlobalGuards(new AccessGuard(app.get(Reflector), service.organisations));
  app.useGlobalFilters(new ProblemFilter(service.log, routes));
  app.useGlobalPipes(
    new ValidationPipe({
      ...{ transform: true, whitelist: true, forbidNonWhitelisted: true, exceptionFactory: invalidRequest },
      // Nest would import them by itself, which in a bundle finds only their defaults.
      ...{ validatorPackage, transformerPackage },
    }),
  );
  app.enableShutdownHooks();
  serveDocumentation(app, { name: options.name, description: options.description ?? '' });
  return app;
}

/**
 * Listens where the settings say, and gives the address, with the port that the system chose for port 0. Throws
 * SettingsError when another process has the address, or this one may not have it.
 */
export async function listen(
  app: NestFastifyApplication,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const fault = code === undefined ? undefined : ADDRESS_FAULTS[code];
    if (fault === undefined) throw error;
    throw new SettingsError([{ ...fault, message: `${fault.setting === 'WEFT_PORT' ? port : host} ${fault.message}` }]);
  }
  const address = app.getHttpServer().address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
}

const ADDRESS_FAULTS: Readonly<Record<string, { readonly setting: string; readonly message: string }>> = {
  EADDRINUSE: { setting: 'WEFT_PORT', message: 'is in use by another process: choose another port, or stop that one' },
  EACCES: { setting: 'WEFT_PORT', message: 'is not for this user to listen on: ports below 1024 are often the administrator’s' },
  EADDRNOTAVAIL: { setting: 'WEFT_HOST', message: 'is no address of this machine' },
  ENOTFOUND: { setting: 'WEFT_HOST', message: 'is no host that is known' },
};

/**
 * Clients are told to leave a connection that was quiet for so long, as load balancers do by themselves, and Weft hangs up later: a request
 * that meets a hang-up fails with nothing said.
 */
const QUIET_S = 60;

function fastifyAdapter(service: Service): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    keepAliveTimeout: (QUIET_S + 5) * 1_000,
    // A body has so long to arrive: one that trickles holds memory all the while.
    requestTimeout: 120_000,
    logger: false,
    genReqId: requestId,
    rewriteUrl: asRouted,
    // Errors of the router itself, before any hook: an address that cannot be decoded, or is too long.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      secure(reply, '/');
      sendProblem(error, request, reply, service.log);
    },
  });
}

/**
 * FHIR's operations begin with a dollar, which many clients send as `%24`, and some end the address of the server in a slash: to the
 * router these are other paths.
 */
function asRouted({ url = '/' }: { readonly url?: string }): string {
  const path = url.split('?', 1)[0] as string;
  return path.replaceAll('%24', '$').replace(/^\/fhir\/$/, '/fhir') + url.slice(path.length);
}

/** The caller's X-Request-ID where it is a UUID, as NHS England's APIs have it. Anything else could carry anything into the log. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given) ? given : randomUUID();
}

/** By which region an answer is: an id that names nobody, and by which two are told apart. */
export const REGION_HEADER = 'weft-region';

function setHeaders(server: FastifyInstance, region: string): void {
  server.addHook('onRequest', (request, reply, done) => {
    secure(reply, request.url);
    reply.header('x-request-id', request.id);
    reply.header(REGION_HEADER, region);
    reply.header('keep-alive', `timeout=${QUIET_S}`);
    done();
  });
}

/**
 * Closing waits for requests, and for no connection that asks nothing. Node itself counts a connection as idle only after its
 * first request: one opened in advance, as clients do, would hold a stop up for a minute.
 */
function closeUnasked(server: FastifyInstance): void {
  let isClosing = false;
  const asking = new Map<Socket, number>();
  const change = (socket: Socket, by: number): void => {
    const requests = (asking.get(socket) ?? 0) + by;
    if (isClosing && requests === 0) socket.destroySoon();
    else if (!socket.destroyed) asking.set(socket, requests);
  };
  server.server.on('connection', (socket) => {
    socket.once('close', () => asking.delete(socket));
    change(socket, 0);
  });
  server.server.on('request', ({ socket }, response) => {
    change(socket, 1);
    response.once('close', () => change(socket, -1));
  });
  server.addHook('preClose', (done) => {
    isClosing = true;
    for (const socket of asking.keys()) change(socket, 0);
    done();
  });
}

const NOTHING = "default-src 'none'; frame-ancestors 'none'";
const OWN_PAGES = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/**
 * Set first, so that a handler can replace what does not suit it (the console its content policy, the policy its caching).
 * no-store: an answer about a person is in no cache. no-referrer: addresses carry NHS numbers.
 */
function secure(reply: FastifyReply, url: string): void {
  void reply.headers({
    'cache-control': 'no-store',
    'content-security-policy': url.startsWith('/docs') ? OWN_PAGES : NOTHING,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
}

/** Before a body is read: nobody whom we do not know makes us hold one. The rest is for AccessGuard, which knows what is public. */
function authenticate(server: FastifyInstance, { verifyToken }: Service): void {
  server.decorateRequest('caller', null);
  server.decorateRequest('refusal', null);
  server.addHook('onRequest', async (request) => {
    const { authorization } = request.headers;
    if (authorization === undefined && !hasBody(request)) return;
    try {
      request.caller = { ...(await verifyToken(authorization)), request: request.id };
    } catch (error) {
      if (hasBody(request)) throw error;
      request.refusal = error as Error;
    }
  });
}

/** Logs and counts each request by the route it matched; the address itself, which may carry an NHS number, is in neither. */
function observe(server: FastifyInstance, { log, metrics }: Service): void {
  const seconds = metrics.histogram('weft_http_request_seconds', 'Time to answer, by route', ['method', 'route', 'status']);
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const { statusCode: status, elapsedTime } = reply;
    seconds.observe({ method: request.method, route, status }, elapsedTime / 1000);
    log[status >= 500 ? 'warn' : 'info'](
      {
        request: request.id,
        method: request.method,
        route,
        status,
        ms: Math.round(elapsedTime * 10) / 10,
        organisation: request.caller?.organisation,
      },
      'answered',
    );
    done();
  });
}
