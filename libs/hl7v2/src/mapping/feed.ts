import type { CareEventType, Resource } from '@weft/domain';
import { mrnParts, nameKey } from './entry-names.js';
import type { EntryName, Fault, Note, VersionTime, WaitingReason } from './facts.js';
import { Lane, type EntryFold, type SaidFact, type Telling } from './lane.js';
import type { MessagePart } from './message-parts.js';
import { mrnIdentifier } from './read-adt.js';
import { type IndexEntry, mayFile, MrnIndex, outweighs } from './mrn-index.js';

/** A care event that a message leads to, but for what its envelope adds. */
export interface MappedEvent {
  readonly type: CareEventType;
  /** `<message>.<person>.<number>` of the part that leads to it: the same whenever it is mapped. */
  readonly id: string;
  readonly source: string;
  /** The NHS number. */
  readonly subject: string;
  readonly time: string;
  readonly resource: Resource;
  /** What its attachments name, and must come with it. */
  readonly attached: readonly Resource[];
}

/** One person's part of a message that is filed nowhere until it is known whose it is. */
export interface Waiting {
  readonly message: string;
  readonly ordinal: number;
  readonly mrn: string | null;
  readonly why: WaitingReason;
  /** When it was received, milliseconds since 1970. */
  readonly since: number;
}

export interface Taken {
  readonly events: readonly MappedEvent[];
  readonly notes: readonly Note[];
  readonly faults: readonly Fault[];
  /** What waits from now on, or for another reason than before. */
  readonly waiting: readonly Waiting[];
  /** What a person is asked to look at. */
  readonly review: readonly string[];
}

/** One person's part of a message, on its way to where it is filed; `why` it waited before. */
interface Task extends MessagePart {
  readonly why: WaitingReason | null;
}

/** What is found out while one part is taken. */
interface Taking {
  /** What each event's id begins with: what waited for a part is told by that part. */
  readonly cause: string;
  readonly events: MappedEvent[];
  readonly notes: Note[];
  readonly faults: Fault[];
  readonly waiting: Waiting[];
  readonly review: string[];
}

const CONTRADICTIONS: ReadonlySet<WaitingReason> = new Set(['number-contradicts-index', 'two-nhs-numbers', 'mrn-replaced']);

/** Whether two things are said that cannot both be so: that is not waited out. */
export const needsPerson = (why: WaitingReason): boolean => CONTRADICTIONS.has(why);

type Decided = { readonly number: string; readonly status: IndexEntry['status'] } | { readonly why: WaitingReason };

const MRG = { segment: 'MRG', index: 1, field: 1, repetition: 1, component: 1 };

/**
 * One organisation's messages as care events: what they say, by folds, to entries. Nothing but what it is given decides, so the same
 * messages in the same order lead to the same events, and mapped anew by other tables to those of the other tables. Persons whom no
 * message names together may as well be of several feeds.
 */
export class Feed {
  readonly index = new MrnIndex();
  /** By the MRN that stands for a person, and the number that it is filed under. */
  private readonly lanes = new Map<string, Map<string, Lane>>();
  /** When entries were taken away from a number, by the number. */
  private readonly left = new Map<string, Map<string, VersionTime>>();
  /** By the MRN that stands for the one named; '' where none is named. */
  private readonly waiting = new Map<string, Task[]>();
  /** Visits that belong to another MRN than the one they were first named with. */
  private readonly movedVisits = new Map<string, string>();

  constructor(private readonly organisation: string) {}

  take(part: MessagePart): Taken {
    const cause = `${part.message}.${part.ordinal}`;
    const taking: Taking = { cause, events: [], notes: [], faults: [], waiting: [], review: [] };
    this.file({ ...part, why: null }, taking);
    const { events, notes, faults, waiting, review } = taking;
    return { events, notes, faults, waiting, review };
  }

  /** Everything that is filed nowhere, in the order of arrival of each MRN. */
  stillWaiting(): readonly Waiting[] {
    return [...this.waiting.values()].flat().map((task) => waitingOf(task, task.why!));
  }

  private file(task: Task, taking: Taking): void {
    const { names, reidentified, review } = task.person;
    const fault = reidentified?.action === 'move-visit' ? null : this.faultOfMerge(task);
    if (fault !== null) return this.refuseMerge(task, fault, taking);
    if (task.why === null) taking.review.push(...(review ?? []));
    const root = names.mrn === null ? null : this.index.rootOf(names.mrn);
    const decided = this.decide(task, root, taking);
    if ('why' in decided) {
      if (decided.why !== 'person-unknown' || reidentified === undefined || reidentified.action === 'move-visit') {
        return this.wait(task, decided.why, root, taking);
      }
      this.reidentify(task, taking);
      return this.fileUnderSurvivor(task, taking);
    }
    if (root !== null) this.learn(task, root, decided, taking);
    if (reidentified !== undefined) this.reidentify(task, taking);
    this.fold(task, root ?? '', decided.number, taking);
    if (root !== null) this.release(root, taking);
  }

  /** Of a message that waited the one that is taken is not at fault: it waits on, and a person is asked. */
  private refuseMerge(task: Task, code: string, taking: Taking): void {
    if (task.why === null) return void taking.faults.push({ ...MRG, code });
    taking.review.push(`merge-${code}`);
    this.wait(task, task.why, this.index.rootOf(task.person.names.mrn!), taking);
  }

  /** A loop, or a number that gave way to somebody else already. */
  private faultOfMerge({ person: { names, reidentified } }: Task): 'loop' | 'replaced-already' | null {
    if (reidentified === undefined || names.mrn === null) return null;
    const root = this.index.rootOf(reidentified.from);
    if (this.index.rootOf(names.mrn) === reidentified.from) return 'loop';
    return root === reidentified.from || root === this.index.rootOf(names.mrn) ? null : 'replaced-already';
  }

  /** Under which number it is filed, or why under none. */
  private decide({ person: { names }, version, learns, corrects, why }: Task, root: string | null, taking: Taking): Decided {
    if (names.why === 'identity-unknown' || names.why === 'two-nhs-numbers') return { why: names.why };
    if (corrects && root !== names.mrn) {
      if (why === null) taking.review.push('replaced-mrn-used');
      return { why: 'mrn-replaced' };
    }
    const known = root === null ? undefined : this.index.of(root);
    const stated = names.number;
    if (stated === null) {
      if (known?.number && mayFile(known.status)) return { number: known.number, status: known.status };
      return { why: names.why ?? 'person-unknown' };
    }
    if (known?.number && known.number !== stated && !(learns && !mayFile(known.status))) {
      if (!corrects || !mayFile(names.status) || !outweighs(names.status, known.status))
        return { why: 'number-contradicts-index' };
      if (version.at >= known.since.at) return { number: stated, status: names.status };
      taking.notes.push({ code: 'number-superseded' });
      return { number: known.number, status: known.status };
    }
    if (mayFile(names.status)) return { number: stated, status: names.status };
    if (known?.number === stated && mayFile(known.status)) return { number: stated, status: known.status };
    return { why: `trace-status-${names.status}` };
  }

  /** What an ADT says of whose an MRN is; a correction moves everything that was filed by it. */
  private learn(task: Task, root: string, { number, status }: Exclude<Decided, { why: unknown }>, taking: Taking): void {
    const { learns, person, version, message } = task;
    if (!learns || person.names.number !== number) return;
    const known = this.index.of(root);
    if (known?.number === number && outweighs(known.status, status)) return;
    this.index.learn(root, { number, status, since: version, event: message });
    for (const lane of this.lanesOf(root)) {
      if (lane.filing.number === number) continue;
      if (lane.filing.number === known?.number) this.move(lane, [...lane.folds.values()], { root, number }, task, taking);
      else if (lane.folds.size > 0) taking.review.push('filed-otherwise');
    }
  }

  private reidentify(task: Task, taking: Taking): void {
    const { person, version, message } = task;
    const { action, from, visit } = person.reidentified!;
    const survivor = this.index.rootOf(person.names.mrn!);
    const gone = this.index.rootOf(from);
    if (action === 'move-visit') return this.moveVisit(task, { gone, survivor, visit: visit! }, taking);
    if (gone === survivor) return;
    this.inherit(gone, survivor, { since: version, event: message });
    this.index.replace(gone, survivor, { since: version, event: message });
    const known = this.index.of(survivor)?.number ?? null;
    for (const lane of this.lanesOf(gone)) {
      const number = known ?? lane.filing.number;
      if (lane.filing.number !== number) taking.review.push('merged-across-numbers');
      this.move(lane, [...lane.folds.values()], { root: survivor, number }, task, taking);
    }
    if (action === 'change') this.carryOver(gone, survivor, task, taking);
    const waiting = [...(this.waiting.get(survivor) ?? []), ...(this.waiting.get(gone) ?? [])];
    this.waiting.delete(gone);
    if (waiting.length > 0) this.waiting.set(survivor, waiting);
  }

  /** One person under a new number: what was said of them under the old one holds under it. */
  private carryOver(gone: string, survivor: string, task: Task, taking: Taking): void {
    for (const lane of this.lanesOf(survivor)) {
      for (const fact of lane.factsOf('patient', ['Patient', ...mrnParts(gone)])) {
        if (fact.action === 'record') lane.take(underNumber(fact, survivor), this.telling(lane, task, taking));
      }
    }
  }

  /** The number that stays is of the same person: what is known of the one that gave way is known of it. */
  private inherit(gone: string, survivor: string, said: Pick<IndexEntry, 'since' | 'event'>): void {
    if (this.index.of(survivor)?.number) return;
    const known = this.index.of(gone);
    const filed = [...new Set(this.lanesOf(gone).map(({ filing }) => filing.number))];
    if (known?.number) this.index.learn(survivor, { number: known.number, status: known.status, ...said });
    else if (filed.length === 1) this.index.learn(survivor, { number: filed[0]!, status: 'filed', ...said });
  }

  /** After a merge of which nothing says whose it is: under the number under which all of it is filed, if there is one. */
  private fileUnderSurvivor(task: Task, taking: Taking): void {
    const survivor = this.index.rootOf(task.person.names.mrn!);
    const number = this.index.of(survivor)?.number ?? null;
    const { reidentified: _done, ...person } = task.person;
    if (number === null) return this.wait({ ...task, person }, 'person-unknown', survivor, taking);
    this.fold(task, survivor, number, taking);
    this.release(survivor, taking);
  }

  private moveVisit(
    task: Task,
    { gone, survivor, visit }: { gone: string; survivor: string; visit: EntryName },
    taking: Taking,
  ): void {
    const number = this.index.of(survivor)?.number ?? task.person.names.number;
    if (number === null) return;
    this.movedVisits.set(`${gone}\u0000${nameKey(visit)}`, survivor);
    for (const lane of this.lanesOf(gone)) {
      const hanging = [...lane.folds.values()].filter(
        (fold) => fold.visit !== undefined && nameKey(fold.visit) === nameKey(visit),
      );
      this.move(lane, hanging, { root: survivor, number }, task, taking);
    }
  }

  private move(lane: Lane, folds: readonly EntryFold[], to: { root: string; number: string }, task: Task, taking: Taking): void {
    const target = this.laneOf(to.root, to.number);
    const telling = { there: this.telling(lane, task, taking), here: this.telling(target, task, taking) };
    for (const fold of folds) target.adopt(fold, lane, task.version, telling);
  }

  /** Folds the facts into where they are filed. */
  private fold(task: Task, root: string, number: string, taking: Taking): void {
    const { person, message, ordinal } = task;
    for (const [index, fact] of person.facts.entries()) {
      const moved = fact.visit && this.movedVisits.get(`${root}\u0000${nameKey(fact.visit)}`);
      const elsewhere = moved === undefined ? null : (this.index.of(moved)?.number ?? null);
      const lane = moved === undefined || elsewhere === null ? this.laneOf(root, number) : this.laneOf(moved, elsewhere);
      const said = this.asNamed({ ...fact, message, ordinal: ordinal * 10_000 + index }, person.names.mrn, root);
      lane.take(said, this.telling(lane, task, taking));
      if (fact.kind === 'report') this.noteLeftOut(lane, said, taking);
    }
  }

  /** What is said of a person by a number that gave way before is said of the Patient who stands for it. */
  private asNamed(fact: SaidFact, mrn: string | null, root: string): SaidFact {
    if (fact.kind !== 'patient' || fact.action !== 'record' || mrn === null || mrn === root) return fact;
    return fact.version.at < this.index.of(mrn)!.since.at ? fact : underNumber(fact, root);
  }

  /** A correction that names fewer results than there are leaves the others, unless its laboratory resends reports whole. */
  private noteLeftOut(lane: Lane, report: SaidFact, taking: Taking): void {
    const isPart = report.members['status'] === 'corrected' || report.whole === true;
    if (isPart && lane.leftOutOf(report) > 0) taking.notes.push({ code: 'result-left-out' });
  }

  private wait(task: Task, why: WaitingReason, root: string | null, taking: Taking): void {
    const key = root ?? '';
    const known = this.waiting.get(key) ?? [];
    if (known.some(({ message, ordinal }) => message === task.message && ordinal === task.ordinal)) return;
    if (task.why !== why) taking.waiting.push(waitingOf(task, why));
    this.waiting.set(key, [...known, { ...task, why }]);
  }

  /** What waited for this MRN is filed in the order in which it came. */
  private release(root: string, taking: Taking): void {
    const tasks = this.waiting.get(root);
    if (tasks === undefined) return;
    this.waiting.delete(root);
    for (const task of tasks) this.file(task, taking);
  }

  private lanesOf(root: string): Lane[] {
    return [...(this.lanes.get(root)?.values() ?? [])];
  }

  private laneOf(root: string, number: string): Lane {
    const status = this.index.of(root)?.status ?? 'stated';
    const lanes = this.lanes.get(root) ?? new Map<string, Lane>();
    const left = this.left.get(number) ?? new Map<string, VersionTime>();
    this.left.set(number, left);
    const lane = lanes.get(number) ?? new Lane({ organisation: this.organisation, number, status }, left);
    if (lane.filing.status !== status) lane.filing = { ...lane.filing, status };
    this.lanes.set(root, lanes.set(number, lane));
    return lane;
  }

  /** Makes care events of what a lane tells. */
  private telling({ filing }: Lane, { version: said }: Task, taking: Taking): Telling {
    const source = `urn:ods:${filing.organisation}`;
    const tell = (
      kind: EntryFold['kind'],
      isGone: boolean,
      resource: Resource,
      time: string,
      attached: readonly Resource[],
    ): void => {
      const id = `${taking.cause}.${taking.events.length + 1}`;
      taking.events.push({ type: typeOf(kind, isGone), id, source, subject: filing.number, time, resource, attached });
    };
    return {
      record: (fold, { resourceType, id, ...members }, { text }) => {
        const resource = { resourceType, id, meta: { lastUpdated: text }, ...members } as Resource;
        tell(fold.kind, false, resource, text, attachedTo(fold, resource));
      },
      retract: (fold, resource) => tell(fold.kind, true, resource, said.text, []),
    };
  }
}

const waitingOf = ({ message, ordinal, person, receivedAt }: MessagePart, why: WaitingReason): Waiting => ({
  ...{ message, ordinal, mrn: person.names.mrn, why, since: receivedAt },
});

const underNumber = (fact: SaidFact, mrn: string): SaidFact => ({
  ...fact,
  entry: ['Patient', ...mrnParts(mrn)],
  members: { ...fact.members, identifier: mrnIdentifier(mrn) },
});

const typeOf = (kind: EntryFold['kind'], isGone: boolean): CareEventType => {
  if (kind === 'death') return isGone ? 'patient-death-retracted-1' : 'patient-died-1';
  return isGone ? 'care-event-retracted-1' : 'care-event-recorded-1';
};

/** The files that a version of an entry names. */
function attachedTo({ facts }: EntryFold, resource: Resource): readonly Resource[] {
  const files = facts.flatMap(({ attached }) => attached ?? []);
  if (files.length === 0) return [];
  const text = JSON.stringify(resource);
  return files.filter(({ id }, index) => text.includes(`Binary/${id}`) && files.findIndex((file) => file.id === id) === index);
}
