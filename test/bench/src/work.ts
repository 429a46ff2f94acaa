import type { Postgres } from './peers/postgres.js';

/** Sizes, as the command line gives them. */
export interface Sizes {
  readonly events: number;
  readonly patients: number;
  readonly rounds: number;
  readonly quick: boolean;
}

export interface Context extends Sizes {
  /** Of this run, emptied at its end: data sets are built in it once for each size. */
  readonly directory: string;
  /** Where CPU profiles go; undefined: none are taken. */
  readonly profiles: string | undefined;
  /** The run's own PostgreSQL server, started when first asked for. Throws Missing where there is none to start. */
  postgres(): Promise<Postgres>;
  /** What is being done now, for whoever looks on. */
  note(text: string): void;
}

export interface Aim {
  readonly what: string;
  readonly wantedIs: 'at least' | 'under';
  readonly wanted: number;
  readonly got: number;
  readonly met: boolean;
}

export interface Peer {
  readonly name: string;
  readonly value: number;
  /** How many times as good we are. */
  readonly multiple: number;
  readonly note?: string;
}

/** One line of the results. Every figure is the median of the rounds. */
export interface Row {
  readonly work: string;
  readonly row: string;
  /** What it was measured with, as `1,000,000 events of 10,000 patients`. */
  readonly size: string;
  readonly rounds: number;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly ours: number;
  readonly limit: { readonly what: string; readonly value: number } | null;
  /** 100: as good as the limit. */
  readonly percentOfLimit: number | null;
  /** Further figures by name, such as p99 in ms. */
  readonly more: Readonly<Record<string, number>>;
  readonly aims: readonly Aim[];
  readonly peers: readonly Peer[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

export interface Work {
  /** As on the command line: W1. */
  readonly name: string;
  readonly title: string;
  /** What is measured and against what, for --help and the docs. */
  readonly about: string;
  /** What is measured is a start. */
  readonly starts?: true;
  run(context: Context): Promise<Row[]>;
}

export interface Results {
  readonly machine: { readonly cores: number; readonly memoryGiB: number; readonly node: string };
  readonly works: readonly Measured[];
}

/** A part of all the time that a process was busy. */
export interface Share {
  readonly name: string;
  readonly percent: number;
}

/** Where the time went. */
export interface Profile {
  readonly busyMs: number;
  readonly packages: readonly Share[];
  readonly functions: readonly Share[];
}

/** One work as it was last run. */
export interface Measured {
  readonly name: string;
  readonly title: string;
  /** YYYY-MM-DD */
  readonly on: string;
  /** What else the machine had to do: the load average of the minute before. */
  readonly load: number;
  readonly rows: readonly Row[];
  /** Of a run of its own, with --profile. */
  readonly profile?: Profile;
}

export const atLeast = (what: string, wanted: number, got: number): Aim => ({
  what,
  wantedIs: 'at least',
  wanted,
  got,
  met: got >= wanted,
});
export const under = (what: string, wanted: number, got: number): Aim => ({
  what,
  wantedIs: 'under',
  wanted,
  got,
  met: got < wanted,
});
