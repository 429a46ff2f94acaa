import { runApp } from '@weft/service';
import { OptOutProjectorModule } from './opt-out-projector.module.js';

await runApp('opt-out-projector', (_, wiring) => [OptOutProjectorModule.register(wiring)]);
