import type { AdoptedPolicy, Basis, Effect } from '@weft/domain';
import {
  CONSENT_TOPIC,
  type EventBus,
  type EventStore,
  type Meta,
  type NewEvent,
  type OutgoingMessage,
  type PartitionOffsets,
  type PolicyBook,
  textOf,
  type Wiring,
} from '@weft/processing';
import { SMALL, type RunSize } from './src/region-run.js';
import { historyOf } from './src/report.js';
import { shrink } from './src/shrink.js';
import { simulate } from './src/simulate.js';

describe('a simulated region', () => {
  it('has the same history whenever it has the same seed', async () => {
    const [first, second] = [await simulate(4, { trace: true }), await simulate(4, { trace: true })];
    expect(first.steps).toBeGreaterThan(3_000);
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(second.world.trace).toEqual(first.world.trace);
  });
});

/** Each guarantee is only as good as the oracle that watches it: break one on purpose, and it has to be seen. */
describe('the oracle', () => {
  const messages = (bus: EventBus, change: (message: OutgoingMessage) => OutgoingMessage[]): EventBus =>
    Object.assign(Object.create(bus) as EventBus, {
      publish: (sent: readonly OutgoingMessage[]) => bus.publish(sent.flatMap(change)),
      async takeSeat(name: string) {
        const seat = await bus.takeSeat(name);
        return { publish: (sent: readonly OutgoingMessage[]) => seat.publish(sent.flatMap(change)) };
      },
    });
  const stored = (store: EventStore, changed: Partial<EventStore>): EventStore =>
    Object.assign(Object.create(store) as EventStore, changed);

  const withBasis = (wiring: Wiring, change: (basis: Basis) => Basis): Wiring => {
    const changed = (event: NewEvent): NewEvent => {
      const effect = event.meta?.['effect'] as unknown as Effect | undefined;
      if (effect?.basis === undefined) return event;
      return { ...event, meta: { ...event.meta, effect: { ...effect, basis: change(effect.basis) } as unknown as Meta } };
    };
    const append: EventStore['append'] = async (stream, expected, events, options) =>
      wiring.store.append(stream, expected, events.map(changed), options);
    return { ...wiring, store: stored(wiring.store, { append }) };
  };

  interface Sabotage {
    readonly invariant: string;
    /** The first seed tried: below it something else breaks first, for which the oracle tries every state that there ever was. */
    readonly from?: number;
    readonly sabotage: (process: string, wiring: Wiring) => Wiring;
  }

  const sabotages: Record<string, Sabotage> = {
    'a quarantine that loses messages': {
      invariant: 'nothing is dropped',
      sabotage: (_, wiring) => {
        const lose = (message: OutgoingMessage): OutgoingMessage[] => (message.topic === 'weft.quarantine' ? [] : [message]);
        return { ...wiring, bus: messages(wiring.bus, lose) };
      },
    },
    'a withdrawal that is not told': {
      invariant: 'the topic is the view',
      from: 1,
      sabotage: (_, wiring) => {
        const lose = (message: OutgoingMessage): OutgoingMessage[] => (message.value === null ? [] : [message]);
        return { ...wiring, bus: messages(wiring.bus, lose) };
      },
    },
    'a record that takes each event twice': {
      invariant: 'accepted once',
      sabotage: (process, wiring) => {
        if (process !== 'record-projector') return wiring;
        const { store } = wiring;
        const append: EventStore['append'] = async (stream, expected, events, options) =>
          store.append(stream, expected, stream.startsWith('careRecord-') ? [...events, ...events] : events, options);
        return { ...wiring, store: stored(store, { append }) };
      },
    },
    'a fence that lets everybody through': {
      invariant: 'a view is what it rests on',
      sabotage: (_, wiring) => {
        const { store } = wiring;
        const append: EventStore['append'] = async (stream, expected, events, options) => {
          const at = stream.startsWith('careRecord-') ? await store.head(stream) : expected;
          return store.append(stream, at, events, options);
        };
        return { ...wiring, store: stored(store, { append }) };
      },
    },
    'a reader that does not look for newer decisions': {
      invariant: 'nothing forbidden is read',
      sabotage: (process, wiring) => {
        if (process !== 'reader') return wiring;
        const { store } = wiring;
        const read: EventStore['read'] = async (stream, options) =>
          (await store.read(stream, options)).filter(({ type }) => !type.startsWith('decision-'));
        return { ...wiring, store: stored(store, { read }) };
      },
    },
    'a projector that applies no decision': {
      invariant: 'obeyed once committed',
      from: 1,
      sabotage: (process, wiring) => {
        if (process !== 'opt-out-projector') return wiring;
        const { store } = wiring;
        const unchanged = (event: NewEvent): NewEvent => {
          const effect = event.meta?.['effect'] as unknown as Effect | undefined;
          if (effect === undefined) return event;
          const views = Object.fromEntries(Object.keys(effect.views).map((name) => [name, {}]));
          return { ...event, meta: { effect: { ...effect, views } as unknown as Meta } };
        };
        const append: EventStore['append'] = async (stream, expected, events, options) =>
          store.append(stream, expected, events.map(unchanged), options);
        return { ...wiring, store: stored(store, { append }) };
      },
    },
    'a reader that believes a view of another policy': {
      invariant: 'a view is believed while it stands',
      sabotage: (process, wiring) => {
        if (process !== 'reader') return wiring;
        let first: Promise<AdoptedPolicy> | undefined;
        const current = (): Promise<AdoptedPolicy> => (first ??= wiring.policies.current());
        return { ...wiring, policies: Object.assign(Object.create(wiring.policies) as PolicyBook, { current }) };
      },
    },
    'an effect that names no other number of the person': {
      invariant: 'a basis names the person',
      sabotage: (_, wiring) => withBasis(wiring, (basis) => ({ ...basis, others: [] })),
    },
    'an effect that names another number as it never was': {
      invariant: 'a basis names the person',
      sabotage: (_, wiring) =>
        withBasis(wiring, (basis) => ({ ...basis, others: basis.others.map(([key, revision]) => [key, revision + 1]) })),
    },
    'a publisher that tells what was withdrawn as it was': {
      invariant: 'nothing forbidden is told',
      sabotage: (_, wiring) => {
        const included = new Map<string, OutgoingMessage>();
        const tell = (message: OutgoingMessage): OutgoingMessage[] => {
          const name = `${message.topic} ${message.key}`;
          if (message.value !== null) included.set(name, message);
          return [{ ...message, value: message.value ?? included.get(name)?.value ?? null }];
        };
        return { ...wiring, bus: messages(wiring.bus, tell) };
      },
    },
    'a record-projector that sees no decision before it is read': {
      invariant: 'decisions first',
      sabotage: (process, wiring) => {
        if (process !== 'record-projector') return wiring;
        const { bus, store } = wiring;
        const offsets: EventBus['offsets'] = async (topic) => {
          const read = async (one: PartitionOffsets): Promise<PartitionOffsets> => {
            const [mark] = await store.read(`mark-weft.consent-${one.partition}`, { backwards: true, maxCount: 1 });
            return { ...one, high: mark === undefined ? 0 : (JSON.parse(textOf(mark.data)) as { next: number }).next };
          };
          const ends = await bus.offsets(topic);
          return topic === CONSENT_TOPIC ? Promise.all(ends.map(read)) : ends;
        };
        return { ...wiring, bus: Object.assign(Object.create(bus) as EventBus, { offsets }) };
      },
    },
    'an entry that is not told as it was sent': {
      invariant: 'told once published',
      sabotage: (process, wiring) => {
        if (process !== 'opt-out-projector') return wiring;
        const projections = wiring.projections.map((projection) =>
          Object.assign(Object.create(projection) as typeof projection, {
            project: (...given: Parameters<typeof projection.project>) => ({ ...projection.project(...given), occurredAt: null }),
          }),
        );
        return { ...wiring, projections };
      },
    },
  };

  it.each(Object.keys(sabotages))('sees %s', async (name) => {
    const { invariant, sabotage, from = 0 } = sabotages[name]!;
    const seen = new Set<string>();
    for (let seed = from; seed < 300 && !seen.has(invariant); seed++) {
      const { violations } = await simulate(seed, { size: { ...SMALL, sabotage }, untilBroken: invariant });
      for (const violation of violations) seen.add(violation.invariant);
    }
    expect([...seen]).toContain(invariant);
  });
});

describe('a broken history', () => {
  it('is made shorter, breaks the same guarantee still, and is told with what was left of it', async () => {
    const sabotage = (_: string, wiring: Wiring): Wiring => {
      const takeSeat: EventBus['takeSeat'] = async (name) => {
        const seat = await wiring.bus.takeSeat(name);
        return { publish: (sent) => seat.publish(sent.filter(({ value }) => value !== null)) };
      };
      return { ...wiring, bus: Object.assign(Object.create(wiring.bus) as EventBus, { takeSeat }) };
    };
    const size: RunSize = { ...SMALL, careEvents: 12, decisions: 4, reads: 2, operations: 1, sabotage };
    const invariant = 'the topic is the view';
    let seed = 1;
    const breaks = async (): Promise<boolean> =>
      (await simulate(seed, { size, untilBroken: invariant })).violations.some((violation) => violation.invariant === invariant);
    while (seed < 50 && !(await breaks())) seed++;
    const whole = await simulate(seed, { size });
    const small = await shrink(seed, invariant, { size, mostTries: 60 });
    expect(small.violations.map((violation) => violation.invariant)).toContain(invariant);
    expect(small.injected.length).toBeLessThan(whole.injected.length / 2);
    const told = historyOf(small, invariant).join('\n');
    expect(told).toMatch(new RegExp(`^seed ${seed}: ${invariant}, at step \\d+`));
    expect(told).toMatch(/what is left: .*publisher-/);
    expect(told).not.toMatch(/\b9\d{9}\b/);
  });
});
