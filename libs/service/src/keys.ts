import { createHmac, createSecretKey, hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Purpose } from '@weft/domain';
import type { Keys } from '@weft/processing';
import { keepSecretFile } from './secret-file.js';
import type { Settings } from './settings.js';

/** Patients whose keys are remembered; two generations of so many, about 10 MB each. */
const REMEMBERED_PATIENTS = 65_536;

export interface KeySecrets {
  readonly region: string;
  readonly research: string;
  readonly integrity: string;
}

/**
 * The secrets that are configured; what is not is kept in the data directory, and generated where a region is made (`mayMake`). Throws
 * SettingsError where they cannot be kept there, or are gone from there: a region has no use for other ones.
 */
export function keySecrets(settings: Settings, mayMake = false): KeySecrets {
  const kept = (name: string): string =>
    keepSecretFile(join(settings.dataDirectory, 'keys', name), mayMake ? makeSecret : null).trim();
  const region = settings.regionSecret ?? kept('region-secret');
  return {
    region,
    research: settings.researchSecret ?? kept('research-secret'),
    integrity: settings.integritySecret ?? madeOf(region),
  };
}

/** The integrity secret of a region that has none of its own in its settings. */
export const madeOf = (regionSecret: string): string => createHmac('sha256', regionSecret).update('integrity').digest('hex');

const makeSecret = (): string => `${randomBytes(32).toString('hex')}\n`;

/**
 * The Keys port. What a key stands for is named in the hashed text (`view:…`, `pseudonym:…`), so that a key of one sort is
 * never one of another; a patient's key hashes the bare number, as the port says, and ten digits look like none of those.
 */
export function createKeys(secrets: KeySecrets): Keys {
  const region = createSecretKey(Buffer.from(secrets.region, 'utf8'));
  const research = createSecretKey(Buffer.from(secrets.research, 'utf8'));
  const integrity = createSecretKey(Buffer.from(secrets.integrity, 'utf8'));
  const secretOf = (purpose: Purpose) => (purpose === 'research' ? research : region);
  const keyed = (purpose: Purpose, text: string): string =>
    createHmac('sha256', secretOf(purpose)).update(text).digest('hex').slice(0, 32);
  const remembered = new Remembered<string>(REMEMBERED_PATIENTS);

  return {
    patient: (nhsNumber) =>
      remembered.get(nhsNumber, () => createHmac('sha256', region).update(nhsNumber).digest('hex').slice(0, 32)),
    view(purpose, patientKey) {
      if (purpose === 'direct-care' || purpose === 'care-coordination') return patientKey;
      return remembered.get(`${purpose}:${patientKey}`, () => keyed(purpose, `view:${purpose}:${patientKey}`));
    },
    pseudonym: (purpose, text) => keyed(purpose, `pseudonym:${purpose}:${text}`),
    uuid: (...parts) =>
      uuidOf(
        createHmac('sha256', region)
          .update(`uuid:${JSON.stringify(parts)}`)
          .digest(),
      ),
    digest: (text) => hash('sha256', text),
    chain: (text) => createHmac('sha256', integrity).update(text).digest('hex').slice(0, 32),
  };
}

/** RFC 9562, version 8: 122 bits of one's own. */
function uuidOf(hash: Buffer): string {
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Remembers what was asked for lately in two generations: as good as least-recently-used, and one Map look-up for a hit. */
class Remembered<T> {
  private young = new Map<string, T>();
  private old = new Map<string, T>();
  constructor(private readonly generation: number) {}

  get(key: string, make: () => T): T {
    const known = this.young.get(key);
    if (known !== undefined) return known;
    const value = this.old.get(key) ?? make();
    if (this.young.size >= this.generation) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
    return value;
  }
}
