import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { RECORD_PROJECTOR_GROUP, type Wiring } from '@weft/processing';
import { Service, watchClocks, watchLag, watchMarks, watchVersions, WIRING } from '@weft/service';
import { TopicReader } from './topic-reader.js';

/** Runs the record-projector for as long as the app does, on every topic of care events that there is. */
@Module({})
export class RecordProjectorModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly reader: TopicReader;
  private stopClocks: (() => Promise<void>) | undefined;

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {
    this.reader = new TopicReader(service, wiring);
  }

  static register(wiring: Wiring): DynamicModule {
    return { module: RecordProjectorModule, providers: [{ provide: WIRING, useValue: wiring }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    watchLag(this.service, RECORD_PROJECTOR_GROUP, () => this.reader.topics);
    watchMarks(this.service, this.wiring);
    watchVersions(this.service);
    this.stopClocks = watchClocks(this.service, this.wiring);
    await this.reader.start();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.stopClocks?.(), this.reader.stop()]);
  }
}
