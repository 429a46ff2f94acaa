import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const pageOf = (name: string): string => readFileSync(join(ROOT, 'docs', name), 'utf8');
const guarantees = pageOf('guarantees.md');
const hazardLog = pageOf('clinical-safety.md');

/** A title may itself have words in quotation marks. */
const NAMED = /`((?:apps|libs|test)\/[^`]+\.ts)` “((?:[^“”]|“[^“”]*”)+)”/g;
const testsIn = (page: string) => [...page.matchAll(NAMED)].map(([, file = '', title = '']) => ({ file, title }));

describe.each([
  ['guarantees.md', guarantees],
  ['clinical-safety.md', hazardLog],
])('docs/%s', (_, page) => {
  it.each(testsIn(page))('names $file “$title”, which there is', ({ file, title }) => {
    expect(existsSync(join(ROOT, file))).toBe(true);
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(title);
  });
});

describe('docs/guarantees.md', () => {
  it('names a test for each of the seven invariants, and more', () => {
    const sections = guarantees.split('\n## ').slice(1);
    for (const section of sections.filter((one) => /^\d/.test(one))) expect(section).toMatch(/`(apps|libs|test)\/[^`]+` “/);
    expect(sections.filter((one) => /^[1-7]\. /.test(one))).toHaveLength(7);
    expect(testsIn(guarantees).length).toBeGreaterThan(30);
  });
});

describe('docs/clinical-safety.md', () => {
  const cellsOf = (row: string): string[] =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const rows = hazardLog
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map(cellsOf);
  const severities = rows[0]!.slice(1);
  const matrix = new Map(
    rows.filter(([first]) => /^\*\*/.test(first!)).map(([first, ...risks]) => [first!.replaceAll('*', '').toLowerCase(), risks]),
  );
  const listed = rows.filter(([id]) => /^H\d/.test(id!));
  const hazards = hazardLog.split('\n### ').slice(1);
  const FIELDS = ['Cause', 'Effect', 'Controls', 'Before', 'After', 'Missing or partial', 'Owner of what is left'];
  /** What a field of a hazard says. */
  const said = (hazard: string, field: string): string | undefined =>
    new RegExp(`^- \\*\\*${field}\\*\\*:(?: (.+))?$`, 'm').exec(hazard)?.slice(1).join('');
  const rated = (hazard: string, when: 'Before' | 'After'): string => {
    const [, severity = '', likelihood = '', risk = ''] = /^(\w+), ([\w ]+): (\d)$/.exec(said(hazard, when)!)!;
    expect({ hazard, risk }).toEqual({ hazard, risk: matrix.get(likelihood)![severities.indexOf(severity)] });
    return risk;
  };

  it('has of each hazard every field, and a control that a test shows', () => {
    expect(hazards.length).toBeGreaterThanOrEqual(25);
    for (const hazard of hazards) {
      const fields = [...hazard.matchAll(/^- \*\*([^*]+)\*\*:/gm)].map(([, field]) => field);
      expect(fields).toEqual(FIELDS.filter((field) => field !== 'Missing or partial' || fields.includes(field)));
      const controls = hazard.split('\n').filter((line) => line.startsWith('  - '));
      expect(controls.length).toBeGreaterThan(0);
      expect(testsIn(hazard)).toHaveLength(controls.length);
    }
  });

  it('rates each by the matrix, never higher after its controls than before', () => {
    for (const hazard of hazards) expect(Number(rated(hazard, 'After'))).toBeLessThanOrEqual(Number(rated(hazard, 'Before')));
  });

  it('lists the hazards as they say of themselves', () => {
    const asTheySay = hazards.map((hazard) => [
      ...hazard.split('\n')[0]!.split(/(?<=^H\d\d) /),
      rated(hazard, 'Before'),
      rated(hazard, 'After'),
      said(hazard, 'Missing or partial') === undefined ? '' : 'yes',
    ]);
    expect(listed).toEqual(asTheySay);
    expect(listed.map(([id]) => id)).toEqual(listed.map((_, index) => `H${String(index + 1).padStart(2, '0')}`));
  });
});
