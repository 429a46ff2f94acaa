import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Purpose } from '@weft/domain';
import { type EventStore, InvalidCall } from '@weft/processing';
import { cursorSecretOf, HttpProblem, Service, invalid } from '@weft/service';
import { isBefore, type Position } from './live-changes.js';

/** Where a subscriber goes on, and in which epoch of the store: a position of another one says nothing. */
export interface Place {
  readonly epoch: number;
  readonly position: Position;
}

const SEAL_BYTES = 16;
const CURSOR = /^([a-z-]{1,32})\.([\w-]{22,120})$/;
/** As they were when a cursor named the offsets of a topic. */
const OF_A_TOPIC = /^([a-z-]{1,32}\.)?\d{1,15}(\.\d{1,6}-\d{1,15})*(\.[\w-]{22})?$/;

/**
 * Where a subscriber goes on: the position in the one order of the store, sealed and unreadable. With another position a withdrawal could be
 * missed; and positions that can be read would say which of the people whom two purposes know by different names are the same.
 */
@Injectable()
export class Cursors {
  private readonly seal: Buffer;
  private readonly veil: Buffer;

  constructor(service: Service) {
    const secret = cursorSecretOf(service.settings);
    const madeFor = (use: string): Buffer => createHmac('sha256', secret).update(use).digest();
    this.seal = madeFor('seal');
    this.veil = madeFor('veil');
  }

  at(purpose: string, { epoch, position }: Place): string {
    const text = Buffer.from(epoch === 0 ? (position ?? '') : `${epoch} ${position ?? ''}`);
    // No two texts share a seal, so that none is veiled as another is.
    const seal = this.sealOf(purpose, text);
    const cipher = createCipheriv('aes-256-ctr', this.veil, seal);
    return `${purpose}.${Buffer.concat([seal, cipher.update(text), cipher.final()]).toString('base64url')}`;
  }

  /** Throws 400 for what is no cursor of this region and purpose, 410 for one of before cursors were positions in the store. */
  open(cursor: string, purpose: Purpose): Place {
    if (OF_A_TOPIC.test(cursor)) throw gone('cursor-of-a-topic', 'This cursor is of an earlier version of Weft');
    const [, ofPurpose = '', sealed = ''] = CURSOR.exec(cursor) ?? [];
    const place = placeIn(this.unveiled(Buffer.from(sealed, 'base64url')));
    if (!isSame(this.at(ofPurpose, place), cursor)) {
      throw invalid({
        field: 'after',
        code: 'malformed',
        message: 'is no cursor that this region gave: send it as it was given',
      });
    }
    if (ofPurpose !== purpose) {
      throw invalid({ field: 'after', code: 'other-purpose', message: 'is a cursor of another purpose than the address says' });
    }
    return place;
  }

  private unveiled(bytes: Buffer): string {
    if (bytes.length <= SEAL_BYTES) return '';
    const decipher = createDecipheriv('aes-256-ctr', this.veil, bytes.subarray(0, SEAL_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(SEAL_BYTES)), decipher.final()]).toString();
  }

  private sealOf(purpose: string, text: Buffer): Buffer {
    return createHmac('sha256', this.seal).update(`${purpose}.`).update(text).digest().subarray(0, SEAL_BYTES);
  }
}

/** Of a position that has none before it, the epoch is the first. */
function placeIn(text: string): Place {
  const [, epoch = '0', position = ''] = /^(?:(\d+) )?([^]*)$/.exec(text) ?? [];
  return { epoch: Number(epoch), position: position === '' ? null : position };
}

/** Throws 410 for a cursor of a store that has since been put back to an earlier state, or is another one. */
export function refuseUnlessStill(store: Pick<EventStore, 'comparePositions'>, cursor: Place, now: Place): void {
  if (cursor.epoch !== now.epoch) throw gone('cursor-of-before-a-restore', 'This cursor is of before the region was restored');
  if (isAhead(store, cursor.position, now.position)) throw gone('cursor-ahead', 'This cursor is ahead of what there is');
}

function isAhead(store: Pick<EventStore, 'comparePositions'>, cursor: Position, end: Position): boolean {
  try {
    return isBefore(store, end, cursor);
  } catch (error) {
    if (error instanceof InvalidCall) return true;
    throw error;
  }
}

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

const gone = (code: string, title: string): HttpProblem =>
  new HttpProblem(410, code, title, {
    detail: 'Withdrawals since then may be gone: start from=beginning, and drop what is not told by the first empty line.',
  });
