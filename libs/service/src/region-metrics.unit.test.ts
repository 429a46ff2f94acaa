import {
  bytesOf,
  CONSENT_TOPIC,
  EngineUnavailable,
  type EventBus,
  type Headers,
  type Message,
  OPT_OUT_PROJECTOR_GROUP,
  QUARANTINE_TOPIC,
  type Wiring,
} from '@weft/processing';
import { pino } from 'pino';
import { Metrics } from './metrics.js';
import { Readiness } from './readiness.js';
import {
  watchClocks,
  watchDecisions,
  watchLag,
  watchMarks,
  watchNational,
  watchPolicy,
  watchPositions,
  watchPublisher,
  watchQuarantine,
  watchReadiness,
  watchReviews,
  watchVersions,
  watchWaiting,
} from './region-metrics.js';
import type { Service } from './service.js';
import { systemTimers } from './system.js';

const CARE_EVENTS = 'weft.care-events.RX901';
const START = Date.UTC(2026, 0, 1);

/** A bus of one partition a topic, that can be away, and a clock that stands still. */
function region() {
  const topics = new Map<string, Message[]>();
  const committed = new Map<string, number>();
  const state = { now: START, aheadMs: 0, away: false, looks: 0 };
  const messagesOf = (topic: string): Message[] => topics.get(topic) ?? topics.set(topic, []).get(topic)!;
  const bus: Partial<EventBus> = {
    async offsets(topic) {
      state.looks += 1;
      if (state.away) throw new EngineUnavailable('Kafka', 'no answer');
      return [{ partition: 0, low: 0, high: messagesOf(topic).length }];
    },
    committed: async (group, topic) => [{ partition: 0, offset: committed.get(`${group} ${topic}`) ?? -1 }],
    topics: async () => [...topics.keys()].map((topic) => ({ topic, partitions: 1 })),
    read: async (topic, _, from, maxCount = 2) => messagesOf(topic).slice(from, from + maxCount),
  };
  const metrics = new Metrics();
  const service = {
    bus,
    metrics,
    clock: { now: () => state.now + state.aheadMs, steady: () => state.now },
    timers: systemTimers,
    log: pino({ level: 'silent' }),
    readiness: new Readiness(systemTimers, () => {}),
  } as unknown as Service;
  return {
    service,
    state,
    publish(topic: string, key: string, value: Uint8Array | null = new Uint8Array(), headers: Headers = {}) {
      const messages = messagesOf(topic);
      messages.push({ topic, partition: 0, offset: messages.length, key, value, headers, timestamp: state.now });
    },
    commit: (group: string, topic: string, offset: number) => void committed.set(`${group} ${topic}`, offset),
    pass: (ms: number) => void (state.now += ms),
    /** The lines of one metric that carry a value. */
    async scrape(name: string): Promise<string[]> {
      const lines = (await metrics.registry.metrics()).split('\n');
      return lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length));
    },
  };
}

describe('what is measured of a region', () => {
  it('counts what each group has not dealt with, whoever else asks for the same gauge', async () => {
    const { service, publish, commit, scrape } = region();
    for (const key of ['a', 'b', 'c']) publish(CARE_EVENTS, key);
    publish(CONSENT_TOPIC, 'a');
    commit('weft.record-projector', CARE_EVENTS, 1);
    commit(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, 1);
    watchLag(service, 'weft.record-projector', () => [CARE_EVENTS, 'weft.care-events.RX902']);
    watchLag(service, OPT_OUT_PROJECTOR_GROUP, () => [CONSENT_TOPIC]);
    expect(await scrape('weft_group_lag_messages')).toEqual([
      '{group="weft.record-projector",topic="weft.care-events.RX901"} 2',
      '{group="weft.record-projector",topic="weft.care-events.RX902"} 0',
      '{group="weft.opt-out-projector",topic="weft.consent"} 0',
    ]);
  });

  it('looks at the bus once for scrapes that come close together', async () => {
    const { service, state, publish, pass, scrape } = region();
    watchLag(service, 'weft.record-projector', () => [CARE_EVENTS]);
    await Promise.all([scrape('weft_group'), scrape('weft_group')]);
    publish(CARE_EVENTS, 'a');
    await scrape('weft_group');
    expect(state.looks).toBe(1);
    pass(5_000);
    expect(await scrape('weft_group_lag_messages')).toEqual([expect.stringMatching(/ 1$/)]);
    expect(state.looks).toBe(2);
  });

  it('looks again as soon as ever though the machine’s time was a day ahead when it looked before', async () => {
    const { service, state, pass, scrape } = region();
    state.aheadMs = 86_400_000;
    watchLag(service, 'weft.record-projector', () => [CARE_EVENTS]);
    await scrape('weft_group');
    state.aheadMs = 0;
    pass(5_000);
    await scrape('weft_group');
    expect(state.looks).toBe(2);
  });

  it('says which clocks are apart, in metric, readiness and once in the log, and when they agree again', async () => {
    const { service, state, pass, scrape } = region();
    const ahead = { 'weft.care-events.RX902': 7_200_000 };
    const noted = { type: 'receipt-noted-1', revision: 0, data: bytesOf(JSON.stringify({ at: START + 3_600_000, ahead })) };
    const store = { read: async () => [noted] };
    const said: unknown[] = [];
    const log = { warn: () => {}, error: (what: unknown) => void said.push(what), info: (what: unknown) => void said.push(what) };
    const looks = { wake: () => {} };
    const timers = { sleep: (ms: number) => new Promise<void>((done) => (ms === 10_000 ? (looks.wake = done) : undefined)) };
    const stop = watchClocks({ ...service, log, timers } as unknown as Service, { ...service, store } as unknown as Wiring);
    expect((await scrape('weft_clock_apart_seconds')).sort()).toEqual([
      '{from="brokers"} 0',
      '{from="leap"} 0',
      '{from="receipts"} 3600',
      '{from="weft.care-events.RX902"} 7200',
    ]);
    expect((await service.readiness.check()).details).toEqual({
      'clocks-apart': 'receipts 3600 s, weft.care-events.RX902 7200 s',
    });
    expect(said).toEqual([{ clocks: 'receipts 3600 s, weft.care-events.RX902 7200 s' }]);
    state.now += 3_600_000;
    noted.revision = 1;
    noted.data = bytesOf(JSON.stringify({ at: START + 3_600_000 }));
    pass(5_000);
    expect((await service.readiness.check()).details).toBeUndefined();
    const over = stop();
    looks.wake();
    await over;
  });

  it('says nothing rather than the last good figure while the bus is away', async () => {
    const { service, state, pass, scrape } = region();
    watchLag(service, 'weft.record-projector', () => [CARE_EVENTS]);
    watchDecisions(service);
    watchQuarantine(service);
    expect(await scrape('weft_')).toHaveLength(4);
    state.away = true;
    pass(5_000);
    expect(await scrape('weft_')).toEqual([]);
    state.away = false;
    pass(5_000);
    expect(await scrape('weft_')).toHaveLength(4);
  });

  it('tells for how long the oldest decision has waited, and nothing once it is obeyed', async () => {
    const { service, publish, commit, pass, scrape } = region();
    watchDecisions(service);
    expect(await scrape('weft_decision_wait_seconds')).toEqual([' 0']);
    publish(CONSENT_TOPIC, 'a');
    pass(40_000);
    publish(CONSENT_TOPIC, 'b');
    pass(20_000);
    expect(await scrape('weft_decision_wait_seconds')).toEqual([' 60']);
    commit(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, 1);
    pass(5_000);
    expect(await scrape('weft_decision_wait_seconds')).toEqual([' 25']);
    commit(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, 2);
    pass(5_000);
    expect(await scrape('weft_decision_wait_seconds')).toEqual([' 0']);
  });

  it('tells for how long the oldest change has waited to be published, and readiness once that is long', async () => {
    const { service, pass, scrape } = region();
    let unreadable = {};
    let published = '1';
    const recorded = (position: string, at: number) => ({
      ...{ stream: 'careRecord-a', type: 'views-derived-1', position, meta: {} },
      data: bytesOf(JSON.stringify({ recordedAt: new Date(at).toISOString() })),
    });
    const events = [recorded('1', START), recorded('2', START)];
    const checkpoint = () => ({ position: published, held: Object.keys(unreadable), unreadable });
    const store = {
      read: async () => [{ type: 'published-1', revision: 0, meta: {}, data: bytesOf(JSON.stringify(checkpoint())) }],
      readAll: async ({ after }: { after: string }) => events.filter(({ position }) => position > after),
    };
    watchPublisher({ ...service, store } as unknown as Service);
    pass(20_000);
    expect(await scrape('weft_publisher_wait_seconds')).toEqual([' 20']);
    expect((await service.readiness.check()).details).toBeUndefined();
    pass(20_000);
    expect(await scrape('weft_publisher_wait_seconds')).toEqual([' 40']);
    expect(await service.readiness.check()).toMatchObject({
      status: 'ready',
      details: { 'changes-not-published': 'for 40 seconds' },
    });
    published = '2';
    unreadable = { a: 'record-damaged', b: 'record-damaged' };
    pass(5_000);
    expect(await scrape('weft_publisher_wait_seconds')).toEqual([' 0']);
    expect(await service.readiness.check()).toMatchObject({
      status: 'ready',
      details: { 'records-unreadable': '2 record-damaged' },
    });
    unreadable = {};
    pass(5_000);
    expect((await service.readiness.check()).details).toBeUndefined();
  });

  it('tells for how long a policy has been in force that not every view obeys, and readiness once that is long', async () => {
    const { service, pass, scrape } = region();
    let applied = 1;
    const store = {
      read: async () => [{ type: 'policy-applied-1', revision: 0, data: bytesOf(JSON.stringify({ version: applied })) }],
    };
    const policies = { current: async () => ({ version: 2, adoptedAt: new Date(START).toISOString() }) };
    watchPolicy(service, { store, policies } as unknown as Wiring);
    pass(20_000);
    expect(await scrape('weft_policy_not_applied_seconds')).toEqual([' 20']);
    expect((await service.readiness.check()).details).toBeUndefined();
    pass(20_000);
    expect(await service.readiness.check()).toMatchObject({
      status: 'ready',
      details: { 'policy-not-applied': 'for 40 seconds' },
    });
    applied = 2;
    pass(5_000);
    expect(await scrape('weft_policy_not_applied_seconds')).toEqual([' 0']);
    expect((await service.readiness.check()).details).toBeUndefined();
  });

  it('tells how much was read that the store does not have, and readiness that everything is told anew', async () => {
    const { service, publish, commit, pass, scrape } = region();
    const recordedAt = new Date(START).toISOString();
    let next = 1;
    let state = 'behind';
    const streams: Readonly<Record<string, () => readonly [type: string, data: object]>> = {
      'mark-weft.consent-0': () => ['messages-read-1', { epoch: 0, next, whole: 0, at: null, recordedAt }],
      'epoch-region': () => ['epoch-noted-1', { epoch: 0, state, done: 64, since: recordedAt }],
    };
    const store = {
      read: async (stream: string) => {
        const [type, data] = streams[stream]!();
        return [{ type, revision: next, meta: {}, data: bytesOf(JSON.stringify(data)) }];
      },
    };
    watchPositions({ ...service, store } as unknown as Service);
    for (const key of ['a', 'b', 'c']) publish(CONSENT_TOPIC, key);
    commit(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, 3);
    expect(await scrape('weft_messages_lost')).toEqual([' 2']);
    expect((await service.readiness.check()).details).toEqual({ 'catching-up': '2 messages' });
    next = 3;
    state = 'telling';
    pass(5_000);
    expect(await scrape('weft_messages_lost')).toEqual([' 0']);
    expect(await service.readiness.check()).toMatchObject({
      status: 'ready',
      details: { 'telling-anew': '64 people so far' },
    });
    state = 'told';
    pass(5_000);
    expect((await service.readiness.check()).details).toBeUndefined();
  });

  it('tells for how long decisions have waited that nobody reads, of whom something waits for them, and readiness once that is long', async () => {
    const { service, publish, pass, scrape } = region();
    let mark = { epoch: 0, next: 0, whole: 0, at: null as number | null, recordedAt: new Date(START).toISOString() };
    const awaiting = { ends: [[0, 0, 1]], keys: ['a', 'b'] };
    const streams: Readonly<Record<string, () => readonly (readonly [type: string, data: object])[]>> = {
      'mark-weft.consent-0': () => [['messages-read-1', mark]],
      'awaitingDecisions-region': () => [
        ['awaiting-1', awaiting],
        ['awaiting-shown-1', { ...awaiting, keys: ['b'] }],
      ],
    };
    const store = {
      read: async (stream: string, { from = 0 }: { from?: number } = {}) =>
        (streams[stream]?.() ?? [])
          .map(([type, data], revision) => ({ type, revision, meta: {}, data: bytesOf(JSON.stringify(data)) }))
          .filter(({ revision }) => revision >= from),
    };
    watchMarks({ ...service, store } as unknown as Service, { ...service, store } as unknown as Wiring);
    expect(await scrape('weft_consent_mark_still_seconds')).toEqual([' 0']);
    publish(CONSENT_TOPIC, 'a');
    pass(20_000);
    expect(await scrape('weft_consent_mark_still_seconds')).toEqual([' 20']);
    expect((await service.readiness.check()).details).toBeUndefined();
    pass(20_000);
    expect(await scrape('weft_consent_mark_still_seconds')).toEqual([' 40']);
    expect((await scrape('weft_awaiting_people')).sort()).toEqual(['{state="shown"} 1', '{state="waiting"} 1']);
    expect((await service.readiness.check()).details).toEqual({ 'decisions-not-read': 'for 40 seconds' });
    mark = { ...mark, next: 1 };
    pass(5_000);
    expect(await scrape('weft_consent_mark_still_seconds')).toEqual([' 0']);
  });

  it('counts a quarantined message once, parts and all, until it is taken out', async () => {
    const { service, publish, pass, scrape } = region();
    watchQuarantine(service);
    for (const key of [`${CARE_EVENTS}/0/1`, `${CARE_EVENTS}/0/1/part-1`, `${CARE_EVENTS}/0/2`, `${CARE_EVENTS}/0/2`]) {
      publish(QUARANTINE_TOPIC, key);
    }
    expect(await scrape('weft_quarantine_messages')).toEqual([' 2']);
    publish(QUARANTINE_TOPIC, `${CARE_EVENTS}/0/1`, null);
    pass(5_000);
    expect(await scrape('weft_quarantine_messages')).toEqual([' 1']);
  });

  it('counts apart what may be an objection, and readiness says so without taking anybody out of service', async () => {
    const { service, publish, pass, scrape } = region();
    watchQuarantine(service);
    expect(await service.readiness.check()).toEqual({ status: 'ready', checks: {} });
    publish(QUARANTINE_TOPIC, `${CONSENT_TOPIC}/0/1`, new Uint8Array(), { closes: '1' });
    publish(QUARANTINE_TOPIC, `${CONSENT_TOPIC}/0/2`);
    pass(5_000);
    expect(await scrape('weft_quarantine_decisions')).toEqual([' 1']);
    expect(await service.readiness.check()).toEqual({ status: 'ready', checks: {}, details: { 'decisions-in-quarantine': '1' } });
    publish(QUARANTINE_TOPIC, `${CONSENT_TOPIC}/0/1`, null);
    pass(5_000);
    expect(await scrape('weft_quarantine_decisions')).toEqual([' 0']);
  });

  it('counts the people whose records contradict themselves, and names none', async () => {
    const { service, pass, scrape } = region();
    const noted: object[] = [];
    const store = { read: async (_: string, { from }: { from: number }) => noted.slice(from) };
    watchReviews({ ...service, store } as unknown as Service);
    expect(await scrape('weft_records_to_review')).toEqual([' 0']);
    const note = (key: string, organisations: readonly string[]) =>
      noted.push({
        type: 'review-noted-1',
        revision: noted.length,
        meta: {},
        data: bytesOf(JSON.stringify({ key, organisations })),
      });
    for (const key of ['a', 'b']) note(key, ['RX901']);
    pass(5_000);
    expect(await scrape('weft_records_to_review')).toEqual([' 2']);
    note('a', []);
    pass(5_000);
    expect(await scrape('weft_records_to_review')).toEqual([' 1']);
  });

  it('counts the versions that came out of order by organisation, from nothing on', async () => {
    const { service, pass, scrape } = region();
    const counted = new Map<string, object>();
    const store = { read: async (stream: string) => [counted.get(stream)].filter((one) => one !== undefined) };
    const organisations = { known: new Map(['RX901', 'Y90001'].map((ods) => [ods, {}])) };
    watchVersions({ ...service, store, organisations } as unknown as Service);
    expect(await scrape('weft_versions_disagreeing')).toEqual(['{organisation="RX901"} 0', '{organisation="Y90001"} 0']);
    const data = bytesOf(JSON.stringify({ setAside: 3, disagreeing: 1 }));
    counted.set('versions-RX901', { type: 'versions-counted-1', revision: 7, data });
    pass(5_000);
    expect(await scrape('weft_versions_disagreeing')).toEqual(['{organisation="RX901"} 1', '{organisation="Y90001"} 0']);
    expect(await scrape('weft_versions_set_aside')).toEqual(['{organisation="RX901"} 3', '{organisation="Y90001"} 0']);
  });

  it('counts who waits of HL7 v2 by organisation and reason, and for how long', async () => {
    const { service, pass, scrape } = region();
    const noted: object[] = [];
    const store = {
      read: async (stream: string, { from }: { from: number }) => (stream.endsWith('-RX901') ? noted.slice(from) : []),
    };
    watchWaiting({ ...service, store } as unknown as Service, ['RX901', 'RX902']);
    expect(await scrape('weft_hl7v2_waiting_messages')).toEqual([]);
    const note = (lane: string, reasons: object, since: number | null) => {
      const data = bytesOf(JSON.stringify({ lane, reasons, since: since === null ? null : new Date(since).toISOString() }));
      noted.push({ type: 'hl7v2-waiting-noted-1', revision: noted.length, data });
    };
    note('a', { 'person-unknown': 2 }, START - 5_000);
    note('b', { 'person-unknown': 1 }, START);
    pass(5_000);
    expect(await scrape('weft_hl7v2_waiting_messages')).toEqual(['{organisation="RX901",reason="person-unknown"} 3']);
    expect(await scrape('weft_hl7v2_waiting_seconds')).toEqual(['{organisation="RX901"} 10', '{organisation="RX902"} 0']);
    note('a', {}, null);
    pass(5_000);
    expect(await scrape('weft_hl7v2_waiting_messages')).toEqual(['{organisation="RX901",reason="person-unknown"} 1']);
  });

  it('tells for how long no test signal of national events was heard, and nothing where nobody listens for one', async () => {
    const { service, pass, scrape } = region();
    const heard: object[] = [];
    watchNational({ ...service, store: { read: async () => heard } } as unknown as Service);
    expect(await scrape('weft_national_silence_seconds')).toEqual([]);
    const hear = (type: string, at: number) =>
      heard.splice(0, 1, { type, revision: 0, meta: {}, data: bytesOf(JSON.stringify({ at: new Date(at).toISOString() })) });
    hear('national-signals-awaited-1', START);
    pass(60_000);
    expect(await scrape('weft_national_silence_seconds')).toEqual([' 60']);
    hear('national-test-signal-heard-1', START + 60_000);
    pass(5_000);
    expect(await scrape('weft_national_silence_seconds')).toEqual([' 5']);
  });

  it('shows each part of readiness, and when it is back', async () => {
    const { service, scrape } = region();
    let works = false;
    service.readiness.register('bus', async () => {});
    service.readiness.register('store', () => (works ? Promise.resolve() : Promise.reject(new Error('away'))));
    watchReadiness(service);
    expect(await scrape('weft_ready')).toEqual(['{part="bus"} 1', '{part="store"} 0']);
    works = true;
    expect(await scrape('weft_ready')).toEqual(['{part="bus"} 1', '{part="store"} 1']);
  });
});
