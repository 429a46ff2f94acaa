import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ALERT_TESTS, isInstalled, pathOf, run, textOf } from './files.js';

/** Debian's package prometheus brings it. */
const describeHere = isInstalled('promtool') ? describe : describe.skip;

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describeHere('Prometheus’ own tool (skipped where promtool is not on the path)', () => {
  it('finds the alerts to be rules', () => {
    expect(run('promtool', ['check', 'rules', pathOf('infra/prometheus/alerts.yaml')])).toMatchObject({ status: 0 });
  });

  it('finds the settings sound, but for the token that only a running region has', () => {
    expect(run('promtool', ['check', 'config', '--syntax-only', pathOf('infra/prometheus/prometheus.yaml')])).toMatchObject({
      status: 0,
    });
  });

  it('sees each alert fire when it should, and not before', () => {
    const { status, output } = run('promtool', ['test', 'rules', ...ALERT_TESTS.map(pathOf)]);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining('SUCCESS') });
  });

  it('can read every query of the dashboard', () => {
    const { panels } = JSON.parse(textOf('infra/grafana/dashboards/weft.json')) as { readonly panels: readonly Panel[] };
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')));
    const rules = queries.map((expr, index) => ({ record: `panel:${index}`, expr }));
    const directory = mkdtempSync(join(tmpdir(), 'weft-queries-'));
    const file = join(directory, 'rules.yaml');
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, output } = run('promtool', ['check', 'rules', file]);
    rmSync(directory, { recursive: true });
    expect({ status, output }).toEqual({ status: 0, output: expect.stringContaining(`${queries.length} rules found`) });
  });
});
