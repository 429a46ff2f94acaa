import { provision } from '@weft/domain';
import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { bytesOf, careRecordStream, CONSENT_TOPIC } from '@weft/processing';
import { type Region, startRegion } from '../e2e/region.js';
import { ALERT_TESTS, textOf, yamlOf } from './files.js';
import { type Exported, readMetrics, readQuery, type Query } from './promql.js';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
interface AlertTest {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const alerts = yamlOf<{ readonly groups: readonly { readonly rules: readonly Alert[] }[] }>(
  'infra/prometheus/alerts.yaml',
).groups.flatMap(({ rules }) => rules);
const { panels, templating } = JSON.parse(textOf('infra/grafana/dashboards/weft.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
};
/** Grafana's own interval is a duration when it is sent. */
const sent = (expression: string): string => expression.replaceAll('$__rate_interval', '1m');

const queries: readonly (readonly [where: string, query: Query, speaksOf: readonly string[]])[] = [
  ...alerts.map(
    ({ alert, expr, annotations }) => [alert, readQuery(expr), labelsIn(annotations.summary, /\$labels\.(\w+)/g)] as const,
  ),
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(
      ({ expr, legendFormat }) => [`panel ${title}`, readQuery(sent(expr)), labelsIn(legendFormat, /\{\{(\w+)\}\}/g)] as const,
    ),
  ),
];

function labelsIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, label]) => label!);
}

/** What Prometheus says of each target itself. */
const OF_THE_TARGET = ['job', 'instance'];
/** EventStoreDB's, as its manual names them; no app of ours exports them. */
const isTheStores = (metric: string): boolean => metric.startsWith('eventstore_');

const PATIENT = '9990000018';
const observation = {
  resourceType: 'Observation',
  id: 'pulse',
  status: 'final',
  meta: { versionId: '1' },
  code: { coding: [{ system: 'http://snomed.info/sct', code: '78564009', display: 'Heart rate' }] },
  subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: PATIENT } },
  effectiveDateTime: '2026-01-01T10:00:00Z',
  valueQuantity: { value: 72, unit: '/min' },
};

describe('what is watched', () => {
  let region: Region;
  let exported: Exported;

  beforeAll(async () => {
    region = await startRegion();
    region.service.metrics.watchProcess();
    await useEverything(region);
    const answer = await region.as(['operations'], '/metrics');
    expect(answer.status).toBe(200);
    exported = readMetrics(await answer.text());
  });
  afterAll(() => region.close());

  it.each(queries)('%s asks for metrics and labels that the apps export', (_, { selectors, groupedBy }) => {
    expect(selectors.length).toBeGreaterThan(0);
    const own = selectors.filter(({ metric }) => metric !== 'up' && !isTheStores(metric));
    for (const { metric, labels } of own) {
      expect([...exported.keys()]).toContain(metric);
      const known = [...OF_THE_TARGET, ...exported.get(metric)!.keys()];
      for (const { name } of labels) expect(known).toContain(name);
    }
    if (own.length < selectors.length) return;
    const known = [...OF_THE_TARGET, ...own.flatMap(({ metric }) => [...exported.get(metric)!.keys()])];
    for (const label of groupedBy) expect(known).toContain(label);
  });

  it.each(queries)('%s asks for values that a label does take', (_, { selectors }) => {
    for (const { metric, labels } of selectors) {
      const own = labels.filter(
        ({ name, operator }) => operator === '=' && !OF_THE_TARGET.includes(name) && !isTheStores(metric),
      );
      for (const { name, value } of own) expect([...exported.get(metric)!.get(name)!]).toContain(value);
    }
  });

  it.each(queries)('%s speaks of labels that its answer has', (_, { selectors, groupedBy }, speaksOf) => {
    const had =
      groupedBy.length > 0 ? groupedBy : selectors.flatMap(({ labels }) => [...OF_THE_TARGET, ...labels.map(({ name }) => name)]);
    for (const label of speaksOf) expect(had).toContain(label);
  });

  it('shows nobody’s number', () => {
    for (const labels of exported.values())
      for (const values of labels.values()) expect([...values].join(' ')).not.toContain(PATIENT);
  });
});

describe('the alerts', () => {
  const operations = textOf('docs/operations.md');
  const chapter = operations.split(/^## /m).find((part) => part.startsWith('When an alert fires'))!;
  const words = (text: string): string => text.replace(/\s+/g, ' ');

  it('have each its section in docs/operations.md, and the other way round', () => {
    const sections = [...chapter.matchAll(/^### (\S+)$/gm)].map(([, name]) => name!);
    expect(sections).toEqual(alerts.map(({ alert }) => alert));
  });

  it.each(alerts.map((one) => [one.alert, one] as const))(
    '%s says how urgent it is, what is the matter and where to read',
    (name, alert) => {
      expect(['page', 'ticket', 'info']).toContain(alert.labels.severity);
      expect(alert.annotations.summary.length).toBeGreaterThan(10);
      expect(alert.annotations.runbook).toBe(`docs/operations.md#${name.toLowerCase()}`);
    },
  );

  it.each(alerts.map(({ alert }) => alert))('%s has a section that says what it means, where to look and what to do', (name) => {
    const section = chapter.split(/^### /m).find((part) => part.startsWith(`${name}\n`))!;
    for (const part of ['**Means**', '**Look at**', '**Do**']) expect(words(section)).toContain(part);
  });

  it('are each seen to fire in promtool’s tests', () => {
    const tests = ALERT_TESTS.flatMap((file) => yamlOf<{ readonly tests: readonly AlertTest[] }>(file).tests);
    const fired = tests.flatMap((one) => one.alert_rule_test).filter((one) => one.exp_alerts.length > 0);
    expect(alerts.map(({ alert }) => alert).filter((name) => !fired.some(({ alertname }) => alertname === name))).toEqual([]);
  });
});

it('values.yaml sends nobody to a part of docs/operations.md that is not there', () => {
  const named = [...textOf('infra/helm/weft/values.yaml').matchAll(/docs\/operations\.md, (\w+)/g)].map(([, part]) => part!);
  expect(named.length).toBeGreaterThan(0);
  for (const part of named) expect(textOf('docs/operations.md')).toMatch(new RegExp(`^#+ ${part}$`, 'm'));
});

describe('the dashboard', () => {
  const shown = panels.filter(({ type }) => type !== 'row');

  it('has a title, a description and a query in every panel, and takes its data from the chosen source', () => {
    for (const panel of shown) {
      expect(panel).toMatchObject({ title: expect.any(String), description: expect.any(String) });
      expect(panel.targets!.length).toBeGreaterThan(0);
    }
    expect(templating.list.map(({ name }) => name)).toContain('datasource');
    const sources = [...textOf('infra/grafana/dashboards/weft.json').matchAll(/"uid": "(\$[^"]*)"/g)].map(([, uid]) => uid);
    expect(new Set(sources)).toEqual(new Set(['${datasource}']));
  });

  it('lays no panel over another, and none beyond the edge', () => {
    const cells = new Set<string>();
    for (const { gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells).not.toContain(`${x},${y}`);
          cells.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it('is found by Grafana where it is provisioned', () => {
    const { services } = yamlOf<{ readonly services: Record<string, { readonly volumes: readonly string[] }> }>(
      'infra/docker/compose.yaml',
    );
    const mounts = services['grafana']!.volumes;
    const { providers } = yamlOf<{ readonly providers: readonly { readonly options: { readonly path: string } }[] }>(
      'infra/grafana/provisioning/dashboards/weft.yaml',
    );
    expect(mounts).toContain(`../grafana/dashboards:${providers[0]!.options.path}:ro`);
    expect(mounts).toContain('../grafana/provisioning:/etc/grafana/provisioning:ro');
  });
});

/** Does once whatever gives a metric a series: events taken and refused, a decision obeyed, a view read, kept and out of date. */
async function useEverything({ as, settled, wiring }: Region): Promise<void> {
  const fhir = { 'content-type': 'application/fhir+json' };
  const send = async (path: string, body: object, status: number): Promise<void> => {
    const answer = await as(['publisher'], path, {
      organisation: 'RX901',
      method: 'POST',
      headers: fhir,
      body: JSON.stringify(body),
    });
    expect({ path, status: answer.status }).toEqual({ path, status });
  };
  const read = async (): Promise<void> => {
    const answer = await as(['clinician'], `/records/${PATIENT}?purpose=direct-care`, { organisation: 'RX901' });
    expect(answer.status).toBe(200);
  };
  const bundle = (resource: object) => ({ resourceType: 'Bundle', type: 'collection', entry: [{ resource }] });
  await send('/fhir', bundle(observation), 200);
  await send('/fhir', bundle({ ...observation, status: 'no such status' }), 200);
  const decision = consentOf({
    subject: PATIENT,
    consentId: 'objection',
    authority: 'local-dissent',
    status: 'active',
    decidedAt: '2026-01-01T10:00:00Z',
    decidedBy: 'patient',
    provision: provision('deny', ['research']),
  });
  await send('/consents', decision, 200);
  await settled();
  const manifest = {
    manifest: 1,
    kind: 'events',
    organisation: 'RX901',
    from: '2026-01-01T00:00:00Z',
    until: '2026-01-02T00:00:00Z',
  };
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ ...manifest, items: [{ id: 'e1' }] });
  expect((await as(['publisher'], '/reconciliations', { organisation: 'RX901', method: 'POST', headers, body })).status).toBe(
    200,
  );
  await read();
  await read();
  // What a reader finds while a decision is in the person's stream and in no view.
  const stream = careRecordStream(wiring.keys.patient(PATIENT));
  const [last] = await wiring.store.read(stream, { backwards: true, maxCount: 1 });
  const data = {
    ...(JSON.parse(Buffer.from(last!.data).toString()) as object),
    id: 'later',
    coordinates: { topic: CONSENT_TOPIC, partition: 0, offset: 1_000_000 },
  };
  await wiring.store.append(stream, last!.revision, [
    { id: wiring.random.uuid(), type: last!.type, data: bytesOf(JSON.stringify(data)) },
  ]);
  await read();
}
