import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { attachmentAddress, withAttachmentsAt } from '@weft/care-events';
import { jsonWithDigits, toReview, type Purpose } from '@weft/domain';
import {
  digestOf,
  type Footing,
  type FoundRecord,
  projectionOf,
  readRecord,
  StoreWatch,
  stillStands,
  timesPutBack,
  WaitingEvents,
  type Wiring,
} from '@weft/processing';
import { AnswerTimes, Service, WIRING } from '@weft/service';
import { AnswerBody } from './answer-body.js';
import { CLINICAL, nothingKnown, nothingToShow } from './asked.js';
import {
  asShown,
  isMissing,
  mayTellItsTime,
  noticeFor,
  type ReadingAs,
  seesCounts,
  sentences,
  showsAnything,
  unreadNotice,
} from './reader.js';

/** A record ready to be sent. */
export interface ServedRecord {
  readonly body: AnswerBody;
  /** Where in the plain body each entry begins, and behind the last one where the next would. */
  readonly starts: Uint32Array;
  /** As the answer has it. */
  readonly version: string;
  /** Equal for equal records; a strong ETag of the plain body. */
  readonly etag: string;
  readonly movedTo: string | null;
  /** The keys of all numbers of the person. */
  readonly members: readonly string[];
  readonly policyVersion: number;
  readonly consentRevision: number;
  /** False where it shows nothing: whether the number is known is then another question. */
  readonly showsAnything: boolean;
  /** Whether how long it took tells of nothing but what it shows. */
  readonly mayTellItsTime: boolean;
}

interface Kept {
  readonly served: ServedRecord;
  /** What its body took to keep when it was last put in its place. */
  bytes: number;
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
  private putBacks = 0;
  private readonly reads;
  private readonly waiting: WaitingEvents;
  private readonly sweeping = setInterval(() => this.sweep(), KEPT_MS_MAX / 4).unref();

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    service: Service,
    private readonly times: AnswerTimes,
    private readonly watch: StoreWatch,
  ) {
    this.waiting = new WaitingEvents(wiring);
    this.reads = service.metrics.counter('weft_record_reads_total', 'Records read, by where the answer came from', [
      'purpose',
      'source',
    ]);
  }

  /**
   * Does the work of an answer. Where its time may not be told, or there is none, a reader who is given no counts has it at an answer time. Throws
   * CatchingUp while the store does not have what was decided.
   */
  async hold<T extends { readonly mayTellItsTime: boolean }>(reader: ReadingAs, work: () => Promise<T>): Promise<T> {
    await this.watch.check();
    return seesCounts(reader) ? work() : this.times.hold('reading', work, (answer) => answer.mayTellItsTime);
  }

  /** As `read`. Throws 404 where it shows nothing, and nor does any other that the reader may see. */
  async readKnown(nhsNumber: string, purpose: Purpose, reader: ReadingAs, packs = false): Promise<ServedRecord> {
    const served = await this.read(nhsNumber, purpose, reader, packs);
    if (!served.showsAnything) await this.refuseUnlessKnown(nhsNumber, reader);
    return served;
  }

  /** @param packs whether an answer that was kept is to be sent packed. */
  async read(nhsNumber: string, purpose: Purpose, reader: ReadingAs, packs = false): Promise<ServedRecord> {
    this.forgetUnlessSame();
    const key = this.wiring.keys.patient(nhsNumber);
    const isWaiting = await this.isWaiting(nhsNumber, purpose);
    const name = `${purpose} ${reader.join()} ${isWaiting} ${key}`;
    const known = this.kept.get(name);
    if (known !== undefined) {
      if (packs) await known.served.body.pack();
      if (await stillStands(this.wiring, known.footing)) {
        this.keep(name, known);
        this.reads.inc({ purpose, source: 'kept' });
        return known.served;
      }
      this.drop(name);
    }
    const found = await readRecord(this.wiring, key, purpose);
    const { footing, fromView } = found;
    const served = this.serve(found, nhsNumber, reader, isWaiting);
    this.keep(name, { served, footing, bytes: 0, foundAt: 0 });
    this.reads.inc({ purpose, source: fromView ? 'view' : 'decided-afresh' });
    return served;
  }

  /** Whether a care event about the person is missing, of which the purpose may hear. Beyond individual care nothing is said of one person. */
  async isWaiting(nhsNumber: string, purpose: Purpose): Promise<boolean> {
    return CLINICAL.includes(purpose) && (await this.waiting.mayBeSaid(nhsNumber, purpose));
  }

  /** Throws 404 unless the reader, for whom one purpose showed nothing, may see of another that the number is known. */
  async refuseUnlessKnown(nhsNumber: string, reader: ReadingAs): Promise<void> {
    if (seesCounts(reader)) throw nothingKnown();
    for (const purpose of CLINICAL) if ((await this.read(nhsNumber, purpose, reader)).showsAnything) return;
    throw nothingToShow();
  }

  onModuleDestroy(): void {
    clearInterval(this.sweeping);
    this.kept.clear();
  }

  /** In a store that was put back a stream may be as long as it was, and say something else. */
  private forgetUnlessSame(): void {
    const putBacks = timesPutBack(this.wiring.store);
    if (putBacks === this.putBacks) return;
    this.putBacks = putBacks;
    for (const name of this.kept.keys()) this.drop(name);
  }

  /** Puts it behind all others, as the one used last. */
  private keep(name: string, one: Kept): void {
    this.drop(name);
    one.foundAt = this.wiring.clock.steady();
    this.kept.set(name, one);
    one.bytes = one.served.body.length;
    this.keptBytes += one.bytes;
    for (const oldest of this.kept.keys()) {
      if (this.keptBytes <= KEPT_BYTES_MAX) break;
      this.drop(oldest);
    }
  }

  private drop(name: string): void {
    const one = this.kept.get(name);
    if (one === undefined) return;
    this.kept.delete(name);
    this.keptBytes -= one.bytes;
  }

  private sweep(): void {
    const limit = this.wiring.clock.steady() - KEPT_MS_MAX;
    for (const [name, { foundAt }] of this.kept) {
      if (foundAt > limit) break;
      this.drop(name);
    }
  }

  /** The version is a digest of all else that the reader is given, and of nothing else: it cannot tell of what is withheld. */
  private serve(found: FoundRecord, nhsNumber: string, reader: ReadingAs, isWaiting: boolean): ServedRecord {
    const { movedTo, members } = found;
    const record = asShown(this.wiring, found.record);
    const { purpose, policyVersion, consentRevision, entries, withheld } = record;
    const addressOf = attachmentAddress('', nhsNumber, purpose);
    const texts = entries.map((entry) => jsonWithDigits(withAttachmentsAt(entry, addressOf)));
    // Of what the reader is given alone, so that it tells of nothing else.
    const review = projectionOf(this.wiring, purpose).identifies ? toReview(entries, found.misplaced) : [];
    const waiting = isMissing(found, isWaiting);
    const given = {
      ...(review.length > 0 && { review }),
      notice: sentences(noticeFor(record, reader), unreadNotice(found)),
      ...(waiting && { waiting }),
      ...(seesCounts(reader) && { withheld, digest: digestOf(this.wiring.keys, entries) }),
    };
    const rest = `"entries":[${texts.join(',')}]${JSON.stringify(given)
      .replace(/^\{(?!\})/, ',')
      .replace(/^\{/, '')}`;
    const version = this.wiring.keys.digest(`${purpose} ${policyVersion} ${rest}`).slice(0, 32);
    const head = JSON.stringify({ purpose, policyVersion, version }).slice(0, -1);
    return {
      body: new AnswerBody(Buffer.from(`${head},${rest}`)),
      starts: startsOf(texts, Buffer.byteLength(`${head},"entries":[`)),
      version,
      etag: `"${version}"`,
      movedTo,
      members,
      policyVersion,
      consentRevision,
      showsAnything: waiting || showsAnything(record, reader),
      mayTellItsTime: mayTellItsTime(found),
    };
  }
}

function startsOf(texts: readonly string[], first: number): Uint32Array {
  const starts = new Uint32Array(texts.length + 1);
  starts[0] = first;
  for (const [index, text] of texts.entries()) starts[index + 1] = starts[index]! + Buffer.byteLength(text) + 1;
  return starts;
}
