import {
  type Clock,
  type EventBus,
  type EventStore,
  type Keys,
  loadRegion,
  type Random,
  type RegionSecret,
  type Timers,
} from '@weft/processing';
import { type Engines, openEngines } from './engines.js';
import { Readiness } from './readiness.js';
import { createKeys, keySecrets } from './keys.js';
import { createLogger, type Logger } from './log.js';
import { Metrics } from './metrics.js';
import { refuseUnlessFits } from './region-fits.js';
import type { Settings } from './settings.js';
import { systemClock, systemRandom, systemTimers } from './system.js';
import { createTokenVerifier, type TokenVerifier } from './tokens.js';

/** What every app is given, and Nest's token for it: providers and controllers take it by this type. */
export abstract class Service {
  abstract readonly settings: Settings;
  abstract readonly bus: EventBus;
  abstract readonly store: EventStore;
  abstract readonly keys: Keys;
  abstract readonly clock: Clock;
  abstract readonly timers: Timers;
  abstract readonly random: Random;
  abstract readonly log: Logger;
  abstract readonly metrics: Metrics;
  abstract readonly readiness: Readiness;
  abstract readonly verifyToken: TokenVerifier;
  /** Closes the engines; an app that was given this does so itself when it is closed. */
  abstract close(): Promise<void>;
}

/**
 * Opens the engines that the settings choose and puts the rest around them; what is given is taken instead. Throws NotThisRegion where the
 * secrets are not those of the region that is in the store, save for one that is about to be changed.
 */
export async function openService(settings: Settings, given: Partial<Service> = {}, changing?: RegionSecret): Promise<Service> {
  const log = given.log ?? createLogger(settings);
  const clock = given.clock ?? systemClock;
  const timers = given.timers ?? systemTimers;
  const verifyToken = given.verifyToken ?? createTokenVerifier(settings, clock);
  const engines = await enginesOf(settings, given);
  const keys = given.keys ?? (await keysFor(settings, engines, changing));
  const { bus, store, close } = engines;
  const readiness = given.readiness ?? new Readiness(timers, (part, err) => log.warn({ err, part }, 'not ready'));
  readiness.register('bus', () => bus.check());
  readiness.register('store', () => store.check());
  warnOfLocalSecrets(settings, log);
  return {
    ...{ settings, bus, store, keys, clock, timers, log, readiness, verifyToken },
    random: given.random ?? systemRandom,
    metrics: given.metrics ?? new Metrics(),
    close: given.close ?? close,
  };
}

/** Looked at before anything else is read, and before anything is written. */
async function keysFor(settings: Settings, { store, close }: Engines, changing: RegionSecret | undefined): Promise<Keys> {
  try {
    const region = await loadRegion(store);
    const secrets = keySecrets(settings, region === null);
    if (region !== null) refuseUnlessFits(region, secrets, changing);
    return createKeys(secrets);
  } catch (error) {
    await close();
    throw error;
  }
}

async function enginesOf(settings: Settings, { bus, store }: Partial<Service>): Promise<Engines> {
  if (bus === undefined || store === undefined) return openEngines(settings);
  return { bus, store, close: async () => void (await Promise.all([bus.close(), store.close()])) };
}

/** Streams that outlive this machine are named under secrets that do not: losing the directory would orphan every record. */
function warnOfLocalSecrets(settings: Settings, log: Logger): void {
  const { eventStoreUrl, regionSecret, researchSecret, integritySecret, dataDirectory } = settings;
  if (regionSecret === undefined && integritySecret === undefined && eventStoreUrl !== undefined) {
    log.warn(
      { directory: dataDirectory },
      'WEFT_INTEGRITY_SECRET is not set: whoever can read keys/ of the data directory can forge audit and decisions unseen',
    );
  }
  if (eventStoreUrl === undefined || (regionSecret !== undefined && researchSecret !== undefined)) return;
  log.warn(
    { directory: dataDirectory },
    'WEFT_REGION_SECRET and WEFT_RESEARCH_SECRET are not set: keep keys/ of the data directory, and give it to every process',
  );
}
