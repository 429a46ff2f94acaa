import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { startHl7Projector } from '@weft/hl7v2-processing';
import { HL7_PROJECTOR_GROUP, hl7v2Topic, type Projector, type Wiring } from '@weft/processing';
import { organisationsByHl7v2, projectorObserver, Service, watchLag, watchWaiting, WIRING } from '@weft/service';
import { messageObserver } from './measures.js';

/** Runs the hl7-projector for as long as the app does. */
@Module({})
export class Hl7ProjectorModule implements OnApplicationBootstrap, OnModuleDestroy {
  private projector: Projector | undefined;

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {}

  static register(wiring: Wiring): DynamicModule {
    return { module: Hl7ProjectorModule, providers: [{ provide: WIRING, useValue: wiring }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    const { settings } = this.service;
    const organisations = organisationsByHl7v2(settings);
    const topics = organisations.map(hl7v2Topic);
    watchLag(this.service, HL7_PROJECTOR_GROUP, () => topics);
    watchWaiting(this.service, organisations);
    this.projector = await startHl7Projector(
      this.wiring,
      { listeners: settings.hl7v2Listeners, tables: settings.hl7v2Tables },
      { ...projectorObserver(this.service, 'hl7-projector'), onMessage: messageObserver(this.service) },
    );
  }

  async onModuleDestroy(): Promise<void> {
    await this.projector?.stop();
  }
}
