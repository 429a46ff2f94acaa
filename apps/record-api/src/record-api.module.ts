import { type DynamicModule, Module } from '@nestjs/common';
import { StoreWatch, type Wiring } from '@weft/processing';
import { WIRING } from '@weft/service';
import { AuditController } from './audit.controller.js';
import { ChainWatch } from './chain-watch.js';
import { ClockWatch } from './clock-watch.js';
import { ConsoleController } from './console.controller.js';
import { Cursors } from './cursors.js';
import { FhirController } from './fhir.controller.js';
import { LiveChanges } from './live-changes.js';
import { OrganisationsController } from './organisations.controller.js';
import { PoliciesController } from './policies.controller.js';
import { PolicyDesk } from './policy-desk.js';
import { PolicyController } from './policy.controller.js';
import { QuarantineController } from './quarantine.controller.js';
import { RecordChangesController } from './record-changes.controller.js';
import { ReconciliationsController } from './reconciliations.controller.js';
import { RecordReader } from './record-reader.js';
import { RecordsController } from './records.controller.js';
import { ReIdentificationDesk } from './re-identification-desk.js';
import { ReIdentificationsController } from './re-identifications.controller.js';
import { ReleasedCodesController } from './released-codes.controller.js';
import { StatusController } from './status.controller.js';
import { Subscriptions } from './subscriptions.js';

/** Everything that readers, subscribers and operators ask over HTTP. */
@Module({})
export class RecordApiModule {
  static register(wiring: Wiring): DynamicModule {
    return {
      module: RecordApiModule,
      controllers: [
        RecordsController,
        FhirController,
        AuditController,
        PolicyController,
        PoliciesController,
        OrganisationsController,
        ReleasedCodesController,
        ReIdentificationsController,
        RecordChangesController,
        QuarantineController,
        ReconciliationsController,
        StatusController,
        ConsoleController,
      ],
      providers: [
        { provide: WIRING, useValue: wiring },
        { provide: StoreWatch, useValue: new StoreWatch(wiring) },
        ...[RecordReader, Cursors, LiveChanges, Subscriptions, PolicyDesk, ReIdentificationDesk, ChainWatch, ClockWatch],
      ],
    };
  }
}
