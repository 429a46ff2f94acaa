export * from './vocabulary.js';
export * from './care-record/care-event.js';
export * from './consent/decision.js';
