import { A, adt, B, fields, obx, oru, pv1 } from '../../hl7v2/src/mapping/messages.fixture.js';
import { openRegion, type Region } from './region.fixture.js';

export const C = '9990000034';
export const D = '9990000042';
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
export const ORDERLY = { ...FEEDS, lab: FEEDS['lab']!.filter((_, index) => index !== 4) };

export async function regionWith(feeds = FEEDS): Promise<Region> {
  const region = await openRegion();
  for (const [listener, messages] of Object.entries(feeds)) for (const one of messages) await region.send(one, { listener });
  return region;
}

/** What is left of it all, whoever did it and how often. */
export async function leftOf(region: Region) {
  const told = await region.told();
  const bySubject: Record<string, string[]> = {};
  for (const { id, subject } of told.events) (bySubject[subject] ??= []).push(id);
  const quarantined = (await region.quarantined()).map(({ id, problems }) => [id, problems.map(({ code }) => code)]).sort();
  return { refused: told.refused, standing: told.standing(), bySubject, quarantined, waiting: await region.waiting() };
}

/** What is left of it, undisturbed. */
export async function projected(feeds = FEEDS) {
  const region = await regionWith(feeds);
  await region.project();
  return leftOf(region);
}
