import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

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

describe('a link', () => {
  const pages = ['README.md', 'HACKING.md', 'SECURITY.md', 'CHANGELOG.md', ...filesIn('docs')];
  const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8').replace(/^ *```[\s\S]*?^ *```$/gm, '');
  /** As GitHub and others call a heading. */
  const anchorsOf = (page: string): string[] =>
    [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    );

  it.each(pages)('of %s leads to a file and a heading that there are', (page) => {
    const links = [...textOf(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const lost = links.filter(([, path, anchor]) => {
      const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path!));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
    });
    expect(lost.map(([link]) => link)).toEqual([]);
  });
});

function filesIn(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `${directory}/${path}`);
}
