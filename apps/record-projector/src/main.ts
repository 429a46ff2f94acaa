import { runApp } from '@weft/service';
import { RecordProjectorModule } from './record-projector.module.js';

await runApp('record-projector', (_, wiring) => [RecordProjectorModule.register(wiring)]);
