import { runApp, SettingsError } from '@weft/service';
import { Hl7ProjectorModule } from './hl7-projector.module.js';

await runApp('hl7-projector', ({ settings }, wiring) => {
  if (settings.hl7v2Listeners.length > 0) return [Hl7ProjectorModule.register(wiring)];
  throw new SettingsError([
    { setting: 'WEFT_HL7V2_LISTENERS', message: 'is missing: the hl7-projector reads nothing without it' },
  ]);
});
