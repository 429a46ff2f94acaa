import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Purpose } from '@weft/domain';
import { cursorSecretOf, HttpProblem, Service, invalid } from '@weft/service';
import type { Offsets } from './change-feed.js';

/** Every engine keeps withdrawals at least a day for those who are away. Whoever comes later might miss one. */
const RESUMABLE_MS = 24 * 60 * 60_000;
const SEAL_CHARACTERS = 22;
const CURSOR = /^([a-z-]{1,32})\.(\d{1,15})((?:\.\d{1,6}-\d{1,15})*)\.([\w-]{22})$/;
/** As versions before had them, unsealed: what such a one says cannot be relied on. */
const UNSEALED = /^\d{1,15}(\.\d{1,6}-\d{1,15})*$/;

/**
 * Where a subscriber goes on: the purpose, the time, and the next offset of each partition, sealed. Its age and its places are
 * this region's word: with others a withdrawal could be missed.
 */
@Injectable()
export class Cursors {
  private readonly secret: Buffer;

  constructor(private readonly service: Service) {
    this.secret = cursorSecretOf(service.settings);
  }

  at(purpose: Purpose, next: Offsets): string {
    const places = [...next].map(([partition, offset]) => `${partition}-${offset}`);
    const text = [purpose, this.service.clock.now(), ...places].join('.');
    return `${text}.${this.sealOf(text)}`;
  }

  /** Throws 400 for what is no cursor of this region and purpose, 410 for one that is too old. */
  open(cursor: string, purpose: Purpose): Offsets {
    if (UNSEALED.test(cursor)) throw gone('cursor-too-old', 'This cursor is too old');
    const [, ofPurpose, time, places = '', seal = ''] = CURSOR.exec(cursor) ?? [];
    if (ofPurpose === undefined || !isSame(seal, this.sealOf(cursor.slice(0, -SEAL_CHARACTERS - 1)))) {
      throw invalid({
        field: 'after',
        code: 'malformed',
        message: 'is no cursor that this region gave: send it as it was given',
      });
    }
    if (ofPurpose !== purpose) {
      throw invalid({ field: 'after', code: 'other-purpose', message: 'is a cursor of another purpose than the address says' });
    }
    if (this.service.clock.now() - Number(time) > RESUMABLE_MS) throw gone('cursor-too-old', 'This cursor is too old');
    return new Map(
      places
        .split('.')
        .slice(1)
        .map((place) => place.split('-').map(Number) as [number, number]),
    );
  }

  private sealOf(text: string): string {
    return createHmac('sha256', this.secret).update(text).digest('base64url').slice(0, SEAL_CHARACTERS);
  }
}

/** Throws 410 for a cursor of a topic that has since been put back to an earlier state, or made anew. */
export function refuseAhead(cursor: Offsets, ends: readonly { readonly partition: number; readonly high: number }[]): void {
  const highs = new Map(ends.map(({ partition, high }) => [partition, high]));
  const isAhead = [...cursor].some(([partition, offset]) => offset > (highs.get(partition) ?? -1));
  if (isAhead) throw gone('cursor-ahead', 'This cursor is ahead of what there is');
}

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

const gone = (code: string, title: string): HttpProblem =>
  new HttpProblem(410, code, title, {
    detail: 'Withdrawals since then may be gone: start from=beginning, and drop what is not told by the first empty line.',
  });
