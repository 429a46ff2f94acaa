import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PURPOSES } from '@weft/domain';
import { issueToken, loadSettings, ROLES, type Role } from '@weft/service';
import { SECRETS, startRegion, type Region } from './region.js';

const NHS = '9990000018';

interface Route {
  readonly path: string;
  readonly may: readonly Role[] | 'everybody';
  /** Of the body that is sent: a type that the route does not take is refused before anybody is asked who they are. */
  readonly type?: string;
}

/**
 * Who may what: every route as the server has it (`GET` stands for `HEAD` too), an address of it, and the roles that may.
 * A test fails where a route is not said here, so that a new one cannot be forgotten.
 */
const CONTRACT: Readonly<Record<string, Route>> = {
  'POST /events': { path: '/events', may: ['publisher'] },
  'POST /fhir': { path: '/fhir', may: ['publisher'] },
  'POST /fhir/$process-message': { path: '/fhir/$process-message', may: ['publisher'] },
  'POST /fhir/:type': { path: '/fhir/Observation', may: ['publisher'] },
  'PUT /fhir/:type': { path: '/fhir/Observation', may: ['publisher'] },
  'PUT /fhir/:type/:id': { path: '/fhir/Observation/none', may: ['publisher'] },
  'DELETE /fhir/:type/:id': { path: '/fhir/Observation/none', may: ['publisher'] },
  'POST /consents': { path: '/consents', may: ['governance', 'publisher'] },
  'GET /consents/:id': { path: '/consents/0-0', may: ['governance', 'publisher'] },
  'GET /records/:nhs': { path: `/records/${NHS}`, may: ['clinician', 'governance'] },
  'GET /records/:nhs/explain': { path: `/records/${NHS}/explain`, may: ['governance'] },
  'GET /records/:nhs/documents/:source/:document/:attached': {
    path: `/records/${NHS}/documents/RX901/none/b`,
    may: ['clinician', 'governance'],
  },
  'GET /records/:nhs/audit': { path: `/records/${NHS}/audit`, may: ['governance'] },
  'GET /audit': { path: '/audit', may: ['governance'] },
  'GET /fhir/metadata': { path: '/fhir/metadata', may: 'everybody' },
  'GET /fhir/Patient/:nhs/$everything': { path: `/fhir/Patient/${NHS}/$everything`, may: ['clinician', 'governance'] },
  'GET /fhir/Patient/:nhs/$summary': { path: `/fhir/Patient/${NHS}/$summary`, may: ['clinician', 'governance'] },
  'GET /fhir*': { path: '/fhir/Observation', may: ROLES },
  'GET /policy': { path: '/policy', may: 'everybody' },
  'POST /policy/plans': { path: '/policy/plans', may: ['governance'] },
  'GET /policies': { path: '/policies', may: ['governance'] },
  'POST /policies': { path: '/policies', may: ['governance'] },
  'GET /policies/:id|:version': { path: '/policies/1', may: ['governance'] },
  'GET /policies/proposals': { path: '/policies/proposals', may: ['governance'] },
  'GET /policies/proposals/:id': { path: '/policies/proposals/none', may: ['governance'] },
  'POST /policies/:id|:version/authorisations': { path: '/policies/none/authorisations', may: ['governance'] },
  'GET /record-changes/:purpose': { path: '/record-changes/research', may: ['subscriber'] },
  'GET /released-codes': { path: '/released-codes', may: ['governance'] },
  'POST /released-codes': { path: '/released-codes', may: ['governance'] },
  'POST /released-codes/:id/authorisations': { path: '/released-codes/none/authorisations', may: ['governance'] },
  'GET /organisations': { path: '/organisations', may: ['governance', 'operations'] },
  'POST /organisations': { path: '/organisations', may: ['governance'] },
  'POST /organisations/:ods/suspensions': { path: '/organisations/RX901/suspensions', may: ['governance'] },
  'POST /organisations/:ods/reinstatements': { path: '/organisations/RX901/reinstatements', may: ['governance'] },
  'GET /re-identifications': { path: '/re-identifications', may: ['governance'] },
  'POST /re-identifications': { path: '/re-identifications', may: ['governance'] },
  'GET /re-identifications/:id': { path: '/re-identifications/none', may: ['governance'] },
  'POST /re-identifications/:id/authorisations': { path: '/re-identifications/none/authorisations', may: ['governance'] },
  'POST /re-identifications/:id/disclosures': { path: '/re-identifications/none/disclosures', may: ['governance'] },
  'GET /reconciliations': { path: '/reconciliations', may: ['publisher', 'governance', 'operations'] },
  'POST /reconciliations': {
    path: '/reconciliations',
    may: ['publisher', 'governance', 'operations'],
    type: 'application/json',
  },
  'GET /reconciliations/keys': { path: '/reconciliations/keys', may: 'everybody' },
  'GET /quarantine': { path: '/quarantine', may: ['operations', 'governance'] },
  'GET /quarantine/:id|:topic': { path: '/quarantine/a%2F0%2F1', may: ['operations', 'governance'] },
  'POST /quarantine/:id|:topic/mend': { path: '/quarantine/a%2F0%2F1/mend', may: ['governance'] },
  'POST /quarantine/:id|:topic/approve': { path: '/quarantine/a%2F0%2F1/approve', may: ['governance'] },
  'POST /quarantine/:id|:topic/redrive': { path: '/quarantine/a%2F0%2F1/redrive', may: ['operations', 'governance'] },
  'GET /quarantine/:id|:topic/:partition/:offset': { path: '/quarantine/a/0/1', may: ['operations', 'governance'] },
  'POST /quarantine/:id|:topic/:partition/:offset/mend': { path: '/quarantine/a/0/1/mend', may: ['governance'] },
  'POST /quarantine/:id|:topic/:partition/:offset/approve': { path: '/quarantine/a/0/1/approve', may: ['governance'] },
  'POST /quarantine/:id|:topic/:partition/:offset/redrive': {
    path: '/quarantine/a/0/1/redrive',
    may: ['operations', 'governance'],
  },
  'GET /status': { path: '/status', may: ['operations'] },
  'GET /metrics': { path: '/metrics', may: ['operations'] },
  'GET /healthz': { path: '/healthz', may: 'everybody' },
  'GET /readyz': { path: '/readyz', may: 'everybody' },
  'GET /console': { path: '/console', may: 'everybody' },
  'GET /docs': { path: '/docs', may: 'everybody' },
  'GET /docs-json': { path: '/docs-json', may: 'everybody' },
  'GET /docs-yaml': { path: '/docs-yaml', may: 'everybody' },
  'GET /docs/start.js': { path: '/docs/start.js', may: 'everybody' },
  'GET /docs/swagger-ui-bundle.js': { path: '/docs/swagger-ui-bundle.js', may: 'everybody' },
  'GET /docs/swagger-ui.css': { path: '/docs/swagger-ui.css', may: 'everybody' },
};
const ROUTES = Object.entries(CONTRACT).flatMap(([route, { path, may, type = 'application/fhir+json' }]) => {
  const method = route.split(' ')[0] as string;
  return (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((each) => ({ method: each, path, may, type }));
});
const guarded = ROUTES.filter(({ may }) => may !== 'everybody') as readonly {
  readonly method: string;
  readonly path: string;
  readonly may: readonly Role[];
  readonly type: string;
}[];

/** Every `METHOD path` that the running server answers, out of fastify's own picture of its routes. */
function routesOf({ app }: Region): string[] {
  const picture: string = app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false });
  const parents: string[] = [];
  return picture.split('\n').flatMap((line) => {
    const [, indent, part, methods] = /^([│ ]*)[├└]── (\S+)(?: \((.*)\))?$/.exec(line) ?? [];
    if (indent === undefined || part === undefined) return [];
    parents.length = indent.length / 4;
    parents.push(part);
    return (methods ?? '').split(', ').flatMap((method) => (method === '' ? [] : [`${method} ${parents.join('')}`]));
  });
}

describe('every route of weft up', () => {
  let region: Region;
  let foreign: string;
  const badTokens = new Map<string, string>();
  const good = new Map<Role, string>();

  beforeAll(async () => {
    region = await startRegion();
    foreign = mkdtempSync(join(tmpdir(), 'weft-foreign-'));
    const { settings, clock } = region.service;
    const request = { roles: ROLES, organisation: 'RX901', purposes: PURPOSES };
    for (const role of ROLES) good.set(role, await issueToken(settings, clock, { ...request, roles: [role] }));
    const sound = await issueToken(settings, clock, request);
    const [head, claims, signature] = sound.split('.') as [string, string, string];
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = JSON.parse(Buffer.from(claims, 'base64url').toString()) as object;
    const otherwise = (env: object) => ({ ...settings, tokens: { ...settings.tokens, ...env } });
    badTokens.set('an expired token', await issueToken(settings, clock, { ...request, expiresIn: -60 }));
    badTokens.set('one for another audience', await issueToken(otherwise({ audience: 'others' }), clock, request));
    badTokens.set('one of another issuer', await issueToken(otherwise({ issuer: 'others' }), clock, request));
    badTokens.set(
      'one signed by another key',
      await issueToken(loadSettings({ ...SECRETS, WEFT_DATA_DIR: foreign }), clock, request),
    );
    badTokens.set('one whose claims were changed', [head, encode({ ...payload, org: 'RX902' }), signature].join('.'));
    badTokens.set('one that is not signed', `${encode({ alg: 'none', typ: 'JWT' })}.${claims}.`);
    badTokens.set('no token at all', 'hello');
  }, 60_000);
  afterAll(async () => {
    // Whoever leaves a stream may have opened a connection that it sends nothing on.
    region.app.getHttpServer().closeAllConnections();
    await region.close();
    rmSync(foreign, { recursive: true, force: true });
  });

  /** A stream would never end: the head of the answer is all that is waited for, except of refusals. */
  async function answer(method: string, path: string, contentType: string, token?: string) {
    const leaving = new AbortController();
    const response = await fetch(`${region.url}${path}`, {
      method,
      headers: { 'content-type': contentType, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(method === 'POST' && { body: '{}' }),
      signal: leaving.signal,
    });
    const text = response.status < 400 || method === 'HEAD' ? '' : await response.text();
    leaving.abort();
    return { status: response.status, type: response.headers.get('content-type'), headers: response.headers, text };
  }

  it('is said above', () => {
    const said = Object.keys(CONTRACT).flatMap((route) =>
      route.startsWith('GET') ? [route, route.replace('GET', 'HEAD')] : route,
    );
    expect(routesOf(region).sort()).toEqual(said.sort());
  });

  it('stands in the OpenAPI document with what it refuses', async () => {
    const document = (await (await fetch(`${region.url}/docs-json`)).json()) as {
      paths: Record<string, Record<string, { summary?: string; responses: Record<string, unknown>; security?: unknown }>>;
    };
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
    const templates = Object.keys(CONTRACT).filter((route) => !/\/docs|\*$/.test(route));
    // Two routes of the server that differ in a parameter's name are one line of its picture.
    const normal = (route: string) => route.replace(/:id\|:\w+|\{\w+\}|:\w+/g, '{}');
    expect([...new Set(documented.map(({ method, path }) => normal(`${method} ${path}`)))].sort()).toEqual(
      templates.map(normal).sort(),
    );
    for (const { method, path, operation } of documented) {
      const [, found] = Object.entries(CONTRACT).find(([route]) => normal(route) === normal(`${method} ${path}`))!;
      const codes = Object.keys(operation.responses);
      expect({ path, summary: operation.summary }).toEqual({ path, summary: expect.stringMatching(/\w/) });
      if (found.may === 'everybody') expect({ path, codes }).toEqual({ path, codes: expect.not.arrayContaining(['401']) });
      else expect({ path, codes }).toEqual({ path, codes: expect.arrayContaining(['401', '403', '503']) });
      expect({ path, codes }).toEqual({ path, codes: expect.arrayContaining([expect.stringMatching(/^2/)]) });
      if (found.may === 'everybody') continue;
      const form = /^\/fhir(?:\/|$)/.test(path) ? 'application/fhir+json' : 'application/problem+json';
      for (const code of codes.filter((each) => each >= '400')) {
        const { content } = operation.responses[code] as { content?: object };
        expect({ path, code, forms: Object.keys(content ?? {}) }).toEqual({ path, code, forms: [form] });
      }
    }
  });

  it.each(guarded)(
    '$method $path answers 401 to who says nothing, and to who says it falsely',
    async ({ method, path, type: sent }) => {
      for (const [name, token] of [['nothing', undefined] as const, ...badTokens]) {
        const { status, type, headers, text } = await answer(method, path, sent, token);
        expect({ name, status }).toEqual({ name, status: 401 });
        expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
        if (method !== 'HEAD')
          expect(type).toBe(/^\/fhir(?:\/|$)/.test(path) ? 'application/fhir+json' : 'application/problem+json');
        expect(text).not.toContain(NHS);
      }
    },
  );

  it.each(guarded)('$method $path is for $may, and for no other role', async ({ method, path, may, type }) => {
    for (const role of ROLES) {
      const { status, text } = await answer(method, path, type, good.get(role));
      if (may.includes(role)) expect([401, 403, 500]).not.toContain(status);
      else expect({ role, status }).toEqual({ role, status: 403 });
      expect(text).not.toContain(NHS);
    }
  });

  it.each(ROUTES.filter(({ may }) => may === 'everybody'))('$method $path is for everybody', async ({ method, path, type }) => {
    expect((await answer(method, path, type)).status).toBe(200);
  });
});
