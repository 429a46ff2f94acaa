import type { RecordedEvent } from '@eventstore/db-client';
import { APPEND_LIMIT_BYTES, bytesOf, EngineDamaged, InvalidCall, NO_STREAM, TooLarge, type NewEvent } from '@weft/processing';
import {
  formatPosition,
  isAfter,
  isTruncating,
  parsePosition,
  prepareAppend,
  sentSize,
  toStoredEvent,
  type SentEvent,
} from './stored-event.js';

const FIRST_ID = '11111111-1111-4111-8111-111111111111';
const ID = '22222222-2222-4222-8222-222222222222';
const event = (given: Partial<NewEvent> = {}): NewEvent => ({
  id: ID,
  type: 'care-event-recorded-1',
  data: bytesOf('{"a":1}'),
  ...given,
});
const prepare = (events: readonly NewEvent[], stream = 'careRecord-1', expected = NO_STREAM, truncates = false) =>
  prepareAppend(stream, expected, events, FIRST_ID, truncates);

const metadataOf = ({ metadata }: SentEvent) => metadata && JSON.parse(Buffer.from(metadata).toString());

const recorded = (given: Partial<RecordedEvent> = {}): RecordedEvent => ({
  streamId: 'careRecord-1',
  id: FIRST_ID,
  isJson: false,
  revision: 3n,
  type: 'care-event-recorded-1',
  created: new Date(0),
  data: new Uint8Array([0, 255]),
  metadata: { b: 1, a: [null], $weft: { eventId: ID } },
  position: { commit: 7n, prepare: 7n },
  ...(given as object),
});

describe('events on their way in', () => {
  it.each([
    ['an id that is no UUID', [event(), event({ id: 'x' })], /id of event 1 is no UUID/],
    ['an empty id', [event({ id: '' })], /id of event 0/],
    ['the nil UUID, which the server takes for none', [event({ id: '00000000-0000-0000-0000-000000000000' })], /id of event 0/],
    ['an empty type', [event({ type: '' })], /event 0 has no type/],
    ['data that is text', [event({ data: '{}' as never })], /data of event 0 is no bytes/],
    ['meta that is no value', [event({ meta: { n: 0.5 } })], /event 0: meta.n holds a number that is not whole/],
    ['no event at all', [], /at least one event/],
  ])('%s is refused before the client, which would end the process, sees it', (_, events, message) => {
    expect(() => prepare(events)).toThrow(InvalidCall);
    expect(() => prepare(events)).toThrow(message);
  });

  it.each(['', '$all', '$$careRecord-1', 'a\0b'])('the stream name %j is refused', (stream) => {
    expect(() => prepare([event()], stream)).toThrow(InvalidCall);
  });

  it.each([-2, 0.5, NaN, 2 ** 60])('the expected revision %p is refused', (expected) => {
    expect(() => prepare([event()], 'careRecord-1', expected)).toThrow(InvalidCall);
  });

  it('are bounded in bytes as the port counts them: data, meta and types together', () => {
    const meta = { a: 'é' };
    const beside = Buffer.byteLength(JSON.stringify(meta)) + 'care-event-recorded-1'.length;
    const exact = event({ meta, data: new Uint8Array(APPEND_LIMIT_BYTES - beside) });
    expect(prepare([exact])).toHaveLength(1);
    const above = event({ meta, data: new Uint8Array(APPEND_LIMIT_BYTES - beside + 1) });
    expect(() => prepare([above])).toThrow(new TooLarge('append to careRecord-1', APPEND_LIMIT_BYTES + 1, APPEND_LIMIT_BYTES));
  });

  it('are bounded in bytes as the server counts them: types in UTF-16', () => {
    const types = Array.from({ length: 19_000 }, () => event({ type: 't'.repeat(45), data: bytesOf('1') }));
    expect(() => prepare(types)).toThrow(TooLarge);
  });

  it('go under an id of their own, the first of a call, so that the server cannot take the call for one made before', () => {
    const [first, second] = prepare([event(), event()]);
    expect(first).toMatchObject({ id: FIRST_ID, type: 'care-event-recorded-1' });
    expect(metadataOf(first!)).toEqual({ $weft: { eventId: ID } });
    expect(second).toMatchObject({ id: ID });
    expect(second?.metadata).toBeUndefined();
  });

  it('say themselves that they truncate what stands before, the first of a call', () => {
    const marks = prepare([event({ meta: { truncatesPrevious: false } }), event()], 'view-1', 4, true).map((sent) =>
      isTruncating(recorded({ isJson: false as never, metadata: metadataOf(sent) })),
    );
    expect(marks).toEqual([true, false]);
    expect(isTruncating(recorded({ metadata: new Uint8Array([1]) as never }))).toBe(false);
    // As an earlier Weft marked them.
    expect(isTruncating(recorded({ isJson: true as never, metadata: { truncatesPrevious: true } }))).toBe(true);
  });

  it('count for the server what is really sent', () => {
    const [first, second] = prepare([event({ type: 'tt' }), event({ type: 'tt', meta: { é: 1 } })]);
    expect(sentSize([first!])).toBe('{"a":1}'.length + 4 + `{"$weft":{"eventId":"${ID}"}}`.length);
    expect(sentSize([second!])).toBe('{"a":1}'.length + 4 + '{"é":1}'.length + 1);
  });
});

describe('events on their way out', () => {
  it('have their caller’s id, their place, their meta with its members in the order given, and their bytes', () => {
    expect(toStoredEvent(recorded(), 'engine')).toEqual({
      stream: 'careRecord-1',
      revision: 3,
      position: '7/7',
      id: ID,
      type: 'care-event-recorded-1',
      meta: { b: 1, a: [null] },
      data: new Uint8Array([0, 255]),
    });
    expect(toStoredEvent(recorded(), 'engine', true)).toMatchObject({ meta: { b: 1 }, data: new Uint8Array() });
    expect(toStoredEvent(recorded({ metadata: undefined as never }), 'engine').id).toBe(FIRST_ID);
  });

  it('are named as damage where this store cannot have written them', () => {
    for (const metadata of [new Uint8Array([1]), [], 1, 'text'] as never[]) {
      expect(() => toStoredEvent(recorded({ metadata }), 'engine')).toThrow(EngineDamaged);
    }
    expect(() => toStoredEvent(recorded({ position: undefined }), 'engine')).toThrow(
      /event 3 of stream careRecord-1 has no position/,
    );
  });
});

describe('a position', () => {
  it('goes out as text and comes back as what it was, also beyond 2^53', () => {
    const position = { commit: 9_223_372_036_854_775_807n, prepare: 0n };
    expect(parsePosition(formatPosition(position))).toEqual(position);
  });

  it.each(['', '1', '1/', '-1/2', '1/2/3', 'nowhere', '0x1/2'])('%j is none', (text) => {
    expect(() => parsePosition(text)).toThrow(InvalidCall);
  });

  it('is after another by commit, then by prepare; a checkpoint with prepare 0 is before the event that stands there', () => {
    expect(isAfter({ commit: 5n, prepare: 5n }, { commit: 5n, prepare: 0n })).toBe(true);
    expect(isAfter({ commit: 5n, prepare: 5n }, { commit: 5n, prepare: 5n })).toBe(false);
    expect(isAfter({ commit: 4n, prepare: 9n }, { commit: 5n, prepare: 0n })).toBe(false);
    expect(isAfter({ commit: 0n, prepare: 0n }, undefined)).toBe(true);
  });
});
