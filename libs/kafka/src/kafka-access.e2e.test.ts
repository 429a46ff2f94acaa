import {
  CONSENT_TOPIC,
  EngineUnavailable,
  type EventBus,
  NotPermitted,
  PUBLISHER_SEAT,
  QUARANTINE_TOPIC,
} from '@weft/processing';
import { brokerOrReason } from '../../../infra/kafka/broker.mjs';
import { type KafkaAdministration, openKafkaAdministration } from './administration.js';
import { openKafkaBus } from './kafka-bus.js';
import { planAcls, type Principal, subscriberGroupPrefix, wantedAcls } from './plan-acls.js';
import { planTopics, wantedTopics } from './plan-topics.js';

const principals: Principal[] = [
  { user: 'gateway', role: 'gateway' },
  { user: 'record-projector', role: 'record-projector' },
  { user: 'opt-out-projector', role: 'opt-out-projector' },
  { user: 'record-api', role: 'record-api' },
  { user: 'RX901', role: 'organisation', ods: 'RX901' },
  { user: 'B86001', role: 'organisation', ods: 'B86001' },
  { user: 'registry', role: 'subscriber', purposes: ['population-health'] },
  { user: 'trial', role: 'subscriber', purposes: ['research', 'population-health'] },
  { user: 'ops', role: 'operations' },
];
const users = [...principals.map(({ user }) => user), 'nobody'];

const [OWN, OTHER] = ['weft.care-events.RX901', 'weft.care-events.B86001'];
const [HEALTH, RESEARCH] = ['weft.record-changes.population-health', 'weft.record-changes.research'];
const topics = [OWN, OTHER, CONSENT_TOPIC, HEALTH, RESEARCH, QUARANTINE_TOPIC, 'payroll'];
const weft = topics.filter((topic) => topic !== 'payroll');

/** What each may do, said a second time and by hand. Whatever is not here must be refused. */
const reads: Record<string, readonly string[]> = {
  gateway: [CONSENT_TOPIC],
  'record-projector': [OWN, OTHER, CONSENT_TOPIC],
  'opt-out-projector': [CONSENT_TOPIC, HEALTH, RESEARCH, QUARANTINE_TOPIC],
  'record-api': [OWN, OTHER, CONSENT_TOPIC, QUARANTINE_TOPIC],
  registry: [HEALTH],
  trial: [HEALTH, RESEARCH],
  ops: weft,
};
const writes: Record<string, readonly string[]> = {
  gateway: [OWN, OTHER, CONSENT_TOPIC],
  'record-projector': [QUARANTINE_TOPIC],
  'opt-out-projector': [HEALTH, RESEARCH, QUARANTINE_TOPIC],
  'record-api': [OWN, OTHER, CONSENT_TOPIC, QUARANTINE_TOPIC],
  RX901: [OWN],
  B86001: [OTHER],
  ops: weft,
};

const found = await brokerOrReason({ sasl: true, users });
const suite = 'broker' in found ? describe : describe.skip;

suite(`access at a real broker${'reason' in found ? `: no broker, ${found.reason}` : ''}`, () => {
  const broker = 'broker' in found ? found.broker : undefined!;
  const buses = new Map<string, EventBus>();
  let administration: KafkaAdministration;
  let admin: EventBus;

  const as = (username: string, password: string) => ({
    brokers: broker.brokers,
    sasl: { mechanism: 'scram-sha-512' as const, username, password },
    deadlineMs: 15_000,
  });
  const message = (topic: string) => ({ topic, key: 'k', value: new Uint8Array([1]), headers: {} });
  /** `done`, or the name of the error. */
  const outcome = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: Error) => error.name,
    );

  beforeAll(async () => {
    administration = openKafkaAdministration(as('admin', broker.admin!.password));
    admin = await openKafkaBus(as('admin', broker.admin!.password));
    const region = { organisations: ['RX901', 'B86001'], purposes: ['population-health', 'research'] as const };
    await administration.applyTopics(planTopics(wantedTopics(region), await administration.existingTopics()));
    await admin.createTopics([{ topic: 'payroll', partitions: 1 }]);
    const plan = planAcls(wantedAcls(principals), (await administration.existingAcls())!);
    await administration.applyAcls(plan);
    // Reading is refused only where there is something to read.
    for (const topic of topics) await admin.publish([message(topic)]);
    for (const user of users) buses.set(user, await openKafkaBus(as(user, broker.users![user]!)));
  });

  afterAll(async () => {
    await Promise.all([...buses.values()].map((bus) => bus.close()));
    await admin?.close();
    await administration?.close();
    await broker.stop();
  });

  it.each(users)('%s writes where it may and nowhere else', async (user) => {
    const outcomes = await Promise.all(topics.map((topic) => outcome(buses.get(user)!.publish([message(topic)]))));
    const expected = topics.map((topic) => (writes[user]?.includes(topic) ? 'done' : NotPermitted.name));
    expect(Object.fromEntries(topics.map((topic, n) => [topic, outcomes[n]]))).toEqual(
      Object.fromEntries(topics.map((topic, n) => [topic, expected[n]])),
    );
  });

  it.each(users)('%s reads where it may and nowhere else', async (user) => {
    const bus = buses.get(user)!;
    const outcomes: Record<string, string> = {};
    for (const topic of topics) {
      const holding = (await admin.offsets(topic)).find(({ low, high }) => high > low)!;
      outcomes[topic] = await outcome(bus.read(topic, holding.partition, holding.low));
    }
    expect(outcomes).toEqual(
      Object.fromEntries(topics.map((topic) => [topic, reads[user]?.includes(topic) ? 'done' : NotPermitted.name])),
    );
  });

  it('keeps a subscriber in groups of its own', async () => {
    const bus = buses.get('registry')!;
    const consume = async (group: string, topic: string) => {
      const consumer = await bus.consume({ group, topics: [topic], onBatch: async () => {} });
      await consumer.stop();
    };
    expect(await outcome(consume(`${subscriberGroupPrefix('registry')}copy`, HEALTH))).toBe('done');
    expect(await outcome(consume(`${subscriberGroupPrefix('trial')}copy`, HEALTH))).toBe('NotPermitted');
    expect(await outcome(consume('weft.record-projector', HEALTH))).toBe('NotPermitted');
    expect(await outcome(consume(`${subscriberGroupPrefix('registry')}copy`, RESEARCH))).toBe('NotPermitted');
  });

  it('lets those who publish changes take the publisher’s seat, and nobody else', async () => {
    const take = async (user: string, name: string) => (await buses.get(user)!.takeSeat(name)).publish([message(HEALTH)]);
    const outcomes = await Promise.all(users.map((user) => outcome(take(user, PUBLISHER_SEAT))));
    const permitted = users.filter((_, index) => outcomes[index] !== 'NotPermitted');
    expect(permitted).toEqual(['opt-out-projector', 'ops']);
    expect(await outcome(take('opt-out-projector', PUBLISHER_SEAT))).toBe('done');
    expect(await outcome(take('opt-out-projector', 'weft.other'))).toBe('NotPermitted');
    const seat = await buses.get('opt-out-projector')!.takeSeat(PUBLISHER_SEAT);
    expect(await outcome(seat.publish([message(OWN)]))).toBe('NotPermitted');
    expect(await outcome(seat.publish([message(HEALTH), message(OTHER)]))).toBe('NotPermitted');
    expect(await outcome(seat.publish([message(HEALTH)]))).toBe('done');
  });

  it('follows without any group', async () => {
    const got: number[] = [];
    const arrived = new Promise<void>((resolve) => {
      void buses.get('registry')!.follow({
        topic: HEALTH,
        from: 'beginning',
        onMessages: async (messages) => {
          got.push(...messages.map(({ offset }) => offset));
          resolve();
        },
      });
    });
    await arrived;
    expect(got.length).toBeGreaterThan(0);
  });

  it('lets one caller’s refusal leave the others alone', async () => {
    const bus = await openKafkaBus(as('RX901', broker.users!['RX901']!));
    try {
      const outcomes = await Promise.all([OWN, OTHER, OWN, OTHER, OWN].map((topic) => outcome(bus.publish([message(topic)]))));
      expect(outcomes).toEqual(['done', 'NotPermitted', 'done', 'NotPermitted', 'done']);
    } finally {
      await bus.close();
    }
  });

  it('refuses a wrong password, and does not say which', async () => {
    const refused = openKafkaBus(as('RX901', 'wrong password'));
    await expect(refused).rejects.toThrow(EngineUnavailable);
    await expect(refused).rejects.toThrow(expect.objectContaining({ message: expect.not.stringContaining('wrong password') }));
  });

  it('finds nothing left to do once applied, and takes surplus rules away only when told', async () => {
    const without = wantedAcls(principals.filter(({ user }) => user !== 'trial'));
    const plan = async () => planAcls(without, (await administration.existingAcls())!);
    const before = await plan();
    expect(before.missing).toEqual([]);
    expect(before.surplus.map(({ principal }) => principal)).toEqual(['User:trial', 'User:trial', 'User:trial']);
    await administration.applyAcls(before);
    expect((await plan()).surplus).toHaveLength(3);
    await administration.applyAcls(before, { remove: true });
    expect((await plan()).surplus).toEqual([]);
    const holding = (await admin.offsets(RESEARCH)).find(({ low, high }) => high > low)!;
    expect(await outcome(buses.get('trial')!.read(RESEARCH, holding.partition, holding.low))).toBe('NotPermitted');
  });

  it('changes what differs in a topic, keeps what others set on it, and has nothing to do the second time', async () => {
    const region = { organisations: ['RX901', 'B86001'], purposes: ['population-health', 'research'] as const };
    const plan = async (changed = {}) =>
      planTopics(wantedTopics({ ...region, ...changed }), await administration.existingTopics());
    expect((await plan()).differing).toEqual([]);
    const changed = { inboundRetentionMs: 86_400_000, partitions: { consent: 8 } };
    const differing = (await plan(changed)).differing.map(({ topic, differences }) => [
      topic.topic,
      ...differences.map(({ what }) => what),
    ]);
    expect(differing).toEqual([
      [OWN, 'retention.ms'],
      [OTHER, 'retention.ms'],
      [CONSENT_TOPIC, 'partitions', 'retention.ms'],
    ]);
    await administration.applyTopics(await plan(changed));
    const after = await plan(changed);
    expect([after.missing, after.differing]).toEqual([[], []]);
    const consent = (await administration.existingTopics()).find(({ topic }) => topic === CONSENT_TOPIC)!;
    expect([consent.partitions, consent.config.get('max.message.bytes'), consent.own.has('max.message.bytes')]).toEqual([
      8,
      expect.any(String),
      true,
    ]);
  });
});
