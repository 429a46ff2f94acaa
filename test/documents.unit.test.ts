import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = ['apps', 'libs'].flatMap((directory) =>
  readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/node_modules|dist/.test(path))
    .map((path) => `${directory}/${path}`),
);

describe('docs/architecture.md', () => {
  const named = [...readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8').matchAll(/`([a-z/-]+(?:\.[a-z]+)?\.ts)`/g)];

  it.each([...new Set(named.map(([, path]) => path as string))])('names %s, which there is, once', (path) => {
    // `processing/quarantine.ts` stands for libs/processing/src/quarantine.ts.
    const parts = path.split('/');
    const whole =
      parts.length === 1 || /^(apps|libs)$/.test(parts[0] as string)
        ? path
        : ['libs', parts[0], 'src', ...parts.slice(1)].join('/');
    expect(SOURCES.filter((source) => source === whole || source.endsWith(`/${whole}`))).toHaveLength(1);
  });

  it('leads through many files', () => expect(new Set(named.map(([, path]) => path)).size).toBeGreaterThan(20));
});
