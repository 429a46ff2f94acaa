import type { BenchEvent } from '../care-events.js';

/** What others would be asked to do instead of Weft. One view a patient, where Weft keeps four and tells subscribers. */
export interface Peer {
  /** Resolves once the events are durable and the patients' views have them. */
  append(events: readonly BenchEvent[]): Promise<void>;
  /** Resolves once the events are durable; views are left behind. */
  store(events: readonly BenchEvent[]): Promise<void>;
  /** Derives every view from the stored events anew. */
  rebuild(): Promise<void>;
  /** A patient's decision about sharing; resolves once it is durable and the view obeys it. */
  decide(patient: string, effect: 'permit' | 'deny'): Promise<void>;
  /** Entries in all views, or in one patient's. */
  entries(patient?: string): Promise<number>;
  close(): Promise<void>;
}

export const PEERS = ['emmett on SQLite', 'emmett on PostgreSQL', 'Nest and PostgreSQL'] as const;
export type PeerName = (typeof PEERS)[number];

/** Where a peer may keep what is durable: a directory, and a database server where it needs one. */
export interface PeerPlace {
  readonly directory: string;
  readonly database: string | null;
}

export function byPatient(events: readonly BenchEvent[]): Map<string, BenchEvent[]> {
  const patients = new Map<string, BenchEvent[]>();
  for (const event of events) {
    const known = patients.get(event.subject);
    if (known === undefined) patients.set(event.subject, [event]);
    else known.push(event);
  }
  return patients;
}
