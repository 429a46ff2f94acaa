import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keySecrets } from './keys.js';
import { keepSecretFile } from './secret-file.js';
import { readSettings } from './settings.js';

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

  it('that cannot be kept is the fault of the data directory, by name', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => keepSecretFile(join(directory, 'file', 'keys', 'secret'), () => 'x')).toThrow(/^WEFT_DATA_DIR: .*ENOTDIR/);
  });

  it('holds the key secrets that are not configured, the same at the next start', () => {
    const settings = readSettings({ WEFT_DATA_DIR: directory, WEFT_REGION_SECRET: 'r'.repeat(32) }).settings;
    const secrets = keySecrets(settings);
    expect(secrets).toEqual({ region: 'r'.repeat(32), research: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(keySecrets(settings)).toEqual(secrets);
    expect(readdirSync(join(directory, 'keys'))).toEqual(['research-secret']);
  });
});
