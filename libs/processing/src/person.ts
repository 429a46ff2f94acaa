import { decidedAbout, together, type ByNumber, type Identity, type NotePlacing, type Together } from '@weft/domain';
import type { RecordedDecision } from './encoding.js';
import { EngineUnavailable } from './errors.js';
import { loadNumber, lookAtNumber, type LoadOptions, type NumberState } from './number.js';
import type { EventStore } from './ports.js';

/** One person: everything that views are derived from. */
export interface Person extends ByNumber<RecordedDecision> {
  /** All numbers of the person, the surviving one first, then what was merged into it, depth first. */
  readonly members: readonly NumberState[];
  /** All members' records as one. */
  readonly record: Together['record'];
  /** By entry the place of its number among the members, where that is not the first. */
  readonly homes: Together['homes'];
  readonly person: Together['person'];
  /** All that counts for any of the members. */
  readonly decisions: readonly RecordedDecision[];
}

/** The person behind a number. */
export interface FoundPerson extends Person {
  /** The surviving NHS number, where the one asked for was merged into it. */
  readonly movedTo: string | null;
  /** Every number that was looked at, by key, with the revision of its stream. */
  readonly looked: ReadonlyMap<string, number>;
}

/** Whether an error says that a loop of merges stands at this moment, which its own merges undo. */
export const isLoopOfMerges = (error: unknown): boolean => error instanceof EngineUnavailable && error.engine === 'identity';

const loopOfMerges = (): EngineUnavailable => new EngineUnavailable('identity', 'a loop of merges is being undone; try again');

/** The states of numbers as one look finds them, each loaded once. */
class Look {
  private readonly numbers = new Map<string, Promise<NumberState>>();

  /** @param past whether it looks at an instant that was: a loop of merges that stood then is cut, as nobody will undo it there. */
  constructor(
    private readonly load: (key: string) => Promise<NumberState>,
    known: readonly NumberState[] = [],
    private readonly past = false,
  ) {
    for (const state of known) this.numbers.set(state.key, Promise.resolve(state));
  }

  at(key: string): Promise<NumberState> {
    const found = this.numbers.get(key) ?? this.load(key);
    this.numbers.set(key, found);
    return found;
  }

  /** The number that stands for this one now: itself, or the last of its chain of merges. */
  async survivorOf(key: string): Promise<{ readonly state: NumberState; readonly nhsNumber: string | null }> {
    let nhsNumber: string | null = null;
    let survivor = key;
    for (const passed = new Set<string>(); !passed.has(survivor);) {
      passed.add(survivor);
      const state = await this.at(survivor);
      const { supersededBy } = state.identity;
      if (supersededBy === null || (this.past && passed.has(supersededBy.key))) return { state, nhsNumber };
      survivor = supersededBy.key;
      nhsNumber = supersededBy.nhsNumber;
    }
    throw loopOfMerges();
  }

  async revisions(): Promise<ReadonlyMap<string, number>> {
    const states = await Promise.all(this.numbers.values());
    return new Map(states.map(({ key, revision }) => [key, revision]));
  }

  async membersOf(survivor: NumberState, passed = new Set<string>()): Promise<NumberState[]> {
    if (passed.has(survivor.key)) throw loopOfMerges();
    passed.add(survivor.key);
    const members = [survivor];
    for (const one of survivor.identity.absorbed) {
      const state = await this.at(one);
      if (this.past && passed.has(one)) continue;
      if (state.identity.supersededBy?.key === survivor.key) members.push(...(await this.membersOf(state, passed)));
    }
    return members;
  }
}

/** Everything about a person, from the states of their numbers. */
export function personOf(members: readonly NumberState[]): Person {
  const { record, homes, person } = together(members);
  return { members, record, homes, person, ...decidedAbout(members, homes) };
}

export interface LoadPersonOptions extends Omit<LoadOptions, 'note'> {
  readonly note?: NoteOfNumber;
  /** States that were loaded before. */
  readonly known?: readonly NumberState[];
}

/**
 * The person of whom a number is one, as their streams are at this moment. Others may be given the same states: nobody folds anything into those that
 * were loaded here. Throws EngineUnavailable while a loop of merges stands.
 */
export async function loadPerson(
  store: EventStore,
  key: string,
  { note, known, ...options }: LoadPersonOptions = {},
): Promise<FoundPerson> {
  const look = new Look(
    (number) =>
      lookAtNumber(store, number, { ...options, ...(note !== undefined && { note: (...placed) => note(number, ...placed) }) }),
    known,
    options.until !== undefined,
  );
  const { state, nhsNumber } = await look.survivorOf(key);
  const person = personOf(await look.membersOf(state));
  return { ...person, movedTo: nhsNumber, looked: await look.revisions() };
}

/** As `NotePlacing`, with the key of the number in whose record the version is. */
type NoteOfNumber = (number: string, ...placed: Parameters<NotePlacing>) => void;

/**
 * All numbers of the person of whom this is one, the surviving one first. What is given of this one was read before. A merge that comes while the
 * others are read is looked at anew; one that comes later fails the append to the stream of either number that it names.
 */
export async function loadMembers(store: EventStore, own: NumberState): Promise<readonly NumberState[]> {
  const look = (): Promise<readonly NumberState[]> => membersWith(store, own);
  let members = await look();
  for (;;) {
    const again = await look();
    if (again.map(({ key }) => key).join() === members.map(({ key }) => key).join()) return again;
    members = again;
  }
}

/** A merge that is being made, or refused, does not count yet: the surviving number says last that it took the other over. */
async function membersWith(store: EventStore, own: NumberState): Promise<readonly NumberState[]> {
  const { members } = await loadPerson(store, own.key, { known: [own] });
  return members.some(({ key }) => key === own.key) ? members : [own];
}

/** The number that stands for this one now, by its key, and its NHS number where it is another one. */
export async function survivorOf(
  store: EventStore,
  key: string,
): Promise<{ readonly key: string; readonly nhsNumber: string | null }> {
  const look = new Look((number) => loadNumber(store, number));
  const { state, nhsNumber } = await look.survivorOf(key);
  return { key: state.key, nhsNumber };
}

/** The numbers that stand for these, each once. */
export async function survivorsOf(store: EventStore, keys: readonly string[]): Promise<string[]> {
  const survivors = await Promise.all(keys.map((key) => survivorOf(store, key)));
  return [...new Set(survivors.map((survivor) => survivor.key))];
}

/** Every key of the person behind a key: what merges brought together, the surviving number's first. */
export async function keysOfPerson(store: EventStore, key: string): Promise<string[]> {
  return (await loadPerson(store, key)).members.map((member) => member.key);
}

/** All numbers that were ever merged with this one, directly or through others; itself first. */
export async function relatedNumbers(store: EventStore, key: string): Promise<Map<string, Identity>> {
  const related = new Map<string, Identity>();
  const found = new Set([key]);
  for (const number of found) {
    const { identity } = await loadNumber(store, number);
    related.set(number, identity);
    for (const other of identity.related) found.add(other);
  }
  return related;
}
