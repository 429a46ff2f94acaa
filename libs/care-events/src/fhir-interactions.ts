import { PATIENT_TYPES } from './patient-reference.js';

export type FhirInteraction = 'create' | 'update' | 'delete';

/** A decision is not deleted: a version of it that is inactive withdraws it. */
const CONSENT: readonly FhirInteraction[] = ['create', 'update'];
const ALL: readonly FhirInteraction[] = ['create', 'update', 'delete'];

/** What a client may do with one resource at an address of its own, by type: the gateway's routes and the CapabilityStatement go by it. */
export const FHIR_INTERACTIONS: ReadonlyMap<string, readonly FhirInteraction[]> = new Map(
  PATIENT_TYPES.map((type) => [type, type === 'Consent' ? CONSENT : ALL]),
);

/** A privacy Consent is known by its id alone. */
export const isFoundByIdentifier = (type: string): boolean => type !== 'Consent';
