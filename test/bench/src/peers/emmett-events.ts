import type { Event } from '@event-driven-io/emmett';
import type { BenchEvent } from '../care-events.js';

export type CareEventRecorded = Event<'CareEventRecorded', { readonly event: BenchEvent }>;
export type DecisionMade = Event<'DecisionMade', { readonly patient: string; readonly effect: 'permit' | 'deny' }>;

export const careEventRecorded = (event: BenchEvent): CareEventRecorded => ({ type: 'CareEventRecorded', data: { event } });
export const decisionMade = (patient: string, effect: 'permit' | 'deny'): DecisionMade => ({
  type: 'DecisionMade',
  data: { patient, effect },
});

export const recordStream = (patient: string): string => `careRecord-${patient}`;
export const consentStream = (patient: string): string => `consent-${patient}`;
