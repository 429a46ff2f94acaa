import type { CareEvent } from '@weft/domain';
import { bytesOf, EngineDamaged, type NewEvent, type Random, type StoredEvent, textOf } from '@weft/processing';
import type { Told } from './changes.js';

/** The one place where what this library keeps becomes stored bytes, and is read again. */

/** What `demographics-<key>` streams hold. */
export type DemographicsEvent = DemographicsLearned | DemographicsTold;

/** PDS said something new of the number: what is to be told of it, and what will have been told then. */
interface DemographicsLearned {
  readonly type: 'demographics-learned-1';
  readonly told: Told;
  readonly events: readonly CareEvent[];
}

/** Everything before it is on the bus. */
interface DemographicsTold {
  readonly type: 'demographics-told-1';
}

/** When the latest test signal was received, or, where none was yet, since when one is listened for: RFC 3339. */
export interface SignalHeard {
  readonly type: 'national-test-signal-heard-1' | 'national-signals-awaited-1';
  readonly at: string;
}

const DEMOGRAPHICS: readonly string[] = ['demographics-learned-1', 'demographics-told-1'];
const SIGNALS: readonly string[] = ['national-test-signal-heard-1', 'national-signals-awaited-1'];

export function encode({ type, ...data }: DemographicsEvent | SignalHeard, random: Random): NewEvent {
  return { id: random.uuid(), type, data: bytesOf(JSON.stringify(data)) };
}

export const decodeDemographics = (stored: StoredEvent): DemographicsEvent => decode<DemographicsEvent>(stored, DEMOGRAPHICS);
export const decodeSignalHeard = (stored: StoredEvent): SignalHeard => decode<SignalHeard>(stored, SIGNALS);

function decode<E extends { readonly type: string }>({ stream, type, data }: StoredEvent, types: readonly string[]): E {
  if (!types.includes(type)) throw new EngineDamaged('store', `${stream} holds ${type}, which this version of Weft cannot read`);
  return { type, ...(JSON.parse(textOf(data)) as object) } as unknown as E;
}
