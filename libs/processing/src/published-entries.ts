import { unlessFenced } from './append.js';
import { forEachConcurrently } from './concurrency.js';
import { decodeEntryPublished, encode, type EntryPublished } from './encoding.js';
import { eventsOf } from './number.js';
import { NO_STREAM } from './ports.js';
import { publishedEntryStream } from './streams.js';
import type { Wiring } from './wiring.js';

/** An entry as FHIR's clients name it, who say of a deletion neither more nor whose it is. */
export interface EntryNamed {
  readonly source: string;
  readonly resourceType: string;
  readonly id: string;
}

/** With the NHS number that it is published under. */
export type EntryOf = EntryNamed & { readonly subject: string };

type Engines = Pick<Wiring, 'store' | 'keys' | 'random'>;

const WIDTH = 16;

/** Resolves once it is durable whom each entry was published about, as its source said: an index beside the records, which nothing is decided by. */
export async function notePublished(engines: Engines, entries: Iterable<EntryOf>): Promise<void> {
  await forEachConcurrently(entries, WIDTH, (entry) => note(engines, entry));
}

/** The NHS numbers under which an entry was published, each once. */
export async function subjectsPublished(engines: Pick<Engines, 'store' | 'keys'>, entry: EntryNamed): Promise<readonly string[]> {
  return (await subjectsIn(engines, entry)).subjects;
}

async function note(engines: Engines, entry: EntryOf): Promise<void> {
  const { store, random } = engines;
  for (let appended: unknown = null; appended === null;) {
    const { stream, subjects, revision } = await subjectsIn(engines, entry);
    if (subjects.includes(entry.subject)) return;
    const event: EntryPublished = { type: 'entry-published-1', subject: entry.subject };
    appended = await unlessFenced(store.append(stream, revision, [encode(event, random)]));
  }
}

async function subjectsIn({ store, keys }: Pick<Engines, 'store' | 'keys'>, { source, resourceType, id }: EntryNamed) {
  const stream = publishedEntryStream(keys.uuid('published-entry', source, resourceType, id));
  const subjects: string[] = [];
  let revision = NO_STREAM;
  for await (const page of eventsOf(store, stream)) {
    for (const stored of page) subjects.push(decodeEntryPublished(stored).subject);
    revision = page.at(-1)?.revision ?? revision;
  }
  return { stream, subjects, revision };
}
