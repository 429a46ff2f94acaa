import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPrincipals } from '@weft/kafka';
import { HL7_PROJECTOR_GROUP, OPT_OUT_PROJECTOR_GROUP, RECORD_PROJECTOR_GROUP } from '@weft/processing';
import { DEFAULT_ORGANISATIONS, readSettings, SETTINGS } from '@weft/service';
import { Authority } from '../../apps/hl7-gateway/src/certificates.fixture.js';
import { documentsOf, isInstalled, pathOf, run, textOf, yamlOf } from './files.js';

const CHART = 'infra/helm/weft';
const EXAMPLE = `${CHART}/ci/region-values.yaml`;
const templates = readdirSync(pathOf(`${CHART}/templates`)).map((name) => `${CHART}/templates/${name}`);
const source = templates.map(textOf).join('\n');
const values = yamlOf<Values>(`${CHART}/values.yaml`);
const APPS = ['gateway', 'record-projector', 'opt-out-projector', 'record-api'];
/** Those that not every region runs. */
const OPTIONAL = ['hl7-gateway', 'hl7-projector', 'national-gateway'];

type Values = { readonly [name: string]: unknown };
const isValues = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The paths of all values that hold no others; what is below an empty or a free object is not the chart's to name. */
function leavesOf(value: unknown, path: readonly string[] = []): string[][] {
  const isWhole = ['resources', 'annotations', 'labels', 'policy'].includes(path.at(-1) ?? '');
  if (isWhole || !isValues(value) || Object.keys(value).length === 0) return [[...path]];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

const valueAt = (path: readonly string[]): unknown =>
  path.reduce<unknown>((value, name) => (isValues(value) ? value[name] : undefined), values);

describe('the chart, as it is written', () => {
  it('closes every brace and every block that it opens', () => {
    for (const template of templates) {
      const actions = [...textOf(template).matchAll(/\{\{-?\s*(\w*)/g)].map(([, word]) => word!);
      const opened = actions.filter((word) => ['if', 'with', 'range', 'define'].includes(word)).length;
      const closed = actions.filter((word) => word === 'end').length;
      expect({ template, open: textOf(template).split('{{').length, ends: closed }).toEqual({
        template,
        open: textOf(template).split('}}').length,
        ends: opened,
      });
    }
  });

  it('asks for no value that values.yaml does not have', () => {
    const asked = new Set([...source.matchAll(/(?:\.Values|\$values)((?:\.\w+)+)/g)].map(([, path]) => path!.slice(1)));
    expect(asked.size).toBeGreaterThan(20);
    expect([...asked].filter((path) => valueAt(path.split('.')) === undefined)).toEqual([]);
  });

  it('uses every value that values.yaml has', () => {
    // By its name alone: templates look into a part of the values with `with` and `range`.
    const unused = leavesOf(values).filter((path) => !new RegExp(`\\.${path.at(-1)}\\b`).test(source));
    expect(unused.map((path) => path.join('.'))).toEqual([]);
  });

  it('includes no template that is not defined, and defines none that is not included', () => {
    const names = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map(([, name]) => name!))].sort();
    expect(names(/include "([^"]+)"/g)).toEqual(names(/define "([^"]+)"/g));
  });

  it('starts an app anew when any secret that it mounts or reads is another one', () => {
    const defined = (name: string): string => new RegExp(`define "${name}"[\\s\\S]*?\\n\\{\\{- end \\}\\}`).exec(source)![0];
    const checksum = defined('weft\\.secretsChecksum');
    expect(checksum).toContain('(include "weft.doorSecret" .)');
    const apps = textOf(`${CHART}/templates/apps.yaml`);
    expect(apps).toContain(
      'checksum/secrets: {{ include "weft.secretsChecksum" (dict "root" $ "app" $name "kafka" $app.kafka) }}',
    );
    const parts = leavesOf(values).filter(
      (path) => path.at(-1) === 'existingSecret' && !['topics', 'serviceMonitor'].includes(path[0]!),
    );
    const named = parts.map((path) => (path[0] === 'apps' ? '.kafka.existingSecret' : `$values.${path.join('.')}`));
    expect(new Set(named).size).toBe(8);
    for (const name of named) expect(`${checksum}${defined('weft\\.doorSecret')}`).toContain(` ${name}`);
  });

  it('sets no environment variable of ours that is no setting', () => {
    const set = [...source.matchAll(/name: (WEFT_\w+)/g)].map(([, name]) => name!);
    expect(set.length).toBeGreaterThan(10);
    expect(set.filter((name) => !(name in SETTINGS))).toEqual([]);
  });

  it('makes a region when it is installed, and never at an upgrade', () => {
    const job = textOf(`${CHART}/templates/region.yaml`);
    expect(job).toContain('args: [weft, region, create]');
    expect(/helm\.sh\/hook: (.*)/.exec(job)![1]).toBe('pre-install');
    expect(templates.filter((template) => textOf(template).includes('[weft, region, create]'))).toHaveLength(1);
  });

  it('is checked against a schema that knows every value, and the same choices as the settings', () => {
    const schema = JSON.parse(textOf(`${CHART}/values.schema.json`)) as SchemaOfValues;
    expect(
      Object.keys(schema.properties)
        .filter((name) => name !== 'global')
        .sort(),
    ).toEqual(Object.keys(values).sort());
    const { region, kafka, logLevel } = schema.properties;
    const kinds = region.properties.organisations.items.properties.kind.enum;
    for (const kind of kinds)
      expect(faultsOf({ WEFT_ORGANISATIONS: JSON.stringify([{ ...DEFAULT_ORGANISATIONS[0], kind }]) })).toEqual([]);
    for (const { kind } of DEFAULT_ORGANISATIONS) expect(kinds).toContain(kind);
    expect(kafka.properties.saslMechanism.enum.filter(Boolean).join(', ')).toBe(SETTINGS.WEFT_KAFKA_SASL_MECHANISM);
    expect(logLevel.enum.join(', ')).toBe(SETTINGS.WEFT_LOG_LEVEL);
  });

  it('gives, in its example, each app’s user at the brokers the role of that app', () => {
    const { topics } = yamlOf<{
      readonly topics: { readonly users: readonly { readonly user: string; readonly role: string }[] };
    }>(EXAMPLE);
    const roles = new Map(readPrincipals(topics.users).map(({ user, role }) => [user, role]));
    const apps = Object.entries(values['apps'] as Readonly<Record<string, { readonly kafka: { readonly username: string } }>>);
    for (const [app, { kafka }] of apps) {
      expect(roles.get(kafka.username)).toBe(app.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
    }
    expect(roles.get((values['topics'] as { readonly kafka: { readonly username: string } }).kafka.username)).toBe('operations');
  });

  it('runs no app that not every region needs unless it is told to', () => {
    for (const part of ['hl7v2', 'national']) expect(values[part]).toMatchObject({ enabled: false });
    const names = Object.keys(values['apps'] as object).map((name) =>
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    );
    expect(names.sort()).toEqual([...APPS, ...OPTIONAL].sort());
  });

  it('brings the alerts and the dashboard that stand beside it', () => {
    expect(textOf(`${CHART}/files/alerts.yaml`)).toBe(textOf('infra/prometheus/alerts.yaml'));
    expect(textOf(`${CHART}/files/dashboard.json`)).toBe(textOf('infra/grafana/dashboards/weft.json'));
  });
});

interface SchemaOfValues {
  readonly properties: {
    readonly [name: string]: object;
    readonly region: {
      readonly properties: {
        readonly organisations: {
          readonly items: { readonly properties: { readonly kind: { readonly enum: readonly string[] } } };
        };
      };
    };
    readonly kafka: { readonly properties: { readonly saslMechanism: { readonly enum: readonly string[] } } };
    readonly logLevel: { readonly enum: readonly string[] };
  };
}

/** What is wrong with settings of which each file holds what the variable says. */
const faultsOf = (env: Readonly<Record<string, string>>) => readSettings(env, {}, (text) => text).problems;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly ports?: readonly { readonly port: number; readonly targetPort: string | number }[];
    readonly template?: { readonly spec: PodSpec };
    readonly egress?: readonly Egress[];
    readonly triggers?: readonly { readonly type: string; readonly metadata: { readonly query?: string } }[];
  };
}
interface Egress {
  readonly ports?: readonly { readonly port: number }[];
  readonly to?: readonly object[];
  readonly toFQDNs?: readonly object[];
  readonly toPorts?: readonly object[];
}
interface PodSpec {
  readonly securityContext: object;
  readonly enableServiceLinks: boolean;
  readonly containers: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly securityContext: object;
    readonly volumeMounts: readonly { readonly name: string }[];
  }[];
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
}

/** The files of the example's doors, as they must be to be read. */
function doorFiles(): Readonly<Record<string, string>> {
  const directory = mkdtempSync(join(tmpdir(), 'weft-chart-'));
  const authority = new Authority(directory, 'region');
  const { cert, key } = authority.certify('pas', '/O=Acute trust/CN=pas');
  const senders = readFileSync(authority.file, 'utf8');
  rmSync(directory, { recursive: true });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    ...{ 'tls.crt': cert, 'tls.key': key, 'senders.crt': senders },
    'pds-key.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const describeHere = isInstalled('helm', 'version') ? describe : describe.skip;

describeHere('the chart, as helm renders it (skipped where helm is not on the path)', () => {
  const chart = pathOf(CHART);
  const render = (...args: string[]) => run('helm', ['template', 'weft', chart, '--kube-version', '1.33.0', ...args]);
  const example = (): Manifest[] => documentsOf(render('--values', pathOf(EXAMPLE)).output) as Manifest[];
  const pods = (): PodSpec[] => example().flatMap(({ spec }) => (spec?.template === undefined ? [] : [spec.template.spec]));

  it('passes helm’s own lint', () => {
    expect(run('helm', ['lint', '--strict', chart, '--values', pathOf(EXAMPLE)])).toMatchObject({ status: 0 });
  });

  it('refuses to install what a region has not said, and says all of it', () => {
    const { status, output } = render();
    expect(status).not.toBe(0);
    for (const path of [
      'region/organisations',
      'kafka/brokers',
      'secrets/existingSecret',
      'eventStore/existingSecret',
      'tokens',
    ]) {
      // Helm writes paths with dots or with slashes, by its version.
      expect(output.replaceAll('.', '/')).toContain(path);
    }
  });

  it('renders a workload, a service and a budget for each app, and jobs for the topics and the region', () => {
    const names = example().map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    for (const app of [...APPS, ...OPTIONAL]) {
      for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget']) expect(names).toContain(`${kind} weft-${app}`);
    }
    for (const name of [
      'Job weft-topics',
      'Job weft-region',
      'Ingress weft',
      'ServiceMonitor weft',
      'PrometheusRule weft',
      'ConfigMap weft-dashboard',
      'HorizontalPodAutoscaler weft-gateway',
      'ScaledObject weft-record-projector',
      'CiliumNetworkPolicy weft',
      'Service weft-hl7v2',
      'ScaledObject weft-hl7-projector',
      'NetworkPolicy weft-engines',
      'NetworkPolicy weft-national',
      'CiliumNetworkPolicy weft-national',
    ]) {
      expect(names).toContain(name);
    }
  });

  it('renders nothing of what a region does not have', () => {
    const { output } = render('--values', pathOf(EXAMPLE), '--set', 'hl7v2.enabled=false,national.enabled=false');
    const all = documentsOf(output) as Manifest[];
    const apps = all.flatMap(({ kind, metadata }) => (kind === 'Deployment' ? [metadata.name] : []));
    expect(apps.sort()).toEqual(APPS.map((app) => `weft-${app}`).sort());
    expect(
      all.map(({ kind, metadata }) => `${kind} ${metadata.name}`).filter((name) => /hl7|engines|national/.test(name)),
    ).toEqual([]);
    expect(JSON.stringify(all.filter(({ kind }) => kind !== 'PrometheusRule'))).not.toMatch(/HL7V2|WEFT_NATIONAL|"door"/);
  });

  it('opens every listener to the engines that are named, and asks which', () => {
    const all = example();
    const ports = [2575, 2576];
    const service = all.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'weft-hl7v2')!;
    expect(service.spec!.ports!.map(({ port }) => port)).toEqual(ports);
    const [gateway] = pods().filter(({ containers }) => containers[0]!.name === 'hl7-gateway');
    const open = gateway!.containers[0]!.ports!.filter(({ name }) => name.startsWith('mllp-'));
    expect(open.map(({ containerPort }) => containerPort)).toEqual(ports);
    expect(open.map(({ name }) => name)).toEqual(service.spec!.ports!.map(({ targetPort }) => targetPort));
    const { status, output } = render('--values', pathOf(EXAMPLE), '--set', 'networkPolicy.fromEngines=null');
    expect(status).not.toBe(0);
    expect(output).toContain('fromEngines');
  });

  it('mounts a door’s secrets where they are read, and nowhere else', () => {
    const mounted = pods().map(({ containers, volumes }) => [
      containers[0]!.name,
      volumes.find(({ name }) => name === 'door')?.secret?.secretName,
    ]);
    expect(new Map(mounted.filter(([, secret]) => secret !== undefined) as [string, string][])).toEqual(
      new Map([
        ['hl7-gateway', 'weft-hl7v2'],
        ['national-gateway', 'weft-national'],
        // It needs the settings whole, and asks nobody.
        ['topics', 'weft-national'],
      ]),
    );
  });

  it('gives each container settings that an app accepts', () => {
    const region = example().find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'weft-region')!;
    const doors = doorFiles();
    for (const { containers } of pods()) {
      const named = containers[0]!.env.filter(({ name }) => name.startsWith('WEFT_'));
      const env = Object.fromEntries(
        named.map(({ name, value }) => [name, value ?? 'esdb+discover://user:password@eventstoredb:2113']),
      );
      const read = (path: string) => {
        const file = path.split('/').at(-1)!;
        return region.data![file] ?? doors[file] ?? `${path} of thirty-two characters and more`;
      };
      const { settings, problems } = readSettings(env, {}, read);
      expect(problems).toEqual([]);
      expect(settings.organisations.map(({ ods }) => ods)).toEqual(['Y90001', 'RX901', 'X26']);
      const { name } = containers[0]!;
      const places = settings.hl7v2Listeners.map(({ host, port, tls }) => [host, port, tls !== undefined]);
      if (name === 'hl7-gateway')
        expect(places).toEqual([
          ['0.0.0.0', 2575, true],
          ['0.0.0.0', 2576, false],
        ]);
      // They open no port, and have no certificates.
      else if (['hl7-projector', 'record-api', 'topics'].includes(name)) {
        expect(places.map(([, ...place]) => place)).toEqual([
          [2575, false],
          [2576, false],
        ]);
      } else expect(places).toEqual([]);
      expect(settings.national !== undefined).toBe(['national-gateway', 'topics'].includes(name));
      expect(settings.kafka).toMatchObject({ ssl: { ca: expect.any(String) }, sasl: { mechanism: 'scram-sha-512' } });
    }
  });

  it('lets the apps go where it is said by name, and not to everybody on that port', () => {
    const named = (kind: string, name = 'weft'): Manifest =>
      example().find((one) => one.kind === kind && one.metadata.name === name)!;
    const [, ...open] = named('NetworkPolicy').spec!.egress!;
    expect(open.map(({ ports, to }) => [ports!.map(({ port }) => port), to?.length])).toEqual([
      [[9093], 1],
      [[2113], undefined],
    ]);
    const [, ...byName] = named('CiliumNetworkPolicy').spec!.egress!;
    expect(byName).toEqual([
      {
        toFQDNs: [{ matchName: 'identity.region.example' }, { matchPattern: '*.login.region.example' }],
        toPorts: [{ ports: [{ port: '443', protocol: 'TCP' }] }],
      },
    ]);
    expect(named('NetworkPolicy', 'weft-national').spec!.egress).toEqual([]);
    const [, ...ofNational] = named('CiliumNetworkPolicy', 'weft-national').spec!.egress!;
    expect(ofNational.map(({ toFQDNs }) => toFQDNs)).toEqual([
      [{ matchName: 'api.service.nhs.uk' }, { matchName: 'sqs.eu-west-2.amazonaws.com' }],
    ]);
  });

  it('lets each projector grow with the lag of its own group, and none twice', () => {
    const set = 'apps.optOutProjector.autoscaling.enabled=true,apps.recordApi.autoscaling.enabled=true';
    const all = documentsOf(render('--values', pathOf(EXAMPLE), '--set', set).output) as Manifest[];
    const scaled = new Map(
      all.filter(({ kind }) => kind === 'ScaledObject').map((one) => [one.metadata.name, one.spec!.triggers!]),
    );
    for (const group of [RECORD_PROJECTOR_GROUP, OPT_OUT_PROJECTOR_GROUP, HL7_PROJECTOR_GROUP]) {
      const [lag, cpu] = scaled.get(group.replace('.', '-'))!;
      expect(lag!.metadata.query).toContain(`weft_group_lag_messages{namespace="default", group="${group}"}`);
      expect([lag!.type, cpu!.type]).toEqual(['prometheus', 'cpu']);
    }
    const byProcessor = all.filter(({ kind }) => kind === 'HorizontalPodAutoscaler').map(({ metadata }) => metadata.name);
    expect([[...scaled.keys()].length, byProcessor]).toEqual([3, ['weft-gateway', 'weft-record-api']]);
  });

  it('mounts the integrity secret where there is one, and no other where there is none', () => {
    const without = documentsOf(render('--values', pathOf(EXAMPLE), '--set', 'secrets.integrity.existingSecret=').output);
    const text = (manifests: readonly unknown[]): string => JSON.stringify(manifests);
    expect(text(example()).split('"path":"integrity-secret"')).toHaveLength(10);
    expect(text(example()).split('"WEFT_INTEGRITY_SECRET_FILE"')).toHaveLength(10);
    expect(text(without)).not.toMatch(/integrity/i);
  });

  it('lets no container be root, change its file system or be told of other services', () => {
    expect(pods()).toHaveLength(9);
    for (const { containers, ...pod } of pods()) {
      expect(pod).toMatchObject({ enableServiceLinks: false, securityContext: { runAsNonRoot: true, runAsUser: 1000 } });
      expect(containers[0]!.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('mounts only what it has', () => {
    for (const { containers, volumes } of pods()) {
      const had = volumes.map(({ name }) => name);
      expect(had).toEqual(expect.arrayContaining(containers[0]!.volumeMounts.map(({ name }) => name)));
    }
  });

  it('renders a region without users, authorities, ingress and watching as well', () => {
    const { status } = render(
      '--values',
      pathOf(EXAMPLE),
      '--set',
      [
        'kafka.saslMechanism=,kafka.ca.existingSecret=,eventStore.ca.existingSecret=,topics.enabled=false,networkPolicy.enabled=false',
        'hl7v2.enabled=false,national.enabled=false,secrets.integrity.existingSecret=,autoscalingByLag.enabled=false,networkPolicy.tokenIssuer.names=null',
        'ingress.enabled=false,serviceMonitor.enabled=false,prometheusRule.enabled=false,dashboard.enabled=false',
      ].join(','),
    );
    expect(status).toBe(0);
  });
});
