import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { isDemographicsService } from '@weft/domain';
import {
  awaitTestSignals,
  type Inbox,
  openMeshInbox,
  openPds,
  openSqsInbox,
  type Receiving,
  startReceiving,
  startTelling,
} from '@weft/national';
import { NATIONAL_EVENTS_TOPIC, NATIONAL_GROUP, type Projector, type Wiring } from '@weft/processing';
import { type NationalSettings, projectorObserver, Service, SettingsError, watchLag, WIRING } from '@weft/service';
import { counted, inboxObserver, signalObserver } from './measures.js';

const NATIONAL = Symbol('NationalSettings');

/** Brings national events onto the bus, and tells what PDS says of whom they are about, for as long as the app runs. */
@Module({})
export class NationalGatewayModule implements OnApplicationBootstrap, OnModuleDestroy {
  private receiving: Receiving | undefined;
  private projector: Projector | undefined;

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
    @Inject(NATIONAL) private readonly national: NationalSettings,
  ) {}

  static register(wiring: Wiring, national: NationalSettings): DynamicModule {
    const given = [
      { provide: WIRING, useValue: wiring },
      { provide: NATIONAL, useValue: national },
    ];
    return { module: NationalGatewayModule, providers: given };
  }

  async onApplicationBootstrap(): Promise<void> {
    const { service, wiring, national } = this;
    await this.refuseStrangers();
    watchLag(service, NATIONAL_GROUP, () => [NATIONAL_EVENTS_TOPIC]);
    await awaitTestSignals(wiring, service.clock.now());
    this.receiving = startReceiving(wiring, this.openInbox(), inboxObserver(service));
    this.projector = await startTelling(wiring, counted(service, openPds(national.pds, service)), national, {
      ...projectorObserver(service, 'national-gateway'),
      onSignal: signalObserver(service),
    });
  }

  private openInbox(): Inbox {
    const { inbox } = this.national;
    return 'sqs' in inbox ? openSqsInbox(inbox.sqs, this.service.clock) : openMeshInbox(inbox.mesh, this.service);
  }

  /** Its topic is an organisation's; whether its word on deaths and numbers counts is the policy's to say. */
  private async refuseStrangers(): Promise<void> {
    const { organisation } = this.national;
    if (!this.service.organisations.known.has(organisation)) {
      const message = `organisation is none of the region’s: \`weft organisations add ${organisation}\` adds it`;
      throw new SettingsError([{ setting: 'WEFT_NATIONAL', message }]);
    }
    const { policy } = await this.wiring.policies.current();
    if (isDemographicsService(organisation, policy)) return;
    this.service.log.warn(
      { organisation },
      'the policy does not list this organisation in identity.demographics: deaths and changed numbers that it tells go to quarantine',
    );
  }

  async onModuleDestroy(): Promise<void> {
    await this.receiving?.stop();
    await this.projector?.stop();
  }
}
