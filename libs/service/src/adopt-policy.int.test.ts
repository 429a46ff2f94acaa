import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_POLICY_NAME, DEFAULT_RULES } from '@weft/domain';
import { adoptPolicy, warnBelowFloor } from './adopt-policy.js';
import { AuditLog } from './audit-log.js';
import { auditOfDay } from './audit-trail.js';
import { createLogger } from './log.js';
import { openService } from './service.js';
import { loadSettings, SettingsError } from './settings.js';
import { openWiring, policyOf } from './wiring.js';

const directory = mkdtempSync(join(tmpdir(), 'weft-adopt-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const settings = loadSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal' });
const WITHOUT_TYPE_1 = { name: 'x', rules: DEFAULT_RULES.filter(({ id }) => id !== 'type-1-objection') };

describe('the policy of a region', () => {
  it('is the shipped one at first, adopted once and audited once, and refused from the settings below the floor', async () => {
    const service = await openService(settings);
    const wiring = await openWiring(service);
    const audit = new AuditLog(service);
    for (let start = 0; start < 2; start += 1) {
      const policy = await policyOf(service, wiring.policies);
      expect(await adoptPolicy(wiring, audit, policy, { by: 'settings' })).toMatchObject({
        version: 1,
        policy: { name: DEFAULT_POLICY_NAME },
      });
    }
    const entries = [];
    for await (const { entry } of auditOfDay(service.store, new Date().toISOString().slice(0, 10))) entries.push(entry);
    expect(entries).toEqual([expect.objectContaining({ who: 'the settings', action: 'adopt-policy', about: 'version 1' })]);
    const below = policyOf(
      { ...service, close: () => service.close(), settings: { ...settings, policy: WITHOUT_TYPE_1 } },
      wiring.policies,
    );
    await expect(below).rejects.toThrow(SettingsError);
    await expect(below).rejects.toThrow(/WEFT_POLICY: rules\[3\] \(explicit-consent\) .* Floor rule type-1-asked/);
    await service.close();
  });

  it('is said to lie below the floor where it does since before there was one', () => {
    const lines: string[] = [];
    const log = createLogger({ logLevel: 'warn' }, { write: (line) => lines.push(line) });
    warnBelowFloor(log, { name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES, organisations: {} });
    expect(lines).toEqual([]);
    warnBelowFloor(log, { ...WITHOUT_TYPE_1, organisations: {} });
    expect(lines.map((line) => (JSON.parse(line) as { rule: string }).rule)).toEqual(['type-1-asked', 'type-1-asked']);
  });
});
