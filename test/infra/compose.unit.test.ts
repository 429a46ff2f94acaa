import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPds } from '../../infra/pds/server.mjs';
import { readSettings, SETTINGS } from '@weft/service';
import { run, pathOf, textOf, yamlOf } from './files.js';

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
  readonly networks?: readonly string[] | Readonly<Record<string, object>>;
  readonly network_mode?: string;
  readonly profiles?: readonly string[];
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
const OPTIONAL = ['hl7-gateway', 'hl7-projector', 'national-gateway'];
const APPS = ['gateway', 'record-projector', 'opt-out-projector', 'record-api', ...OPTIONAL];
const networksOf = ({ networks = [] }: ServiceOfCompose): string[] =>
  Array.isArray(networks) ? [...(networks as readonly string[])] : Object.keys(networks);
/** What a container reads at a path: a file that stands beside compose.yaml, or a secret of its own. */
const readIn = ({ volumes = [] }: ServiceOfCompose, path: string): string => {
  const mounts = volumes.map((volume) => volume.split(':') as [from: string, to: string]);
  const [from, to] = mounts.find(([source, target]) => source.startsWith('.') && path.startsWith(`${target}/`)) ?? [];
  return from === undefined ? path.padEnd(40, '.') : textOf(`infra/docker/${from}${path.slice(to!.length)}`);
};

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

  it('starts what not every region has by its profile alone', () => {
    for (const app of APPS) expect(compose.services[app]!.profiles !== undefined).toBe(OPTIONAL.includes(app));
  });

  it('has every app scraped under its name', () => {
    const { scrape_configs: scraped } = yamlOf<{
      readonly scrape_configs: readonly { readonly dns_sd_configs?: readonly { readonly names: readonly string[] }[] }[];
    }>('infra/prometheus/prometheus.yaml');
    const names = scraped.flatMap(({ dns_sd_configs: found = [] }) => found.flatMap((one) => one.names));
    expect([...names].sort()).toEqual([...APPS].sort());
    const named = services.flatMap(([name, { networks = [] }]) => [
      name,
      ...Object.values(networks).flatMap((one) => (one as { readonly aliases?: readonly string[] }).aliases ?? []),
    ]);
    for (const app of names) {
      const shares = /^service:(.*)/.exec(compose.services[app]!.network_mode ?? '')?.[1];
      if (shares === undefined) expect(networksOf(compose.services[app]!)).toContain('region');
      else expect(named.filter((name) => name === app)).toHaveLength(2);
    }
  });

  it('opens the stand-in of the inbox with what it asks for', async () => {
    const standIn = await startPds();
    const { pds, inbox } = JSON.parse(textOf('infra/docker/doors/national.json')) as {
      readonly pds: { readonly url: string };
      readonly inbox: { readonly sqs: { readonly url: string; readonly accessKeyId: string } };
    };
    const { pdsUrl, queueUrl, credentials } = standIn;
    await standIn.stop();
    const pathIn = (address: string) => new URL(address).pathname;
    expect([pathIn(pds.url), pathIn(inbox.sqs.url)]).toEqual([pathIn(pdsUrl), pathIn(queueUrl)]);
    expect(inbox.sqs.accessKeyId).toBe(credentials.accessKeyId);
    const directory = mkdtempSync(join(tmpdir(), 'weft-secrets-'));
    expect(run('node', [pathOf('infra/docker/secrets.mjs'), directory])).toMatchObject({ status: 0 });
    expect(readFileSync(join(directory, 'stand-in-secret'), 'utf8').trim()).toBe(credentials.secretAccessKey);
    rmSync(directory, { recursive: true });
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
      for (const name of networksOf(service)) expect(Object.keys(compose.networks)).toContain(name);
      for (const name of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(name);
      const [, shared] = /^service:(.*)/.exec(service.network_mode ?? '') ?? [];
      if (shared !== undefined)
        expect([Object.keys(compose.services), networksOf(service)]).toEqual([expect.arrayContaining([shared]), []]);
    }
  });

  it('makes every secret that it mounts', () => {
    const made = /NAMES = \[(.*)\]/.exec(textOf('infra/docker/secrets.mjs'))![1]!;
    for (const name of Object.keys(compose.secrets)) expect(made).toContain(`'${name}'`);
  });

  it.each(ours)('%s is given settings that exist, and none of them is wrong', (app, service) => {
    const all = { ...imageEnvironment, ...service.environment };
    const named = Object.entries(all).filter(([name]) => name.startsWith('WEFT_'));
    for (const [name] of named) expect(Object.keys(SETTINGS)).toContain(name);
    // Compose's own variables, and a secret of its own in each file.
    const env = Object.fromEntries(named.map(([name, value]) => [name, value.replace(/\$\{\w+:-(\w+)\}/, '$1')]));
    const { settings, problems } = readSettings(env, {}, (path) => readIn(service, path));
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      kafka: { brokers: ['kafka:9092'] },
      eventStoreUrl: expect.stringMatching(/^esdb:\/\/eventstoredb:2113/),
      regionSecret: expect.any(String),
      researchSecret: expect.any(String),
      host: '0.0.0.0',
    });
    // What an app ends without.
    if (app.startsWith('hl7-')) expect(settings.hl7v2Listeners).toMatchObject([{ organisation: 'RX901', port: 2575 }]);
    if (app === 'national-gateway') expect(settings.national).toMatchObject({ organisation: 'X26' });
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
