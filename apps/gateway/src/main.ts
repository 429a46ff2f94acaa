import { runApp } from '@weft/service';
import { GatewayModule } from './gateway.module.js';

await runApp('gateway', (_, wiring) => [GatewayModule.register(wiring)], {
  description: 'The publishers’ door: care events and decisions in.',
});
