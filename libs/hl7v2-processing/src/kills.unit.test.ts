import { EngineUnavailable } from '@weft/processing';
import fc from 'fast-check';
import { A, adt, B, fields, obx, oru, pv1 } from '../../hl7v2/src/mapping/messages.fixture.js';
import { hindered, never, openRegion, type Region } from './region.fixture.js';

const C = '9990000034';
const D = '9990000042';
const MRG = (mrn: string) => fields('MRG', { 1: `${mrn}^^^RX901^MR` });
const hb = (filler: string, said: object) => oru(said, filler, 'FBC', {}, obx('NM', 'HB', '140'));
const at = (hour: number) => `202406${10 + Math.floor(hour / 24)}${String(hour % 24).padStart(2, '0')}0000`;

/** By listener: persons who are known late, corrected, merged, swapped, contradicted, and messages at fault or sent twice. */
const FEEDS: Readonly<Record<string, readonly string[]>> = {
  lab: [
    hb('F1', { mrn: 'M1', number: '', at: at(1) }),
    hb('F2', { mrn: 'M2', number: '', at: at(2) }),
    hb('F3', { mrn: 'M4', number: '', at: at(3) }),
    hb('F2', { mrn: 'M2', number: '', at: at(2) }).replaceAll(/C\d+\|P/g, 'C1|P'),
    hb('F4', { mrn: 'M1', number: C, at: at(4) }),
    hb('F5', { mrn: 'M5', number: D, at: at(4) }),
  ],
  pas: [
    adt('A28', { mrn: 'M1', number: A, at: at(5) }),
    adt('A01', { mrn: 'M2', number: B, at: at(6) }, pv1({ visit: 'V2' })),
    adt('A01', { mrn: 'M1', number: A, at: at(7) }, pv1({ start: '20241301' })),
    adt('A40', { mrn: 'M1', number: '', at: at(8) }, MRG('M2')),
    [
      adt('A17', { mrn: 'M1', number: A, at: at(9) }, pv1({ visit: 'V1', place: 'W2^B1' })),
      ...adt('A17', { mrn: 'M3', number: C, at: at(9) }, pv1({ visit: 'V3', place: 'W2^B2' }))
        .split('\n')
        .slice(2),
    ].join('\n'),
    adt('A31', { mrn: 'M1', number: B, at: at(10) }),
    adt('A40', { mrn: 'M3', number: '', at: at(11) }, MRG('M1')),
    adt('A28', { mrn: 'M6', number: D, at: at(12) }),
  ],
};

/** The same without the results that say another number than their person's: those are filed by whatever is known when they come. */
const ORDERLY = { ...FEEDS, lab: FEEDS['lab']!.filter((_, index) => index !== 4) };

async function regionWith(feeds = FEEDS): Promise<Region> {
  const region = await openRegion();
  for (const [listener, messages] of Object.entries(feeds)) for (const one of messages) await region.send(one, { listener });
  return region;
}

/** What is left of it all, whoever did it and how often. */
async function leftOf(region: Region) {
  const told = await region.told();
  const bySubject: Record<string, string[]> = {};
  for (const { id, subject } of told.events) (bySubject[subject] ??= []).push(id);
  const quarantined = (await region.quarantined()).map(({ id, problems }) => [id, problems.map(({ code }) => code)]).sort();
  return { refused: told.refused, standing: told.standing(), bySubject, quarantined, waiting: await region.waiting() };
}

describe('a projector', () => {
  const projected = async (feeds = FEEDS) => {
    const region = await regionWith(feeds);
    await region.project();
    return leftOf(region);
  };
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
