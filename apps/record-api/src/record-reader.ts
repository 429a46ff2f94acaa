import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Purpose } from '@weft/domain';
import { type Footing, readRecord, type RecordForPurpose, stillStands, type Wiring } from '@weft/processing';
import { Service, WIRING } from '@weft/service';

/** A record ready to be sent. */
export interface ServedRecord {
  readonly body: Buffer;
  /** A strong ETag: equal for equal bytes. */
  readonly etag: string;
  readonly movedTo: string | null;
  readonly policyVersion: number;
  readonly consentRevision: number;
  /** False when nothing was ever accepted about the patient. */
  readonly isKnown: boolean;
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
 * Reads records and keeps the bytes of answers for the next reader. A kept answer is never given on trust: each read first
 * asks the store whether all that it rests on still stands, and `readRecord` decides anew where it does not.
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

  async read(key: string, purpose: Purpose): Promise<ServedRecord> {
    const name = `${purpose} ${key}`;
    const known = this.kept.get(name);
    if (known !== undefined) {
      if (await stillStands(this.wiring, known.footing)) {
        this.keep(name, known);
        this.reads.inc({ purpose, source: 'kept' });
        return known.served;
      }
      this.drop(name);
    }
    const { record, movedTo, footing } = await readRecord(this.wiring, key, purpose);
    const served = serve(record, movedTo);
    if (footing !== null) this.keep(name, { served, footing, foundAt: 0 });
    this.reads.inc({ purpose, source: footing === null ? 'decided-afresh' : 'view' });
    return served;
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
}

function serve(record: RecordForPurpose, movedTo: string | null): ServedRecord {
  const { purpose, policyVersion, recordRevision, consentRevision, entries, withheld, digest } = record;
  return {
    body: Buffer.from(JSON.stringify({ purpose, policyVersion, recordRevision, consentRevision, entries, withheld, digest })),
    etag: `"${digest.slice(0, 32)}.${policyVersion}.${recordRevision}.${consentRevision}.${withheld}"`,
    movedTo,
    policyVersion,
    consentRevision,
    isKnown: recordRevision >= 0 || consentRevision >= 0,
  };
}
