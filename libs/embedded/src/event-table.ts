import { crc32 } from 'node:zlib';
import {
  EngineDamaged,
  InvalidCall,
  NO_STREAM,
  WrongExpectedRevision,
  type NewEvent,
  type ReadOptions,
  type StoredEvent,
} from '@weft/processing';
import { blobOf } from './checksum.js';
import type { Database, Statement } from './driver.js';
import type { Packing } from './packing.js';
import { placeRun, readRun, REVISIONS, runBody, runId, type Run, type RunEvent, type RunRow } from './stored-run.js';

/** Runs shorter than this are put together once they hold so many events, unless that takes too many bytes. */
const RUN_EVENTS = 32;
const RUN_BYTES_MAX = 128 * 1024;
/** Streams whose state is kept in memory; all are dropped together when there are more. */
const STATES_MAX = 100_000;
const SCAN_STREAMS = 5_000;

/** The short runs at a stream's end, which the next appends are put together with. */
interface Tail {
  readonly first: number;
  readonly events: number;
  readonly bytes: number;
}

interface StreamState {
  readonly id: number;
  readonly name: string;
  head: number;
  /** First revision that can be read. */
  truncatedBefore: number;
  /** Undefined where it was not looked for yet. */
  tail: Tail | undefined;
}

/** An append as it will be written. */
export interface PreparedAppend {
  readonly stream: string;
  readonly expected: number;
  readonly events: readonly RunEvent[];
  readonly body: Buffer;
  readonly truncates: boolean;
}

export interface Wanted extends Required<Pick<ReadOptions, 'from' | 'maxCount' | 'backwards' | 'meta'>> {
  readonly stream: string;
}

/** What was found after a position, looking through a bounded number of events. */
export interface Page {
  readonly events: readonly StoredEvent[];
  /** Everything up to here has been looked at. */
  readonly position: number;
  /** Nothing stands after it. */
  readonly isLast: boolean;
}

/** One append's events in the row of their transaction: 12 bytes. */
interface Entry {
  readonly run: number;
  readonly count: number;
}
const ENTRY_BYTES = 12;
const CRC_BYTES = 4;

/** Streams, their events, and the one order of all. What writes runs within a transaction. */
export class EventTable {
  /** Null for a stream that is not there. */
  private readonly byName = new Map<string, StreamState | null>();
  private readonly names = new Map<number, string>();
  private nextPosition: number | undefined;
  /** Of the transaction under way. */
  private readonly entries: Entry[] = [];

  private readonly selectStream: Statement;
  private readonly selectName: Statement;
  private readonly insertStream: Statement;
  private readonly truncateStream: Statement;
  private readonly insertRun: Statement;
  private readonly deleteRuns: Statement;
  private readonly selectForwards: Statement;
  private readonly selectBackwards: Statement;
  private readonly insertCommit: Statement;
  private readonly selectLastCommit: Statement;
  private readonly selectCommits: Statement;
  private readonly selectLastStream: Statement;
  private readonly selectStreams: Statement;

  constructor(
    database: Database,
    private readonly packing: Packing,
    private readonly engine: string,
  ) {
    this.selectStream = database.prepare('SELECT id, truncated_before AS truncatedBefore FROM streams WHERE name = ?');
    this.selectName = database.prepare('SELECT name FROM streams WHERE id = ?');
    this.insertStream = database.prepare('INSERT INTO streams (name) VALUES (?)');
    this.truncateStream = database.prepare('UPDATE streams SET truncated_before = ? WHERE id = ?');
    this.insertRun = database.prepare('INSERT INTO events (id, body) VALUES (?, ?)');
    this.deleteRuns = database.prepare('DELETE FROM events WHERE id >= ? AND id < ?');
    // From the run that holds the first one wanted.
    this.selectForwards = database.prepare(
      `SELECT id, body FROM events
       WHERE id >= coalesce((SELECT max(id) FROM events WHERE id >= ?1 AND id <= ?2), ?2) AND id < ?3 ORDER BY id`,
    );
    this.selectBackwards = database.prepare('SELECT id, body FROM events WHERE id >= ? AND id <= ? ORDER BY id DESC');
    this.insertCommit = database.prepare('INSERT INTO commits (position, body) VALUES (?, ?)');
    this.selectLastCommit = database.prepare('SELECT position, body FROM commits ORDER BY position DESC LIMIT 1');
    this.selectCommits = database.prepare(
      `SELECT position, body FROM commits
       WHERE position >= coalesce((SELECT max(position) FROM commits WHERE position <= ?1), 0) ORDER BY position`,
    );
    this.selectLastStream = database.prepare('SELECT coalesce(max(id), 0) AS id FROM streams');
    this.selectStreams = database.prepare(
      'SELECT id, name FROM streams WHERE id > ? AND id <= ? AND substr(name, 1, length(?)) = ? ORDER BY id',
    );
  }

  /** What can be done of an append before its transaction. It is written a moment later, and may be the caller's to change by then. */
  prepare(
    stream: string,
    expected: number,
    events: readonly NewEvent[],
    metas: readonly string[],
    truncates: boolean,
  ): PreparedAppend {
    const kept = events.map(({ id, type, data }, index) => ({
      ...{ id, type, meta: metas[index] as string },
      data: new Uint8Array(data),
    }));
    return { stream, expected, events: kept, body: runBody(this.packing, kept), truncates };
  }

  /** Decides first, so that a refusal has written nothing. */
  append({ stream, expected, events, body, truncates }: PreparedAppend): number {
    const known = this.stateOf(stream);
    const actual = known?.head ?? NO_STREAM;
    if (actual !== expected) throw new WrongExpectedRevision(stream, expected, actual);
    if (actual + events.length >= REVISIONS) {
      throw new InvalidCall(`stream ${stream}: the embedded store holds at most ${REVISIONS} events of a stream`);
    }
    const state = known ?? this.newStream(stream);
    const first = actual + 1;
    const position = this.takePositions(events.length);
    this.entries.push({ run: runId(state.id, first), count: events.length });
    if (truncates && first > 0) this.truncate(state, first);
    this.writeRun(state, first, position, events, body);
    state.head = actual + events.length;
    return state.head;
  }

  head(stream: string): number {
    return this.stateOf(stream)?.head ?? NO_STREAM;
  }

  /** Gives the first revision that is not where it must be, if one is not: revisions have no gaps. */
  read({ stream, from, maxCount, backwards, meta }: Wanted): {
    readonly events: readonly StoredEvent[];
    readonly lacking: number | undefined;
  } {
    const state = this.stateOf(stream);
    if (state === undefined) return { events: [], lacking: undefined };
    const events: StoredEvent[] = [];
    const step = backwards ? -1 : 1;
    let expected = backwards ? Math.min(from, state.head) : Math.max(from, state.truncatedBefore);
    for (const row of this.runsOf(state, from, backwards)) {
      if (events.length === maxCount) break;
      const run = readRun(row, stream, this.packing, this.engine);
      const last = run.first + run.count - 1;
      // Another process may have written more than is known here.
      if (events.length === 0 && backwards && last > state.head) expected = Math.min(from, last);
      if (!backwards && last < expected) continue;
      if (expected < run.first || expected > last) return { events, lacking: expected };
      for (; expected >= run.first && expected <= last && events.length < maxCount; expected += step) {
        events.push(run.stored(expected - run.first, meta));
      }
    }
    const isMissing = events.length < maxCount && (backwards ? expected >= state.truncatedBefore : expected <= state.head);
    return { events, lacking: isMissing ? expected : undefined };
  }

  /** The next events after a position, of at most `most` looked at. Within a transaction, as it takes several looks. */
  scan(after: number, prefixes: readonly string[] | undefined, maxCount: number, most: number): Page {
    const events: StoredEvent[] = [];
    const runs = new Map<number, Run>();
    let position = after;
    let isFirst = true;
    for (const row of this.selectCommits.iterate(after + 1) as Iterable<{ position: number; body: Uint8Array }>) {
      // In a damaged tree SQLite also gives rows from before where it was asked to begin: whoever goes on there never ends.
      if (isFirst ? row.position > after + 1 : row.position !== position + 1) throw this.disorder(after);
      isFirst = false;
      let next = row.position;
      for (const { run, count } of this.entriesOf(row)) {
        const [streamId, revision] = [Math.floor(run / REVISIONS), run % REVISIONS];
        const from = Math.max(0, position + 1 - next);
        const wanted = from < count && this.isNamed(streamId, prefixes);
        for (let index = from; wanted && index < count; index += 1) {
          const event = this.eventAt(runs, streamId, revision + index, next + index);
          if (event !== undefined) events.push(event);
          position = next + index;
          if (events.length === maxCount) return { events, position, isLast: false };
        }
        next += count;
        position = Math.max(position, next - 1);
      }
      if (position - after >= most) return { events, position, isLast: false };
    }
    return { events, position, isLast: position === after };
  }

  /** Names after a place, of a bounded number looked at; `next` is undefined at the end. */
  streams(prefix: string, after: number): { readonly found: readonly { id: number; name: string }[]; readonly next?: number } {
    const until = after + SCAN_STREAMS;
    const { id: last } = this.selectLastStream.get() as { id: number };
    const found = this.selectStreams.all(after, until, prefix, prefix) as { id: number; name: string }[];
    return { found, ...(until >= last ? {} : { next: until }) };
  }

  check(): void {
    this.lastPosition();
  }

  /** True where something was written. */
  beforeCommit(): boolean {
    if (this.entries.length === 0) return false;
    const count = this.entries.reduce((sum, entry) => sum + entry.count, 0);
    const position = (this.nextPosition as number) - count;
    const body = Buffer.allocUnsafe(CRC_BYTES + ENTRY_BYTES * this.entries.length);
    let at = CRC_BYTES;
    for (const entry of this.entries) {
      body.writeDoubleLE(entry.run, at);
      body.writeUInt32LE(entry.count, at + 8);
      at += ENTRY_BYTES;
    }
    body.writeUInt32LE(commitChecksum(body, position));
    this.insertCommit.run(position, body);
    this.entries.length = 0;
    return true;
  }

  /** What is kept in memory may not be true any more. */
  forget(): void {
    this.byName.clear();
    this.names.clear();
    this.nextPosition = undefined;
    this.entries.length = 0;
  }

  private takePositions(count: number): number {
    const position = this.nextPosition ?? this.lastPosition() + 1;
    this.nextPosition = position + count;
    return position;
  }

  private lastPosition(): number {
    const row = this.selectLastCommit.get() as { position: number; body: Uint8Array } | undefined;
    return row === undefined ? 0 : this.entriesOf(row).reduce((end, { count }) => end + count, row.position - 1);
  }

  private entriesOf({ position, body: bytes }: { readonly position: number; readonly body: Uint8Array }): Entry[] {
    const body = blobOf(bytes);
    if (body.length <= CRC_BYTES || body.readUInt32LE() !== commitChecksum(body, position)) {
      throw new EngineDamaged(this.engine, `the commit at position ${position} is not what was written`);
    }
    const entries: Entry[] = [];
    for (let at = CRC_BYTES; at < body.length; at += ENTRY_BYTES) {
      entries.push({ run: body.readDoubleLE(at), count: body.readUInt32LE(at + 8) });
    }
    return entries;
  }

  private truncate(state: StreamState, before: number): void {
    this.deleteRuns.run(runId(state.id, 0), runId(state.id, before));
    this.truncateStream.run(before, state.id);
    state.truncatedBefore = before;
    state.tail = { first: before, events: 0, bytes: 0 };
  }

  /** The append's own run, or the one that takes the place of it and of the short ones before it. */
  private writeRun(state: StreamState, first: number, position: number, events: readonly RunEvent[], body: Buffer): void {
    const tail = (state.tail ??= this.tailOf(state, first));
    const isShort = events.length < RUN_EVENTS && body.length < RUN_BYTES_MAX;
    const joined = { first: tail.first, events: tail.events + events.length, bytes: tail.bytes + body.length };
    if (isShort && tail.events > 0 && joined.events >= RUN_EVENTS && joined.bytes <= RUN_BYTES_MAX) {
      this.join(state, tail.first, first, position, events);
    } else {
      this.insertRun.run(runId(state.id, first), placeRun(body, position, state.name, first));
      if (isShort) {
        state.tail = joined.bytes <= RUN_BYTES_MAX ? joined : { first, events: events.length, bytes: body.length };
        return;
      }
    }
    state.tail = { first: first + events.length, events: 0, bytes: 0 };
  }

  private join(state: StreamState, start: number, end: number, position: number, added: readonly RunEvent[]): void {
    const events: RunEvent[] = [];
    const positions: number[] = [];
    for (const row of this.runsOf(state, start, false)) {
      const run = readRun(row, state.name, this.packing, this.engine);
      if (run.first !== start + events.length) throw this.lacking(state.name, start + events.length);
      for (let index = 0; index < run.count; index += 1) {
        events.push(run.event(index));
        positions.push(run.position(index));
      }
    }
    if (start + events.length !== end) throw this.lacking(state.name, start + events.length);
    for (const [index, event] of added.entries()) {
      events.push(event);
      positions.push(position + index);
    }
    const steps = positions.slice(1).map((next, index) => next - (positions[index] as number));
    const body = runBody(this.packing, events, steps);
    this.deleteRuns.run(runId(state.id, start), runId(state.id, end));
    this.insertRun.run(runId(state.id, start), placeRun(body, positions[0] as number, state.name, start));
  }

  /** The short runs that stand at the end of what is written, `end` being the revision behind it. */
  private tailOf(state: StreamState, end: number): Tail {
    let tail: Tail = { first: end, events: 0, bytes: 0 };
    for (const row of this.runsOf(state, end, true)) {
      const { first, count } = readRun(row, state.name, this.packing, this.engine);
      const bytes = tail.bytes + row.body.byteLength;
      if (count >= RUN_EVENTS || bytes > RUN_BYTES_MAX || tail.events + count >= RUN_EVENTS) break;
      tail = { first, events: tail.events + count, bytes };
    }
    return tail;
  }

  private runsOf({ id }: StreamState, from: number, backwards: boolean): Iterable<RunRow> {
    const revision = Math.min(from, REVISIONS - 1);
    const [base, start] = [runId(id, 0), runId(id, revision)];
    const rows = backwards
      ? this.selectBackwards.iterate(base, start)
      : this.selectForwards.iterate(base, start, runId(id + 1, 0));
    return rows as Iterable<RunRow>;
  }

  /** Undefined where it was truncated. */
  private eventAt(runs: Map<number, Run>, streamId: number, revision: number, position: number): StoredEvent | undefined {
    const name = this.nameOf(streamId);
    let run = runs.get(streamId);
    if (run === undefined || revision < run.first || revision >= run.first + run.count) {
      const [row] = this.selectBackwards.iterate(runId(streamId, 0), runId(streamId, revision)) as Iterable<RunRow>;
      run = row && readRun(row, name, this.packing, this.engine);
      if (run === undefined || revision >= run.first + run.count) {
        if (revision < (this.stateOf(name)?.truncatedBefore ?? 0)) return undefined;
        throw this.lacking(name, revision);
      }
      runs.set(streamId, run);
    }
    const index = revision - run.first;
    if (run.position(index) !== position) {
      throw new EngineDamaged(this.engine, `revision ${revision} of stream ${name} is not at position ${position}`);
    }
    return run.stored(index);
  }

  private isNamed(streamId: number, prefixes: readonly string[] | undefined): boolean {
    if (prefixes === undefined) return true;
    const name = this.nameOf(streamId);
    return prefixes.some((prefix) => name.startsWith(prefix));
  }

  private nameOf(streamId: number): string {
    const known = this.names.get(streamId);
    if (known !== undefined) return known;
    const row = this.selectName.get(streamId) as { name: string } | undefined;
    if (row === undefined) throw new EngineDamaged(this.engine, `a stream is lost: its number is ${streamId}`);
    if (this.names.size >= STATES_MAX) this.names.clear();
    this.names.set(streamId, row.name);
    return row.name;
  }

  /** What is cached is true where others' commits were just looked for, as within a transaction: one of them empties the cache. */
  private stateOf(stream: string): StreamState | undefined {
    const cached = this.byName.get(stream);
    if (cached !== undefined) return cached ?? undefined;
    const row = this.selectStream.get(stream) as Pick<StreamState, 'id' | 'truncatedBefore'> | undefined;
    if (row === undefined) return this.remember(stream, null) ?? undefined;
    const [last] = this.selectBackwards.iterate(runId(row.id, 0), runId(row.id, REVISIONS - 1)) as Iterable<RunRow>;
    const run = last && readRun(last, stream, this.packing, this.engine);
    const head = run === undefined ? NO_STREAM : run.first + run.count - 1;
    return this.remember(stream, { ...row, name: stream, head, tail: undefined });
  }

  private newStream(name: string): StreamState {
    const id = Number(this.insertStream.run(name).lastInsertRowid);
    return this.remember(name, { id, name, head: NO_STREAM, truncatedBefore: 0, tail: { first: 0, events: 0, bytes: 0 } });
  }

  private remember<S extends StreamState | null>(stream: string, state: S): S {
    if (this.byName.size >= STATES_MAX) this.byName.clear();
    this.byName.set(stream, state);
    return state;
  }

  lacking(stream: string, revision: number): EngineDamaged {
    return new EngineDamaged(this.engine, `stream ${stream} lacks revision ${revision}`);
  }

  private disorder(after: number): EngineDamaged {
    return new EngineDamaged(this.engine, `its events are not in order at position ${after}`);
  }
}

const commitChecksum = (body: Uint8Array, position: number): number => crc32(body.subarray(CRC_BYTES), crc32(`${position}\n`));
