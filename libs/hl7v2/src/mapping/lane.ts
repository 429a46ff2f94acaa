import { type Resource, sameJson } from '@weft/domain';
import { nameKey } from './entry-names.js';
import type { EntryName, Fact, FactKind, Filing, Members, VersionTime } from './facts.js';
import type { ReportResult } from './fold-report.js';
import { NO_VALUE } from './observation-values.js';
import { evolve, isShown, resourceOf } from './folds.js';
import { type Folded, NOTHING } from './folded.js';

/** A fact with the message that said it: the same one said again is one. */
export interface SaidFact extends Fact {
  readonly message: string;
  /** Among the facts of its message. */
  readonly ordinal: number;
}

/** Every fact that was said of one entry, in the order of their versions, those of one age by arrival. */
export interface EntryFold {
  readonly kind: FactKind;
  readonly entry: EntryName;
  facts: SaidFact[];
  state: Folded;
  /** What was last told of it, without its version; null where nothing was, or it was taken back. */
  told: Resource | null;
  /** The latest version that was told of it, and everything that was told of that age. */
  toldAt: number;
  toldThen: readonly Resource[];
  visit: EntryName | undefined;
  report: EntryName | undefined;
}

/** What becomes of an entry is told by this. */
export interface Telling {
  readonly record: (fold: EntryFold, resource: Resource, version: VersionTime) => void;
  readonly retract: (fold: EntryFold, resource: Resource) => void;
}

const instant = (at: number): VersionTime => ({ at, text: new Date(at).toISOString() });

/** What one person's entries were made from, those that one organisation files under one number. */
export class Lane {
  readonly folds = new Map<string, EntryFold>();
  /** Of each report its results, by key. */
  private readonly results = new Map<string, Map<string, EntryFold>>();
  /** What else an entry is called, by its key. */
  private readonly links = new Map<string, string>();

  /** `left`: when an entry was taken away from this number, by whichever MRN: what is told of it here again is not older. */
  constructor(
    public filing: Filing,
    private readonly left: Map<string, VersionTime>,
  ) {}

  /** The fold that a fact is of; a new one where there is none. */
  private foldOf({ kind, entry, others, visit, report }: Fact): EntryFold {
    const names = [entry, ...(others ?? [])].map((name) => keyOf(kind, name));
    const known = names.map((name) => this.links.get(name) ?? name).find((name) => this.folds.has(name)) ?? names[0]!;
    for (const name of names) this.links.set(name, known);
    const fold = this.folds.get(known) ?? {
      kind,
      entry,
      facts: [],
      state: NOTHING,
      told: null,
      toldAt: -Infinity,
      toldThen: [],
      visit: undefined,
      report: undefined,
    };
    fold.visit = visit ?? fold.visit;
    fold.report = report ?? fold.report;
    this.keep(known, fold);
    return fold;
  }

  private keep(key: string, fold: EntryFold): void {
    this.folds.set(key, fold);
    if (fold.kind !== 'observation' || fold.report === undefined) return;
    const report = nameKey(fold.report);
    this.results.set(report, (this.results.get(report) ?? new Map<string, EntryFold>()).set(key, fold));
  }

  private letGo(key: string, { report }: EntryFold): void {
    this.folds.delete(key);
    if (report !== undefined) this.results.get(nameKey(report))?.delete(key);
  }

  /** Folds one more fact in, wherever among the others it belongs, and tells what that changes. */
  take(fact: SaidFact, telling: Telling): void {
    this.takeOne(fact, telling);
    if (fact.report === undefined) return;
    const reports = this.folds.get(keyOf('report', fact.report))?.facts ?? [];
    for (const report of fact.kind === 'report' ? [fact] : reports) {
      for (const { entry } of fact.kind === 'report' ? this.resultsOf(fact.report) : [fact]) {
        const swept = this.isOlder(entry, report) ? sweptBy(report, entry) : null;
        if (swept !== null) this.takeOne(swept, telling);
      }
    }
  }

  /** Whether there was such a result when the report was made. */
  private isOlder(entry: EntryName, { version }: SaidFact): boolean {
    const first = this.folds.get(keyOf('observation', entry))?.facts[0];
    return first !== undefined && first.version.at <= version.at;
  }

  private resultsOf(report: EntryName): readonly EntryFold[] {
    return [...(this.results.get(nameKey(report))?.values() ?? [])];
  }

  /** How many results that stand, or stood before it, a report does not name. */
  leftOutOf(report: SaidFact): number {
    const named = namedBy(report);
    return this.resultsOf(report.entry).filter(({ entry, told }) => !named.has(nameKey(entry)) && (report.whole || told !== null))
      .length;
  }

  private takeOne(fact: SaidFact, telling: Telling): void {
    const fold = this.foldOf(fact);
    const place = placeOf(fold.facts, fact);
    if (place < 0) return;
    fold.facts.splice(place, 0, fact);
    if (place === fold.facts.length - 1) fold.state = evolve(fold.state, fact);
    else this.takeLate(fold, place, telling);
    this.tell(fold, telling);
  }

  /**
   * A message that came late joins the history, where it changed something in its time. A history that is later than what was told
   * last would take its place, so that is told again; and it would bring back what was taken back, so of that there is none.
   */
  private takeLate(fold: EntryFold, place: number, telling: Telling): void {
    const states = statesOf(fold.facts);
    fold.state = states.at(-1)!;
    const then = this.shownOf(fold, states[place]!);
    const before = place === 0 ? null : this.shownOf(fold, states[place - 1]!);
    if (then === null || sameJson(then, before) || !isShown(fold.state)) return;
    const version = this.versionOf(fold, fold.facts[place]!.version);
    if (version.at >= fold.toldAt) fold.told = null;
    telling.record(fold, then, version);
  }

  private tell(fold: EntryFold, telling: Telling): void {
    const now = this.shownOf(fold, fold.state);
    if (now === null) {
      if (fold.told !== null) telling.retract(fold, this.nameOf(fold));
    } else if (!sameJson(now, fold.told)) this.tellNow(fold, now, telling);
    fold.told = now;
  }

  /** What was told before under the same age, and was replaced or taken back, would be set aside: it is told as a little later. */
  private tellNow(fold: EntryFold, now: Resource, telling: Telling): void {
    const own = this.versionOf(fold, fold.facts.at(-1)!.version);
    const isAgain = own.at <= fold.toldAt && (fold.told === null || fold.toldThen.some((told) => sameJson(told, now)));
    const version = isAgain ? instant(fold.toldAt + 1) : own.at < fold.toldAt ? instant(fold.toldAt) : own;
    telling.record(fold, now, version);
    fold.toldThen = version.at === fold.toldAt ? [...fold.toldThen, now] : [now];
    fold.toldAt = version.at;
  }

  /** Takes an entry with all its history from another lane, of another number perhaps. */
  adopt(fold: EntryFold, from: Lane, said: VersionTime, telling: { readonly there: Telling; readonly here: Telling }): void {
    const key = keyOf(fold.kind, fold.entry);
    const isMoved = from.filing.number !== this.filing.number;
    from.letGo(key, fold);
    if (isMoved && fold.told !== null) {
      telling.there.retract(fold, from.nameOf(fold));
      from.left.set(key, instant(Math.max(said.at, fold.toldAt) + 1));
    }
    const known = this.folds.get(key);
    const facts = [...(known?.facts ?? [])];
    for (const fact of fold.facts) {
      const place = placeOf(facts, fact);
      if (place >= 0) facts.splice(place, 0, fact);
    }
    const told = known?.told ?? (isMoved ? null : fold.told);
    const toldAt = known?.toldAt ?? (isMoved ? -Infinity : fold.toldAt);
    const adopted: EntryFold = { ...fold, ...known, facts, told, toldAt, toldThen: known?.toldThen ?? [] };
    this.keep(key, adopted);
    this.links.set(key, key);
    const states = statesOf(facts);
    if (isMoved && known === undefined && !this.left.has(key)) this.tellHistory(adopted, states, telling.here);
    adopted.state = states.at(-1) ?? NOTHING;
    this.tell(adopted, telling.here);
  }

  /** Every version that was before the last: of a fact that is one no longer nothing is told where it never was. */
  private tellHistory(fold: EntryFold, states: readonly Folded[], telling: Telling): void {
    if (!isShown(states.at(-1) ?? NOTHING)) return;
    let before: Resource | null = null;
    for (const [index, state] of states.slice(0, -1).entries()) {
      const then = this.shownOf(fold, state);
      if (then !== null && !sameJson(then, before)) telling.record(fold, then, fold.facts[index]!.version);
      before = then ?? before;
    }
    fold.told = before;
  }

  /** What was said of an entry, in the order of its versions. */
  factsOf(kind: FactKind, entry: EntryName): readonly SaidFact[] {
    return [...(this.folds.get(keyOf(kind, entry))?.facts ?? [])];
  }

  private versionOf(fold: EntryFold, version: VersionTime): VersionTime {
    const left = this.left.get(keyOf(fold.kind, fold.entry));
    return left !== undefined && left.at > version.at ? left : version;
  }

  /** Without its version. */
  private shownOf({ kind, entry }: EntryFold, state: Folded): Resource | null {
    return isShown(state) ? resourceOf(kind, entry, state, this.filing) : null;
  }

  private nameOf({ kind, entry, state }: EntryFold): Resource {
    const { resourceType, id } = resourceOf(kind, entry, state, this.filing);
    return id === undefined ? { resourceType } : { resourceType, id };
  }
}

const keyOf = (kind: FactKind, entry: EntryName): string => `${kind}\u0000${nameKey(entry)}`;

const namedBy = ({ members }: SaidFact): ReadonlySet<string> =>
  new Set(((members['results'] ?? []) as readonly ReportResult[]).map(({ entry }) => nameKey(entry)));

/**
 * What a report says of a result that it does not name: a cancelled one cancels it, and one that is resent whole takes it back. Null where
 * it says nothing.
 */
function sweptBy(report: SaidFact, entry: EntryName): SaidFact | null {
  const isCancelled = report.members['status'] === 'cancelled';
  if ((!isCancelled && report.whole !== true) || namedBy(report).has(nameKey(entry))) return null;
  const { version, message, ordinal } = report;
  const said = { kind: 'observation', entry, version, message, ordinal, report: report.entry } as const;
  return isCancelled ? { ...said, action: 'record', members: CANCELLED } : { ...said, action: 'retract', members: {} };
}

const CANCELLED: Members = { ...NO_VALUE, status: 'cancelled' };

/** Behind everything that is as old; -1 where it is there already. */
function placeOf(facts: readonly SaidFact[], fact: SaidFact): number {
  let place = facts.length;
  while (place > 0 && facts[place - 1]!.version.at > fact.version.at) place -= 1;
  for (let same = place - 1; same >= 0 && facts[same]!.version.at === fact.version.at; same -= 1) {
    if (facts[same]!.message === fact.message && facts[same]!.ordinal === fact.ordinal) return -1;
  }
  return place;
}

function statesOf(facts: readonly SaidFact[]): Folded[] {
  const states: Folded[] = [];
  for (const fact of facts) states.push(evolve(states.at(-1) ?? NOTHING, fact));
  return states;
}
