import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus, openEmbeddedStore } from '@weft/embedded';
import { EXIT } from './failure.js';
import { listening, send } from './server.fixture.js';
import { runWeft } from './weft.fixture.js';

const [A, B, C] = ['0f1e2d3c4b5a69788796a5b4c3d2e1f0a', 'one-more-secret-of-47-tests-alone', 'a-third-secret-of-82-tests-alone'];
const OWN = { WEFT_REGION_SECRET: A, WEFT_RESEARCH_SECRET: B };

describe('weft region', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-region-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const weft = (line: string, env: Record<string, string> = OWN) =>
    runWeft(line, { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...env });

  it.each([
    'verify',
    'replay research',
    'region show',
    'region change-secret research',
    'verify --wait',
    'token --role operations',
  ])('makes nothing by %s where there is no region, and says how one is made', async (line) => {
    const { exitCode, err, out } = await weft(line);
    expect([exitCode, out]).toEqual([EXIT.notThisRegion, '']);
    expect(err).toContain(`WEFT_DATA_DIR: there is no region in ${directory}: \`weft up\` or \`weft region create\` makes one`);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('asks as nobody where there is no region, and leaves no key behind', async () => {
    expect((await weft('record 9990000018', { ...OWN, WEFT_URL: 'http://127.0.0.1:1' })).exitCode).toBe(EXIT.unreachable);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('makes none in a store of something else', async () => {
    await (await openEmbeddedStore({ directory })).close();
    await (await openEmbeddedBus({ directory })).close();
    expect((await weft('region show')).exitCode).toBe(EXIT.notThisRegion);
  });

  it('is made by one explicit act, which changes nothing the second time', async () => {
    const made = JSON.parse((await weft('region create --json')).out) as { id: string; isNew: boolean };
    expect(made.isNew).toBe(true);
    expect(JSON.parse((await weft('region create --json')).out)).toEqual({ ...made, isNew: false });
    expect((await weft('region create', { ...OWN, WEFT_RESEARCH_SECRET: C as string })).exitCode).toBe(EXIT.notThisRegion);
    expect((await weft('region show')).out).toMatch(
      /^region [0-9a-f-]{36}, made \d{4}-.*Z\nthe secrets in the settings are its own\n$/,
    );
  });

  it.each(['verify', 'replay research', 'region show', 'region change-secret integrity'])(
    'ends %s with 78 under secrets of another region, naming the setting and no secret',
    async (line) => {
      const { err, out, exitCode } = await weft(line, { ...OWN, WEFT_RESEARCH_SECRET: C as string });
      expect([exitCode, out]).toEqual([EXIT.notThisRegion, '']);
      expect(err).toMatch(/the settings are not those of this region:\n {2}WEFT_RESEARCH_SECRET: is not the one/);
      expect(err).not.toContain(C);
    },
  );

  it('is named by verify, which calls nothing right of which it compared nothing', async () => {
    const { id } = JSON.parse((await weft('region show --json')).out) as { id: string };
    const { out, exitCode } = await weft('verify');
    expect(out).toContain(`region ${id}, in ${directory}\n`);
    expect(out).toContain('nothing was compared: this region has no record yet\n0 records, 0 views compared');
    expect(out).not.toContain('✓ each of');
    expect(exitCode).toBe(EXIT.ok);
    expect(JSON.parse((await weft('verify --json')).out)).toMatchObject({ region: id, records: 0, views: 0 });
  });

  it.each(['verify', 'region show', 'record 9990000018', 'status'])(
    'is told apart by %s from another one that answers at WEFT_URL',
    async (line) => {
      const { id } = JSON.parse((await weft('region show --json')).out) as { id: string };
      const saidOf = async (region: string) => {
        const url = await listening((_, response) => send(response, 404, {}, { 'weft-region': region }));
        const { err } = await weft(line, { ...OWN, WEFT_URL: url, WEFT_TOKEN: 'given' });
        return err.replace(url, 'URL');
      };
      const told = `two regions: ${directory} holds region ${id}, and the Weft at URL is region another-one\n`;
      expect(await saidOf('another-one')).toContain(told);
      expect(await saidOf(id)).not.toContain('two regions');
    },
  );

  it('takes another research secret once it is told to, and never another one of its own', async () => {
    const changed = { ...OWN, WEFT_RESEARCH_SECRET: C as string };
    expect(JSON.parse((await weft('region change-secret research --json', changed)).out)).toEqual({
      secret: 'research',
      changed: true,
    });
    expect(JSON.parse((await weft('region change-secret research --json', changed)).out)).toMatchObject({ changed: false });
    expect((await weft('region show', changed)).exitCode).toBe(EXIT.ok);
    expect((await weft('region show')).exitCode).toBe(EXIT.notThisRegion);
    expect((await weft('region change-secret region', changed)).exitCode).toBe(EXIT.usage);
  });
});
