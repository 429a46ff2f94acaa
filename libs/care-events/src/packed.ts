import type { Problem } from '@weft/domain';
import type { JudgedMany, JudgedOne, ReadyEvent } from './judge-many.js';

/** Judged events on their way from one thread to another: the bytes of all in one piece, which is handed over and not copied. */
export interface Packed extends Omit<JudgedMany, 'items'> {
  readonly items: readonly PackedItem[];
  readonly bytes: Uint8Array;
}

type PackedItem = Omit<JudgedOne, 'reading'> & {
  readonly reading:
    | { readonly ok: false; readonly problems: readonly Problem[] }
    | { readonly ok: true; readonly event: Omit<ReadyEvent, 'bytes'>; readonly length: number };
};

export function packed({ items: judged, ...rest }: JudgedMany): Packed {
  const lengths = judged.map(({ reading }) => (reading.ok ? reading.event.bytes.length : 0));
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  const items = judged.map(({ reading, ...item }): PackedItem => {
    if (!reading.ok) return { ...item, reading };
    const { bytes: own, ...event } = reading.event;
    bytes.set(own, at);
    at += own.length;
    return { ...item, reading: { ok: true, event, length: own.length } };
  });
  return { items, bytes, ...rest };
}

export function unpacked({ items, bytes, kept, bundle, wanted }: Packed): JudgedMany {
  let at = 0;
  const judged = items.map(({ reading, ...item }): JudgedOne => {
    if (!reading.ok) return { ...item, reading };
    const own = bytes.subarray(at, (at += reading.length));
    return { ...item, reading: { ok: true, event: { ...reading.event, bytes: own } } };
  });
  return { items: judged, kept, wanted, ...(bundle !== undefined && { bundle }) };
}
