import { type DynamicModule, Module } from '@nestjs/common';
import type { Wiring } from '@weft/processing';
import { WIRING } from '@weft/service';
import { ConsentsController } from './consents.controller.js';
import { Decisions } from './decisions.js';
import { EventsController } from './events.controller.js';
import { FhirPublishingController } from './fhir-publishing.controller.js';
import { Intake } from './intake.js';
import { Judging } from './judging.js';
import { Publishing } from './publishing.js';

/** The publishers' door: /events, /fhir, /consents. */
@Module({})
export class GatewayModule {
  static register(wiring: Wiring): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [EventsController, FhirPublishingController, ConsentsController],
      providers: [{ provide: WIRING, useValue: wiring }, Judging, Intake, Publishing, Decisions],
    };
  }
}
