import { A, adt, fields, obx, oru } from '../../hl7v2/src/mapping/messages.fixture.js';
import { hindered, never, openRegion, type Region } from './region.fixture.js';

const HB = ['Observation', 'F1', 'FBC', 'HB', ''] as const;
const merge = (survivor: string, gone: string) =>
  adt('A40', { mrn: survivor, number: '', at: '20240611100000' }, fields('MRG', { 1: `${gone}^^^RX901^MR` }));
const result = (mrn: string, number: string) => oru({ mrn, number }, 'F1', 'FBC', {}, obx('NM', 'HB', '140'));

/** Which of two MRNs is in which stream hangs on keys: each is tried in both places. */
const BOTH = [
  ['M1', 'M2'],
  ['M2', 'M1'],
] as const;

/** What was sent and no batch took, of one listener. */
async function sent(region: Region, listener: 'pas' | 'lab') {
  const batch = (await region.batches()).find(({ messages }) => messages[0]!.key === listener)!;
  return batch;
}

describe('two lanes that become one', () => {
  it.each(BOTH)(
    'tell what was said in the one that goes, by a projector that was killed before it could (%s, %s)',
    async (survivor, gone) => {
      const region = await openRegion();
      await region.send(result(gone, A), { listener: 'lab' });
      const killed = hindered(
        region.wiring,
        (call, name) =>
          (...args) =>
            name === 'publish' ? never : call(...args),
      );
      void region.projector(killed).handle(await sent(region, 'lab'));
      while (!(await hasLane(region))) await region.wiring.store.head('hl7v2Lane-');
      await region.send(merge(survivor, gone));
      await region.projector().handle(await sent(region, 'pas'));
      expect((await region.told()).resource(A, ...HB)).toBeDefined();
    },
  );

  it.each(BOTH)('are one for whoever knew only one of them (%s, %s)', async (survivor, gone) => {
    const region = await openRegion();
    const known = ['M1', 'M2'].map((mrn) => adt('A28', { mrn, number: A }));
    for (const one of known) await region.send(one, { listener: 'lab' });
    await region.project();
    const other = region.projector();
    const say = async (text: string): Promise<void> => {
      await region.send(text, { listener: 'lab' });
      const { topic, messages } = await sent(region, 'lab');
      await other.handle({ topic, messages: messages.slice(-1) });
    };
    let closing = false;
    const joining = hindered(region.wiring, (call, name) => async (...args) => {
      const type = name === 'append' ? (args[2] as { type: string }[])[0]!.type : '';
      if (type === 'hl7v2-lane-closed-1') {
        closing = true;
        // The other one loads both lanes: one of them says where it may go on, and neither is closed.
        for (const one of known) await say(one);
      }
      if (type === 'hl7v2-part-taken-1' && closing) {
        closing = false;
        await say(result(gone, ''));
        await say(oru({ mrn: survivor, number: '' }, 'F2', 'FBC', {}, obx('NM', 'HB', '150')));
      }
      return call(...args);
    });
    await region.send(merge(survivor, gone));
    await region.projector(joining).handle(await sent(region, 'pas'));
    const told = await region.told();
    expect(told.resource(A, ...HB)).toBeDefined();
    expect(told.resource(A, 'Observation', 'F2', 'FBC', 'HB', '')).toBeDefined();
    expect(told.entry(A, 'Patient', 'RX901', gone)?.retracted).toBe(true);
    expect((await region.waiting()).messages).toBe(0);
  });
});

async function hasLane(region: Region): Promise<boolean> {
  for await (const _ of region.wiring.store.streams('hl7v2Lane-')) return true;
  return false;
}
