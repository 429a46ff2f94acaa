import { failedAtEachCall, killedAtEachCall } from '@weft/testing';
import fc from 'fast-check';
import { B } from '../../hl7v2/src/mapping/messages.fixture.js';
import { C, D, leftOf, ORDERLY, projected, regionWith } from './feeds.fixture.js';
import { hindered } from './region.fixture.js';

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
      const calls = await killedAtEachCall(when, async ({ kill, around, untilKilled }) => {
        const region = await regionWith();
        await untilKilled(region.project(region.projector(hindered(region.wiring, around)), 3));
        await region.project(region.projector(), 4);
        expect([kill, await leftOf(region)]).toEqual([kill, await expected]);
      });
      expect(calls).toBeGreaterThan(40);
    },
  );

  it.each(['before', 'after'] as const)(
    'whose engines fail it just %s anything that it does leaves each entry once and right',
    async (when) => {
      const calls = await failedAtEachCall(when, async ({ fault, around }) => {
        const region = await regionWith();
        const projector = region.projector(hindered(region.wiring, around));
        const isDone = await region.project(projector).then(
          () => true,
          () => false,
        );
        if (!isDone) await region.project(projector);
        expect([fault, await leftOf(region)]).toEqual([fault, await expected]);
      });
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
