import fc from 'fast-check';
import { type RawEvent, RawEvents, toRawMessages } from './raw-events.js';

/** Comparing megabytes member by member takes minutes. */
const shown = (one: RawEvent | null | undefined) => ({ ...one, bytes: Buffer.from(one?.bytes ?? []).toString('latin1') });

const event = (id: string, bytes: Uint8Array): RawEvent => ({
  ...{ id, bytes, source: 'urn:ods:RX901:pas', kind: 'message', time: '2024-06-10T09:00:00.000Z' },
});
const large = (size: number) => Uint8Array.from({ length: size }, (_, index) => index % 251);

describe('a raw event', () => {
  it('comes back from the bus as it was sent, in parts where one message is too small', () => {
    for (const size of [0, 1, 1_000_000, 1_000_001, 3_500_000]) {
      const messages = toRawMessages(event('a', large(size)));
      expect(messages.length).toBe(Math.max(1, Math.ceil(size / 1_000_000)));
      const reader = new RawEvents();
      const given = messages.map((message) => reader.take(message));
      expect(given.slice(0, -1).every((one) => one === null)).toBe(true);
      expect(shown(given.at(-1))).toEqual(shown(event('a', large(size))));
    }
  });

  it('of which a sender repeats the parts is whole whatever of them came before, and whatever came between', () => {
    const whole = shown(event('a', large(2_100_000)));
    const all = ['a', 'b'].map((id) => toRawMessages(event(id, large(2_100_000))));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1), fc.nat(2)), { maxLength: 10 }), (before) => {
        const reader = new RawEvents();
        for (const [one, part] of before) reader.take(all[one]![part]!);
        const given = all[0]!.map((message) => reader.take(message)).filter((one) => one !== null);
        for (const one of given) expect(shown(one)).toEqual(whole);
        expect(given.length).toBeGreaterThan(0);
      }),
      { numRuns: 20 },
    );
  });

  it('is none without its attributes, or of another type', () => {
    const [message] = toRawMessages(event('a', large(3)));
    const reader = new RawEvents();
    expect(reader.take({ headers: {}, value: message!.value })).toBeNull();
    expect(reader.take({ headers: { ...message!.headers, ce_type: 'other' }, value: message!.value })).toBeNull();
    expect(reader.take({ headers: message!.headers, value: null })).toBeNull();
  });
});
