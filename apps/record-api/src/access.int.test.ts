import { ROLES, type Role } from '@weft/service';
import { ANNE, observation, openRegion, type Region } from './region.fixture.js';

/** Every route of the readers' door, and who may use it. */
const ROUTES: readonly (readonly [method: string, path: string, may: readonly Role[] | 'everybody', template?: string | null])[] =
  [
    ['GET', `/records/${ANNE}`, ['clinician', 'governance'], '/records/{nhs}'],
    ['GET', `/records/${ANNE}/explain`, ['governance'], '/records/{nhs}/explain'],
    [
      'GET',
      `/records/${ANNE}/documents/RX901/none/b`,
      ['clinician', 'governance'],
      '/records/{nhs}/documents/{source}/{document}/{attached}',
    ],
    ['GET', `/records/${ANNE}/audit`, ['governance'], '/records/{nhs}/audit'],
    ['GET', '/audit', ['governance']],
    ['GET', '/fhir/metadata', 'everybody'],
    ['GET', `/fhir/Patient/${ANNE}/$everything`, ['clinician', 'governance'], '/fhir/Patient/{nhs}/$everything'],
    ['GET', `/fhir/Patient/${ANNE}/$summary`, ['clinician', 'governance'], '/fhir/Patient/{nhs}/$summary'],
    ['GET', '/fhir/Observation', ROLES, null],
    ['GET', '/policy', 'everybody'],
    ['POST', '/policy/plans', ['governance']],
    ['GET', '/policies', ['governance']],
    ['POST', '/policies', ['governance'], null],
    ['GET', '/policies/1', ['governance'], '/policies/{version}'],
    ['GET', '/policies/proposals', ['governance']],
    ['GET', '/policies/proposals/none', ['governance'], '/policies/proposals/{id}'],
    ['POST', '/policies/none/authorisations', ['governance'], '/policies/{id}/authorisations'],
    ['GET', '/released-codes', ['governance']],
    ['POST', '/released-codes', ['governance'], null],
    ['POST', '/released-codes/none/authorisations', ['governance'], '/released-codes/{id}/authorisations'],
    ['GET', '/organisations', ['governance', 'operations']],
    ['POST', '/organisations', ['governance'], null],
    ['POST', '/organisations/RX901/suspensions', ['governance'], '/organisations/{ods}/suspensions'],
    ['POST', '/organisations/RX901/reinstatements', ['governance'], '/organisations/{ods}/reinstatements'],
    ['POST', '/re-identifications', ['governance'], null],
    ['GET', '/re-identifications', ['governance']],
    ['GET', '/re-identifications/none', ['governance'], '/re-identifications/{id}'],
    ['POST', '/re-identifications/x/authorisations', ['governance'], '/re-identifications/{id}/authorisations'],
    ['POST', '/re-identifications/x/disclosures', ['governance'], '/re-identifications/{id}/disclosures'],
    ['GET', '/record-changes/direct-care', ['subscriber'], '/record-changes/{purpose}'],
    ['GET', '/reconciliations', ['publisher', 'governance', 'operations']],
    ['POST', '/reconciliations', ['publisher', 'governance', 'operations'], null],
    ['GET', '/reconciliations/keys', 'everybody'],
    ['GET', '/quarantine', ['operations', 'governance']],
    ['GET', '/quarantine/a%2F0%2F1', ['operations', 'governance'], '/quarantine/{id}'],
    ['GET', '/quarantine/a/0/1', ['operations', 'governance'], '/quarantine/{topic}/{partition}/{offset}'],
    ['POST', '/quarantine/a%2F0%2F1/redrive', ['operations', 'governance'], '/quarantine/{id}/redrive'],
    ['POST', '/quarantine/a%2F0%2F1/mend', ['governance'], '/quarantine/{id}/mend'],
    ['POST', '/quarantine/a%2F0%2F1/approve', ['governance'], '/quarantine/{id}/approve'],
    ['POST', '/quarantine/a/0/1/mend', ['governance'], '/quarantine/{topic}/{partition}/{offset}/mend'],
    ['POST', '/quarantine/a/0/1/approve', ['governance'], '/quarantine/{topic}/{partition}/{offset}/approve'],
    ['POST', '/quarantine/a/0/1/redrive', ['operations', 'governance'], '/quarantine/{topic}/{partition}/{offset}/redrive'],
    ['GET', '/status', ['operations']],
    ['GET', '/console', 'everybody'],
  ];

let region: Region;
beforeAll(async () => {
  region = await openRegion();
  await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
});
afterAll(() => region.close());

/** Of those who may: there is no such thing, or it is sent nothing that it could do; else it is answered. */
function answerTo(method: string, path: string): number {
  if (/quarantine\/(?!.*(mend|approve)$)|Observation|none/.test(path)) return 404;
  if (method === 'POST') return path === '/reconciliations' ? 422 : 400;
  return 200;
}

/** The status alone: a stream would never end. */
async function status(method: string, path: string, role?: Role): Promise<number> {
  const controller = new AbortController();
  const headers: Record<string, string> = role === undefined ? {} : { authorization: `Bearer ${await region.tokenOf(role)}` };
  const response = await fetch(`${region.url}${path}`, { method, headers, signal: controller.signal });
  controller.abort();
  return response.status;
}

describe('who may use what', () => {
  it('is said below of every route that there is', async () => {
    const { body } = await region.ask('/docs-json');
    const operational = ['/healthz', '/readyz', '/metrics'];
    const documented = Object.keys(body.paths).filter((path) => !operational.includes(path));
    const templates = ROUTES.map(([, path, , template]) => (template === undefined ? path : template));
    expect(templates.filter((template) => template !== null).sort()).toEqual(documented.sort());
  });

  const guarded = ROUTES.flatMap(([method, path, may]) => (may === 'everybody' ? [] : [{ method, path, may }]));
  it.each(guarded)('$method $path answers 401 to who does not say who they are', async ({ method, path }) => {
    expect(await status(method, path)).toBe(401);
  });

  it.each(guarded)('$method $path answers 403 to every role but $may', async ({ method, path, may }) => {
    for (const role of ROLES) {
      const answer = await status(method, path, role);
      if (may.includes(role)) expect(answer).toBe(answerTo(method, path));
      else expect({ role, answer }).toEqual({ role, answer: 403 });
    }
  });

  const open = ROUTES.flatMap(([method, path, may]) => (may === 'everybody' ? [{ method, path }] : []));
  it.each(open)('$method $path answers without a token', async ({ method, path }) => {
    expect(await status(method, path)).toBe(200);
  });

  it.each([
    ['/records', 'application/problem+json'],
    ['/fhir/Patient', 'application/fhir+json'],
  ])('a refusal of %s comes as %s', async (path, type) => {
    const suffix = path === '/records' ? '' : '/$everything';
    const refused = await region.ask(`${path}/${ANNE}${suffix}`, { roles: ['publisher'] });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('content-type')).toBe(type);
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope');
  });
});
