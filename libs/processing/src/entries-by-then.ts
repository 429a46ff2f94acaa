import { emptyRecord, evolveRecord } from '@weft/domain';
import { decodeCareEvent } from './encoding.js';
import { eventsOf } from './load.js';
import type { EventStore } from './ports.js';
import { keysOfPerson } from './read-record.js';
import { careRecordStream } from './streams.js';
import type { Wiring } from './wiring.js';

/** The ids of the entries that a person's record held at an instant (RFC 3339), whatever became of them since. */
export async function entriesByThen(wiring: Wiring, key: string, then: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const member of await keysOfPerson(wiring, key)) {
    for (const id of await entriesOfStream(wiring.store, careRecordStream(member), then)) ids.add(id);
  }
  return ids;
}

async function entriesOfStream(store: EventStore, stream: string, then: string): Promise<Iterable<string>> {
  const record = emptyRecord();
  for await (const page of eventsOf(store, stream)) {
    for (const event of page.map(decodeCareEvent)) if (event.recordedAt <= then) evolveRecord(record, event);
  }
  return record.entries.keys();
}
