import { BACKWARDS, END, type JSONRecordedEvent } from '@eventstore/db-client';
import { NO_STREAM } from '@weft/processing';
import type { Appends } from './appends.js';
import type { Calls } from './calls.js';
import type { Client } from './client.js';
import { isType } from './errors.js';
import { toOwnEvent } from './stored-event.js';
import type { Logger } from './system.js';

/** What was learned of a stream is believed for so long. */
const BELIEVED_MS = 1_000;
const KNOWN_MAX = 10_000;
/** Others that write the same stream's metadata at the same moment make one try again. */
const TRIES = 10;

/** A stream's metadata, and the revision that the next one expects. */
interface Metadata {
  readonly revision: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Truncation: the stream's metadata says from which revision on it may be read (`$tb`). The server obeys it at once where a
 * stream is read; in $all what was truncated stays until a scavenge, so what comes from there is looked up here.
 */
export class Truncations {
  private readonly known = new Map<string, { readonly first: number; readonly at: number }>();
  /** Appended by this process, and not yet in the metadata. */
  private readonly unfinished = new Map<string, number>();

  constructor(
    private readonly client: Client,
    private readonly appends: Appends,
    private readonly calls: Calls,
    private readonly logger: Logger | undefined,
    /** Says which streams are ever truncated; others need no looking up. */
    private readonly mayBeTruncated: (stream: string) => boolean,
  ) {}

  /** Revisions below this one must not be shown, as far as this process knows without asking. */
  floor(stream: string): number {
    return this.unfinished.get(stream) ?? 0;
  }

  /** Makes everything below `first` unreadable. May be repeated, and never makes anything readable again. */
  async truncate(stream: string, first: number): Promise<void> {
    this.unfinished.set(stream, Math.max(first, this.floor(stream)));
    await this.finish(stream);
  }

  /** Does what an earlier `truncate` could not. Throws as the port does. */
  async finish(stream: string): Promise<void> {
    const first = this.unfinished.get(stream);
    if (first === undefined) return;
    await this.calls.ask({ stream }, () => this.write(stream, first));
    if (this.unfinished.get(stream) === first) this.unfinished.delete(stream);
    this.remember(stream, first);
  }

  /** Repairs what a process left that died between its append and this. What is read is right without it. */
  async repair(stream: string, first: number): Promise<void> {
    try {
      await this.truncate(stream, first);
      this.logger?.info({ stream, first }, 'a truncation that had been begun is finished');
    } catch (error) {
      this.logger?.warn({ stream, first, err: error }, 'a truncation that had been begun cannot be finished now');
    }
  }

  /** The first revision of the stream that may be shown; Infinity for a deleted one. True a second ago, or now. */
  async firstReadable(stream: string): Promise<number> {
    if (!this.mayBeTruncated(stream)) return 0;
    const { clock } = this.calls.surroundings;
    const known = this.known.get(stream);
    if (known !== undefined && clock.steady() - known.at < BELIEVED_MS) return Math.max(known.first, this.floor(stream));
    const first = await this.calls.ask({ stream }, () => this.lookUp(stream));
    this.remember(stream, first);
    return Math.max(first, this.floor(stream));
  }

  /** Looks up many streams side by side, so that `firstReadable` need not ask for each. */
  async prepare(streams: readonly string[]): Promise<void> {
    await Promise.all([...new Set(streams)].map((stream) => this.firstReadable(stream)));
  }

  private remember(stream: string, first: number): void {
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    this.known.set(stream, { first, at: this.calls.surroundings.clock.steady() });
  }

  private async lookUp(stream: string): Promise<number> {
    try {
      return truncatedBefore((await this.metadata(stream)).values);
    } catch (error) {
      if (isType(error, 'stream-deleted')) return Infinity;
      throw error;
    }
  }

  private async write(stream: string, first: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { revision, values } = await this.metadata(stream);
      if (truncatedBefore(values) >= first) return;
      const event = toOwnEvent(this.calls.surroundings.random.uuid(), '$metadata', { ...values, $tb: first });
      try {
        await this.appends.append(`$$${stream}`, revision, [event]);
        return;
      } catch (error) {
        if (!isType(error, 'wrong-expected-revision') || attempt === TRIES) throw error;
      }
    }
  }

  /** Read as the stream that it is: the client's getStreamMetadata gives a log position for its revision. */
  private async metadata(stream: string): Promise<Metadata> {
    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, requiresLeader: true } as const;
    try {
      const [last] = await this.calls.all(this.client.readStream(`$$${stream}`, options));
      const event = last?.event as JSONRecordedEvent | undefined;
      if (event === undefined) return { revision: NO_STREAM, values: {} };
      return {
        revision: Number(event.revision),
        values: typeof event.data === 'object' ? (event.data as Metadata['values']) : {},
      };
    } catch (error) {
      if (isType(error, 'stream-not-found')) return { revision: NO_STREAM, values: {} };
      throw error;
    }
  }
}

/** A soft delete is a truncation before 2^63 - 1: all of it, until the next append sets another. */
function truncatedBefore({ $tb: before }: Metadata['values']): number {
  if (typeof before !== 'number') return 0;
  return Number.isSafeInteger(before) ? before : Infinity;
}
