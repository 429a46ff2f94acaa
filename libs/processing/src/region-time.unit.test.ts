import { provision, type Provision } from '@weft/domain';
import { World } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import { Boundaries } from './boundaries.js';
import type { Message } from './ports.js';
import { RecordCareEvents } from './record-care-events.js';
import { clocksApart, momentNow, noteReceipts } from './region-time.js';
import { ANNE, arriving, decisionMessage, idleRegion, ids, observation, publishes, standingOnTopic } from './region.fixture.js';
import type { Wiring } from './wiring.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A process that begins now on a machine whose time is off by so much; it may be set while the process runs. */
function startedOn(wiring: Wiring, machine: { readonly aheadMs: number }, brokers?: () => number): Wiring {
  const { clock, store, bus } = wiring;
  return {
    ...wiring,
    clock: { now: () => clock.now() + machine.aheadMs, steady: () => clock.steady() },
    store: Object.create(store) as Wiring['store'],
    bus: Object.create(bus, { time: { value: async () => brokers?.() ?? null } }) as Wiring['bus'],
  };
}

const messageAt = (timestamp: number): Message => ({ ...arriving(observation(ANNE, 'any')), timestamp });

/** A region in which Anne has an entry and has said something of research, and whose publisher's machine may be off. */
async function regionWhere(said: (now: number) => Provision, publisher = { aheadMs: 0 }) {
  // It goes on in real time.
  const world = new World({ seed: 1, startsAt: Date.now() });
  const wiring = await idleRegion(
    world,
    publishes((one) => startedOn(one, publisher)),
  );
  await new RecordCareEvents(wiring).handle({
    ...{ topic: 'weft.care-events.RX901', partition: 0 },
    messages: [arriving(observation(ANNE, 'a'))],
  });
  const now = wiring.clock.now();
  const message = decisionMessage(wiring, ANNE, said(now));
  await applyDecisions(wiring, { messages: [{ ...message, partition: 0, offset: 0, timestamp: now }] });
  const pass = (ms: number): void => void (world.scheduler.now += ms);
  return { world, wiring, now, pass };
}

const denied = (period: { readonly from?: number; readonly until?: number }) => provision('deny', ['research'], period);
const isShown = async (wiring: Wiring): Promise<boolean> => (await ids(wiring, ANNE, 'research')).length > 0;

describe('a machine whose time goes back an hour while it is restarted', () => {
  it('shows nothing that a denial had begun to withhold, where something was received since', async () => {
    const { wiring, now, pass } = await regionWhere((at) => denied({ from: at + 60_000 }));
    expect(await isShown(wiring)).toBe(true);
    pass(120_000);
    await noteReceipts(wiring, [messageAt(now + 100_000)]);
    expect(await isShown(startedOn(wiring, { aheadMs: -HOUR_MS }))).toBe(false);
  });

  it('shows nothing of it either where nothing was received since, once its views were by the denial', async () => {
    const { wiring, pass } = await regionWhere((at) => denied({ from: at + 60_000 }));
    pass(120_000);
    await new Boundaries(wiring).runDue();
    const restarted = startedOn(wiring, { aheadMs: -HOUR_MS });
    await new Boundaries(restarted).runDue();
    expect(await isShown(restarted)).toBe(false);
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
  });

  it('opens nothing again that a permission had let be shown until then', async () => {
    const { wiring, pass } = await regionWhere((at) => ({
      ...denied({}),
      provisions: [provision('permit', ['research'], { until: at + 60_000 })],
    }));
    expect(await isShown(wiring)).toBe(true);
    pass(120_000);
    await new Boundaries(wiring).runDue();
    expect(await isShown(startedOn(wiring, { aheadMs: -HOUR_MS }))).toBe(false);
  });
});

describe('a machine whose time is a day ahead', () => {
  const anHour = (at: number) => denied({ until: at + HOUR_MS });

  it('ends no denial while it has not stood so for a minute, in a process that runs', async () => {
    const { wiring } = await regionWhere(anHour);
    const machine = { aheadMs: 0 };
    const running = startedOn(wiring, machine);
    await momentNow(running);
    machine.aheadMs = DAY_MS;
    expect(await isShown(running)).toBe(false);
    expect((await clocksApart(running)).leap).toBe(DAY_MS);
    machine.aheadMs = 0;
    expect(await clocksApart(running)).toEqual({ receipts: 0, brokers: null, leap: 0, publishers: {} });
  });

  it('is believed once it has stood for a minute', async () => {
    const { wiring, pass } = await regionWhere(anHour);
    const machine = { aheadMs: 0 };
    const running = startedOn(wiring, machine);
    await momentNow(running);
    machine.aheadMs = DAY_MS;
    await momentNow(running);
    pass(61_000);
    expect(await isShown(running)).toBe(true);
  });

  it('ends no denial where the brokers say otherwise', async () => {
    const { wiring } = await regionWhere(anHour);
    const restarted = startedOn(wiring, { aheadMs: DAY_MS }, () => wiring.clock.now());
    expect(await isShown(restarted)).toBe(false);
    expect((await clocksApart(restarted)).brokers).toBe(-DAY_MS);
  });

  it.each(['in the process that it was ahead of', 'in one that starts after it'])(
    'has what it told taken back and withdrawn once it is right again, %s',
    async (where) => {
      const machine = { aheadMs: DAY_MS };
      const { wiring } = await regionWhere(anHour, machine);
      const ahead = startedOn(wiring, machine);
      const boundaries = new Boundaries(ahead);
      await boundaries.runDue();
      expect(await standingOnTopic(wiring, 'research')).toBe(1);
      machine.aheadMs = 0;
      await (where.startsWith('in the') ? boundaries : new Boundaries(startedOn(wiring, machine))).runDue();
      expect(await isShown(wiring)).toBe(false);
      expect(await standingOnTopic(wiring, 'research')).toBe(0);
    },
  );

  it.each(['in the process that it was ahead of', 'in one that starts after it'])(
    'has it taken back also where it was ahead by years, %s, and shown when the time has come',
    async (where) => {
      const machine = { aheadMs: 1_000 * DAY_MS };
      const { wiring, pass } = await regionWhere(anHour, machine);
      const ahead = new Boundaries(startedOn(wiring, machine));
      // Passed by then, and forgotten.
      await ahead.runDue();
      await ahead.runDue();
      expect(await standingOnTopic(wiring, 'research')).toBe(1);
      machine.aheadMs = 0;
      const boundaries = where.startsWith('in the') ? ahead : new Boundaries(startedOn(wiring, machine));
      await boundaries.runDue();
      expect(await standingOnTopic(wiring, 'research')).toBe(0);
      pass(2 * HOUR_MS);
      await boundaries.runDue();
      expect(await isShown(wiring)).toBe(true);
      expect(await standingOnTopic(wiring, 'research')).toBe(1);
    },
  );
});

describe('the newest receipt', () => {
  it('is what every process goes by, and costs one look a second and one append a second', async () => {
    const { wiring, now } = await regionWhere(() => denied({}));
    let [reads, appends] = [0, 0];
    const store = Object.create(wiring.store, {
      read: { value: (...args: Parameters<Wiring['store']['read']>) => ((reads += 1), wiring.store.read(...args)) },
      append: { value: (...args: Parameters<Wiring['store']['append']>) => ((appends += 1), wiring.store.append(...args)) },
    }) as Wiring['store'];
    const one: Wiring = { ...wiring, store, clock: { now: () => now, steady: () => 0 } };
    await momentNow(one);
    await Promise.all(Array.from({ length: 100 }, () => momentNow(one)));
    expect(reads).toBe(1);
    for (let ahead = 1; ahead <= 100; ahead += 1) await noteReceipts(one, [messageAt(now + ahead * HOUR_MS)]);
    expect(appends).toBe(1);
    expect((await momentNow(one)).latest).toBe(now + 100 * HOUR_MS);
    expect((await momentNow(startedOn(wiring, { aheadMs: 0 }))).latest).toBe(now + HOUR_MS);
  });

  it('never goes back, whoever notes an earlier one', async () => {
    const { wiring, now } = await regionWhere(() => denied({}));
    await noteReceipts(wiring, [messageAt(now + DAY_MS)]);
    await noteReceipts(startedOn(wiring, { aheadMs: 0 }), [messageAt(now + HOUR_MS)]);
    expect((await momentNow(startedOn(wiring, { aheadMs: 0 }))).latest).toBe(now + DAY_MS);
  });
});
