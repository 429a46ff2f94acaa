import { readSettings, SETTINGS } from '@weft/service';
import { textOf, yamlOf } from './files.js';

interface ServiceOfCompose {
  readonly image: string;
  readonly build?: unknown;
  readonly user?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly networks?: readonly string[];
  readonly mem_limit?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
}

const compose = yamlOf<{
  readonly services: Readonly<Record<string, ServiceOfCompose>>;
  readonly volumes: object;
  readonly secrets: object;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}>('infra/docker/compose.yaml');
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
const APPS = ['gateway', 'record-projector', 'opt-out-projector', 'record-api'];

/** The instructions of the Dockerfile's last stage, continued lines joined. */
const lastStage = textOf('infra/docker/Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split(/^(?=FROM )/m)
  .at(-1)!
  .split('\n');
const instruction = (name: string) =>
  lastStage.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
/** What the image sets for whoever runs it. */
const imageEnvironment = Object.fromEntries(
  instruction('ENV').flatMap((line) => [...line.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!] as const)),
);

describe('the local region in containers', () => {
  it('has every app, both engines, and what watches them', () => {
    const names = services.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining([...APPS, 'kafka', 'eventstoredb', 'prometheus', 'grafana']));
    for (const app of APPS) expect(compose.services[app]!.command).toEqual(['node', `apps/${app}/dist/main.js`]);
  });

  it('makes the region before any app looks for it', () => {
    expect(compose.services['region']!.command).toEqual(['weft', 'region', 'create']);
    for (const app of APPS)
      expect(compose.services[app]!.depends_on!['region']).toEqual({ condition: 'service_completed_successfully' });
  });

  it.each(services)('%s runs an image of one version', (_, { image }) => {
    expect(image).toMatch(/^[^:]+:v?\d+\.\d+\.\d+(-[\w.-]+)?$/);
  });

  it('calls its own image by the version of the package', () => {
    const { version } = JSON.parse(textOf('package.json')) as { readonly version: string };
    expect(new Set(ours.map(([, { image }]) => image))).toEqual(new Set([`weft:${version}`]));
    expect(yamlOf('infra/helm/weft/Chart.yaml')).toMatchObject({ version, appVersion: version });
  });

  it.each(services)('%s runs as somebody without rights, on a file system that it cannot change', (_, service) => {
    expect(service.user).toMatch(/^[1-9]\d*:\d+$/);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], mem_limit: expect.any(String) });
  });

  it.each(services)('%s says how its health is seen, or has an end', (_, service) => {
    if (service.restart === 'no') return expect(service.healthcheck).toEqual({ disable: true });
    // One that is built here has the image's own.
    const own = service.build === undefined ? service.healthcheck?.test : instruction('HEALTHCHECK')[0];
    expect(own?.length).toBeGreaterThan(0);
  });

  it('lets nobody reach an engine from outside', () => {
    expect(compose.networks['region']).toEqual({ internal: true });
    for (const engine of ['kafka', 'eventstoredb']) {
      expect(compose.services[engine]!.networks).toEqual(['region']);
      expect(compose.services[engine]!.ports).toBeUndefined();
    }
    for (const port of services.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('names no volume, secret, network or service that is not there', () => {
    for (const [, service] of services) {
      const volumes = (service.volumes ?? []).map((volume) => volume.split(':')[0]!).filter((name) => !name.startsWith('.'));
      for (const name of volumes) expect(Object.keys(compose.volumes)).toContain(name);
      for (const name of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(name);
      for (const name of service.networks ?? []) expect(Object.keys(compose.networks)).toContain(name);
      for (const name of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(name);
    }
  });

  it('makes every secret that it mounts', () => {
    const made = /NAMES = \[(.*)\]/.exec(textOf('infra/docker/secrets.mjs'))![1]!;
    for (const name of Object.keys(compose.secrets)) expect(made).toContain(`'${name}'`);
  });

  it.each(ours)('%s is given settings that exist, and none of them is wrong', (_, { environment = {} }) => {
    const all = { ...imageEnvironment, ...environment };
    const named = Object.entries(all).filter(([name]) => name.startsWith('WEFT_'));
    for (const [name] of named) expect(Object.keys(SETTINGS)).toContain(name);
    // Compose's own variables, and a secret of its own in each file.
    const env = Object.fromEntries(named.map(([name, value]) => [name, value.replace(/\$\{\w+:-(\w+)\}/, '$1')]));
    const { settings, problems } = readSettings(env, {}, (path) => path.padEnd(40, '.'));
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      kafka: { brokers: ['kafka:9092'] },
      eventStoreUrl: expect.stringMatching(/^esdb:\/\/eventstoredb:2113/),
      regionSecret: expect.any(String),
      researchSecret: expect.any(String),
      host: '0.0.0.0',
    });
  });

  it('keeps JavaScript’s memory below the container’s', () => {
    for (const [, { environment, mem_limit: limit }] of ours) {
      const mebibytes = (option: string) =>
        Number(new RegExp(`--max-${option}-size=(\\d+)`).exec(environment!['NODE_OPTIONS']!)![1]);
      expect(limit).toBe('1g');
      // What is young has three spaces of the size given.
      expect(mebibytes('old-space') + 3 * mebibytes('semi-space')).toBeLessThanOrEqual(1024 * 0.85);
    }
  });
});

describe('the image', () => {
  it('stands on a base of one version', () => {
    const bases = [...textOf('infra/docker/Dockerfile').matchAll(/^FROM (\S+)(?: AS (\S+))?$/gm)];
    const stages = bases.map(([, , stage]) => stage);
    const foreign = bases.map(([, base]) => base!).filter((base) => !stages.includes(base));
    expect(foreign).toEqual([expect.stringMatching(/^node:\d+\.\d+\.\d+-[\w-]+$/)]);
  });

  it('runs as a user that is seen by its number not to be root', () => {
    expect(instruction('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
  });

  it('asks the address that every app answers while it is alive', () => {
    expect(instruction('HEALTHCHECK')[0]).toContain('/healthz');
  });

  it('takes in only what is named, and nothing that tests or secrets are', () => {
    const [first, ...rest] = textOf('infra/docker/Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).toBe('*');
    expect(rest).toEqual(expect.arrayContaining(['**/node_modules', '**/dist', '**/.weft', '**/*.test.ts']));
    expect(rest.filter((line) => line.startsWith('!'))).not.toContain('!infra');
  });
});
