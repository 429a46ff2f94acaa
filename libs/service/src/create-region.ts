import { ensureRegion, OrganisationBook, PolicyBook, regionTopics, ReleasedCodesBook } from '@weft/processing';
import { adoptAtStart } from './adopt-policy.js';
import { AuditLog } from './audit-log.js';
import { organisationsByHl7v2 } from './hl7v2-listeners.js';
import { createKeys, keySecrets } from './keys.js';
import { fingerprintsIn, refuseUnlessFits } from './region-fits.js';
import { closedUnless, opened, type Service } from './service.js';
import type { Settings } from './settings.js';
import { systemClock, systemRandom } from './system.js';

/** As openService, and makes the region where there is none. */
export async function createRegion(settings: Settings, given: Partial<Service> = {}): Promise<Service> {
  const service = await opened(settings, given, async ({ store }) => {
    const isEmpty = (await store.readAll({ maxCount: 1 })).length === 0;
    const secrets = keySecrets(settings, isEmpty);
    const around = { store, clock: given.clock ?? systemClock, random: given.random ?? systemRandom };
    const region = await ensureRegion(around, (id) => fingerprintsIn(secrets, id));
    // Of two that make it at one time with different secrets one finds the other's.
    refuseUnlessFits(region, secrets);
    await new ReleasedCodesBook(store, around.clock, around.random).seed(settings.releasedCodes);
    return { region, keys: createKeys(secrets) };
  });
  return closedUnless(service, () => prepareRegion(service));
}

/** Partitions of an embedded topic: enough for several projector processes on one machine. */
const EMBEDDED_PARTITIONS = 4;

/**
 * Puts into a region what each one has and this one has not, because it was made just now, by an older version, or by a process that was
 * killed: the first policy, the organisations that the policy names, the released codes, and on the embedded bus the topics; on Kafka they are the operators'
 * (weft topics). Throws SettingsError.
 */
export async function prepareRegion(service: Service): Promise<void> {
  const { settings, store, clock, random, organisations } = service;
  const policies = new PolicyBook(store, clock, random);
  const { policy } = await adoptAtStart({ store, policies }, new AuditLog(service), settings);
  const named = new Map(settings.organisations.map((one) => [one.ods, one]));
  const first = Object.entries(policy.organisations).map(([ods, kind]) => ({ name: ods, ...named.get(ods), ods, kind }));
  await new OrganisationBook(store, clock, random).seed(first);
  await new ReleasedCodesBook(store, clock, random).seed(settings.releasedCodes);
  await organisations.look();
  await createTopicsOf(service);
}

/** On the embedded bus the topics of every organisation that the region knows. */
export async function createTopicsOf({ settings, bus, organisations }: Service): Promise<void> {
  if (settings.kafka !== undefined) return;
  const byHl7v2 = organisationsByHl7v2(settings);
  const known = [...organisations.known.values()];
  await bus.createTopics(regionTopics(known, EMBEDDED_PARTITIONS, byHl7v2, settings.national !== undefined));
}
