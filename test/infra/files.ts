import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** promtool's tests of the alerts. */
export const ALERT_TESTS = ['infra/prometheus/alerts.test.yaml', 'infra/prometheus/alerts-over-days.test.yaml'] as const;

/** The absolute path of a file that is named from the root of the repository. */
export const pathOf = (file: string): string => `${ROOT}${file}`;
export const textOf = (file: string): string => readFileSync(pathOf(file), 'utf8');
/** With merge keys (`<<`), as Compose reads it. */
export const yamlOf = <T>(file: string): T => parse(textOf(file), { merge: true }) as T;

/** Every document of a YAML stream. Throws what is wrong with the first that is not YAML, a key that is there twice included. */
export function documentsOf(text: string): unknown[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as unknown;
  });
}

/** Whether a tool can be run here; tests that need it are skipped where it cannot, and say so. */
export const isInstalled = (tool: string, argument = '--version'): boolean =>
  spawnSync(tool, [argument], { stdio: 'ignore' }).status === 0;

/** Runs a tool to its end. */
export function run(tool: string, args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  return { status, output: status === 0 ? stdout : `${stdout}${stderr}` };
}
