import { HttpProblem, invalid } from '@weft/service';
import type { ServedRecord } from './record-reader.js';

export const LIMIT_MAX = 1_000;

/** Which entries of a record are asked for. */
export interface PageAsked {
  readonly limit: number;
  /** As `next` of the page before has it. */
  readonly cursor: string | null;
  /** Where the record is asked for, without `cursor`. */
  readonly address: string;
}

export interface Page {
  readonly body: Buffer;
  readonly etag: string;
}

/**
 * A page of the record, cut from the bytes of the whole: with `total`, and in `next` where the next one is. All pages are of one
 * state: throws 410 for a cursor of another, whose pages would have gaps.
 */
export async function pageOf({ body, starts, version }: ServedRecord, { limit, cursor, address }: PageAsked): Promise<Page> {
  const total = starts.length - 1;
  const [state, from] = cursor === null ? [version, 0] : read(cursor);
  if (state !== version) {
    throw new HttpProblem(410, 'moved-on', 'The record has changed since the first page', {
      detail: 'Pages of two states would have gaps: start again without cursor.',
    });
  }
  const end = Math.min(from + limit, total);
  const next = end < total ? `${address}&cursor=${version}.${end}` : null;
  const [first, last] = [starts[Math.min(from, total)]!, starts[end]!];
  const whole = await body.plain();
  const more = `],"total":${total},"next":${JSON.stringify(next)}`;
  const parts = [
    whole.subarray(0, starts[0]),
    // Behind each entry stands a comma, or the end of the list.
    whole.subarray(first, Math.max(first, last - 1)),
    Buffer.from(more),
    whole.subarray(total === 0 ? starts[0]! + 1 : starts[total]!),
  ];
  return { body: Buffer.concat(parts), etag: `"${version}.${from}.${limit}"` };
}

function read(cursor: string): [version: string, from: number] {
  const [, version, from] = /^([\w-]{1,64})\.(\d{1,9})$/.exec(cursor) ?? [];
  if (version !== undefined) return [version, Number(from)];
  throw invalid({ field: 'cursor', code: 'malformed', message: 'is no cursor of a record: follow `next` as it was given' });
}
