import type { DynamicModule, Type } from '@nestjs/common';
import { EngineError, type Wiring } from '@weft/processing';
import { createHttpApp, listen } from './http-app.js';
import { openService, type Service } from './service.js';
import { loadSettings, SettingsError } from './settings.js';
import { openWiring } from './wiring.js';

/** One app as its own process: settings from the environment, engines, modules, an address. Ends with 2 for settings, 3 for engines. */
export async function runApp(
  name: string,
  modules: (service: Service, wiring: Wiring) => readonly (Type | DynamicModule)[],
  { description = name }: { readonly description?: string } = {},
): Promise<void> {
  try {
    const settings = loadSettings(process.env);
    const service = await openService(settings);
    service.metrics.watchProcess();
    const wiring = await openWiring(service);
    const app = await createHttpApp(service, modules(service, wiring), { name, description });
    service.log.info({ app: name, address: await listen(app, settings) }, 'ready');
  } catch (error) {
    if (!(error instanceof SettingsError || error instanceof EngineError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exit(error instanceof SettingsError ? 2 : 3);
  }
}
