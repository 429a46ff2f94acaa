import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import {
  applyPolicy,
  CONSENT_TOPIC,
  OPT_OUT_PROJECTOR_GROUP,
  startOptOutProjector,
  type Projector,
  type Wiring,
} from '@weft/processing';
import { policyOf, projectorObserver, Service, watchDecisions, watchLag, watchQuarantine, WIRING } from '@weft/service';

/** Runs the opt-out-projector for as long as the app does, and brings the region's views in line with its policy. */
@Module({})
export class OptOutProjectorModule implements OnApplicationBootstrap, OnModuleDestroy {
  private projector: Projector | undefined;
  private applying: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {}

  static register(wiring: Wiring): DynamicModule {
    return { module: OptOutProjectorModule, providers: [{ provide: WIRING, useValue: wiring }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    const { log } = this.service;
    watchLag(this.service, OPT_OUT_PROJECTOR_GROUP, [CONSENT_TOPIC]);
    watchDecisions(this.service);
    watchQuarantine(this.service);
    const policy = await policyOf(this.service, this.wiring.policies);
    this.projector = await startOptOutProjector(this.wiring, projectorObserver(this.service, 'opt-out-projector'));
    this.applying = applyPolicy(this.wiring, policy).catch((err: unknown) => {
      log.error({ err }, 'the policy could not be applied to every view; readers obey it all the same');
    });
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.projector?.stop(), this.applying]);
  }
}
