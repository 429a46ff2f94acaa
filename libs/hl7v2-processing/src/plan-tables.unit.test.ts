import { tablesIn, weftTables } from '@weft/hl7v2';
import { adt, fields, message, obx, oru, pv1 } from '../../hl7v2/src/mapping/messages.fixture.js';
import { planTables } from './plan-tables.js';
import { LISTENERS, openRegion } from './region.fixture.js';

const other = (file: object) => {
  const { tables, faults } = tablesIn(file);
  expect(faults).toEqual([]);
  return { now: weftTables(), other: tables };
};
const table = (id: string, ...rows: string[]) => ({ id, version: '1', date: '2026-11-30', author: 'A site', rows });

async function region() {
  const one = await openRegion();
  await one.send(adt('A28', { pid: 'W' }));
  await one.send(adt('A01', { at: '20240610110000' }, pv1()));
  await one.send(oru({ mrn: 'M9', number: '' }, 'F1', 'FBC', {}, obx('NM', 'HB', '140')), { listener: 'lab' });
  await one.send(message('ZZZ^Z01', {}));
  await one.send(adt('A11', { at: '20240611110000' }, pv1({ visit: 'V2' })));
  return one;
}

describe('a plan of tables', () => {
  it('says that nothing would differ by the same ones', async () => {
    const { wiring } = await region();
    const plan = await planTables(wiring.bus, 'RX901', LISTENERS, { now: weftTables(), other: weftTables() });
    const counts = { quarantined: 0, waiting: 1, unmapped: { 'ZZZ^Z01': 1 } };
    expect(plan).toEqual({ messages: 5, entries: {}, before: counts, after: counts });
  });

  it('counts the entries that would be there, be others and be gone, and names nobody', async () => {
    const { wiring } = await region();
    const tables = other({
      types: ['ADT^A01 person record learns', 'ZZZ^Z01 person record learns person'],
      tables: [table('ADT/PID', 'PID-8 gender code optional letters')],
      values: { letters: { W: 'female' } },
    });
    const plan = await planTables(wiring.bus, 'RX901', LISTENERS, tables);
    expect(plan.entries).toEqual({
      Patient: { added: 0, changed: 1, gone: 0 },
      Encounter: { added: 0, changed: 0, gone: 1 },
    });
    expect(plan.after.unmapped).toEqual({});
    expect(JSON.stringify(plan)).not.toMatch(/999000|M1/);
  });

  it('takes what came late for what it is', async () => {
    const one = await region();
    await one.send(adt('A31', { at: '20240609110000', pid: '1', name: 'OLD^NAME' }));
    const tables = other({ tables: [table('ADT/PV1', 'PV1-2 class coded')] });
    const { entries } = await planTables(one.wiring.bus, 'RX901', LISTENERS, tables);
    expect(Object.keys(entries)).toEqual(['Encounter']);
  });

  it('counts what would stand in quarantine', async () => {
    const one = await region();
    await one.send(adt('A31', { at: '20240612110000', mrn: 'M7', number: '9990000026' }, fields('PD1', { 3: 'x' })));
    const tables = other({ tables: [table('ADT/PID', 'PID-13 telecoms telecom required')] });
    expect((await planTables(one.wiring.bus, 'RX901', LISTENERS, tables)).after.quarantined).toBeGreaterThan(0);
  });
});
