export { type Became, type Hl7Settings, startHl7Projector } from './project-hl7v2.js';
export { WaitingMessages, type WaitingCounts } from './waiting-messages.js';
