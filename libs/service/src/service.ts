import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ReleasedCodes } from '@weft/domain';
import {
  type Clock,
  type EventBus,
  type EventStore,
  type Keys,
  loadRegion,
  PolicyBook,
  type Random,
  type Region,
  ReleasedCodesBook,
  type RegionSecret,
  type Timers,
} from '@weft/processing';
import { type Engines, openEngines } from './engines.js';
import { Readiness } from './readiness.js';
import { createKeys, keySecrets } from './keys.js';
import { createLogger, type Logger } from './log.js';
import { Metrics } from './metrics.js';
import { organisationsIn, type RegionOrganisations } from './region-organisations.js';
import { NoRegion, refuseUnlessFits } from './region-fits.js';
import type { Settings } from './settings.js';
import { systemClock, systemRandom, systemTimers } from './system.js';
import { createTokenVerifier, type TokenVerifier } from './tokens.js';

/** What every app is given, and Nest's token for it: providers and controllers take it by this type. */
export abstract class Service {
  abstract readonly settings: Settings;
  /** The one that the store holds, as it was when it was opened. */
  abstract readonly region: Region;
  /** Its organisations, as this process knows them. */
  abstract readonly organisations: RegionOrganisations;
  /** Those in force when it was opened: the settings' own count in a region that has none yet. */
  abstract readonly releasedCodes: ReleasedCodes;
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
 * Opens the engines that the settings choose and puts the rest around them; what is given is taken instead. Throws NoRegion where they hold
 * no region, and NotThisRegion where the secrets are not the region's, save for one that is about to be changed: before anything is read,
 * and before anything is made.
 */
export async function openService(settings: Settings, given: Partial<Service> = {}, changing?: RegionSecret): Promise<Service> {
  if (given.store === undefined) refuseUnlessThere(settings);
  const service = await opened(settings, given, async ({ store }) => {
    const region = given.region ?? (await loadRegion(store));
    if (region === null) throw new NoRegion(settings);
    if (given.keys !== undefined) return { region, keys: given.keys };
    const secrets = keySecrets(settings);
    refuseUnlessFits(region, secrets, changing);
    return { region, keys: createKeys(secrets) };
  });
  return closedUnless(service, () => service.organisations.look());
}

/** The service once it has done something; closed where that failed. */
export async function closedUnless(service: Service, done: () => Promise<void>): Promise<Service> {
  try {
    await done();
    return service;
  } catch (error) {
    await service.close();
    throw error;
  }
}

/** A service on engines whose region is found, or made, by `regionOf`. */
export async function opened(
  settings: Settings,
  given: Partial<Service>,
  regionOf: (engines: Engines) => Promise<Pick<Service, 'region' | 'keys'>>,
): Promise<Service> {
  const log = given.log ?? createLogger(settings);
  const clock = given.clock ?? systemClock;
  const timers = given.timers ?? systemTimers;
  const engines = await enginesOf(settings, given);
  try {
    const { region, keys } = await regionOf(engines);
    const { bus, store, close } = engines;
    const readiness = given.readiness ?? new Readiness(timers, (part, err) => log.warn({ err, part }, 'not ready'));
    readiness.register('bus', () => bus.check());
    readiness.register('store', () => store.check());
    warnOfLocalSecrets(settings, log);
    const random = given.random ?? systemRandom;
    const policies = new PolicyBook(store, clock, random);
    return {
      ...{ settings, region, bus, store, keys, clock, timers, log, readiness },
      verifyToken: given.verifyToken ?? createTokenVerifier(settings, clock),
      random,
      releasedCodes: (await new ReleasedCodesBook(store, clock, random).current())?.codes ?? settings.releasedCodes,
      organisations: given.organisations ?? organisationsIn({ store, clock, random, policies }),
      metrics: given.metrics ?? new Metrics(),
      close: given.close ?? close,
    };
  } catch (error) {
    await engines.close();
    throw error;
  }
}

/** What the embedded engines keep, and the region's secrets beside it, are made with the region alone. */
function refuseUnlessThere(settings: Settings): void {
  const { kafka, eventStoreUrl, dataDirectory } = settings;
  const isEmbedded = kafka === undefined || eventStoreUrl === undefined;
  if (isEmbedded && EMBEDDED_FILES.every((file) => isGone(join(dataDirectory, file)))) throw new NoRegion(settings);
}

/** What the embedded engines keep a region in, and kept it in: they say themselves that they cannot read what is of an earlier Weft. */
const EMBEDDED_FILES = ['weft.db', 'bus.db', 'store.db'];

/** What cannot be looked at is there: who uses it says what is wrong with it. */
function isGone(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
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
