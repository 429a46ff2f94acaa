import type { Interval } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';

/** An entry as decisions and rules see it. */
export interface JudgedEntry {
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  readonly occurredAt: string | null;
  readonly resource: Resource | undefined;
  /** Of a Patient: Patient.birthDate. */
  readonly birthDate?: string | null;
  /** Of a document: the names of those whose place it ever took. */
  readonly replaces?: readonly string[];
  /** Of a document: the names that it ever had itself. */
  readonly names?: readonly string[];
  /** Of a death: when it was. */
  readonly died?: Interval;
}
