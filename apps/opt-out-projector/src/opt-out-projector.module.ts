import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import {
  CONSENT_TOPIC,
  followPolicies,
  OPT_OUT_PROJECTOR_GROUP,
  startOptOutProjector,
  type PolicyFollower,
  type Projector,
  type Wiring,
} from '@weft/processing';
import {
  projectorObserver,
  Service,
  warnAtStart,
  watchClocks,
  watchDecisions,
  watchLag,
  watchMarks,
  watchNational,
  watchPolicy,
  watchPositions,
  watchPublisher,
  watchQuarantine,
  watchReviews,
  WIRING,
} from '@weft/service';

/** Runs the opt-out-projector for as long as the app does, and brings the region's views in line with each policy. */
@Module({})
export class OptOutProjectorModule implements OnApplicationBootstrap, OnModuleDestroy {
  private projector: Projector | undefined;
  private follower: PolicyFollower | undefined;
  private stopClocks: (() => Promise<void>) | undefined;

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {}

  static register(wiring: Wiring): DynamicModule {
    return { module: OptOutProjectorModule, providers: [{ provide: WIRING, useValue: wiring }] };
  }

  async onApplicationBootstrap(): Promise<void> {
    const { log } = this.service;
    watchLag(this.service, OPT_OUT_PROJECTOR_GROUP, () => [CONSENT_TOPIC]);
    watchDecisions(this.service);
    watchMarks(this.service, this.wiring);
    watchPositions(this.service);
    watchPublisher(this.service);
    watchPolicy(this.service, this.wiring);
    watchNational(this.service);
    watchQuarantine(this.service);
    watchReviews(this.service);
    this.stopClocks = watchClocks(this.service, this.wiring);
    warnAtStart(this.service, await this.wiring.policies.current());
    this.projector = await startOptOutProjector(this.wiring, projectorObserver(this.service, 'opt-out-projector'));
    this.follower = followPolicies(this.wiring, (err) => {
      log.warn({ err }, 'the policy could not be applied to every view yet; readers obey it all the same');
    });
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.projector?.stop(), this.follower?.stop(), this.stopClocks?.()]);
  }
}
