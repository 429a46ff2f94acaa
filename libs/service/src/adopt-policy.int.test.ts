import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_POLICY_NAME, DEFAULT_RULES, type Organisation, type Policy } from '@weft/domain';
import { ensureRegion } from '@weft/processing';
import { adoptAtStart, codesDiffer, organisationsDiffer, warnAtStart } from './adopt-policy.js';
import { AuditLog } from './audit-log.js';
import { auditOfDay } from './audit-trail.js';
import { openEngines } from './engines.js';
import { keySecrets } from './keys.js';
import { createLogger } from './log.js';
import { fingerprintsIn } from './region-fits.js';
import { openService, type Service } from './service.js';
import { loadSettings, type Settings, SettingsError } from './settings.js';
import { systemClock, systemRandom } from './system.js';
import { openWiring } from './wiring.js';

const directories: string[] = [];
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));
const WITHOUT_TYPE_1 = { name: 'x', rules: DEFAULT_RULES.filter(({ id }) => id !== 'type-1-objection') };

const ANOTHER = { name: 'Another', rules: DEFAULT_RULES };
const opened: Service[] = [];
afterEach(() => Promise.all(opened.splice(0).map((service) => service.close())));

/** A region that has nothing yet, and its starts. */
async function emptyRegion() {
  const directory = mkdtempSync(join(tmpdir(), 'weft-adopt-'));
  directories.push(directory);
  const settings = loadSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal' });
  const engines = await openEngines(settings);
  const secrets = keySecrets(settings, true);
  await ensureRegion({ ...engines, clock: systemClock, random: systemRandom }, (id) => fingerprintsIn(secrets, id));
  const service = await openService(settings, engines);
  opened.push(service);
  const wiring = openWiring(service);
  const audit = new AuditLog(service);
  const start = (policy?: unknown) => adoptAtStart(wiring, audit, { ...settings, policy });
  return { service, settings, wiring, audit, start };
}

describe('the policy of a region', () => {
  it('is the shipped one at first, adopted once and audited once', async () => {
    const { service, start } = await emptyRegion();
    for (let time = 0; time < 2; time += 1)
      expect(await start()).toMatchObject({ version: 1, policy: { name: DEFAULT_POLICY_NAME } });
    const entries = [];
    for await (const { entry } of auditOfDay(service.store, new Date().toISOString().slice(0, 10))) entries.push(entry);
    expect(entries).toEqual([expect.objectContaining({ who: 'the settings', action: 'adopt-policy', about: 'version 1' })]);
  });

  it('is the one that the settings name where the region is empty, unless that lies below the floor', async () => {
    const { start } = await emptyRegion();
    await expect(start(WITHOUT_TYPE_1)).rejects.toThrow(SettingsError);
    await expect(start(WITHOUT_TYPE_1)).rejects.toThrow(
      /WEFT_POLICY: rules\[3\] \(explicit-consent\) .* Floor rule type-1-asked/,
    );
    expect(await start(ANOTHER)).toMatchObject({ version: 1, policy: { name: 'Another' } });
  });

  it.each([
    ['name another one', ANOTHER],
    ['name the first one again', { name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES }],
    ['name one below the floor', WITHOUT_TYPE_1],
    ['name none', undefined],
  ])('stays the one that people adopted, however often it starts, where the settings %s', async (_, named) => {
    const { start, wiring } = await emptyRegion();
    const { policy } = await start();
    await wiring.policies.adopt({ ...policy, name: 'Adopted by two people' });
    for (let time = 0; time < 2; time += 1)
      expect(await start(named)).toMatchObject({ version: 2, policy: { name: 'Adopted by two people' } });
  });

  it('is that of one of several that start at one time with different settings', async () => {
    const { start, wiring } = await emptyRegion();
    const [one, other] = await Promise.all([start(ANOTHER), start()]);
    expect(one).toEqual(other);
    expect(await wiring.policies.all()).toHaveLength(1);
  });

  it('keeps its kinds of organisations, whatever the settings of a later start say', async () => {
    const { start, wiring, audit, settings } = await emptyRegion();
    const first = await start();
    const aPractice = { ods: 'RX901', name: 'Acute trust', kind: 'gp' } as const;
    for (const organisations of [settings.organisations.slice(1), [aPractice], [...settings.organisations, aPractice]])
      expect(await adoptAtStart(wiring, audit, { ...settings, organisations })).toEqual(first);
  });

  it.each([
    ['the policy in force', { name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES }, []],
    ['no policy', undefined, []],
    ['another one', ANOTHER, ['WEFT_POLICY']],
    ['one that is no policy', { name: 'x' }, ['WEFT_POLICY']],
  ])('is said to stay where the settings name another one: they name %s', async (_, named, warnings) => {
    const { start, settings } = await emptyRegion();
    const lines: string[] = [];
    const log = createLogger({ logLevel: 'warn' }, { write: (line) => lines.push(line) });
    warnAtStart({ log, settings: { ...settings, policy: named }, releasedCodes: {} }, await start());
    expect(lines.map((line) => (JSON.parse(line) as { setting: string }).setting)).toEqual(warnings);
  });

  it('is said to keep its kinds where the settings name other organisations, and only where they name any', async () => {
    const { start, settings } = await emptyRegion();
    const { policy } = await start();
    const named = (organisations: Settings['organisations'], namesOrganisations = true) =>
      organisationsDiffer({ organisations, namesOrganisations }, policy);
    const [first, ...others] = settings.organisations as [Organisation, ...Organisation[]];
    expect(named(settings.organisations)).toEqual([]);
    expect(named([{ ...first, kind: 'acute' }, ...others])).toEqual([first.ods]);
    expect(named([...others, { ods: 'RX904', name: 'New', kind: 'acute' }])).toEqual(['RX904', first.ods]);
    expect(named(others, false)).toEqual([]);
    const lines: string[] = [];
    const log = createLogger({ logLevel: 'warn' }, { write: (line) => lines.push(line) });
    warnAtStart(
      { log, settings: { ...settings, organisations: others, namesOrganisations: true }, releasedCodes: {} },
      await start(),
    );
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { setting: 'WEFT_ORGANISATIONS', organisations: [first.ods] },
    ]);
  });

  it('is said to keep its released codes where the settings name others, and only where they name any', () => {
    const settings = (releasedCodes: Settings['releasedCodes'], namesReleasedCodes = true) => ({
      ...loadSettings({}),
      ...{ releasedCodes, namesReleasedCodes },
    });
    const codes = { 'http://snomed.info/sct': ['44054006'] };
    expect([settings(codes), settings({}), settings({}, false)].map((one) => codesDiffer(one, codes))).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('is said to lie below the floor where it does since before there was one', () => {
    const lines: string[] = [];
    const log = createLogger({ logLevel: 'warn' }, { write: (line) => lines.push(line) });
    const inForce = (policy: Policy) => ({ version: 1, adoptedAt: '2026-01-01T00:00:00Z', policy });
    warnAtStart(
      { log, settings: loadSettings({}), releasedCodes: {} },
      inForce({ name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES, organisations: {} }),
    );
    expect(lines).toEqual([]);
    warnAtStart({ log, settings: loadSettings({}), releasedCodes: {} }, inForce({ ...WITHOUT_TYPE_1, organisations: {} }));
    expect(lines.map((line) => (JSON.parse(line) as { rule: string }).rule)).toEqual(['type-1-asked', 'type-1-asked']);
  });
});
