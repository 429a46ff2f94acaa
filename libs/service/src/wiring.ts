import { createHmac } from 'node:crypto';
import { createMessageReader, type Seal, sealMessage } from '@weft/care-events';
import { type Organisation, projectionsOf, releaseWith, type Policy } from '@weft/domain';
import { PolicyBook, type Wiring } from '@weft/processing';
import { keySecrets } from './keys.js';
import type { Service } from './service.js';
import type { Settings } from './settings.js';

/** Nest's token for the Wiring. */
export const WIRING = Symbol('Wiring');

/** What processing reaches the world through, of a service whose engines are open. */
export function openWiring(service: Service): Wiring {
  const { settings, bus, store, clock, timers, random, keys } = service;
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

/** What the gateway seals validated messages with and the projectors know them by; made of the region's secret, and not it. */
export const sealOf = (settings: Settings): Seal => sealMessage(madeOfRegionSecret(settings, 'seal'));

/** What cursors of feeds are sealed with; made of the region's secret, and not it, nor what messages are sealed with. */
export const cursorSecretOf = (settings: Settings): Buffer => madeOfRegionSecret(settings, 'cursor');

const madeOfRegionSecret = (settings: Settings, use: 'seal' | 'cursor'): Buffer =>
  createHmac('sha256', keySecrets(settings).region).update(use).digest();

export const organisationsOf = ({ organisations }: Settings): ReadonlyMap<string, Organisation> =>
  new Map(organisations.map((organisation) => [organisation.ods, organisation]));

/** What kind each organisation is, by ODS code: what a policy is adopted with. */
export const kindsOf = ({ organisations }: Pick<Settings, 'organisations'>): Policy['organisations'] =>
  Object.fromEntries(organisations.map(({ ods, kind }) => [ods, kind]));
