import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keySecrets } from './keys.js';
import { keepSecretFile } from './secret-file.js';
import { readSettings } from './settings.js';

const REGION = '0f1e2d3c4b5a69788796a5b4c3d2e1f0a';
const INTEGRITY = 'an-integrity-secret-of-71-tests-only';
const OTHER = 'another-region-secret-for-93-tests';

describe('a secret file', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'weft-secret-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is made once, for its owner only, and leaves no draft behind', () => {
    const path = join(directory, 'keys', 'secret');
    expect(keepSecretFile(path, () => 'first')).toBe('first');
    expect(keepSecretFile(path, () => 'second')).toBe('first');
    expect(readdirSync(join(directory, 'keys'))).toEqual(['secret']);
    expect([statSync(path).mode & 0o777, statSync(join(directory, 'keys')).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('is the one of whichever process was first, also for one that was making its own just then', () => {
    const path = join(directory, 'secret');
    const makeTooLate = () => {
      writeFileSync(path, 'of the other process');
      return 'mine';
    };
    expect(keepSecretFile(path, makeTooLate)).toBe('of the other process');
    expect(readdirSync(directory)).toEqual(['secret']);
  });

  it('that others may read is refused, with what to do', () => {
    const path = join(directory, 'secret');
    keepSecretFile(path, () => 'secret');
    chmodSync(path, 0o644);
    expect(() => keepSecretFile(path, () => 'x')).toThrow(/^WEFT_DATA_DIR: .*secret may be read by everybody: chmod 600/);
  });

  it('that cannot be kept is the fault of the data directory, by name', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => keepSecretFile(join(directory, 'file', 'keys', 'secret'), () => 'x')).toThrow(/^WEFT_DATA_DIR: .*ENOTDIR/);
  });

  it('holds no integrity secret: that is the one configured, or made of the region’s, and never the region’s own', () => {
    const given = { WEFT_DATA_DIR: directory, WEFT_REGION_SECRET: REGION };
    const made = keySecrets(readSettings(given).settings, true);
    const configured = keySecrets(readSettings({ ...given, WEFT_INTEGRITY_SECRET: INTEGRITY }).settings, true);
    const other = keySecrets(readSettings({ ...given, WEFT_REGION_SECRET: OTHER }).settings, true);
    expect(configured.integrity).toBe(INTEGRITY);
    expect(new Set([made.integrity, made.region, other.integrity]).size).toBe(3);
    expect(keySecrets(readSettings(given).settings, true).integrity).toBe(made.integrity);
  });

  it('holds the key secrets that are not configured, the same at the next start', () => {
    const settings = readSettings({ WEFT_DATA_DIR: directory, WEFT_REGION_SECRET: REGION }).settings;
    const secrets = keySecrets(settings, true);
    expect(secrets).toMatchObject({ region: REGION, research: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(keySecrets(settings)).toEqual(secrets);
    expect(readdirSync(join(directory, 'keys'))).toEqual(['research-secret']);
  });
});
