import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const STORM = join(import.meta.dirname, '..', '..', 'tools', 'storm.mjs');
/** A minute of storm, and on a slow machine several more until everything has started, and is at rest. */
const LONG_MS = 600_000;

async function storm(...words: readonly string[]) {
  const child = spawn(process.execPath, [STORM, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { status: status as number | null, stdout, stderr };
}

describe('a region in a storm of decisions, events, reads, subscribers and kills', () => {
  it(
    'shows and tells nobody what is forbidden, and loses nothing',
    async () => {
      const { status, stdout, stderr } = await storm('--minutes', '1', '--people', '12', '--json');
      expect(stderr).toBe('');
      const { violations, counts } = JSON.parse(stdout) as { violations: string[]; counts: Record<string, number> };
      expect(violations).toEqual([]);
      expect(status).toBe(0);
      // It must have been a storm: a minute in which nothing was looked at shows nothing.
      expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
    },
    LONG_MS,
  );

  it.each([
    [['--minutes', 'none'], '--minutes none is no number above 0'],
    [['--seed', '1.5'], '--seed 1.5 is no whole number above 0'],
    [['--minute', '1'], "Unknown option '--minute'"],
  ])('is refused with %j, by name, and explained', async (words, message) => {
    const { status, stderr } = await storm(...words);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain('npm run storm -- --minutes 1');
  });
});
