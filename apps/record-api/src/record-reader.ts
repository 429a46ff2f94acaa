import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Purpose } from '@weft/domain';
import { type Footing, type FoundRecord, readRecord, stillStands, type Wiring } from '@weft/processing';
import { Service, WIRING } from '@weft/service';
import { CLINICAL, nothingKnown, nothingToShow } from './asked.js';
import { asShown, noticeFor, type ReadingAs, seesCounts, showsAnything } from './reader.js';

/** A record ready to be sent. */
export interface ServedRecord {
  readonly body: Buffer;
  /** A strong ETag: equal for equal bytes. */
  readonly etag: string;
  readonly movedTo: string | null;
  readonly policyVersion: number;
  readonly consentRevision: number;
  /** False where it shows nothing: whether the number is known is then another question. */
  readonly showsAnything: boolean;
}

interface Kept {
  readonly served: ServedRecord;
  readonly footing: Footing;
  /** When it was last found to stand, milliseconds since 1970. */
  foundAt: number;
}

/** All kept answers together. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;
/** One that nobody asked for so long is let go: what a decision forbids meanwhile does not linger. */
const KEPT_MS_MAX = 60_000;

/**
 * Reads records and keeps the bytes of answers for the next reader of the same roles. A kept answer is never given on trust:
 * each read first asks the store whether all that it rests on still stands, and `readRecord` decides anew where it does not.
 */
@Injectable()
export class RecordReader implements OnModuleDestroy {
  /** Oldest use first. */
  private readonly kept = new Map<string, Kept>();
  private keptBytes = 0;
  private readonly reads;
  private readonly sweeping = setInterval(() => this.sweep(), KEPT_MS_MAX / 4).unref();

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    service: Service,
  ) {
    this.reads = service.metrics.counter('weft_record_reads_total', 'Records read, by where the answer came from', [
      'purpose',
      'source',
    ]);
  }

  async read(key: string, purpose: Purpose, reader: ReadingAs): Promise<ServedRecord> {
    const name = `${purpose} ${reader.join()} ${key}`;
    const known = this.kept.get(name);
    if (known !== undefined) {
      if (await stillStands(this.wiring, known.footing)) {
        this.keep(name, known);
        this.reads.inc({ purpose, source: 'kept' });
        return known.served;
      }
      this.drop(name);
    }
    const found = await readRecord(this.wiring, key, purpose);
    const { footing } = found;
    const served = this.serve(found, reader);
    if (footing !== null) this.keep(name, { served, footing, foundAt: 0 });
    this.reads.inc({ purpose, source: footing === null ? 'decided-afresh' : 'view' });
    return served;
  }

  /** Throws 404 unless the reader, for whom one purpose showed nothing, may see of another that the number is known. */
  async refuseUnlessKnown(key: string, reader: ReadingAs): Promise<void> {
    if (seesCounts(reader)) throw nothingKnown();
    for (const purpose of CLINICAL) if ((await this.read(key, purpose, reader)).showsAnything) return;
    throw nothingToShow();
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeping);
    this.kept.clear();
  }

  /** Puts it behind all others, as the one used last. */
  private keep(name: string, one: Kept): void {
    this.drop(name);
    one.foundAt = this.wiring.clock.now();
    this.kept.set(name, one);
    this.keptBytes += one.served.body.length;
    for (const oldest of this.kept.keys()) {
      if (this.keptBytes <= KEPT_BYTES_MAX) break;
      this.drop(oldest);
    }
  }

  private drop(name: string): void {
    const one = this.kept.get(name);
    if (one === undefined) return;
    this.kept.delete(name);
    this.keptBytes -= one.served.body.length;
  }

  private sweep(): void {
    const limit = this.wiring.clock.now() - KEPT_MS_MAX;
    for (const [name, { foundAt }] of this.kept) {
      if (foundAt > limit) break;
      this.drop(name);
    }
  }

  /** The version is a digest of all else that the reader is given, and of nothing else: it cannot tell of what is withheld. */
  private serve({ record: found, movedTo }: FoundRecord, reader: ReadingAs): ServedRecord {
    const record = asShown(this.wiring, found);
    const { purpose, policyVersion, consentRevision, entries, withheld, digest } = record;
    const given = { entries, notice: noticeFor(record, reader), ...(seesCounts(reader) && { withheld, digest }) };
    const rest = JSON.stringify(given).slice(1);
    const version = this.wiring.keys.digest(`${purpose} ${policyVersion} ${rest}`).slice(0, 32);
    const head = JSON.stringify({ purpose, policyVersion, version }).slice(0, -1);
    return {
      body: Buffer.from(`${head},${rest}`),
      etag: `"${version}"`,
      movedTo,
      policyVersion,
      consentRevision,
      showsAnything: showsAnything(record, reader),
    };
  }
}
