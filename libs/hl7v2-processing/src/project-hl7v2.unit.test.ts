import { A, adt, B, fields, message, obx, oru, pv1 } from '../../hl7v2/src/mapping/messages.fixture.js';
import { type MessagePart, tablesIn } from '@weft/hl7v2';
import { HL7_PROJECTOR_GROUP } from '@weft/processing';
import { openRegion } from './region.fixture.js';
import { decodeLaneEvent, encodePart } from './stored.js';

const MRG = (mrn: string) => fields('MRG', { 1: `${mrn}^^^RX901^MR` });
const HB = ['Observation', 'F1', 'FBC', 'HB', ''] as const;
const result = (said = {}) => oru(said, 'F1', 'FBC', {}, obx('NM', 'HB', '140'));
const merge = (survivor: string, gone: string, said = {}) => adt('A40', { mrn: survivor, number: '', ...said }, MRG(gone));

describe('the hl7-projector', () => {
  it('makes care events of what an engine sent, and of the same bytes again nothing', async () => {
    const region = await openRegion();
    const admitted = adt('A01', {}, pv1());
    await region.send(admitted);
    await region.project();
    const told = await region.told();
    expect(told.refused).toEqual([]);
    expect(told.resource(A, 'Encounter', 'RX901', 'V1')).toMatchObject({ status: 'in-progress' });
    const count = (await region.careEvents()).length;
    await region.send(admitted);
    await region.project();
    expect(region.became.map(({ outcome }) => outcome)).toEqual(['filed', 'known']);
    expect(await region.careEvents()).toHaveLength(count);
  });

  it('has a result of somebody whom it does not know wait, and files it in its own time once it knows, after a restart too', async () => {
    const region = await openRegion();
    await region.send(result({ number: '', at: '20240610100000' }), { listener: 'lab' });
    await region.project();
    expect(await region.careEvents()).toEqual([]);
    expect(await region.waiting()).toMatchObject({ messages: 1, reasons: { 'person-unknown': 1 } });
    await region.send(adt('A28', { at: '20240611100000' }));
    await region.project();
    expect((await region.told()).resource(A, ...HB)).toMatchObject({ valueQuantity: { value: 140 } });
    expect(await region.waiting()).toEqual({ messages: 0, reasons: {}, since: null });
  });

  it('moves what an MRN was filed under to a corrected number', async () => {
    const region = await openRegion();
    await region.send(adt('A28', { at: '20240610100000' }));
    await region.send(result({ at: '20240610110000' }), { listener: 'lab' });
    await region.project();
    await region.send(adt('A31', { at: '20240611100000', number: B }));
    await region.project();
    const told = await region.told();
    expect([told.entry(A, ...HB)?.retracted, told.entry(B, ...HB)?.retracted]).toEqual([true, false]);
  });

  it('quarantines what contradicts what is known, takes the rest of the lane, and takes it too once it is sent again mended', async () => {
    const region = await openRegion();
    await region.send(adt('A28'));
    await region.send(result({ number: B }), { listener: 'lab' });
    await region.send(adt('A01', { at: '20240610110000' }, pv1()));
    await region.project();
    const [standing, ...others] = await region.quarantined();
    expect(others).toEqual([]);
    expect(standing).toMatchObject({ key: 'lab', problems: [{ field: 'PID[1]-3', code: 'number-contradicts-index' }] });
    expect(JSON.stringify(standing!.problems)).not.toMatch(/99900000/);
    expect((await region.told()).resource(A, 'Encounter', 'RX901', 'V1')).toBeDefined();
    expect((await region.waiting()).messages).toBe(0);
    await region.send(adt('A31', { at: '20240612100000', number: B }));
    await region.wiring.bus.publish([
      { topic: standing!.from.topic, key: 'lab', value: standing!.value, headers: standing!.headers },
    ]);
    await region.project();
    expect((await region.told()).resource(B, ...HB)).toBeDefined();
  });

  it('names the segment and field of a fault, keeps the bytes, and is not held up by it', async () => {
    const region = await openRegion();
    const wrong = adt('A01', {}, pv1({ start: '20241301' }));
    await region.send(wrong);
    await region.send(adt('A28', { at: '20240610110000' }));
    await region.project();
    const [standing] = await region.quarantined();
    expect(standing!.problems).toEqual([
      { field: 'PV1[1]-44[1].1', code: 'time', message: 'is no time that can be read (ADT^A01)' },
    ]);
    expect(new TextDecoder().decode(standing!.value)).toBe(wrong.replaceAll('\n', '\r'));
    expect((await region.told()).resource(A, 'Patient', 'RX901', 'M1')).toBeDefined();
  });

  it.each([
    ['the survivor', 'M1', 'M2'],
    ['the one that gave way', 'M2', 'M1'],
  ])('joins the lanes of two MRNs, whichever stream stays: %s', async (_which, survivor, gone) => {
    const region = await openRegion();
    await region.send(adt('A28', { mrn: survivor, number: A }));
    await region.send(adt('A28', { mrn: gone, number: B }));
    await region.send(result({ mrn: gone, number: B }), { listener: 'lab' });
    await region.project();
    await region.send(merge(survivor, gone, { at: '20240611100000' }));
    await region.project();
    const told = await region.told();
    expect([told.entry(B, ...HB)?.retracted, told.entry(A, ...HB)?.retracted]).toEqual([true, false]);
    expect(region.became.flatMap(({ review }) => review)).toEqual(['merged-across-numbers']);
    // A later result by the old MRN goes to the survivor.
    await region.send(oru({ mrn: gone, number: '', at: '20240612100000' }, 'F2', 'FBC', {}, obx('NM', 'HB', '150')), {
      listener: 'lab',
    });
    await region.project();
    expect((await region.told()).resource(A, 'Observation', 'F2', 'FBC', 'HB', '')).toBeDefined();
  });

  it('quarantines a merge that closes a loop, and takes the ones before it', async () => {
    const region = await openRegion();
    for (const mrn of ['M1', 'M2', 'M3']) await region.send(adt('A28', { mrn }));
    await region.send(merge('M1', 'M2'));
    await region.send(merge('M3', 'M1'));
    await region.send(merge('M2', 'M3'));
    await region.project();
    expect((await region.quarantined()).map(({ problems }) => problems)).toMatchObject([
      [{ field: 'MRG[1]-1[1].1', code: 'loop' }],
    ]);
  });

  it('tells what a change of an MRN leads to before and after it is known whose it is under ids of their own', async () => {
    const region = await openRegion();
    // Neither says whose the MRN is.
    for (const number of [A, B]) await region.send(adt('A14', { mrn: 'M2', number }, pv1({ visit: `V${number}` })));
    await region.send(adt('A47', { mrn: 'M1', number: '', at: '20240612100000' }, MRG('M2')));
    await region.project();
    expect((await region.waiting()).messages).toBe(1);
    await region.send(adt('A28', { mrn: 'M1', number: A, at: '20240613100000' }));
    await region.project();
    const told = await region.told();
    expect(told.refused).toEqual([]);
    expect(told.entry(A, 'Patient', 'RX901', 'M2')?.retracted).toBe(true);
  });

  it('puts a document together that came in parts, whatever came in between, and after a restart', async () => {
    const region = await openRegion();
    const text = oru({}, 'F9', 'TXT', {}, obx('TX', 'T', 'x'.repeat(400_000)));
    const big = `${adt('A28')}\nZZZ|${'z'.repeat(1_200_000)}`;
    await region.send(big);
    await region.send(text);
    const projector = region.projector();
    for (const batch of await region.batches(1)) await projector.handle(batch);
    const told = await region.told();
    expect(told.resource(A, 'Patient', 'RX901', 'M1')).toBeDefined();
    expect(region.became.map(({ outcome }) => outcome)).toEqual(['filed', 'filed']);
  });

  it('quarantines whole what has no room in a record, and what only seems to be a message', async () => {
    const region = await openRegion();
    const pdf = Buffer.from(`%PDF${'x'.repeat(1_500_000)}`).toString('base64');
    await region.send(adt('A28'));
    await region.send(oru({}, 'F9', 'DOC', {}, obx('ED', 'P', `^AP^PDF^Base64^${pdf}`)));
    const [raw] = await region.batches();
    await region.wiring.bus.publish([
      { topic: raw!.topic, key: 'pas', value: new Uint8Array([1]), headers: {} },
      {
        topic: raw!.topic,
        key: 'old',
        value: raw!.messages[0]!.value,
        headers: { ...raw!.messages[0]!.headers, ce_source: 'urn:ods:RX901:old' },
      },
    ]);
    await region.project();
    const standing = await region.quarantined();
    expect(standing.map(({ problems }) => problems[0]?.code).sort()).toEqual(['not-hl7', 'too-large', 'unknown-listener']);
    expect(standing.find(({ problems }) => problems[0]?.code === 'too-large')!.value.length).toBeGreaterThan(2_000_000);
  });

  it('quarantines what is said of somebody whose lane it fails at, and is not held up by it', async () => {
    const region = await openRegion();
    const { store, random } = region.wiring;
    await region.send(adt('A28'));
    await region.project();
    for await (const { stream } of store.streams('hl7v2Lane-')) {
      const taken = decodeLaneEvent((await store.read(stream))[0]!) as { readonly part: MessagePart };
      const { person } = taken.part;
      const facts = person.facts.map((fact) => ({ ...fact, kind: 'dream' as 'patient' }));
      const part = { ...taken.part, message: 'x', person: { ...person, facts } };
      const from = { topic: 'weft.hl7v2.RX901', partition: 0, offset: 0 };
      await store.append(stream, 0, [encodePart(part, { from, told: 0 }, random).event]);
    }
    await region.send(adt('A31', { at: '20240611100000' }));
    await region.send(adt('A28', { mrn: 'M2', number: B }));
    await region.project();
    expect((await region.quarantined()).map(({ problems }) => problems[0]!.code)).toEqual(['unprocessable']);
    expect((await region.told()).resource(B, 'Patient', 'RX901', 'M2')).toBeDefined();
  });

  it('takes what had no table by the tables that count when all is read again, and the rest once', async () => {
    const region = await openRegion();
    await region.send(adt('A28'));
    await region.send(message('ZZZ^Z01', { mrn: 'M2', number: B }));
    await region.project();
    const topic = 'weft.hl7v2.RX901';
    const held = await region.wiring.bus.offsets(topic);
    await region.wiring.bus.seek(
      HL7_PROJECTOR_GROUP,
      topic,
      held.map(({ partition }) => ({ partition, offset: 0 })),
    );
    const { tables } = tablesIn({ types: 'ZZZ^Z01 person record learns person' });
    await region.project(region.projector(region.wiring, tables));
    expect(region.became.map(({ outcome }) => outcome)).toEqual(['filed', 'unmapped', 'known', 'filed']);
    expect((await region.told()).resource(B, 'Patient', 'RX901', 'M2')).toBeDefined();
    expect((await region.told()).events).toHaveLength(2);
  });

  it('names no MRN and no NHS number in a stream', async () => {
    const region = await openRegion();
    await region.send(adt('A28', { mrn: 'M777' }));
    await region.send(result({ mrn: 'M778', number: '' }));
    await region.project();
    const names: string[] = [];
    for await (const { stream } of region.wiring.store.streams('')) names.push(stream);
    expect(names.length).toBe(3);
    expect(names.join()).not.toMatch(/M77|999000/);
  });
});
