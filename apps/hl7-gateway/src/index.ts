export { Hl7GatewayModule } from './hl7-gateway.module.js';
