import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Wiring } from '@weft/processing';
import { Service, watchClocks, WIRING } from '@weft/service';

/** Says, for as long as the app runs, whether its clock and others' are apart. */
@Injectable()
export class ClockWatch implements OnModuleInit, OnModuleDestroy {
  private stop: (() => Promise<void>) | undefined;

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
  ) {}

  onModuleInit(): void {
    this.stop = watchClocks(this.service, this.wiring);
  }

  async onModuleDestroy(): Promise<void> {
    await this.stop?.();
  }
}
