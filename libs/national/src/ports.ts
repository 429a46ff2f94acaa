import type { Resource } from '@weft/domain';
import { EngineUnavailable } from '@weft/processing';

/** The Personal Demographics Service: who somebody is. */
export interface Demographics {
  /**
   * What PDS says of a sound NHS number at this moment. Throws NoAnswer where it says nothing now: a lookup that fails is never taken for
   * an answer.
   */
  patient(nhsNumber: string): Promise<Answer>;
}

/**
 * `patient`: the record, under its number; where that is another one than was asked for, the one asked for is superseded by it. `not-found`:
 * PDS has no such number. `invalidated`: it was taken out of use, and nobody has taken its place. `refused`: PDS takes it for no NHS number.
 * `unreadable`: PDS answered, with something that is no Patient with a version.
 */
export type Answer =
  | { readonly says: 'patient'; readonly nhsNumber: string; readonly version: number; readonly patient: Resource }
  | { readonly says: 'not-found' | 'invalidated' | 'refused' | 'unreadable' };

/** PDS says nothing now. The message holds no number. */
export class NoAnswer extends EngineUnavailable {
  constructor(
    message: string,
    /** Whether it may be about the person asked for alone: others may be answered meanwhile. */
    readonly mayBeThePerson: boolean,
    /** How long PDS asks to be left alone; 0 where it does not say. */
    readonly retryAfterMs = 0,
    options?: { cause?: unknown },
  ) {
    super('pds', message, options);
  }
}

/** One message in an inbox. */
export interface Delivery {
  /** By which the inbox knows it: never an identifier of a person. */
  readonly id: string;
  /** Null of one that the inbox cannot give whole: it stays there. */
  readonly body: Uint8Array | null;
  /** Takes it out of the inbox for good. Bears being called again. Throws EngineUnavailable. */
  acknowledge(): Promise<void>;
}

/** Where national events arrive: at least once, in no order. */
export interface Inbox {
  /** By this metrics, logs and the topic of raw signals know it. */
  readonly kind: 'sqs' | 'mesh';
  /**
   * What is there now, or once something comes within the time that the inbox itself waits; nothing where nothing came. What is not acknowledged
   * is given again later, to whoever asks. Throws EngineUnavailable.
   */
  receive(signal: AbortSignal): Promise<readonly Delivery[]>;
}
