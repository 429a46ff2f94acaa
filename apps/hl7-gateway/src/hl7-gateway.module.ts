import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Service, SettingsError } from '@weft/service';
import { RawIntake } from './raw-intake.js';
import { listenFor, type Listening } from './listening.js';
import { Measures } from './measures.js';

/** Listens for HL7 v2 wherever the settings say, for as long as the app runs. */
@Module({})
export class Hl7GatewayModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly open = new Map<string, Listening>();

  constructor(private readonly service: Service) {}

  async onApplicationBootstrap(): Promise<void> {
    const { settings, organisations } = this.service;
    for (const [index, { organisation }] of settings.hl7v2Listeners.entries()) {
      if (organisations.known.has(organisation)) continue;
      const message = `[${index}].organisation is none of the region’s: \`weft organisations add\` adds one`;
      throw new SettingsError([{ setting: 'WEFT_HL7V2_LISTENERS', message }]);
    }
    for (const listener of settings.hl7v2Listeners) {
      const measures = new Measures(this.service.metrics, listener.name);
      const listening = await listenFor(listener, new RawIntake(this.service, listener, measures), measures, this.service.log);
      this.open.set(listener.name, listening);
      this.service.log.info({ listener: listener.name, port: listening.port }, 'listening for HL7 v2');
    }
  }

  /** Where the listener of this name listens. */
  portOf(name: string): number | undefined {
    return this.open.get(name)?.port;
  }

  /** Whoever waits for an acknowledgement gets it first. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.open.values()].map((listening) => listening.stop()));
  }
}
