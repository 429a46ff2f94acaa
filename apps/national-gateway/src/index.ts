export { NationalGatewayModule } from './national-gateway.module.js';
