import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReleasedCodes } from '@weft/domain';
import { bytesOf, changeRegionSecret, CONSENT_TOPIC, ensureRegion, loadRegion, NO_STREAM } from '@weft/processing';
import { openEngines } from './engines.js';
import { keySecrets } from './keys.js';
import { createRegion, prepareRegion } from './create-region.js';
import { fingerprintOf, fingerprintsIn, NoRegion, NotThisRegion } from './region-fits.js';
import { openService } from './service.js';
import { loadSettings, SettingsError } from './settings.js';
import { systemClock, systemRandom } from './system.js';
import { openWiring } from './wiring.js';

const [A, B, C] = ['0f1e2d3c4b5a69788796a5b4c3d2e1f0a', 'one-more-secret-of-47-tests-alone', 'a-third-secret-of-82-tests-alone'];
const OWN = { WEFT_REGION_SECRET: A, WEFT_RESEARCH_SECRET: B };

describe('a region knows the secrets that it was made with', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'weft-region-fits-'))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const settingsOf = (env: Record<string, string>) =>
    loadSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal', WEFT_PORT: '0', ...env });

  /** Starts as `weft up` does, and gives the streams and the region that were there when it ended. */
  async function start(env: Record<string, string>) {
    const service = await createRegion(settingsOf(env));
    try {
      return { streams: (await service.store.readAll()).map(({ stream }) => stream), region: await loadRegion(service.store) };
    } finally {
      await service.close();
    }
  }
  const refusal = (env: Record<string, string>): Promise<unknown> =>
    start(env).then(
      () => 'started',
      (error: unknown) => error,
    );

  it('is made by the first start, and every later one finds it', async () => {
    const first = await start(OWN);
    expect(first.streams[0]).toBe('itself-region');
    expect(first.streams).toContain('policy-region');
    expect(await start(OWN)).toEqual(first);
  });

  it('is made by nothing else: an app that finds none ends before it makes anything', async () => {
    await expect(openService(settingsOf(OWN))).rejects.toThrow(NoRegion);
    await expect(openService(settingsOf({}))).rejects.toThrow(/^WEFT_DATA_DIR: there is no region in .*weft region create/);
    expect(readdirSync(directory)).toEqual([]);
    await (await openEngines(settingsOf(OWN))).close();
    await expect(openService(settingsOf({}))).rejects.toThrow(NoRegion);
    expect(readdirSync(directory)).not.toContain('keys');
  });

  it('that was killed while it was made is whole after the next start', async () => {
    const secrets = keySecrets(settingsOf({}), true);
    const engines = await openEngines(settingsOf({}));
    await ensureRegion({ ...engines, clock: systemClock, random: systemRandom }, (id) => fingerprintsIn(secrets, id));
    await engines.close();
    const service = await openService(settingsOf({}));
    await prepareRegion(service);
    expect((await openWiring(service).policies.current()).version).toBe(1);
    expect((await service.bus.topics()).map(({ topic }) => topic)).toContain(CONSENT_TOPIC);
    await service.close();
  });

  it('makes no secrets in the place of those that a store of before was made with', async () => {
    const { store, close } = await openEngines(settingsOf({}));
    await store.append('policy-region', NO_STREAM, [{ id: systemRandom.uuid(), type: 'policy-adopted-1', data: bytesOf('{}') }]);
    await close();
    await expect(createRegion(settingsOf({}))).rejects.toThrow(/region-secret is not there, and a region is/);
  });

  it('keeps the released codes that it was made with, whatever a later start is given', async () => {
    const codes = { 'http://snomed.info/sct': ['44054006'] };
    const codesOf = async (releasedCodes: ReleasedCodes, open = createRegion) => {
      const service = await open({ ...settingsOf(OWN), releasedCodes, namesReleasedCodes: true });
      await service.close();
      return service.releasedCodes;
    };
    expect(await codesOf(codes)).toEqual(codes);
    expect([await codesOf({}), await codesOf({}, openService)]).toEqual([codes, codes]);
  });

  it('begins with a list of released codes of three megabytes', async () => {
    const codes = { 'http://snomed.info/sct': Array.from({ length: 170_000 }, (_, index) => String(1e15 + index)) };
    const service = await createRegion({ ...settingsOf(OWN), releasedCodes: codes });
    await service.close();
    const again = await openService(settingsOf(OWN));
    await again.close();
    expect(JSON.stringify(codes).length).toBeGreaterThan(3_000_000);
    expect(JSON.stringify(again.releasedCodes) === JSON.stringify(codes)).toBe(true);
  });

  it('is not made anew where its file was lost', async () => {
    await start(OWN);
    for (const file of readdirSync(directory)) if (file.startsWith('weft.db')) rmSync(join(directory, file));
    await expect(openService(settingsOf(OWN))).rejects.toThrow(NoRegion);
    expect(readdirSync(directory)).not.toContain('weft.db');
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'another region secret',
      { ...OWN, WEFT_REGION_SECRET: C },
      /^WEFT_REGION_SECRET: is not the one that region \S+ was made with: no record/,
    ],
    ['another research secret', { ...OWN, WEFT_RESEARCH_SECRET: C }, /^WEFT_RESEARCH_SECRET: is not the one/],
    ['an integrity secret that it did not have', { ...OWN, WEFT_INTEGRITY_SECRET: C }, /^WEFT_INTEGRITY_SECRET: is not the one/],
    [
      'the two swapped',
      { WEFT_REGION_SECRET: B, WEFT_RESEARCH_SECRET: A },
      /^WEFT_REGION_SECRET: is region \S+'s WEFT_RESEARCH_SECRET: .*\nWEFT_RESEARCH_SECRET: is region \S+'s WEFT_REGION_SECRET: /,
    ],
  ])('ends a start with %s before it writes, and names the setting', async (_, env, message) => {
    const { streams } = await start(OWN);
    const error = await refusal(env);
    expect(error).toBeInstanceOf(NotThisRegion);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toMatch(new RegExp(`${A}|${B}|${C}`));
    expect((await start(OWN)).streams).toEqual(streams);
  });

  it('makes no new secrets in the place of those that are gone', async () => {
    await start({});
    rmSync(join(directory, 'keys'), { recursive: true });
    const error = await refusal({});
    expect(error).toBeInstanceOf(SettingsError);
    expect((error as Error).message).toMatch(/^WEFT_DATA_DIR: .*region-secret is not there, and a region is/);
    expect(readdirSync(directory)).not.toContain('keys');
  });

  it('does not begin anew beside the files of an earlier Weft', async () => {
    await start(OWN);
    writeFileSync(join(directory, 'store.db'), 'what an earlier Weft kept');
    expect(await refusal(OWN)).toMatchObject({
      type: 'engine-damaged',
      message: expect.stringMatching(/^store.db: the data directory was made by an earlier form of Weft/),
    });
  });

  it('of several starts at one time with different secrets lets those of one alone go on', async () => {
    const starts = await Promise.all([refusal(OWN), refusal({ ...OWN, WEFT_RESEARCH_SECRET: C })]);
    expect(starts.filter((one) => one instanceof NotThisRegion)).toHaveLength(1);
  });

  it('takes another research secret once somebody has said so', async () => {
    const { region } = await start(OWN);
    const env = { ...OWN, WEFT_RESEARCH_SECRET: C as string };
    const service = await openService(settingsOf(env), {}, 'research');
    await changeRegionSecret(service, region!, 'research', fingerprintOf(C as string, 'research', region!.id));
    expect(await ensureRegion(service, () => region!.fingerprints)).toMatchObject({ id: region!.id, madeAt: region!.madeAt });
    await service.close();
    expect((await start(env)).region?.id).toBe(region!.id);
    expect(await refusal(OWN)).toBeInstanceOf(NotThisRegion);
  });

  it('that a newer Weft wrote of is not guessed at', async () => {
    await start(OWN);
    const service = await openService(settingsOf(OWN));
    const event = { id: service.random.uuid(), type: 'region-moved-1', data: bytesOf('{}') };
    await service.store.append('itself-region', 0, [event]);
    await service.close();
    expect(await refusal(OWN)).toMatchObject({ message: expect.stringContaining('region-moved-1') });
  });
});
