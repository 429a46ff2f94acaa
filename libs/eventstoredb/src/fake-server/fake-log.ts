/** What the fake server keeps: one log of all streams. It outlives the server's kills and restarts, as a disk would. */

export interface LogRecord {
  readonly position: bigint;
  /** Where the next record begins. */
  readonly end: bigint;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  readonly created: number;
}

export type NewRecord = Pick<LogRecord, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>;
export type Expected = number | 'any' | 'no-stream' | 'stream-exists';

export class Refusal extends Error {
  constructor(
    readonly reason: 'wrong-expected-version' | 'stream-deleted',
    readonly current: number,
  ) {
    super(reason);
  }
}

const HEADER_BYTES = 100;
const NONE = -1;
const SOFT_DELETED = 2 ** 63;

export class FakeLog {
  records: LogRecord[] = [];
  private readonly streams = new Map<string, { last: number; records: LogRecord[]; tombstoned: boolean }>();
  /** In memory only, as the server's: a restart forgets it. */
  private ids = new Map<string, { readonly stream: string; readonly revision: number }>();
  private readonly watchers = new Set<() => void>();

  /** The rules of EventStoreDB 23.10 for expected versions and repeated ids. Gives the last revision. */
  append(stream: string, expected: Expected, events: readonly NewRecord[]): { readonly last: number; readonly position: bigint } {
    this.refuseDeleted(stream);
    const known = this.streams.get(stream);
    const current = known?.last ?? NONE;
    const repeated = this.repeatedAt(stream, expected, current, events);
    if (repeated !== undefined) return { last: repeated, position: 0n };
    const wanted = {
      any: current,
      'no-stream': this.isSoftDeleted(stream) ? current : NONE,
      'stream-exists': Math.max(current, 0),
    };
    if ((typeof expected === 'number' ? expected : wanted[expected]) !== current) {
      throw new Refusal('wrong-expected-version', current);
    }
    const wasDeleted = this.isSoftDeleted(stream);
    for (const event of events) this.write(stream, event);
    if (wasDeleted) this.setMetadata(stream, { $tb: current + 1 });
    const { position = 0n } = this.streams.get(stream)?.records.at(-1) ?? {};
    for (const watcher of [...this.watchers]) watcher();
    return { last: current + events.length, position };
  }

  /** The stream's records that may be read; undefined for a missing or soft-deleted stream. */
  readable(stream: string): readonly LogRecord[] | undefined {
    this.refuseDeleted(stream);
    const known = this.streams.get(stream);
    if (known === undefined || this.isSoftDeleted(stream)) return undefined;
    const { $tb: before = 0, $maxCount: most = Infinity } = this.metadata(stream);
    return known.records.filter(({ revision }) => revision >= Math.max(before, known.last - most + 1));
  }

  softDelete(stream: string): void {
    if (!this.streams.has(stream)) throw new Refusal('wrong-expected-version', NONE);
    this.setMetadata(stream, { $tb: SOFT_DELETED });
  }

  tombstone(stream: string): void {
    const known = this.streams.get(stream) ?? { last: NONE, records: [], tombstoned: false };
    this.streams.set(stream, { ...known, tombstoned: true });
  }

  /** Takes away what was truncated, never a stream's last record. Positions of what stays do not change. */
  scavenge(): void {
    const kept = this.records.filter(({ stream, revision }) => {
      const before = stream.startsWith('$$') ? Infinity : (this.metadata(stream).$tb ?? 0);
      return revision >= before || revision === this.streams.get(stream)?.last;
    });
    this.records = kept;
    const left = new Set(kept);
    for (const known of this.streams.values()) known.records = known.records.filter((record) => left.has(record));
  }

  forgetIds(): void {
    this.ids.clear();
  }

  metadata(stream: string): { readonly $tb?: number; readonly $maxCount?: number } {
    const last = stream.startsWith('$$') ? undefined : this.streams.get(`$$${stream}`)?.records.at(-1);
    return last === undefined ? {} : (JSON.parse(Buffer.from(last.data).toString()) as object);
  }

  /** Records that begin at the position or behind it, as the log is read: what a scavenge took is not missed. */
  from({ commit, prepare }: { readonly commit: bigint; readonly prepare: bigint }, limit: number): readonly LogRecord[] {
    let [low, high] = [0, this.records.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { position } = this.records[middle] as LogRecord;
      if (position > commit || (position === commit && position >= prepare)) high = middle;
      else low = middle + 1;
    }
    return this.records.slice(low, low + limit);
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** A tombstone covers the stream's metadata as well. */
  private refuseDeleted(stream: string): void {
    if (this.streams.get(stream.replace(/^\$\$/, ''))?.tombstoned === true) throw new Refusal('stream-deleted', NONE);
  }

  private isSoftDeleted(stream: string): boolean {
    return this.metadata(stream).$tb === SOFT_DELETED;
  }

  private setMetadata(stream: string, values: object): void {
    const data = Buffer.from(JSON.stringify({ ...this.metadata(stream), ...values }));
    const id = `00000000-0000-4000-8000-${String(this.records.length).padStart(12, '0')}`;
    this.write(`$$${stream}`, { id, type: '$metadata', contentType: 'application/json', data, metadata: new Uint8Array() });
  }

  /** Where the server takes an append for one made before, whatever the bodies say. */
  private repeatedAt(stream: string, expected: Expected, current: number, events: readonly NewRecord[]): number | undefined {
    const exact = expected === 'no-stream' ? NONE : expected;
    if (typeof exact === 'number' && exact >= current) return undefined;
    const seen = events.map(({ id }, index) => {
      const cached = this.ids.get(id);
      if (typeof exact !== 'number') return cached?.stream === stream ? cached.revision : undefined;
      const revision = exact + 1 + index;
      return this.streams.get(stream)?.records.find((record) => record.revision === revision)?.id === id ? revision : undefined;
    });
    if (seen[0] === undefined) return undefined;
    if (seen.includes(undefined)) throw new Refusal('wrong-expected-version', current);
    return seen.at(-1);
  }

  private write(stream: string, event: NewRecord): void {
    const known = this.streams.get(stream) ?? { last: NONE, records: [], tombstoned: false };
    this.streams.set(stream, known);
    const position = this.records.at(-1)?.end ?? 0n;
    const end = position + BigInt(HEADER_BYTES + event.data.length + event.metadata.length);
    known.last += 1;
    const record = { ...event, stream, position, end, revision: known.last, created: Date.now() };
    known.records.push(record);
    this.records.push(record);
    this.ids.set(event.id, { stream, revision: known.last });
  }
}
