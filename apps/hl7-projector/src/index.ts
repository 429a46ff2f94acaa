export { Hl7ProjectorModule } from './hl7-projector.module.js';
