import { runApp, SettingsError } from '@weft/service';
import { NationalGatewayModule } from './national-gateway.module.js';

await runApp(
  'national-gateway',
  ({ settings: { national } }, wiring) => {
    if (national !== undefined) return [NationalGatewayModule.register(wiring, national)];
    throw new SettingsError([{ setting: 'WEFT_NATIONAL', message: 'is missing: the national-gateway has no inbox without it' }]);
  },
  { description: 'The nation’s door: events of MNS in, and what PDS says of whom they are about.' },
);
