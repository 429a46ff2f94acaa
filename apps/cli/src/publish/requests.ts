import { CLOUD_EVENTS_BATCH_JSON, FHIR_JSON } from '@weft/care-events';
import type { Problem } from '@weft/domain';

/** Where in what was given an item stands; lines and entries count from 1 and 0, as editors and FHIR have it. */
export interface Where {
  readonly file: string;
  readonly line?: number;
  readonly entry?: number;
}

/** One request to the gateway. */
export interface PublishRequest {
  readonly kind: 'request';
  readonly path: '/events' | '/fhir';
  readonly contentType: string;
  readonly body: Buffer;
  /** Where an item of the answer came from; null for what was only sent along. */
  readonly whereOf: (entry: number) => Where | null;
  /** Every item, where that is known before the answer: what is refused when the whole request is. */
  readonly wheres: readonly Where[];
}

/** Something that need not be sent to be known as unacceptable. */
export interface LocalRefusal {
  readonly kind: 'refusal';
  readonly where: Where;
  readonly errors: readonly Problem[];
}

export const refusal = (where: Where, code: string, message: string, field = ''): LocalRefusal => ({
  kind: 'refusal',
  where,
  errors: [{ field, code, message }],
});

/** A file may be cut into several requests, and one bad entry holds up no other: a transaction is sent as a batch, which is answered by entry. */
export const byEntry = (type: string): string => (type === 'transaction' ? 'batch' : type);

/** One FHIR document: a Bundle with its entries, or a resource alone. */
export function fhirRequest(body: Buffer, where: Where, isBundle: boolean): PublishRequest {
  const whereOf = (entry: number): Where => (isBundle ? { ...where, entry } : where);
  return { kind: 'request', path: '/fhir', contentType: FHIR_JSON, body, whereOf, wheres: [where] };
}

/** Events, each as the bytes that came, gathered into batches. */
export class EventBatches {
  private parts: Buffer[] = [];
  private wheres: Where[] = [];
  private bytes = 0;

  constructor(
    private readonly itemsMax: number,
    private readonly bytesMax: number,
  ) {}

  /** Gives the batch that is full before this event, if one is. */
  *add(event: Buffer, where: Where): Generator<PublishRequest> {
    if (this.parts.length > 0 && this.bytes + event.length > this.bytesMax) yield* this.flush();
    this.parts.push(event);
    this.wheres.push(where);
    this.bytes += event.length + 1;
    if (this.parts.length === this.itemsMax) yield* this.flush();
  }

  *flush(): Generator<PublishRequest> {
    if (this.parts.length === 0) return;
    const { wheres } = this;
    yield {
      kind: 'request',
      path: '/events',
      contentType: CLOUD_EVENTS_BATCH_JSON,
      body: listOf(this.parts),
      whereOf: (entry) => wheres[entry] ?? null,
      wheres,
    };
    this.parts = [];
    this.wheres = [];
    this.bytes = 0;
  }
}

/** `[a,b,c]` of texts that are JSON each. */
export function listOf(parts: readonly Buffer[]): Buffer {
  const comma = Buffer.from(',');
  return Buffer.concat([
    Buffer.from('['),
    ...parts.flatMap((part, index) => (index === 0 ? [part] : [comma, part])),
    Buffer.from(']'),
  ]);
}
