import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** Where files go whose durability is not what is tried: memory is faster. */
export const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A promise that was not kept, with what is needed to see it again. */
export interface Finding {
  /** Seed, point, place: what was done. */
  readonly what: string;
  readonly problems: readonly string[];
  /** Where the files are that show it; empty where there are none. */
  readonly kept: string;
  /** A command that does it again. */
  readonly again?: string;
}

/** What one part of the programme did. */
export interface Part {
  readonly name: string;
  readonly cases: number;
  /** How the cases came out, by what they were or what became of them. */
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** Why it could not be done here. */
  readonly skipped?: string;
}

export interface PartOptions {
  readonly seed: number;
  /** For what the part writes; what shows a finding is left there. */
  readonly directory: string;
  readonly onProgress: (done: number, total: number) => void;
}
