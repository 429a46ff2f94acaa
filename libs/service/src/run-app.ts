import type { DynamicModule, Type } from '@nestjs/common';
import { EngineError, EngineUnavailable, type Wiring } from '@weft/processing';
import { createHttpApp, listen } from './http-app.js';
import { createLogger } from './log.js';
import { prepareRegion } from './create-region.js';
import { NoRegion, NotThisRegion } from './region-fits.js';
import { openService, type Service } from './service.js';
import { loadSettings, SettingsError } from './settings.js';
import { onceEnginesAnswer } from './start-patience.js';
import { openWiring } from './wiring.js';

/** sysexits(3): a service that this one needs is not there. */
const EX_UNAVAILABLE = 69;
/** Something was found in an unconfigured or misconfigured state. */
const EX_CONFIG = 78;

/**
 * One app as its own process: settings from the environment, engines, modules, an address. Ends with 2 for settings, 78 where
 * they name no region, or are another one's, 69 for engines that did not come, 3 for one that is damaged.
 */
export async function runApp(
  name: string,
  modules: (service: Service, wiring: Wiring) => readonly (Type | DynamicModule)[],
  { description = name }: { readonly description?: string } = {},
): Promise<void> {
  try {
    const settings = loadSettings(process.env);
    const log = createLogger(settings);
    const waits = (sentence: string): void => log.warn({ app: name }, sentence);
    const service = await onceEnginesAnswer(settings, () => openService(settings, { log }), waits);
    service.metrics.watchProcess();
    await prepareRegion(service);
    const wiring = openWiring(service);
    const app = await createHttpApp(service, modules(service, wiring), { name, description });
    service.log.info({ app: name, address: await listen(app, settings) }, 'ready');
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof EngineError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    if (error instanceof NotThisRegion || error instanceof NoRegion) process.exit(EX_CONFIG);
    if (error instanceof EngineUnavailable) process.exit(EX_UNAVAILABLE);
    process.exit(error instanceof SettingsError ? 2 : 3);
  }
}
