import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { GatewayModule } from '@weft/gateway';
import { RecordApiModule } from '@weft/record-api';
import { createHttpApp, listen, loadSettings, createRegion, openWiring } from '@weft/service';
import { textOf } from './files.js';

/** A rule of a front door: which app answers at this address, or at all below it. */
interface Rule {
  readonly path: string;
  readonly exact: boolean;
  readonly pattern?: RegExp;
  readonly app: string;
}

/** The rules of infra/docker/front-door.conf. */
function rulesOfNginx(): Rule[] {
  const locations = textOf('infra/docker/front-door.conf').matchAll(/location (?:(=|~) )?(\S+) \{ proxy_pass \$(\w+); \}/g);
  return [...locations].map(([, how, path, app]) => ({
    ...{ path: path!, exact: how === '=', app: app!.replace('_', '-') },
    ...(how === '~' && { pattern: new RegExp(path!) }),
  }));
}

/** The rules of the chart's ingress, which names each app's paths in one list. */
function rulesOfIngress(): Rule[] {
  const template = textOf('infra/helm/weft/templates/ingress.yaml');
  const ofGateway = [...template.matchAll(/\(list "(\S+)" "(Exact|Prefix)"\)/g)];
  const [, ofRecordApi] = /range list ("[^(]*?) \}\}/.exec(template)!;
  return [
    ...ofGateway.map(([, path, type]) => ({ path: path!, exact: type === 'Exact', app: 'gateway' })),
    ...[...ofRecordApi!.matchAll(/"(\S+)"/g)].map(([, path]) => ({ path: path!, exact: false, app: 'record-api' })),
  ];
}

/** As nginx and Kubernetes both have it: an exact rule first, then nginx's patterns, then the longest that the address begins with. */
function appAt(rules: readonly Rule[], path: string): string | undefined {
  const exact = rules.find((rule) => rule.exact && rule.path === path);
  const below = (rule: Rule) => path === rule.path || path.startsWith(rule.path.replace(/\/?$/, '/'));
  const matching = rules.find(({ pattern }) => pattern?.test(path));
  const prefixes = rules
    .filter((rule) => !rule.exact && rule.pattern === undefined && below(rule))
    .sort((a, b) => b.path.length - a.path.length);
  return (exact ?? matching ?? prefixes[0])?.app;
}

const DOORS = [
  ['infra/docker/front-door.conf', rulesOfNginx()],
  ['infra/helm/weft/templates/ingress.yaml', rulesOfIngress()],
] as const;

/** An app's OpenAPI document, as far as it matters here. */
interface Document {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** For an app's own watchers, which ask it and not the front door. */
const NOT_FOR_OUTSIDE = ['/healthz', '/readyz', '/metrics'];

describe('the front doors', () => {
  const routes: { readonly app: string; readonly path: string }[] = [];
  const documents = new Map<string, Document>();
  const scripts: string[] = [];

  beforeAll(async () => {
    for (const [app, module] of [
      ['gateway', GatewayModule],
      ['record-api', RecordApiModule],
    ] as const) {
      const directory = mkdtempSync(join(tmpdir(), 'weft-routes-'));
      const service = await createRegion(loadSettings({ WEFT_DATA_DIR: directory, WEFT_PORT: '0', WEFT_LOG_LEVEL: 'fatal' }));
      const running = await createHttpApp(service, [module.register(openWiring(service))], { name: app, description: app });
      const url = await listen(running, service.settings);
      const document = (await (await fetch(`${url}/docs/${app}.json`)).json()) as Document;
      documents.set(app, document);
      scripts.push(await (await fetch(`${url}/docs/start.js`)).text());
      const { paths } = document;
      const addresses = Object.keys(paths).filter((path) => !NOT_FOR_OUTSIDE.includes(path));
      routes.push(...addresses.map((path) => ({ app, path: path.replace(/\{\w+\}|\*/g, 'x') })));
      await running.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it.each(DOORS)('lead every route of each app to it: %s', (_, rules) => {
    expect(routes.filter(({ app }) => app === 'gateway').length).toBeGreaterThanOrEqual(4);
    expect(routes.filter(({ app }) => app === 'record-api').length).toBeGreaterThanOrEqual(10);
    const led = routes.map(({ path }) => ({ path, app: appAt(rules, path) }));
    expect(led).toEqual(routes.map(({ path, app }) => ({ path, app })));
  });

  it.each(DOORS)('lead to one page that shows every route of every app: %s', async (_, rules) => {
    const page = scripts[0]!;
    expect(scripts).toEqual([page, page]);
    const fetchBehind = async (path: string) => {
      const app = appAt(rules, path);
      const isThere = path === `/docs/${app}.json`;
      return { ok: isThere, json: async () => documents.get(app!) };
    };
    const shown: { readonly spec: Document }[] = [];
    const context = { fetch: fetchBehind, SwaggerUIBundle: (options: { readonly spec: Document }) => void shown.push(options) };
    await runInNewContext(`(async () => {${page}})()`, context);
    const paths = [...documents.values()].flatMap((document) => Object.keys(document.paths));
    expect(Object.keys(shown[0]!.spec.paths).sort()).toEqual([...new Set(paths)].sort());
    expect(Object.keys(shown[0]!.spec.components.schemas)).toEqual(expect.arrayContaining(['ManyAnswer', 'RecordAnswer']));
    for (const path of ['/docs', '/docs/start.js', '/docs-json']) expect(appAt(rules, path)).toBe('record-api');
  });

  it('show nobody the metrics', () => {
    expect(textOf('infra/docker/front-door.conf')).toContain('location = /metrics { return 404; }');
    expect(appAt(rulesOfIngress(), '/metrics')).toBeUndefined();
  });
});
