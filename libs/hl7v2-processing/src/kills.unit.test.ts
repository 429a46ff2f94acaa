import { EngineUnavailable } from '@weft/processing';
import fc from 'fast-check';
import { B } from '../../hl7v2/src/mapping/messages.fixture.js';
import { C, D, leftOf, ORDERLY, projected, regionWith } from './feeds.fixture.js';
import { hindered, never } from './region.fixture.js';

describe('a projector', () => {
  const expected = projected();
  const orderly = projected(ORDERLY);

  it('leaves of these messages, undisturbed, what is to be left', async () => {
    const { refused, standing, quarantined, waiting } = await expected;
    expect(refused).toEqual([]);
    expect(waiting).toMatchObject({ messages: 1, reasons: { 'person-unknown': 1 } });
    expect(quarantined.map(([, codes]) => codes)).toEqual([['time'], ['number-contradicts-index']]);
    // The first results, moved, merged and corrected; the one of the swap's other person stays theirs.
    expect(Object.keys(standing).map((name) => name.replace(/\/v2-.*/, ''))).toEqual([
      ...['DiagnosticReport', 'DiagnosticReport', 'Encounter', 'Encounter'].map((type) => `${B} RX901/${type}`),
      ...[`${B} RX901/Observation`, `${B} RX901/Observation`, `${C} RX901/Encounter`],
      ...['DiagnosticReport', 'Observation', 'Patient'].map((type) => `${D} RX901/${type}`),
    ]);
  });

  it.each(['before', 'after'] as const)(
    'that is killed just %s anything that it does leaves each entry once and right',
    async (when) => {
      let calls = Infinity;
      for (let kill = 1; kill <= calls; kill += 1) {
        const region = await regionWith();
        let call = 0;
        let isDead = false;
        let die = (): void => undefined;
        const died = new Promise<'died'>((resolve) => (die = () => resolve('died')));
        const end = (): Promise<never> => {
          isDead = true;
          die();
          return never;
        };
        const wiring = hindered(region.wiring, (work) => async (...args) => {
          if (isDead) return never;
          call += 1;
          const isLast = call === kill;
          if (isLast && when === 'before') return end();
          const value = await work(...args);
          return isLast || isDead ? end() : value;
        });
        const doomed = region.projector(wiring);
        if ((await Promise.race([region.project(doomed, 3), died])) !== 'died') calls = call;
        await region.project(region.projector(), 4);
        expect([kill, await leftOf(region)]).toEqual([kill, await expected]);
      }
      expect(calls).toBeGreaterThan(40);
    },
  );

  it.each(['before', 'after'] as const)(
    'whose engines fail it just %s anything that it does leaves each entry once and right',
    async (when) => {
      let calls = Infinity;
      for (let fault = 1; fault <= calls; fault += 1) {
        const region = await regionWith();
        let call = 0;
        const wiring = hindered(region.wiring, (work) => async (...args) => {
          call += 1;
          const fails = call === fault;
          const unavailable = new EngineUnavailable('store', 'away');
          if (fails && when === 'before') throw unavailable;
          const value = await work(...args);
          if (fails) throw unavailable;
          return value;
        });
        const projector = region.projector(wiring);
        const failed = await region.project(projector).then(
          () => false,
          () => true,
        );
        if (!failed) calls = call;
        else await region.project(projector);
        expect([fault, await leftOf(region)]).toEqual([fault, await expected]);
      }
      expect(calls).toBeGreaterThan(40);
    },
  );

  it('that works on the same people as another one, and on the same partition as one that does not know that it lost it, leaves each entry once and right', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), async (scheduler, maxBatch) => {
        const region = await regionWith(ORDERLY);
        const slow = hindered(region.wiring, (work) => async (...args) => {
          await scheduler.schedule(Promise.resolve());
          const value = await work(...args);
          await scheduler.schedule(Promise.resolve());
          return value;
        });
        const batches = await region.batches(maxBatch);
        const working = [0, 1].flatMap((partition) =>
          [1, 2].map(async () => {
            const projector = region.projector(slow);
            for (const batch of batches.filter((one) => one.partition === partition)) await projector.handle(batch);
          }),
        );
        await scheduler.waitFor(Promise.all(working));
        const { refused, standing, waiting } = await leftOf(region);
        const then = await orderly;
        expect(refused).toEqual([]);
        expect(Object.keys(standing)).toEqual(Object.keys(then.standing));
        expect(standing).toEqual(then.standing);
        expect(waiting).toEqual(then.waiting);
      }),
      { numRuns: 25 },
    );
  });
});
