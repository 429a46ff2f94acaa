import { bytesOf, type EventBus, type EventStore } from '@weft/processing';
import { Becoming, type Taken } from './became.js';
import { Committed } from './committed.js';
import { Obedience } from './obedience.js';

const TOPIC = 'weft.care-events.RX901';
const taken = (id: string, key: string, partition: number, offset: number, digest = 'same'): Taken => ({
  ...{ type: 'care-event-recorded-1', id, key, digest },
  ...{ source: 'urn:ods:RX901', at: { topic: TOPIC, partition, offset } },
});
const stored = (id: string, partition: number, offset: number, said: string) => ({
  ...{ type: 'care-event-recorded-1', id, source: 'urn:ods:RX901', organisation: 'RX901', time: '2026-01-01T00:00:00Z' },
  ...{ recordedAt: '2026-01-01T00:00:00.000Z', coordinates: { topic: TOPIC, partition, offset }, digest: said },
  resource: { resourceType: 'Condition', id: 'c1' },
});

/** A projector that has committed what `answers` say, one answer a question, and records as they are by then. */
function world(
  answers: readonly (readonly [first: number, second: number])[],
  records: Readonly<Record<string, readonly object[]>>,
) {
  let now = 0;
  let asked = 0;
  const reads: string[] = [];
  const committed = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)]!;
    return answer.map((offset, partition) => ({ partition, offset }));
  };
  const read = async (stream: string) => {
    reads.push(stream);
    const events = records[stream.replace('careRecord-', '')] ?? [];
    return events.map((data, revision) => ({
      stream,
      revision,
      type: 'care-event-recorded-1',
      meta: {},
      data: bytesOf(JSON.stringify(data)),
    }));
  };
  const clock = { now: () => now, steady: () => now };
  const store = { read } as unknown as EventStore;
  const bus = { committed } as unknown as EventBus;
  const projector = new Committed(bus, clock, { sleep: async (ms) => void (now += ms) });
  return { becoming: new Becoming(store, projector, new Obedience(projector, store)), reads };
}

describe('what became of events', () => {
  it('is read from each person’s record once their last one was passed, and once', async () => {
    const records = { anne: [stored('a', 0, 4, 'same'), stored('b', 0, 5, 'same'), stored('c', 0, 6, 'other')] };
    const { becoming, reads } = world(
      [
        [5, 0],
        [6, 0],
        [7, 0],
      ],
      records,
    );
    const events = ['a', 'b', 'c'].map((id, index) => taken(id, 'anne', 0, 4 + index));
    expect(await becoming.wait(events, 10_000)).toEqual(['new', 'unchanged', 'new']);
    expect(reads).toEqual(['careRecord-anne']);
  });

  it.each<[string, object[], string]>([
    ['recorded at another place with the same content', [stored('a', 0, 1, 'same')], 'duplicate'],
    ['recorded at another place with another content', [stored('a', 0, 1, 'other')], 'quarantined'],
    ['recorded nowhere', [stored('b', 0, 1, 'same')], 'quarantined'],
    ['known by what was sent, whatever was kept with it', [{ ...stored('a', 0, 1, 'whole'), sentDigest: 'same' }], 'duplicate'],
  ])('that is %s is told', async (_, record, became) => {
    const { becoming } = world([[5, 0]], { anne: record });
    expect(await becoming.wait([taken('a', 'anne', 0, 4)], 10_000)).toEqual([became]);
  });

  it('is not known of those that the projector has not come to, which hold up nobody else', async () => {
    const { becoming } = world([[5, 0]], { anne: [stored('a', 0, 4, 'same')] });
    const events = [taken('z', 'bert', 1, 0), taken('a', 'anne', 0, 4)];
    expect(await becoming.wait(events, 1_000)).toEqual(['pending', 'new']);
  });
});
