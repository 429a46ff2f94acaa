import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '@weft/service';
import { EXIT } from '../failure.js';
import { listening, send } from '../server.fixture.js';
import { runWeft } from '../weft.fixture.js';
import { Position } from './position.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'weft-subscribe-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const weft = (line: string, env: Record<string, string>) =>
  runWeft(line, { WEFT_DATA_DIR: join(directory, 'data'), WEFT_LOG_LEVEL: 'silent', WEFT_TOKEN: 'given', ...env });

const subject = 'a'.repeat(32);
const change = (name: string, cursor?: string) => ({
  ...{ kind: 'included', key: `${subject}.${name}`, subject, ...(cursor !== undefined && { cursor }) },
  entry: {
    ...{ id: `RX901/Basic/${name}`, organisation: 'RX901', resourceType: 'Basic', occurredAt: '2026-01-31T09:30:00Z' },
    resource: { resourceType: 'Basic', code: { text: `about ${name}` } },
  },
});
const ended = (reason: string, cursor?: string) => ({
  kind: 'ended',
  reason,
  detail: 'x',
  ...(cursor !== undefined && { cursor }),
});
/** An empty line: everything up to now was told. */
const UP_TO_NOW: string = '';
/** A connection that is cut within a line. */
const CUT: string = '{"kind":"includ';

type Line = object | string;

/** Answers one connection after the other with its lines, then that nothing may be followed any more, which ends the command. */
async function feeding(...connections: readonly (readonly Line[])[]) {
  const asked: string[] = [];
  const tokens: (string | undefined)[] = [];
  const left = [...connections];
  const WEFT_URL = await listening(({ method, url = '', headers }, response) => {
    const start = { 'weft-cursor': url.includes('from=end') ? 'END' : '' };
    if (method === 'HEAD') return void response.writeHead(200, start).end();
    asked.push(url.replace('/record-changes/research?', ''));
    tokens.push(headers.authorization);
    const lines = left.shift();
    if (lines === undefined) return send(response, 403, { title: 'No more' });
    response.writeHead(200, start);
    for (const line of lines) response.write(line === CUT ? CUT : `${line === UP_TO_NOW ? '' : JSON.stringify(line)}\n`);
    if (lines.at(-1) === CUT) setImmediate(() => response.destroy());
    else response.end();
  });
  return { WEFT_URL, asked, tokens };
}

describe('weft subscribe', () => {
  it.each([
    ['Weft is stopping', ended('stopping', 'c1')],
    ['the connection ended without a word', change('two', 'c2')],
    ['the connection broke off', CUT],
  ])('connects again where %s, behind what it has told, and says so', async (why, last) => {
    const { WEFT_URL, asked } = await feeding([change('one', 'c1'), UP_TO_NOW, last], [change('three', 'c3'), UP_TO_NOW]);
    const { out, err, exitCode } = await weft('subscribe research --from-beginning', { WEFT_URL });
    const before = typeof last === 'object' && 'entry' in last ? 'c2' : 'c1';
    expect(asked).toEqual(['from=beginning', `after=${before}`, 'after=c3']);
    expect(out.match(/about \w+/g)).toEqual(
      before === 'c2' ? ['about one', 'about two', 'about three'] : ['about one', 'about three'],
    );
    expect(err).toContain(`${why}; trying again until it is back`);
    expect(err).toContain('it is back; this goes on where it was');
    expect(err).toContain('weft subscribe research --after c3 goes on from here');
    expect(exitCode).toBe(EXIT.finding);
  });

  it('goes on with a new token of its own where one has ended, and with none where it was given one', async () => {
    const lines = [change('one', 'c1'), UP_TO_NOW, ended('token-ended', 'c1')];
    mkdirSync(join(directory, 'data', 'keys'), { recursive: true, mode: 0o700 });
    const own = await feeding(lines, lines);
    await weft('subscribe research', { WEFT_URL: own.WEFT_URL, WEFT_TOKEN: '' });
    expect(own.asked).toEqual(['from=end', 'after=c1', 'after=c1']);
    expect(new Set(own.tokens).size).toBe(3);
    const given = await feeding(lines);
    const { out, err, exitCode } = await weft('subscribe research --json', { WEFT_URL: given.WEFT_URL });
    expect([given.asked, exitCode]).toEqual([['from=end'], EXIT.finding]);
    expect(err).toMatch(/token of this subscription has ended[^]*WEFT_TOKEN; then weft subscribe research --json --after c1/);
    expect(
      out
        .trim()
        .split('\n')
        .slice(0, 2)
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([lines[0], lines[2]]);
  });

  it('goes on by its name where it was, also where nothing was told yet, and begins anew when it is told to', async () => {
    const { WEFT_URL, asked } = await feeding([], [UP_TO_NOW], [change('one', 'c1'), change('two')], []);
    const line = 'subscribe research --name copy';
    await weft(line, { WEFT_URL });
    expect(asked).toEqual(['from=end', 'after=END', 'after=END', 'after=c1', 'after=c1']);
    for (const [more, last] of [
      [' --from-beginning', 'after=c1'],
      [' --from-beginning --restart', 'from=beginning'],
    ]) {
      const { err } = await weft(line + more, { WEFT_URL });
      expect(err).toContain('No more (403)');
      expect(asked.at(-1)).toBe(last);
    }
  });

  it('remembers one place for each region, purpose and name', async () => {
    const { WEFT_URL } = await feeding([change('one', 'c1'), UP_TO_NOW]);
    await weft('subscribe research --name copy', { WEFT_URL });
    const next = await feeding();
    const asked = async (line: string, url: string) => (await weft(line, { WEFT_URL: url })).err;
    expect(await asked('subscribe research --name copy', WEFT_URL)).toContain('goes on from here');
    await asked('subscribe research --name copy', next.WEFT_URL);
    await asked('subscribe research --name other', next.WEFT_URL);
    expect(next.asked).toEqual(['from=end', 'from=end']);
  });

  it('takes a young cursor once it is up to now, where nothing was told for long', async () => {
    const { WEFT_URL, asked } = await feeding([change('one', 'c1')], [UP_TO_NOW]);
    await weft('subscribe research --name copy --from-beginning', { WEFT_URL });
    expect(asked).toEqual(['from=beginning', 'after=c1', 'after=END']);
  });

  it('follows a name in one process at a time', async () => {
    const { WEFT_URL, asked } = await feeding();
    const settings = loadSettings({ WEFT_DATA_DIR: join(directory, 'data'), WEFT_URL });
    const held = await Position.open(settings, 'research', 'copy');
    const { err, exitCode } = await weft('subscribe research --name copy', { WEFT_URL });
    held.release();
    expect(err).toContain(`in use by another weft subscribe, process ${process.pid}`);
    expect([asked, exitCode]).toEqual([[], EXIT.usage]);
  });

  it.each([
    [410, { title: 'This cursor is too old' }],
    [400, { title: 'Not so', errors: [{ field: 'after', code: 'malformed', message: 'is no cursor that this region gave' }] }],
  ])('says how to begin anew where its cursor is good no more (%s)', async (status, problem) => {
    const WEFT_URL = await listening((request, response) =>
      send(response, request.method === 'HEAD' ? 200 : status, request.method === 'HEAD' ? {} : problem),
    );
    const { err, exitCode } = await weft('subscribe research --name copy --org RX901', { WEFT_URL });
    expect(exitCode).toBe(EXIT.finding);
    expect(err).toContain('weft subscribe research --name copy --org RX901 --from-beginning --restart begins anew');
  });

  it('ends at Ctrl-C with 0, and says how to go on', async () => {
    const { WEFT_URL } = await feeding([change('one', 'c1'), UP_TO_NOW]);
    const running = weft('subscribe research --name copy', { WEFT_URL });
    const region = join(directory, 'data', 'subscriptions', new URL(WEFT_URL).host.replace(':', '_'), 'research', 'copy');
    const isKept = (): boolean => {
      try {
        return readdirSync(region).includes('position.json');
      } catch {
        return false;
      }
    };
    while (!isKept()) await new Promise((resolve) => setTimeout(resolve, 5));
    process.emit('SIGINT');
    const { err, exitCode } = await running;
    expect(err).toContain('ended; weft subscribe research --name copy goes on from here');
    expect(exitCode).toBe(EXIT.ok);
  });

  it('leaves nothing behind that would be taken for a region', async () => {
    const { WEFT_URL, tokens } = await feeding();
    await weft('subscribe research --name copy', { WEFT_URL });
    await weft('subscribe research --name copy', { WEFT_URL, WEFT_TOKEN: '' });
    expect(tokens).toEqual(['Bearer given', undefined]);
    expect(readdirSync(join(directory, 'data'))).toEqual(['subscriptions']);
  });

  it('ends where Weft never answered', async () => {
    const { err, exitCode } = await weft('subscribe research', { WEFT_URL: 'http://127.0.0.1:9' });
    expect(err).toContain('does not answer');
    expect(exitCode).toBe(EXIT.unreachable);
  });

  it.each(['Copy', '../x', '-x', 'x'.repeat(65)])('takes no name that is no file’s (%s)', async (name) => {
    const { exitCode } = await weft(`subscribe research --name=${name}`, {});
    expect(exitCode).toBe(EXIT.usage);
  });
});
