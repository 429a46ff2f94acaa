import { runApp, SettingsError } from '@weft/service';
import { Hl7GatewayModule } from './hl7-gateway.module.js';

await runApp(
  'hl7-gateway',
  ({ settings }) => {
    if (settings.hl7v2Listeners.length > 0) return [Hl7GatewayModule];
    throw new SettingsError([
      { setting: 'WEFT_HL7V2_LISTENERS', message: 'is missing: the hl7-gateway listens nowhere without it' },
    ]);
  },
  { description: 'The integration engines’ door: HL7 v2 over MLLP in.' },
);
