import { Prng } from '@weft/testing';
import { type Matter, mattersOf, nextBeginning } from './decisions.js';
import { baseEntries, type Entry, type Person, peopleOf } from './entries.js';
import { verdictOn, type Verdict, type While } from './oracle.js';
import type { Purpose } from './entries.js';

export interface Counts {
  kills: number;
  decisions: number;
  events: number;
  reads: number;
  /** Entries found in what was read, each looked up. */
  entriesRead: number;
  /** Lines that told a subscriber of an entry, each looked up. */
  messages: number;
  /** Lines that took an entry away from a subscriber who had it. */
  withdrawals: number;
}

const JUST_DECIDED = 4;
/** A date is near where it comes within so long, in ms. */
const NEAR_MS = 2_000;

/** Broken promises that are kept; of more only the number is. */
const KEPT = 50;

/** Everything that the storm has sent and found out: what the oracle goes by. */
export class World {
  readonly people: readonly Person[];
  readonly entries: Entry[] = [];
  readonly counts: Counts = { kills: 0, decisions: 0, events: 0, reads: 0, entriesRead: 0, messages: 0, withdrawals: 0 };
  readonly violations: string[] = [];
  violated = 0;
  /** False once nothing new is to begin. */
  isStormy = true;
  /** About whom something was obeyed just now: what is wrong shows there first. */
  readonly justDecided: Person[] = [];
  /** Aborted once the storm is over and everything is to come to its end. */
  readonly over = new AbortController();
  readonly allMatters: readonly Matter[];
  private readonly matters: readonly (readonly Matter[])[];
  private readonly begun = Date.now();

  constructor(
    readonly seed: number,
    people: number,
  ) {
    this.people = peopleOf(people);
    this.matters = this.people.map((person) => {
      const own = baseEntries(person, this.entries.length);
      this.entries.push(...own);
      return mattersOf(person, own);
    });
    this.allMatters = this.matters.flat();
  }

  /** Chance for one actor: what others draw does not shift it. */
  chance(actor: number): Prng {
    return new Prng(this.seed, actor);
  }

  mattersOf(person: Person): readonly Matter[] {
    return this.matters[person.index]!;
  }

  entriesOf(person: Person): Entry[] {
    return this.entries.filter((entry) => entry.person === person);
  }

  noteDecided(person: Person): void {
    this.counts.decisions += 1;
    this.justDecided.push(person);
    if (this.justDecided.length > JUST_DECIDED) this.justDecided.shift();
  }

  /** Waits for a date that is near, to just after it: what it forbids must not be seen though nobody may have acted on it yet. */
  async untilSomethingBegins(draw: Prng): Promise<Person | null> {
    const now = Date.now();
    const next = nextBeginning(this.allMatters, now);
    if (!this.isStormy || next === null || next.at > now + NEAR_MS) return null;
    await pause(next.at - now + draw.between(6, 400));
    return next.person;
  }

  verdict(entry: Entry, purpose: Purpose, during: While): Verdict {
    return verdictOn(entry, purpose, this.mattersOf(entry.person), during);
  }

  /** A promise was broken. Entries and people are named by the storm's own numbers. */
  violation(what: string): void {
    this.violated += 1;
    if (this.violations.length < KEPT) this.violations.push(`${((Date.now() - this.begun) / 1_000).toFixed(1)} s: ${what}`);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const nameOf = ({ number, person, organisation, resourceType }: Entry): string =>
  `entry ${number} (${organisation}'s ${resourceType} of person ${person.index})`;
