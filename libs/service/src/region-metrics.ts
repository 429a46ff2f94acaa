import { WaitingMessages } from '@weft/hl7v2-processing';
import { silentSince } from '@weft/national';
import {
  AwaitingPeople,
  CLOSES_HEADER,
  type Apart,
  APART_MS,
  clocksApart,
  CONSENT_TOPIC,
  type EventBus,
  isQuarantineEntry,
  lagOf,
  loadEpoch,
  messagesBetween,
  messagesLost,
  oldestUnread,
  OPT_OUT_PROJECTOR_GROUP,
  policyApplied,
  positionsOf,
  QUARANTINE_TOPIC,
  recordTopics,
  Reviews,
  unpublishedSince,
  unreadableCounts,
  unreadSince,
  type VersionCounts,
  versionCounts,
  within,
  type Wiring,
} from '@weft/processing';
import { FINDINGS, lastOfEach, type Statement } from '@weft/reconciliation';
import type { Service } from './service.js';

/** Scrapes that come closer together than this are answered from one look at the bus. */
const FRESH_MS = 5_000;
/** A scrape waits so long for the bus; then it is given the last look, and the next scrape this one. */
const PATIENCE_MS = 2_000;

/** `weft_group_lag_messages`: how many messages of each topic the group has not dealt with. */
export function watchLag(service: Service, group: string, topics: () => readonly string[]): void {
  const { bus, metrics } = service;
  const look = looksAt(service, 'lag', () =>
    Promise.all(topics().map(async (topic) => ({ topic, lag: lagOf(await positionsOf(bus, group, topic)) }))),
  );
  metrics.gauge('weft_group_lag_messages', 'Messages that a group has not dealt with', ['group', 'topic'], async (gauge) => {
    const lags = await look();
    for (const topic of topics()) gauge.remove({ group, topic });
    for (const { topic, lag } of lags ?? []) gauge.set({ group, topic }, lag);
  });
}

/** `weft_decision_wait_seconds`: for how long the oldest decision that is not obeyed yet has been on the bus; 0 when all are. */
export function watchDecisions(service: Service): void {
  const { metrics } = service;
  const look = looksAt(service, 'decisions', () => longestWait(service));
  metrics.gauge('weft_decision_wait_seconds', 'How long the oldest decision not obeyed yet has waited', [], async (gauge) => {
    const seconds = await look();
    gauge.remove();
    if (seconds !== null) gauge.set(seconds);
  });
}

/** A mark that stands still for so long, with decisions before it, stands. */
const UNREAD_LATE_SECONDS = 30;

/**
 * `weft_consent_mark_still_seconds`: for how long the mark of a partition has stood still though there are decisions to be read; 0 where none
 * does. What comes behind them is not shared meanwhile: `weft_awaiting_people` says of how many it waits, and of how many individual care is shown
 * it because the policy bounds that wait. Readiness says it, and stays ready.
 */
export function watchMarks(service: Service, wiring: Wiring): void {
  const { clock, metrics, readiness } = service;
  const people = new AwaitingPeople(wiring);
  const look = looksAt(service, 'marks', async () => {
    const since = await unreadSince(wiring);
    return since === null ? 0 : Math.max(0, (clock.now() - since) / 1000);
  });
  const count = looksAt(service, 'awaiting', () => people.count());
  metrics.gauge('weft_consent_mark_still_seconds', 'How long decisions have waited that nobody reads', [], async (gauge) => {
    const seconds = await look();
    gauge.remove();
    if (seconds !== null) gauge.set(seconds);
  });
  metrics.gauge('weft_awaiting_people', 'People of whom something came behind decisions not read', ['state'], async (gauge) => {
    const counts = await count();
    gauge.reset();
    for (const [state, found] of Object.entries(counts ?? {})) gauge.set({ state }, found);
  });
  readiness.describe('decisions-not-read', async () => {
    const seconds = await look();
    return seconds === null || seconds <= UNREAD_LATE_SECONDS ? null : `for ${Math.floor(seconds)} seconds`;
  });
}

/**
 * `weft_messages_lost`: how many messages were read that the store, which was put back since, does not have. Readiness says so, and stays ready; and
 * whether everything is being published anew.
 */
export function watchPositions(service: Service): void {
  const { bus, store, metrics, readiness } = service;
  const look = looksAt(service, 'positions', async () => ({
    lost: await messagesLost({ bus, store }, await recordTopics({ bus, store })),
    epoch: await loadEpoch(store),
  }));
  metrics.gauge('weft_messages_lost', 'Messages read before that the store does not have', [], async (gauge) => {
    const seen = await look();
    gauge.remove();
    if (seen !== null) gauge.set(seen.lost);
  });
  readiness.describe('catching-up', async () => {
    const seen = await look();
    return seen === null || seen.lost === 0 ? null : `${seen.lost} messages`;
  });
  readiness.describe('telling-anew', async () => {
    const seen = await look();
    return seen?.epoch.state === 'telling' ? `${seen.epoch.done} people so far` : null;
  });
}

const CLOCKS_LOOK_MS = 10_000;
const watched = new WeakSet<Service>();

/**
 * `weft_clock_apart_seconds` by what this machine's time disagrees with (`receipts`, `brokers`, its own `leap`), and by the topic of whoever
 * publishes with a time ahead. Readiness says what is over a minute, and stays ready; the log says it when it begins and when it is over.
 */
export function watchClocks(service: Service, wiring: Wiring): () => Promise<void> {
  const { metrics, readiness, timers, log } = service;
  // Several parts of one process have one clock.
  if (watched.has(service)) return async () => {};
  watched.add(service);
  const look = looksAt(service, 'clocks', () => clocksApart(wiring));
  metrics.gauge('weft_clock_apart_seconds', 'How far clocks are apart that should agree', ['from'], async (gauge) => {
    const apart = await look();
    gauge.reset();
    for (const [from, ms] of apart === null ? [] : clocksIn(apart)) gauge.set({ from }, Math.abs(ms) / 1000);
  });
  readiness.describe('clocks-apart', async () => {
    const apart = await look();
    return apart === null ? null : describeApart(apart);
  });
  const stopping = new AbortController();
  const following = (async () => {
    let said: string | null = null;
    while (!stopping.signal.aborted) {
      const apart = await look();
      const describes: string | null = apart === null ? said : describeApart(apart);
      // By how much may change at every look: that they are, once.
      if ((describes === null) !== (said === null))
        if (describes === null) log.info('clocks agree again');
        else
          log.error(
            { clocks: describes },
            'clocks are apart: what the later time closes is closed, what the earlier opens is not open',
          );
      said = describes;
      await timers.sleep(CLOCKS_LOOK_MS, stopping.signal);
    }
  })();
  return async () => {
    stopping.abort();
    await following;
  };
}

function clocksIn({ receipts, brokers, leap, publishers }: Apart): (readonly [from: string, ms: number])[] {
  return [['receipts', receipts], ['brokers', brokers ?? 0], ['leap', leap], ...Object.entries(publishers)];
}

/** Which clocks are more than a minute apart; null where none are. */
export function describeApart(apart: Apart): string | null {
  const found = clocksIn(apart).filter(([, ms]) => Math.abs(ms) > APART_MS);
  return found.length === 0 ? null : found.map(([from, ms]) => `${from} ${Math.round(ms / 1000)} s`).join(', ');
}

/** What is not published, or not applied, for so long somebody should look at. */
const LATE_SECONDS = 30;

/**
 * `weft_publisher_wait_seconds`: for how long the oldest change that is not published to subscribers' topics has waited; 0 when all are. Readiness
 * says it once it is long, and stays ready; and how many records the publisher cannot read.
 */
export function watchPublisher(service: Service): void {
  const { store, clock, metrics, readiness } = service;
  const look = looksAt(service, 'publisher', async () => {
    const since = await unpublishedSince(store);
    return since === null ? 0 : Math.max(0, (clock.now() - since) / 1000);
  });
  metrics.gauge('weft_publisher_wait_seconds', 'How long the oldest change not published yet has waited', [], async (gauge) => {
    const seconds = await look();
    gauge.remove();
    if (seconds !== null) gauge.set(seconds);
  });
  const unreadable = looksAt(service, 'unreadable', () => unreadableCounts(store));
  readiness.describe('records-unreadable', async () => {
    const counts = Object.entries((await unreadable()) ?? {});
    return counts.length === 0 ? null : counts.map(([why, people]) => `${people} ${why}`).join(', ');
  });
  readiness.describe('changes-not-published', async () => {
    const seconds = await look();
    return seconds === null || seconds <= LATE_SECONDS ? null : `for ${Math.floor(seconds)} seconds`;
  });
}

/**
 * `weft_policy_not_applied_seconds`: for how long a policy has been in force that not every view and topic obeys; 0 where all do. Readiness says
 * it once it is long, and stays ready: readers and feeds obey it all the same.
 */
export function watchPolicy(service: Service, wiring: Pick<Wiring, 'store' | 'policies'>): void {
  const { clock, metrics, readiness } = service;
  const look = looksAt(service, 'policy', async () => {
    const { version, adoptedAt } = await wiring.policies.current();
    return (await policyApplied(wiring)) >= version ? 0 : Math.max(0, (clock.now() - Date.parse(adoptedAt)) / 1000);
  });
  metrics.gauge('weft_policy_not_applied_seconds', 'How long a policy in force is not applied everywhere', [], async (gauge) => {
    const seconds = await look();
    gauge.remove();
    if (seconds !== null) gauge.set(seconds);
  });
  readiness.describe('policy-not-applied', async () => {
    const seconds = await look();
    return seconds === null || seconds <= LATE_SECONDS ? null : `for ${Math.floor(seconds)} seconds`;
  });
}

/**
 * `weft_quarantine_messages` and `weft_quarantine_decisions`: how many messages are in quarantine, and how many of them may be
 * objections, for each of which a person's record is closed until somebody mends it. Readiness says the second number and stays ready.
 */
export function watchQuarantine(service: Service): void {
  const { bus, metrics, readiness } = service;
  const tally = new QuarantineTally(bus);
  const look = looksAt(service, 'quarantine', () => tally.count());
  const gauge = (name: string, help: string, of: (counts: QuarantineCounts) => number): void => {
    metrics.gauge(name, help, [], async (one) => {
      const counts = await look();
      one.remove();
      if (counts !== null) one.set(of(counts));
    });
  };
  gauge('weft_quarantine_messages', 'Messages in quarantine', ({ messages }) => messages);
  gauge('weft_quarantine_decisions', 'Messages in quarantine that may be objections', ({ decisions }) => decisions);
  readiness.describe('decisions-in-quarantine', async () => {
    const counts = await look();
    return counts === null || counts.decisions === 0 ? null : String(counts.decisions);
  });
}

/** `weft_records_to_review`: how many people's records for direct care contradict themselves. */
export function watchReviews(service: Service): void {
  const reviews = new Reviews(service.store);
  const look = looksAt(service, 'reviews', () => reviews.count());
  service.metrics.gauge('weft_records_to_review', 'People whose records contradict themselves', [], async (gauge) => {
    const counts = await look();
    gauge.remove();
    if (counts !== null) gauge.set(counts.people);
  });
}

/**
 * `weft_versions_set_aside` and `weft_versions_disagreeing`, by organisation: how many versions changed nothing because they came late
 * or again, and how many are in force though their version number and their date disagree.
 */
export function watchVersions(service: Service): void {
  const { store, metrics } = service;
  const organisations = (): string[] => [...service.organisations.known.keys()];
  const look = looksAt(service, 'versions', () => versionCounts(store, organisations()));
  const gauge = (name: string, help: string, of: (counts: VersionCounts) => number): void => {
    metrics.gauge(name, help, ['organisation'], async (one) => {
      const counts = await look();
      for (const organisation of organisations()) {
        one.remove({ organisation });
        // From the start, or the first would be no increase.
        if (counts !== null) one.set({ organisation }, of(counts[organisation] ?? { setAside: 0, disagreeing: 0 }));
      }
    });
  };
  gauge('weft_versions_set_aside', 'Versions that changed nothing, because they came late or again', (one) => one.setAside);
  gauge('weft_versions_disagreeing', 'Versions in force whose version number and date disagree', (one) => one.disagreeing);
}

/**
 * `weft_national_silence_seconds`: for how long no test signal of national events was heard, which come every 15 minutes; no series in a region that
 * listens for none. Not the app's that listens, so that its own end is silence too.
 */
export function watchNational(service: Service): void {
  const { store, clock, metrics } = service;
  const look = looksAt(service, 'national', async () => {
    const since = await silentSince(store);
    return since === null ? null : Math.max(0, (clock.now() - since) / 1000);
  });
  metrics.gauge('weft_national_silence_seconds', 'How long no test signal of national events was heard', [], async (gauge) => {
    const seconds = await look();
    gauge.remove();
    if (seconds !== null) gauge.set(seconds);
  });
}

/**
 * What the last manifest of each kind of an organisation came to: `weft_reconciliation_messages` by what was found of them, and
 * `weft_reconciliation_age_seconds`, for how long there has been no other. Nothing of an organisation that never sent one.
 */
export function watchReconciliations(service: Service): void {
  const { store, clock, metrics } = service;
  const look = looksAt(service, 'reconciliations', async () => {
    const organisations = [...service.organisations.known.keys()];
    return (await Promise.all(organisations.map((organisation) => lastOfEach(store, organisation)))).flat();
  });
  const labels = ['organisation', 'kind', 'listener'] as const;
  const labelsOf = ({ organisation, kind, listener = '' }: Statement) => ({ organisation, kind, listener });
  metrics.gauge(
    'weft_reconciliation_messages',
    'Messages of the last manifest, by what was found of them',
    [...labels, 'finding'],
    async (gauge) => {
      const last = await look();
      gauge.reset();
      for (const { statement } of last ?? [])
        for (const finding of FINDINGS) gauge.set({ ...labelsOf(statement), finding }, statement.counts[finding]);
    },
  );
  metrics.gauge('weft_reconciliation_age_seconds', 'How long ago the last manifest was compared', labels, async (gauge) => {
    const last = await look();
    gauge.reset();
    for (const { statement } of last ?? [])
      gauge.set(labelsOf(statement), Math.max(0, (clock.now() - Date.parse(statement.comparedAt)) / 1000));
  });
}

/**
 * `weft_hl7v2_waiting_messages` by organisation and reason: how many HL7 v2 messages wait because it is not known whose they are. And
 * `weft_hl7v2_waiting_seconds`: for how long the oldest of an organisation does; 0 where none waits.
 */
export function watchWaiting(service: Service, organisations: readonly string[]): void {
  const { clock, metrics } = service;
  const counts = organisations.map((organisation) => ({ organisation, messages: new WaitingMessages(service, organisation) }));
  const look = looksAt(service, 'waiting', () =>
    Promise.all(counts.map(async ({ organisation, messages }) => ({ organisation, ...(await messages.count()) }))),
  );
  metrics.gauge(
    'weft_hl7v2_waiting_messages',
    'HL7 v2 messages of nobody who is known',
    ['organisation', 'reason'],
    async (gauge) => {
      const found = await look();
      gauge.reset();
      for (const { organisation, reasons } of found ?? [])
        for (const [reason, messages] of Object.entries(reasons)) gauge.set({ organisation, reason }, messages);
    },
  );
  metrics.gauge('weft_hl7v2_waiting_seconds', 'How long the oldest of them has waited', ['organisation'], async (gauge) => {
    const found = await look();
    gauge.reset();
    for (const { organisation, since } of found ?? [])
      gauge.set({ organisation }, since === null ? 0 : Math.max(0, (clock.now() - Date.parse(since)) / 1000));
  });
}

/** `weft_ready`: what /readyz says, a part at a time, so that it can be seen over time. */
export function watchReadiness({ metrics, readiness }: Service): void {
  metrics.gauge('weft_ready', '1 for each part that works, 0 for each that does not', ['part'], async (gauge) => {
    const { checks } = await readiness.check();
    for (const [part, result] of Object.entries(checks)) gauge.set({ part }, result === 'ok' ? 1 : 0);
  });
}

/**
 * What scrapes are given of a question to the bus: null where the bus could not say, because a figure that stays where it
 * was looks like good news. A scrape fails for none of this.
 */
function looksAt<T>({ clock, timers, log }: Service, what: string, ask: () => Promise<T>): () => Promise<T | null> {
  let seen: { readonly value: T | null; readonly at: number } | null = null;
  let looking: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    const value = await ask().catch((err: unknown) => {
      log.warn({ err, what }, 'could not be measured');
      return null;
    });
    seen = { value, at: clock.steady() };
    looking = null;
  };
  return async () => {
    if (seen === null || clock.steady() - seen.at >= FRESH_MS) {
      looking ??= look();
      await within(timers, PATIENCE_MS, looking);
    }
    return seen?.value ?? null;
  };
}

async function longestWait({ bus, clock }: Service): Promise<number> {
  const positions = await positionsOf(bus, OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC);
  const oldest = await oldestUnread(bus, CONSENT_TOPIC, positions);
  return oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / 1000);
}

interface QuarantineCounts {
  readonly messages: number;
  /** Of these, the ones that may be objections. */
  readonly decisions: number;
}

/** Reads the quarantine topic once and then only what was added: where there is much of it, counting costs little. */
export class QuarantineTally {
  /** By message, whether it may be an objection. */
  private readonly standing = new Map<string, boolean>();
  private readonly read = new Map<number, number>();
  constructor(private readonly bus: EventBus) {}

  async count(): Promise<QuarantineCounts> {
    for (const { partition, low, high } of await this.bus.offsets(QUARANTINE_TOPIC)) {
      const from = Math.max(this.read.get(partition) ?? 0, low);
      for await (const page of messagesBetween(this.bus, { topic: QUARANTINE_TOPIC, partition }, from, high)) {
        for (const { key, value, headers } of page) {
          if (value === null) this.standing.delete(key);
          else if (isQuarantineEntry(key)) this.standing.set(key, headers[CLOSES_HEADER] === '1');
        }
        this.read.set(partition, page.at(-1)!.offset + 1);
      }
    }
    return { messages: this.standing.size, decisions: [...this.standing.values()].filter(Boolean).length };
  }
}
