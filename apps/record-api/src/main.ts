import { runApp } from '@weft/service';
import { RecordApiModule } from './record-api.module.js';

await runApp('record-api', (_, wiring) => [RecordApiModule.register(wiring)], {
  description: 'The door for readers: records, explanations, FHIR, policy, audit.',
});
