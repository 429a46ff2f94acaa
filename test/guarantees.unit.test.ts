import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs', 'guarantees.md'), 'utf8');
const named = [...page.matchAll(/`((?:apps|libs|test)\/[^`]+\.ts)` “([^”]+)”/g)].map(([, file = '', title = '']) => ({
  file,
  title,
}));

describe('docs/guarantees.md', () => {
  it.each(named)('names $file “$title”, which there is', ({ file, title }) => {
    expect(existsSync(join(ROOT, file))).toBe(true);
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(title);
  });

  it('names a test for each of the seven invariants, and more', () => {
    const sections = page.split('\n## ').slice(1);
    for (const section of sections.filter((one) => /^\d/.test(one))) expect(section).toMatch(/`(apps|libs|test)\/[^`]+` “/);
    expect(sections.filter((one) => /^[1-7]\. /.test(one))).toHaveLength(7);
    expect(named.length).toBeGreaterThan(30);
  });
});
