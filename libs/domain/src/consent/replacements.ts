import { sourceIn } from '../care-record/entry-id.js';
import { namesReplaced } from '../care-record/replaced.js';
import { namesOf, scopedName } from './facts.js';
import { indexed } from './indexed.js';
import type { JudgedEntry } from './judged-entry.js';

/** Which documents of a record took the place of which. */
export class Replacements {
  private readonly bearers: ReadonlyMap<string, readonly JudgedEntry[]>;
  /** By every name that a document ever had. */
  private readonly everBearers: ReadonlyMap<string, readonly JudgedEntry[]>;
  private readonly replaced = new Map<JudgedEntry, JudgedEntry>();

  /** @param gone what was retracted: what it once replaced is protected still. */
  constructor(present: Iterable<JudgedEntry>, gone: Iterable<JudgedEntry>) {
    const here = [...present].filter(isDocument);
    const all = [...here, ...[...gone].filter(isDocument)];
    const isAny = all.some((one) => everReplaced(one).length > 0);
    this.bearers = isAny ? indexed(here, namesIn) : new Map();
    this.everBearers = isAny ? indexed(all, everNamesIn) : new Map();
    if (isAny) for (const one of here) for (const other of this.replacedNow(one)) this.take(one, other);
  }

  /** The document that stands in the place of one; undefined where it is the current one. */
  replacedBy(entry: JudgedEntry): JudgedEntry | undefined {
    return this.replaced.get(entry);
  }

  /** What a document ever took the place of, through others too, whatever became of them; also of another source's. */
  everReplacedBy(entry: JudgedEntry): Iterable<JudgedEntry> {
    const found = new Set([entry]);
    // A set gives what is added to it while it is walked.
    for (const one of found) for (const other of bearersOf(this.everBearers, one, everReplaced(one))) found.add(other);
    found.delete(entry);
    return found;
  }

  /** Of documents that replace each other none gives way: nothing must vanish. */
  private take(one: JudgedEntry, other: JudgedEntry): void {
    const found = new Set([other]);
    for (const next of found) for (const replaced of this.replacedNow(next)) found.add(replaced);
    if (!found.has(one)) this.replaced.set(other, one);
  }

  /** Within its source; what a document of another source says of one hides nothing. */
  private replacedNow(entry: JudgedEntry): JudgedEntry[] {
    const names = entry.resource === undefined ? [] : namesReplaced(entry.resource);
    return bearersOf(this.bearers, entry, names).filter((other) => other !== entry && sourceIn(other.id) === sourceIn(entry.id));
  }
}

function bearersOf(
  bearers: ReadonlyMap<string, readonly JudgedEntry[]>,
  { id }: JudgedEntry,
  names: readonly string[],
): JudgedEntry[] {
  return names.flatMap((name) => bearers.get(scopedName(sourceIn(id), name)) ?? []);
}

const isDocument = ({ resourceType }: JudgedEntry): boolean => resourceType === 'DocumentReference';

const everReplaced = ({ replaces, resource }: JudgedEntry): readonly string[] =>
  replaces ?? (resource === undefined ? [] : namesReplaced(resource));

const namesIn = ({ id, resource }: JudgedEntry): string[] =>
  resource === undefined ? [] : namesOf(resource).map((name) => scopedName(sourceIn(id), name));

const everNamesIn = (entry: JudgedEntry): ReadonlySet<string> =>
  new Set([...namesIn(entry), ...(entry.names ?? []).map((name) => scopedName(sourceIn(entry.id), name))]);
