export { type Became, type Hl7Settings, startHl7Projector } from './project-hl7v2.js';
export { type EntryChanges, planTables, type TablesPlan } from './plan-tables.js';
export { readParts } from './read-parts.js';
export { Trial, type Tried } from './trial.js';
export { WaitingMessages, type WaitingCounts } from './waiting-messages.js';
