import { createHmac } from 'node:crypto';
import { createMessageReader, type Seal, sealMessage } from '@weft/care-events';
import { type Organisation, projectionsOf, releaseWith, type Policy } from '@weft/domain';
import {
  careEventsTopic,
  CONSENT_TOPIC,
  ensureRegion,
  NotPermitted,
  OPT_OUT_PROJECTOR_GROUP,
  PolicyBook,
  RECORD_PROJECTOR_GROUP,
  UnknownTopic,
  regionTopics,
  type Wiring,
} from '@weft/processing';
import { organisationsByHl7v2 } from './hl7v2-listeners.js';
import { keySecrets } from './keys.js';
import { fingerprintsIn, NotThisRegion, refuseUnlessFits } from './region-fits.js';
import type { Service } from './service.js';
import type { Settings } from './settings.js';

/** Nest's token for the Wiring. */
export const WIRING = Symbol('Wiring');

/** Partitions of an embedded topic: enough for several projector processes on one machine. */
const EMBEDDED_PARTITIONS = 4;

/**
 * What processing reaches the world through, of a service whose engines are open. On the embedded bus the region's topics
 * are created; on Kafka they are the operators' (weft topics).
 */
export async function openWiring(service: Service): Promise<Wiring> {
  const { settings, bus, store, clock, timers, random, keys } = service;
  const secrets = keySecrets(settings);
  await refuseUnlessWhole(service);
  // Of two that make it at one time with different secrets one finds the other's.
  refuseUnlessFits(await ensureRegion(service, (id) => fingerprintsIn(secrets, id)), secrets);
  if (settings.kafka === undefined) {
    await bus.createTopics(regionTopics(settings.organisations, EMBEDDED_PARTITIONS, organisationsByHl7v2(settings)));
  }
  const reader = createMessageReader({
    organisations: organisationsOf(settings),
    now: () => clock.now(),
    seal: sealOf(settings),
  });
  return {
    bus,
    store,
    clock,
    timers,
    random,
    keys,
    reader,
    projections: projectionsOf(releaseWith(settings.releasedCodes)),
    policies: new PolicyBook(store, clock, random),
  };
}

/** Throws NotThisRegion where projectors have dealt with messages, and the store holds nothing of them: not even the decisions. */
async function refuseUnlessWhole({ settings, bus, store }: Service): Promise<void> {
  if ((await store.readAll({ maxCount: 1 })).length > 0) return;
  const inbound: readonly [group: string, topic: string][] = [
    [OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC],
    ...settings.organisations.map(({ ods }): [string, string] => [RECORD_PROJECTOR_GROUP, careEventsTopic(ods)]),
  ];
  for (const [group, topic] of inbound) {
    if (!(await wasDealtWith(bus, group, topic))) continue;
    const setting = settings.eventStoreUrl === undefined ? 'WEFT_DATA_DIR' : 'WEFT_EVENTSTORE_URL';
    const message =
      'the store is empty, and what the topics hold has been dealt with: it is another region’s, or was lost. Restore it, or set both groups back to the earliest (docs/operations.md)';
    throw new NotThisRegion([{ setting, message }]);
  }
}

/** What a process may not look at is left to those who may: the projectors, which write. */
async function wasDealtWith(bus: Service['bus'], group: string, topic: string): Promise<boolean> {
  try {
    return (await bus.committed(group, topic)).some(({ offset }) => offset > 0);
  } catch (error) {
    if (error instanceof NotPermitted || error instanceof UnknownTopic) return false;
    throw error;
  }
}

/** What the gateway seals validated messages with and the projectors know them by; made of the region's secret, and not it. */
export const sealOf = (settings: Settings): Seal => sealMessage(madeOfRegionSecret(settings, 'seal'));

/** What cursors of feeds are sealed with; made of the region's secret, and not it, nor what messages are sealed with. */
export const cursorSecretOf = (settings: Settings): Buffer => madeOfRegionSecret(settings, 'cursor');

const madeOfRegionSecret = (settings: Settings, use: 'seal' | 'cursor'): Buffer =>
  createHmac('sha256', keySecrets(settings).region).update(use).digest();

export const organisationsOf = ({ organisations }: Settings): ReadonlyMap<string, Organisation> =>
  new Map(organisations.map((organisation) => [organisation.ods, organisation]));

/** What kind each organisation is, by ODS code: what a policy is adopted with. */
export const kindsOf = ({ organisations }: Settings): Policy['organisations'] =>
  Object.fromEntries(organisations.map(({ ods, kind }) => [ods, kind]));
