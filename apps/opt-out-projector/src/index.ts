export { OptOutProjectorModule } from './opt-out-projector.module.js';
