import { Routes } from './unmatched.js';

const routes = new Routes();
const known = [
  ['POST', '/events'],
  ['POST', '/consents'],
  ['GET', '/consents/:id'],
  ['HEAD', '/consents/:id'],
  ['GET', '/records/:nhs'],
  ['GET', '/records/:nhs/explain'],
  ['GET', '/quarantine'],
  ['GET', '/fhir/*'],
];
routes.watch({
  addHook: (_: string, hook: (route: object) => void) => known.forEach(([method, url]) => hook({ method, url })),
} as never);
const asked = (url: string) => {
  const { statusCode, more } = routes.problemFor({ url });
  return { status: statusCode, detail: more.detail, allow: more.headers?.['allow'] };
};

describe('an address that does nothing', () => {
  it.each([
    ['/events', 'POST'],
    ['/consents/0-17?x=1', 'GET, HEAD'],
    ['/records/9990000018/explain', 'GET'],
  ])('%s answers other methods, and says which', (url, allow) => {
    expect(asked(url)).toEqual({ status: 405, detail: `It answers ${allow}.`, allow });
  });

  it.each([
    ['/record/9990000018', 'GET /records/{nhs}'],
    ['/records/9990000018/explain/', 'GET /records/{nhs}/explain'],
    ['/Records/9990000018/why', 'GET /records/{nhs}'],
    ['/event', 'POST /events'],
    ['/consent', 'POST /consents'],
    ['/quarantines?all=true', 'GET /quarantine'],
  ])('%s is told the nearest route, and its number is not repeated', (url, nearest) => {
    const { status, detail } = asked(url);
    expect(status).toBe(404);
    expect(detail).toBe(`The nearest route is ${nearest}. GET /docs shows every route.`);
  });

  it.each(['/', '/wp-login/setup/admin.php', `/${'x'.repeat(10_000)}`])('%.20s is near to no route', (url) => {
    expect(asked(url)).toEqual({ status: 404, detail: 'GET /docs shows every route.', allow: undefined });
  });
});
