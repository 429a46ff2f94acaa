import type { Segment } from '../message.js';
import { mrnParts } from './entry-names.js';
import type { EntryName } from './facts.js';
import { placeIn, type Reading } from './reading.js';

/** The segments of one person within a message: of most messages all, of a swap those from each PID on. */
export interface Part {
  readonly pid: Segment;
  readonly segments: readonly Segment[];
}

export const firstOf = ({ segments }: Part, name: string): Segment | undefined =>
  segments.find((segment) => segment.name === name);

/** One for each PID. */
export function partsOf({ message }: Reading): readonly Part[] {
  const parts: { pid: Segment; segments: Segment[] }[] = [];
  for (const segment of message.segments) {
    if (segment.name === 'PID') parts.push({ pid: segment, segments: [segment] });
    else parts.at(-1)?.segments.push(segment);
  }
  return parts;
}

/** By PV1-19, with who gave it; without it by the MRN and when the visit began. */
export function visitName(reading: Reading, pv1: Segment, mrn: string | null, isNeeded: boolean): EntryName | undefined {
  const authority = reading.listener.mrnAuthority;
  const number = pv1.field(19);
  const value = number.value?.trim();
  if (value) {
    const assigner = [1, 2].map((part) => number.component(4).subcomponent(part).value?.trim()).find((text) => text);
    return ['Encounter', assigner ?? authority, value];
  }
  const start = pv1.field(44).value?.trim();
  if (mrn !== null && start) return ['Encounter', ...mrnParts(mrn), start];
  const place = placeIn(pv1, { field: 19, component: 1 });
  if (isNeeded) reading.fault('required', place);
  else reading.note('no-visit-number', place);
  return undefined;
}
