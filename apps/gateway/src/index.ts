export { GatewayModule } from './gateway.module.js';
export { Intake } from './intake.js';
export { Judging } from './judging.js';
