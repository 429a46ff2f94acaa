import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get as httpGet, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, Res } from '@nestjs/common';
import { type NestFastifyApplication, RouteConfig } from '@nestjs/platform-fastify';
import { type EventBus, EngineUnavailable, type EventStore } from '@weft/processing';
import { IsIn } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { pino } from 'pino';
import {
  type Caller,
  createHttpApp,
  createKeys,
  CurrentCaller,
  DEFAULT_ORGANISATIONS,
  issueToken,
  listen,
  openService,
  Public,
  RawBody,
  readSettings,
  RegionOrganisations,
  type Role,
  Roles,
  type Settings,
} from './index.js';
import { loggableError } from './log.js';

const nhsNumber = '9990033471';
const SECRETS = { region: 'a', research: 'b', integrity: 'c' };
const KNOWN = {
  known: new Map(
    DEFAULT_ORGANISATIONS.map((one) => [
      one.ods,
      { ...one, ...{ added: null, suspended: null, reinstatement: null, suspensions: [] } },
    ]),
  ),
  kinds: Object.fromEntries(DEFAULT_ORGANISATIONS.map(({ ods, kind }) => [ods, kind])),
};
/** That of engines which hold nothing. */
const REGION = {
  region: { id: 'a-region', madeAt: '2026-01-01T00:00:00.000Z', fingerprints: SECRETS, revision: 0 },
  keys: createKeys(SECRETS),
  organisations: new RegionOrganisations(async () => KNOWN),
};

/** A request to /held says that it has begun, and is answered once it may. */
let begun: () => void;
let release: Promise<void>;

class PurposeQuery {
  @IsIn(['direct-care', 'research'])
  purpose!: string;
}

@Controller()
class ProbeController {
  @Get('records/:nhs')
  @Roles('clinician')
  record(@Param('nhs') nhs: string, @Query() query: PurposeQuery): object {
    return { nhs, purpose: query.purpose };
  }

  @Post('raw')
  @HttpCode(202)
  @Roles('publisher')
  @RawBody(2_000_000)
  raw(@Body() body: Buffer, @CurrentCaller() caller: Caller): object {
    return { isBuffer: Buffer.isBuffer(body), bytes: body.length, organisation: caller.organisation };
  }

  @Post('decisions')
  @HttpCode(202)
  @Roles('publisher')
  @RawBody(2_000_000, { lane: 'decisions' })
  decide(@Body() body: Buffer): object {
    return { bytes: body.length };
  }

  @Get('feed')
  @Roles('subscriber')
  @RouteConfig({ lane: 'feeds' })
  feed(@Res() reply: FastifyReply): void {
    const lines = new PassThrough();
    lines.write('\n');
    void reply.send(lines);
  }

  @Post('json')
  @HttpCode(200)
  @Roles('operations')
  json(@Body() body: object): object {
    return body;
  }

  @Get('rules')
  @Roles('clinician', 'governance')
  rules(@CurrentCaller() { roles }: Caller): object {
    return { roles };
  }

  @Get('held')
  @Public()
  async held(): Promise<string> {
    begun();
    await release;
    return 'at last';
  }

  @Get('forgotten')
  forgotten(): string {
    return 'nobody said who may see this';
  }

  @Get('faults/:which')
  @Public()
  fault(@Param('which') which: string): never {
    if (which === 'engine') throw new EngineUnavailable('store', 'connection lost');
    if (which === 'syntax') JSON.parse(`{"nhs": ${nhsNumber}oops}`);
    throw new Error(`no such thing for ${nhsNumber}`);
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

describe('an app', () => {
  let directory: string;
  let app: NestFastifyApplication;
  let url: string;
  let checkStore: () => Promise<void>;
  let closed: string[];
  const lines: string[] = [];
  /** Stands still, so that how often somebody asks is told by the test alone. */
  let now = Date.now();
  const clock = { now: () => now, steady: () => now };
  const MIB = 1024 * 1024;
  const limited = (settings: Settings): Settings => ({
    ...settings,
    limits: {
      ...settings.limits,
      ...{ WEFT_LIMIT_TOKEN_REQUESTS: 3, WEFT_LIMIT_ORGANISATION_REQUESTS: 4 },
      ...{ WEFT_LIMIT_TOKEN_FEEDS: 2, WEFT_LIMIT_ORGANISATION_FEEDS: 3, WEFT_LIMIT_FEEDS: 5 },
      ...{ WEFT_LIMIT_TOKEN_RATE: 40, WEFT_LIMIT_ORGANISATION_RATE: 60 },
      WEFT_LIMIT_TOKEN_BODIES: 1_100_000 / MIB,
      WEFT_LIMIT_ORGANISATION_BODIES: 1_300_000 / MIB,
      WEFT_LIMIT_BODIES: 1_500_000 / MIB,
    },
  });
  const settingsOf = () => readSettings({ WEFT_DATA_DIR: directory, WEFT_PORT: '0' }).settings;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-app-'));
    closed = [];
    const bus = { check: async () => {}, close: async () => void closed.push('bus') } as unknown as EventBus;
    const close = async () => void closed.push('store');
    const store = { check: () => checkStore(), read: async () => [], close } as unknown as EventStore;
    const log = pino({ level: 'info', serializers: { err: loggableError } }, { write: (line: string) => void lines.push(line) });
    const service = await openService(limited(settingsOf()), { ...REGION, bus, store, log, clock });
    app = await createHttpApp(service, [ProbeModule]);
    url = await listen(app, service.settings);
  });
  afterAll(async () => {
    await app.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    now += 60_000;
    lines.length = 0;
    checkStore = async () => {};
  });

  const token = (...roles: Role[]) => issueToken(settingsOf(), clock, { roles, organisation: 'RX901' });
  async function call(path: string, init: RequestInit & { readonly roles?: Role[] } = {}) {
    const authorization: Record<string, string> = init.roles ? { authorization: `Bearer ${await token(...init.roles)}` } : {};
    const response = await fetch(`${url}${path}`, { ...init, headers: { ...authorization, ...init.headers } });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  describe('asks who is calling', () => {
    it('and answers 401 with a challenge when nobody says', async () => {
      const answer = await call(`/records/${nhsNumber}?purpose=direct-care`);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="weft"');
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ type: 'urn:weft:problem:unauthenticated', status: 401 });
    });

    it('and says what is wrong with a token that is not good', async () => {
      const answer = await call('/forgotten', { headers: { authorization: 'Bearer not.a.token' } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    });

    it('and names the roles that may when it is another', async () => {
      const answer = await call(`/records/${nhsNumber}?purpose=direct-care`, { roles: ['publisher', 'operations'] });
      expect(answer.status).toBe(403);
      expect(answer.body.detail).toBe('One of these roles may: clinician.');
      expect(answer.headers.get('www-authenticate')).toContain('scope="clinician"');
    });

    it('and lets the right role in, as whom the token says', async () => {
      const answer = await call(`/records/${nhsNumber}?purpose=direct-care`, { roles: ['clinician'] });
      expect([answer.status, answer.body]).toEqual([200, { nhs: nhsNumber, purpose: 'direct-care' }]);
      expect((await call('/raw', { method: 'POST', body: 'x', roles: ['publisher'] })).body).toMatchObject({
        organisation: 'RX901',
      });
    });

    const of = (organisation: string | undefined, ...roles: Role[]) =>
      issueToken(settingsOf(), clock, { roles, ...(organisation !== undefined && { organisation }) });
    const ruled = async (organisation: string | undefined, ...roles: Role[]) => {
      const { status, body } = await call('/rules', {
        headers: { authorization: `Bearer ${await of(organisation, ...roles)}` },
      });
      return [status, body.type];
    };

    it('and for which organisation, where the role is one that somebody has for an organisation', async () => {
      expect(await ruled(undefined, 'clinician')).toEqual([403, 'urn:weft:problem:no-organisation']);
      expect(await ruled('RX999', 'clinician')).toEqual([403, 'urn:weft:problem:unknown-organisation']);
      expect(await ruled('RX902', 'clinician')).toEqual([200, undefined]);
      const publishing = { method: 'POST', body: 'x', headers: { authorization: `Bearer ${await of('RX999', 'publisher')}` } };
      expect((await call('/raw', publishing)).body.type).toBe('urn:weft:problem:unknown-organisation');
    });

    it('and asks for none where another role of theirs may do the same without', async () => {
      expect(await ruled(undefined, 'governance')).toEqual([200, undefined]);
      expect(await ruled('RX999', 'governance')).toEqual([200, undefined]);
      expect(await ruled(undefined, 'clinician', 'governance')).toEqual([200, undefined]);
      expect(await ruled(undefined, 'clinician', 'operations')).toEqual([403, 'urn:weft:problem:no-organisation']);
    });

    it('and keeps a handler that says nothing closed to every role', async () => {
      expect((await call('/forgotten', { roles: ['governance', 'operations'] })).status).toBe(403);
    });

    it('but not on what is public, whatever token comes along', async () => {
      expect((await call('/healthz', { headers: { authorization: 'Bearer stale' } })).status).toBe(200);
    });

    it('before it reads a body', async () => {
      const { status, sent } = await postSlowly('/raw', 1_000_000);
      expect([status, sent]).toEqual([401, 0]);
    });
  });

  describe('answers with problems', () => {
    it.each<[string, string, RequestInit & { roles?: Role[] }, number, string]>([
      ['an unknown address', `/nothing/${nhsNumber}`, {}, 404, 'not-found'],
      ['a method that an address has not', '/rules', { method: 'DELETE' }, 405, 'method-not-allowed'],
      ['an address that cannot be decoded', `/records/${nhsNumber}%c3`, {}, 400, 'malformed-request'],
      ['an endless address', `/records/${nhsNumber}${'9'.repeat(200)}`, {}, 414, 'address-too-long'],
      ['a body above the limit', '/raw', { method: 'POST', body: 'x'.repeat(2_000_001), roles: ['publisher'] }, 413, 'too-large'],
      [
        'a content type that is not JSON',
        '/json',
        { method: 'POST', body: 'x', headers: { 'content-type': 'text/csv' }, roles: ['operations'] },
        415,
        'unsupported-media-type',
      ],
      [
        'a compressed body',
        '/raw',
        { method: 'POST', body: 'x', headers: { 'content-encoding': 'gzip' }, roles: ['publisher'] },
        415,
        'unsupported-media-type',
      ],
      [
        'broken JSON',
        '/json',
        { method: 'POST', body: `{"nhs": ${nhsNumber}`, headers: { 'content-type': 'application/json' }, roles: ['operations'] },
        400,
        'malformed-request',
      ],
      [
        'JSON that is not UTF-8',
        '/json',
        {
          method: 'POST',
          body: Buffer.from([0x22, 0xff, 0x22]),
          headers: { 'content-type': 'application/json' },
          roles: ['operations'],
        },
        400,
        'malformed-request',
      ],
      [
        'JSON that reaches for the prototype',
        '/json',
        { method: 'POST', body: '{"__proto__": {}}', headers: { 'content-type': 'application/json' }, roles: ['operations'] },
        400,
        'malformed-request',
      ],
      [
        'JSON with one member twice',
        '/json',
        { method: 'POST', body: '{"a": 1, "a": 2}', headers: { 'content-type': 'application/json' }, roles: ['operations'] },
        400,
        'malformed-request',
      ],
      ['an engine that is away', '/faults/engine', {}, 503, 'unavailable'],
      ['a fault of its own', '/faults/any', {}, 500, 'internal'],
    ])('%s', async (_, path, init, status, code) => {
      const answer = await call(path, init);
      expect([answer.status, answer.body.type]).toEqual([status, `urn:weft:problem:${code}`]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.text).not.toContain(nhsNumber);
      expect(answer.text).not.toMatch(/\bat .*\.ts/);
    });

    it('with an item for each field of a query that is wrong', async () => {
      const answer = await call(`/records/${nhsNumber}?purpose=curiosity&porpose=x`, { roles: ['clinician'] });
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toEqual([
        { field: 'porpose', code: 'whitelistValidation', message: expect.any(String) },
        { field: 'purpose', code: 'isIn', message: expect.stringContaining('direct-care') },
      ]);
    });

    it('saying when to come again', async () => {
      expect((await call('/faults/engine')).headers.get('retry-after')).toBe('5');
    });
  });

  describe('reads bodies', () => {
    it.each(['application/json', 'application/fhir+json', 'application/cloudevents-batch+json; charset=utf-8', 'text/plain'])(
      'of type %s as they came',
      async (type) => {
        const answer = await call('/raw', {
          method: 'POST',
          body: '{broken',
          headers: { 'content-type': type },
          roles: ['publisher'],
        });
        expect([answer.status, answer.body]).toEqual([202, { isBuffer: true, bytes: 7, organisation: 'RX901' }]);
      },
    );

    it('as JSON where a handler does not ask for the bytes', async () => {
      const headers = { 'content-type': 'application/json' };
      const answer = await call('/json', { method: 'POST', body: '{"a": "\u00e9"}', headers, roles: ['operations'] });
      expect([answer.status, answer.body]).toEqual([200, { a: '\u00e9' }]);
    });

    const by = async (subject: string, organisation = 'RX901') => ({
      authorization: `Bearer ${await issueToken(settingsOf(), clock, { roles: ['publisher', 'subscriber'], organisation, subject })}`,
    });
    const post = async (bytes: number, headers: Record<string, string>, path = '/raw') => {
      const { status, body } = await call(path, { method: 'POST', body: Buffer.alloc(bytes, 'x'), headers });
      return status === 202 ? status : `${status} ${body.type.split(':').at(-1)}`;
    };

    it('charged as they come: uploads that stand idle hold nobody up, not even their own caller', async () => {
      const headers = await by('a');
      const idle = [1, 2].map(() => postSlowly('/raw', 1_000_000, headers));
      await Promise.all(idle.map(({ accepted }) => accepted));
      expect(await post(1_000_000, await by('a'))).toBe(202);
      expect(await post(1_000_000, await by('b', 'RX902'))).toBe(202);
      for (const one of idle) one.abort();
    });

    it('up to a sum of one caller, of one organisation and of all, and refuses what would go above it until there is room again', async () => {
      const first = postSlowly('/raw', 650_000, await by('a'));
      await first.accepted;
      first.send(600_000);
      // Until they have come, what is refused depends on nothing but them.
      while ((await post(600_000, await by('a'))) !== '429 too-many') now += 1_000;
      expect(await post(600_000, await by('b'))).toBe(202);
      const second = postSlowly('/raw', 650_000, await by('b'));
      await second.accepted;
      second.send(600_000);
      while ((await post(400_000, await by('c'))) !== '429 too-many') now += 1_000;
      expect(await post(400_000, await by('d', 'RX902'))).toBe('503 busy');
      expect(await post(200_000, await by('d', 'RX902'))).toBe(202);
      expect(await post(1_000_000, await by('c'), '/decisions')).toBe(202);
      first.finish();
      second.finish();
      expect([(await first).status, (await second).status]).toEqual([202, 202]);
      expect(await post(1_000_000, await by('d', 'RX902'))).toBe(202);
    });

    it('of unknown length within the same sum', async () => {
      const chunks = (count: number) => ({
        method: 'POST',
        body: ReadableStream.from(Array.from({ length: count }, () => Buffer.alloc(100_000))),
        duplex: 'half' as const,
        roles: ['publisher'] as Role[],
      });
      expect((await call('/raw', chunks(10))).body).toMatchObject({ bytes: 1_000_000 });
      expect((await call('/raw', chunks(16))).status).toBe(429);
      expect((await call('/raw', chunks(10))).status).toBe(202);
    });

    describe('and holds nobody up for another:', () => {
      it('whoever asks too often is told when to come again; others, and their own decisions, go on', async () => {
        const answers = [];
        for (let index = 0; index < 82; index += 1) answers.push(await post(1, await by('flood')));
        expect(answers.filter((answer) => answer === 202)).toHaveLength(81);
        expect(answers.at(-1)).toBe('429 too-many');
        const refused = await call('/raw', { method: 'POST', body: 'x', headers: await by('flood') });
        expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
        expect(await post(1, await by('flood'), '/decisions')).toBe(202);
        expect(await post(1, await by('other'))).toBe(202);
        now += 1_000;
        expect(await post(1, await by('flood'))).toBe(202);
        const { text } = await call('/metrics', { roles: ['operations'] });
        expect(text).toContain('weft_limited_requests_total{limit="rate",scope="token",lane="general"} 2');
      });

      it('of many feeds of one token a few are given; another organisation has its own, and its place again once one ends', async () => {
        const open = new Set<() => void>();
        const feed = async (subject: string, organisation?: string) => {
          const headers = await by(subject, organisation);
          return new Promise<number | undefined>((resolve) => {
            const request = httpGet(`${url}/feed`, { headers, agent: false }, (response) => {
              if (response.statusCode === 200) open.add(() => void request.destroy());
              response.on('error', () => undefined).resume();
              resolve(response.statusCode);
            });
          });
        };
        const first = await Promise.all(Array.from({ length: 20 }, () => feed('greedy')));
        expect(first.sort()).toEqual([200, 200, ...Array<number>(18).fill(429)]);
        expect([await feed('b'), await feed('c'), await feed('d', 'RX902'), await feed('d', 'RX902')]).toEqual([
          200, 429, 200, 200,
        ]);
        expect(await feed('e', 'RX903')).toBe(503);
        expect(await post(1, await by('greedy'))).toBe(202);
        for (const end of open) end();
        while ((await feed('greedy')) !== 200) now += 1_000;
        for (const end of open) end();
      });

      it('of requests under way one caller has so many', async () => {
        const headers = await by('slow');
        const slow = [1, 2, 3].map(() => postSlowly('/raw', 100_000, headers));
        await Promise.all(slow.map(({ accepted }) => accepted));
        expect(await post(1, await by('slow'))).toBe('429 too-many');
        expect(await post(1, await by('slow'), '/decisions')).toBe(202);
        expect(await post(1, await by('other'))).toBe(202);
        for (const one of slow) one.abort();
        while ((await post(1, await by('slow'))) !== 202) now += 1_000;
      });
    });
  });

  describe('says how it is', () => {
    it('ready when both engines answer', async () => {
      const answer = await call('/readyz');
      expect([answer.status, answer.body]).toEqual([200, { status: 'ready', checks: { bus: 'ok', store: 'ok' } }]);
    });

    it('not ready, naming what does not work, and not why', async () => {
      checkStore = async () => Promise.reject(new EngineUnavailable('store', 'password wrong'));
      const answer = await call('/readyz');
      expect([answer.status, answer.body]).toEqual([503, { status: 'not-ready', checks: { bus: 'ok', store: 'failed' } }]);
      expect(lines.join()).toContain('password wrong');
    });

    it('in metrics, by route, to operations only', async () => {
      await call(`/records/${nhsNumber}?purpose=direct-care`, { roles: ['clinician'] });
      expect((await call('/metrics')).status).toBe(401);
      const answer = await call('/metrics', { roles: ['operations'] });
      expect(answer.headers.get('content-type')).toContain('text/plain');
      expect(answer.text).toContain('weft_http_request_seconds_count{method="GET",route="/records/:nhs",status="200"}');
      expect(answer.text).not.toContain(nhsNumber);
    });
  });

  it('logs every request by its route, and never an NHS number, a token or a body', async () => {
    const bearer = await token('clinician');
    await call(`/records/${nhsNumber}?purpose=direct-care`, {
      headers: { authorization: `Bearer ${bearer}`, 'x-request-id': nhsNumber },
    });
    await call(`/nothing/${nhsNumber}`);
    await call('/faults/any');
    await call('/faults/syntax');
    await call('/json', {
      method: 'POST',
      body: `{"nhs": ${nhsNumber}`,
      headers: { 'content-type': 'application/json' },
      roles: ['operations'],
    });
    const logged = lines.join('');
    expect(logged).toContain('"route":"/records/:nhs"');
    expect(logged).toContain('"organisation":"RX901"');
    expect(logged).not.toContain(nhsNumber);
    expect(logged).not.toContain(bearer);
    expect(logged).toContain('no such thing for [number]');
  });

  it('tells the caller the id under which the log knows the request', async () => {
    const id = '6f1b9d3c-2f65-4f0e-9d3c-0f5a3c1b2d4e';
    const answer = await call('/faults/any', { headers: { 'x-request-id': id } });
    expect([answer.headers.get('x-request-id'), answer.body.instance]).toEqual([id, `urn:uuid:${id}`]);
    expect(lines.join('')).toContain(id);
  });

  it('has clients leave a quiet connection well before it hangs up itself', async () => {
    const { headers } = await call('/healthz');
    const [, told] = /^timeout=(\d+)$/.exec(headers.get('keep-alive') ?? '') ?? [];
    expect(app.getHttpServer().keepAliveTimeout - Number(told) * 1_000).toBeGreaterThanOrEqual(5_000);
  });

  it('documents itself, with the roles each route wants', async () => {
    const { body } = await call('/docs-json');
    expect(body.paths['/records/{nhs}'].get).toMatchObject({ security: [{ bearer: [] }], responses: { 403: expect.anything() } });
    const page = await call('/docs');
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringContaining("default-src 'self'"),
    ]);
    expect((await call('/docs/swagger-ui-bundle.js')).status).toBe(200);
  });

  it('names the setting when its address cannot be had', async () => {
    const taken = Number(new URL(url).port);
    const engine = { check: async () => {}, read: async () => [], close: async () => {} };
    const parts = {
      ...REGION,
      bus: engine as unknown as EventBus,
      store: engine as unknown as EventStore,
      log: pino({ level: 'silent' }),
    };
    const other = await createHttpApp(await openService(settingsOf(), parts), []);
    await expect(listen(other, { host: '127.0.0.1', port: taken })).rejects.toThrow(
      `WEFT_PORT: ${taken} is in use by another process: choose another port`,
    );
    await other.close();
  });

  it('waits when it closes for those who are being answered, and not for their connections', async () => {
    const engine = { check: async () => {}, read: async () => [], close: async () => {} };
    const parts = {
      ...REGION,
      bus: engine as unknown as EventBus,
      store: engine as unknown as EventStore,
      log: pino({ level: 'silent' }),
    };
    const other = await createHttpApp(await openService(settingsOf(), parts), [ProbeModule]);
    const address = await listen(other, { host: '127.0.0.1', port: 0 });
    let answer!: () => void;
    release = new Promise((resolve) => (answer = resolve));
    const isBegun = new Promise<void>((resolve) => (begun = resolve));
    const agent = new Agent({ keepAlive: true });
    const status = new Promise((resolve) => {
      httpGet(`${address}/held`, { agent }, (response) => response.resume().on('end', () => resolve(response.statusCode)));
    });
    await isBegun;
    const closing = other.close();
    while (other.getHttpServer().listening) await new Promise(setImmediate);
    answer();
    expect(await status).toBe(200);
    await closing;
  });

  it('waits when it closes for no connection that has asked nothing, or was answered', async () => {
    const engine = { check: async () => {}, read: async () => [], close: async () => {} };
    const parts = {
      ...REGION,
      bus: engine as unknown as EventBus,
      store: engine as unknown as EventStore,
      log: pino({ level: 'silent' }),
    };
    const other = await createHttpApp(await openService(settingsOf(), parts), []);
    const address = await listen(other, { host: '127.0.0.1', port: 0 });
    const silent = connect(Number(new URL(address).port), '127.0.0.1').resume();
    await Promise.all([once(silent, 'connect'), once(other.getHttpServer(), 'connection')]);
    const ended = once(silent, 'close');
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) => httpGet(`${address}/healthz`, { agent }, (response) => response.resume().on('end', resolve)));
    await other.close();
    await ended;
  });

  it('closes the engines after the server', async () => {
    await app.close();
    expect(closed.sort()).toEqual(['bus', 'store']);
    await expect(fetch(url)).rejects.toThrow();
  });

  /** Sends the headers of a long body and holds the body back until told; `sent` is how much of it went. */
  function postSlowly(path: string, bytes: number, headers: Record<string, string> = {}) {
    let accepted!: () => void;
    let sent = 0;
    const request = httpRequest(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-length': bytes, 'content-type': 'application/json', expect: '100-continue', ...headers },
    });
    request.on('error', () => {});
    const answered = new Promise<{ status: number; sent: number }>((resolve) => {
      request.on('response', (response) => {
        response.resume();
        resolve({ status: response.statusCode!, sent });
        if (sent === 0) request.destroy();
      });
    });
    const acceptedSignal = new Promise<void>((resolve) => (accepted = resolve));
    request.on('continue', () => accepted());
    request.flushHeaders();
    const send = (count: number) => {
      sent += count;
      request.write(Buffer.alloc(count, 'x'));
    };
    const finish = () => {
      request.end(Buffer.alloc(bytes - sent, 'x'));
      sent = bytes;
    };
    return Object.assign(answered, { accepted: acceptedSignal, send, finish, abort: () => void request.destroy() });
  }
});
