export { RecordApiModule } from './record-api.module.js';
