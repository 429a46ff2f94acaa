import { clinicalInterval } from '../care-record/clinical-time.js';
import { withoutDeath } from '../care-record/death.js';
import { entryId, namesOfEntry, sourceIn, spelt } from '../care-record/entry-id.js';
import { intervalOf, type Interval } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';
import { spellingsOf } from './code-spellings.js';
import type { Code } from './decision.js';
import { factsOf, scopedName, type Facts } from './facts.js';
import { add, indexed } from './indexed.js';
import type { JudgedEntry } from './judged-entry.js';
import { Replacements } from './replacements.js';

/** Elements along which a decision about an entry reaches what hangs on it, step by step and backwards. */
const LINKS: readonly string[] = ['encounter', 'basedOn', 'partOf', 'derivedFrom', 'hasMember', 'result', 'focus', 'context'];

/** How entries refer to each other, those about persons left out: everything refers to its patient. */
interface Graph {
  readonly targets: ReadonlyMap<JudgedEntry, readonly JudgedEntry[]>;
  readonly referring: ReadonlyMap<JudgedEntry, readonly JudgedEntry[]>;
  /** Along LINKS alone. */
  readonly linked: ReadonlyMap<JudgedEntry, readonly JudgedEntry[]>;
  readonly linking: ReadonlyMap<JudgedEntry, readonly JudgedEntry[]>;
}

/** The rest of the person's record, as far as a limit must know it to judge one entry. Looked at only when a limit asks. */
export class Surroundings {
  /** By resource, not by entry: an entry's version in force changes. */
  private readonly facts = new WeakMap<Resource, Facts>();
  private readonly spellings = new WeakMap<Facts, ReadonlySet<string>>();
  private readonly times = new WeakMap<Resource, Interval | null>();
  private graph?: Graph;
  private codesThere?: ReadonlySet<string>;
  private births?: readonly string[];
  private died?: readonly Interval[];
  private named?: ReadonlyMap<string, readonly JudgedEntry[]>;
  private carriers?: ReadonlyMap<string, readonly JudgedEntry[]>;
  private taken?: Replacements;

  /** @param gone what was retracted. */
  constructor(
    private readonly entries: () => Iterable<JudgedEntry>,
    private readonly gone: () => Iterable<JudgedEntry> = () => [],
  ) {}

  /** Which documents took the place of which. */
  replacements(): Replacements {
    this.taken ??= new Replacements(this.entries(), this.gone());
    return this.taken;
  }

  factsOf(entry: JudgedEntry): Facts {
    return kept(this.facts, entry.resource ?? { resourceType: entry.resourceType }, factsOf);
  }

  /** When the fact happened; null where the entry does not say. */
  happened({ resource, occurredAt }: JudgedEntry): Interval | null {
    return resource === undefined ? intervalOf(occurredAt) : kept(this.times, resource, clinicalInterval);
  }

  /** Its codes, whatever their system, in every spelling that may be meant. */
  spellingsIn(entry: JudgedEntry): ReadonlySet<string> {
    return kept(this.spellings, this.factsOf(entry), ({ texts }) => new Set([...texts].flatMap(spellingsOf)));
  }

  /** Whether any entry carries the code as it is written, whatever its system: another spelling may be another code. */
  hasCode({ code }: Code): boolean {
    this.codesThere ??= new Set([...this.entries()].flatMap((entry) => [...this.factsOf(entry).texts]));
    return this.codesThere.has(code);
  }

  birthDates(): readonly string[] {
    this.births ??= [...this.entries()].flatMap(({ birthDate }) => (typeof birthDate === 'string' ? [birthDate] : []));
    return this.births;
  }

  deaths(): readonly Interval[] {
    this.died ??= [...this.entries()].flatMap(({ died }) => (died === undefined ? [] : [died]));
    return this.died;
  }

  /** The entries that an entry refers to. */
  referredTo(entry: JudgedEntry): readonly JudgedEntry[] {
    return this.links().targets.get(entry) ?? [];
  }

  /** The entries that a name may mean: `<source>/<type>/<id>`, or the same without its system or its source, which several may use. */
  entriesNamed(name: string): readonly JudgedEntry[] {
    this.named ??= indexed(this.entries(), ({ id }) => new Set(namesOfEntry(withoutDeath(id))));
    return this.named.get(spelt(name)) ?? [];
  }

  /** Names of what an entry contains, as `entriesNamed` has them; one that ends in `/` is of what has an id that cannot be told. */
  namesContained(entry: JudgedEntry): readonly string[] {
    const source = sourceIn(withoutDeath(entry.id));
    return this.factsOf(entry).contained.flatMap((one) => namesOfEntry(entryId(source, { ...one, id: one.id ?? '' })));
  }

  /** The entries that contain what a name may mean. */
  entriesContaining(name: string): readonly JudgedEntry[] {
    this.carriers ??= indexed(this.entries(), (entry) => new Set(this.namesContained(entry)));
    return this.carriers.get(spelt(name)) ?? [];
  }

  /** Ids of what hangs on these entries, themselves included. A denial reaches along every link and back, and what else refers to it. */
  reach(named: readonly JudgedEntry[], effect: 'permit' | 'deny'): ReadonlySet<string> {
    const { linked, linking, referring } = this.links();
    const found = new Set(named);
    // A set gives what is added to it while it is walked.
    for (const entry of found) {
      for (const next of linking.get(entry) ?? []) found.add(next);
      if (effect === 'deny') for (const next of linked.get(entry) ?? []) found.add(next);
    }
    const besides = effect === 'deny' ? [...found].flatMap((entry) => referring.get(entry) ?? []) : [];
    return new Set([...found, ...besides].map(({ id }) => id));
  }

  private links(): Graph {
    this.graph ??= this.graphOf([...this.entries()]);
    return this.graph;
  }

  private graphOf(all: readonly JudgedEntry[]): Graph {
    const things = all.filter(({ resourceType }) => resourceType !== 'Patient');
    const byName = indexed(things, (entry) => this.factsOf(entry).names.map((name) => scopedName(sourceIn(entry.id), name)));
    const targetsOf = (entry: JudgedEntry, follows: (field: string) => boolean): JudgedEntry[] =>
      this.factsOf(entry)
        .references.flatMap(({ field, name }) => (follows(field) ? (byName.get(scopedName(sourceIn(entry.id), name)) ?? []) : []))
        .filter((target) => target !== entry);
    const targets = new Map(all.map((entry) => [entry, targetsOf(entry, () => true)]));
    const linked = new Map(all.map((entry) => [entry, targetsOf(entry, (field) => LINKS.includes(field))]));
    return { targets, linked, referring: reversed(targets), linking: reversed(linked) };
  }
}

function kept<K extends object, T>(known: WeakMap<K, T>, of: K, find: (of: K) => T): T {
  if (!known.has(of)) known.set(of, find(of));
  return known.get(of) as T;
}

function reversed(map: ReadonlyMap<JudgedEntry, readonly JudgedEntry[]>): ReadonlyMap<JudgedEntry, readonly JudgedEntry[]> {
  const back = new Map<JudgedEntry, JudgedEntry[]>();
  for (const [entry, targets] of map) for (const target of targets) add(back, target, entry);
  return back;
}
