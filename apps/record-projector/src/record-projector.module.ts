import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { careEventsTopic, RECORD_PROJECTOR_GROUP, startRecordProjector, type Projector, type Wiring } from '@weft/processing';
import { projectorObserver, Service, watchLag, watchVersions, WIRING } from '@weft/service';

/** Runs the record-projector for as long as the app does. */
@Module({})
export class RecordProjectorModule implements OnApplicationBootstrap, OnModuleDestroy {
  private projector: Projector | undefined;

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {}

  static register(wiring: Wiring): DynamicModule {
    return { module: RecordProjectorModule, providers: [{ provide: WIRING, useValue: wiring }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    const topics = this.service.settings.organisations.map(({ ods }) => careEventsTopic(ods));
    watchLag(this.service, RECORD_PROJECTOR_GROUP, topics);
    watchVersions(this.service);
    this.projector = await startRecordProjector(this.wiring, topics, projectorObserver(this.service, 'record-projector'));
  }

  async onModuleDestroy(): Promise<void> {
    await this.projector?.stop();
  }
}
