export { RecordProjectorModule } from './record-projector.module.js';
