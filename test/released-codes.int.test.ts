import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const run = (...args: string[]) => promisify(execFile)(process.execPath, [join(root, 'tools/released-codes.mjs'), ...args]);

describe('the released codes', () => {
  it('are what the command writes that is said to write them', async () => {
    await expect(run('--check')).resolves.toMatchObject({ stderr: '' });
  });

  it('stand in the list of what is to be had nowhere else by the systems of which codes are told', () => {
    const lines = readFileSync(join(root, 'tools/released-codes.txt'), 'utf8').split('\n');
    const systems = lines.filter((line) => line.startsWith('http'));
    const told = readFileSync(join(root, 'libs/domain/src/views/released-codes.ts'), 'utf8');
    expect(systems.length).toBeGreaterThan(0);
    expect(systems.filter((system) => !told.includes(`/** ${system} */`))).toEqual([]);
  });
});
