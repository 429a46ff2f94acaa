import { planTopics, type Region, wantedTopics } from './plan-topics.js';
import type { ExistingTopic } from './topic-calls.js';

const region: Region = {
  organisations: ['RX901', 'B86001'],
  purposes: ['direct-care', 'research'],
  replicationFactor: 3,
  minInsyncReplicas: 2,
};

/** As the brokers would describe what was created from the plan. */
const existing = (overrides: Partial<ExistingTopic> = {}, topic = 'weft.consent'): ExistingTopic => {
  const wanted = wantedTopics(region).find((one) => one.topic === topic)!;
  const config = new Map([...Object.entries(wanted.config), ['compression.type', 'producer']]);
  return {
    topic,
    partitions: wanted.partitions,
    replicationFactor: 3,
    config,
    own: new Set(Object.keys(wanted.config)),
    ...overrides,
  };
};

describe('planning a region’s topics', () => {
  it('wants one topic an organisation, one of consent, one a purpose, and quarantine', () => {
    expect(wantedTopics(region).map(({ topic }) => topic)).toEqual([
      'weft.care-events.RX901',
      'weft.care-events.B86001',
      'weft.consent',
      'weft.record-changes.direct-care',
      'weft.record-changes.research',
      'weft.quarantine',
    ]);
  });

  it('compacts what is withdrawn or mended, soon, and keeps what organisations sent', () => {
    const policies = wantedTopics(region).map(({ topic, config }) => [topic, config['cleanup.policy'], config['retention.ms']]);
    expect(policies).toContainEqual(['weft.record-changes.research', 'compact', '-1']);
    expect(policies).toContainEqual(['weft.quarantine', 'compact', '-1']);
    expect(policies).toContainEqual(['weft.care-events.RX901', 'delete', '-1']);
    const changes = wantedTopics(region).find(({ topic }) => topic === 'weft.record-changes.research')!;
    expect(Number(changes.config['max.compaction.lag.ms'])).toBeLessThanOrEqual(60_000);
    expect(Number(changes.config['segment.ms'])).toBeLessThanOrEqual(60_000);
  });

  it('lets inbound messages go after the wanted time, and nothing else', () => {
    const wanted = wantedTopics({ ...region, inboundRetentionMs: 86_400_000 });
    const kept = wanted.filter(({ config }) => config['retention.ms'] === '-1').map(({ topic }) => topic);
    expect(kept).toEqual(['weft.record-changes.direct-care', 'weft.record-changes.research', 'weft.quarantine']);
  });

  it('wants one more of an organisation that sends HL7 v2, which stays whatever the retention', () => {
    const wanted = wantedTopics({ ...region, byHl7v2: ['RX901'], inboundRetentionMs: 86_400_000 });
    expect(wanted).toHaveLength(wantedTopics(region).length + 1);
    expect(wanted.find(({ topic }) => topic === 'weft.hl7v2.RX901')!.config['retention.ms']).toBe('-1');
  });

  it('wants one more of a region that hears of national events', () => {
    const topics = (hearsNational: boolean) => wantedTopics({ ...region, hearsNational }).map(({ topic }) => topic);
    expect(topics(true).filter((topic) => !topics(false).includes(topic))).toEqual(['weft.national-events']);
  });

  it('says what is missing, what is as wanted and what nobody wants any more', () => {
    const left = { ...existing(), topic: 'weft.care-events.RGONE' };
    const foreign = { ...existing(), topic: 'payroll' };
    const plan = planTopics(wantedTopics(region), [existing(), left, foreign]);
    expect(plan.missing.map(({ topic }) => topic)).toHaveLength(5);
    expect(plan.missing.map(({ topic }) => topic)).not.toContain('weft.consent');
    expect(plan.same).toEqual(['weft.consent']);
    expect(plan.others).toEqual(['weft.care-events.RGONE']);
    expect(plan.differing).toEqual([]);
  });

  it('names each difference, and those that applying cannot mend', () => {
    const other = existing({ partitions: 12, replicationFactor: 1 });
    (other.config as Map<string, string>).set('retention.ms', '1000');
    const [found] = planTopics(wantedTopics(region), [other]).differing;
    expect(found?.topic.topic).toBe('weft.consent');
    expect(found?.differences).toEqual([
      { what: 'partitions', has: '12', wants: '6', stays: expect.stringContaining('cannot take partitions away') },
      { what: 'replication factor', has: '1', wants: '3', stays: expect.any(String) },
      { what: 'retention.ms', has: '1000', wants: '-1' },
    ]);
  });

  it('adds partitions where there are fewer', () => {
    const [found] = planTopics(wantedTopics(region), [existing({ partitions: 2 })]).differing;
    expect(found?.differences).toEqual([{ what: 'partitions', has: '2', wants: '6' }]);
  });

  it('gives a compacted topic no partitions: a tombstone would not come to where the key has been', () => {
    const [found] = planTopics(wantedTopics(region), [existing({ partitions: 2 }, 'weft.record-changes.research')]).differing;
    expect(found?.differences).toEqual([
      { what: 'partitions', has: '2', wants: '6', stays: expect.stringContaining('never be compacted away') },
    ]);
  });

  it('does not take another order of the same policies for a difference', () => {
    const wanted = wantedTopics(region).map((topic) => ({ ...topic, config: { 'cleanup.policy': 'compact,delete' } }));
    const same = existing({ config: new Map([['cleanup.policy', 'delete,compact']]) });
    expect(planTopics(wanted, [same]).same).toEqual(['weft.consent']);
  });
});
