/** Errors that ports throw, told apart by `type`; `retriable` says whether the same call may succeed later. */
export abstract class EngineError extends Error {
  abstract readonly type: string;
  abstract readonly retriable: boolean;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Somebody else has appended since the caller read: read again, decide again. */
export class WrongExpectedRevision extends EngineError {
  readonly type = 'wrong-expected-revision';
  readonly retriable = false;
  constructor(
    readonly stream: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`stream ${stream} is at revision ${actual}, not at the expected ${expected}`);
  }
}

/** One append call, or one message, above the engine's limit (1 MiB). */
export class TooLarge extends EngineError {
  readonly type = 'too-large';
  readonly retriable = false;
  constructor(
    readonly where: string,
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`${where}: ${bytes} bytes are above the limit of ${limit}`);
  }
}

/** A call that the engine could never accept: an event id that is no UUID, an empty type, a negative offset. */
export class InvalidCall extends EngineError {
  readonly type = 'invalid-call';
  readonly retriable = false;
}

/** A call that the engine does not permit to this user: nothing about the call itself is wrong. */
export class NotPermitted extends InvalidCall {}

export class UnknownTopic extends EngineError {
  readonly type = 'unknown-topic';
  readonly retriable = false;
  constructor(readonly topic: string) {
    super(`topic ${topic} does not exist; weft topics creates it`);
  }
}

export class StreamDeleted extends EngineError {
  readonly type = 'stream-deleted';
  readonly retriable = false;
  constructor(readonly stream: string) {
    super(`stream ${stream} was deleted for good`);
  }
}

/** Somebody else has taken the seat under which this was to be published: none of it is, and none will be. */
export class SeatTaken extends EngineError {
  readonly type = 'seat-taken';
  readonly retriable = false;
  constructor(readonly seat: string) {
    super(`the seat ${seat} was taken by somebody else`);
  }
}

/** The engine does not answer now: connection lost, locked for too long, disk full. Nothing may be taken as written. */
export class EngineUnavailable extends EngineError {
  readonly type = 'engine-unavailable';
  readonly retriable = true;
  constructor(
    readonly engine: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(`${engine}: ${message}`, options);
  }
}

/** What of one number's stream cannot be read. Whatever was lost may have been an objection. */
export type Unreadable = 'record-damaged' | 'written-by-a-newer-weft';

const WHY_UNREADABLE: Readonly<Record<Unreadable, string>> = {
  'record-damaged': 'has lost events; restore it from a backup',
  'written-by-a-newer-weft': 'holds events of a newer version of Weft; run that version',
};

/** The stream of one number cannot be folded: its person is closed to everybody, and nobody else is concerned. */
export class RecordUnreadable extends EngineError {
  readonly retriable = false;
  /** @param key the number's, never the number. */
  constructor(
    readonly type: Unreadable,
    readonly key: string,
  ) {
    super(`the record of ${key} ${WHY_UNREADABLE[type]}`);
  }
}

/** The store does not have what was read before: it was put back, or made anew. Nothing is shown of it until that is read again. */
export class CatchingUp extends EngineError {
  readonly type = 'catching-up';
  readonly retriable = true;
  /** @param messages that are yet to be read again, as far as is known. */
  constructor(readonly messages: number) {
    super(`the store was put back to an earlier state: ${messages} messages are yet to be read again`);
  }
}

/** What the engine holds is not what was written: named, never served. */
export class EngineDamaged extends EngineError {
  readonly type = 'engine-damaged';
  readonly retriable = false;
  constructor(
    readonly engine: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(`${engine}: ${message}`, options);
  }
}
