import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings, openService, openWiring } from '@weft/service';
import { EXIT } from './failure.js';
import { runWeft } from './weft.fixture.js';

const [A, B, C] = ['0f1e2d3c4b5a69788796a5b4c3d2e1f0a', 'one-more-secret-of-47-tests-alone', 'a-third-secret-of-82-tests-alone'];
const OWN = { WEFT_REGION_SECRET: A, WEFT_RESEARCH_SECRET: B };

describe('weft region', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-region-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const weft = (line: string, env: Record<string, string> = OWN) =>
    runWeft(line, { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...env });

  it('says that there is none until there is', async () => {
    for (const line of ['region show', 'verify', 'replay research'])
      expect(await weft(line)).toMatchObject({
        exitCode: EXIT.unreachable,
        err: expect.stringContaining('there is no region in'),
      });
    expect(readdirSync(directory)).toEqual([]);
    const service = await openService(loadSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...OWN }));
    expect(await weft('region show')).toMatchObject({
      exitCode: EXIT.unreachable,
      err: expect.stringContaining('the store is empty'),
    });
    await openWiring(service);
    await service.close();
    expect((await weft('region show')).out).toMatch(
      /^region [0-9a-f-]{36}, made \d{4}-.*Z\nthe secrets in the settings are its own\n$/,
    );
  });

  it.each(['verify', 'replay research', 'region show', 'region change-secret integrity'])(
    'ends %s with 78 under secrets of another region, naming the setting and no secret',
    async (line) => {
      const { err, out, exitCode } = await weft(line, { ...OWN, WEFT_RESEARCH_SECRET: C as string });
      expect([exitCode, out]).toEqual([EXIT.anotherRegion, '']);
      expect(err).toMatch(/the settings are not those of this region:\n {2}WEFT_RESEARCH_SECRET: is not the one/);
      expect(err).not.toContain(C);
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
    expect((await weft('region show')).exitCode).toBe(EXIT.anotherRegion);
    expect((await weft('region change-secret region', changed)).exitCode).toBe(EXIT.usage);
  });
});
