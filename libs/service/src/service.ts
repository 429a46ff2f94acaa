import type { Clock, EventBus, EventStore, Keys, Random, Timers } from '@weft/processing';
import { type Engines, openEngines } from './engines.js';
import { Readiness } from './readiness.js';
import { createKeys, keySecrets } from './keys.js';
import { createLogger, type Logger } from './log.js';
import { Metrics } from './metrics.js';
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

/** Opens the engines that the settings choose and puts the rest around them; what is given is taken instead. */
export async function openService(settings: Settings, given: Partial<Service> = {}): Promise<Service> {
  const log = given.log ?? createLogger(settings);
  const clock = given.clock ?? systemClock;
  const timers = given.timers ?? systemTimers;
  const keys = given.keys ?? createKeys(keySecrets(settings));
  const verifyToken = given.verifyToken ?? createTokenVerifier(settings, clock);
  const { bus, store, close } = await enginesOf(settings, given);
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
