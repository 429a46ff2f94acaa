import { createHmac } from 'node:crypto';
import { type Fingerprints, type Region, REGION_SECRETS, type RegionSecret } from '@weft/processing';
import { type KeySecrets, madeOf } from './keys.js';
import { type SettingName, type SettingProblem, type Settings, SettingsError } from './settings.js';

/** The settings are another region's: nothing may be read or written with them. */
export class NotThisRegion extends SettingsError {
  constructor(problems: readonly SettingProblem[]) {
    super(problems);
    this.name = 'NotThisRegion';
  }
}

/** The settings name a store that holds no region: nothing is made in it unless somebody says so. */
export class NoRegion extends SettingsError {
  constructor({ eventStoreUrl, dataDirectory }: Pick<Settings, 'eventStoreUrl' | 'dataDirectory'>) {
    super([
      eventStoreUrl === undefined
        ? {
            setting: 'WEFT_DATA_DIR',
            message: `there is no region in ${dataDirectory}: \`weft up\` or \`weft region create\` makes one there`,
          }
        : { setting: 'WEFT_EVENTSTORE_URL', message: 'there is no region in the store: `weft region create` makes one' },
    ]);
    this.name = 'NoRegion';
  }
}

export const SETTING_OF = {
  region: 'WEFT_REGION_SECRET',
  research: 'WEFT_RESEARCH_SECRET',
  integrity: 'WEFT_INTEGRITY_SECRET',
} as const satisfies Record<RegionSecret, SettingName>;

export function fingerprintOf(secret: string, of: RegionSecret, id: string): string {
  return createHmac('sha256', secret).update(`fingerprint of ${of} in ${id}`).digest('hex').slice(0, 32);
}

export function fingerprintsIn(secrets: KeySecrets, id: string): Fingerprints {
  const { region, research, integrity } = secrets;
  return {
    region: fingerprintOf(region, 'region', id),
    research: fingerprintOf(research, 'research', id),
    integrity: fingerprintOf(integrity, 'integrity', id),
  };
}

/**
 * Throws NotThisRegion where a secret is not the one that the region was made with, by the name of its setting. Under another one
 * nobody's record and no decision would be found, and all would seem well.
 * @param excused one that is about to be changed.
 */
export function refuseUnlessFits({ id, fingerprints }: Region, secrets: KeySecrets, excused?: RegionSecret): void {
  const isThe = (secret: string, one: RegionSecret): boolean => fingerprintOf(secret, one, id) === fingerprints[one];
  const wrong = REGION_SECRETS.filter((one) => one !== excused && !isThe(secrets[one], one));
  if (wrong.length === 0) return;
  const ownerOf = (secret: string): RegionSecret | undefined => REGION_SECRETS.find((one) => isThe(secret, one));
  // What is made of a wrong secret is wrong with it, and is put right with it.
  const told =
    wrong.includes('region') && secrets.integrity === madeOf(secrets.region) ? wrong.filter((one) => one !== 'integrity') : wrong;
  throw new NotThisRegion(
    told.map((one) => {
      const owner = ownerOf(secrets[one]);
      const instead =
        owner === undefined ? `is not the one that region ${id} was made with` : `is region ${id}'s ${SETTING_OF[owner]}`;
      return { setting: SETTING_OF[one], message: `${instead}: ${CONSEQUENCE[one]}` };
    }),
  );
}

const CONSEQUENCE: Record<RegionSecret, string> = {
  region: 'no record and no decision would be found under it. Put the right one back',
  research:
    'everybody would have another name in research. Put the right one back, or, where it is to be changed, `weft region change-secret research`',
  integrity:
    'everything chained before would look forged. Put the right one back, or, where it is to be changed, `weft region change-secret integrity`',
};
