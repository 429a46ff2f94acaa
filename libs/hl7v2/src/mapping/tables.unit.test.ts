import { Filed, LISTENER } from './filed.fixture.js';
import { A, adt, message } from './messages.fixture.js';
import type { TableSource } from './rows.js';
import { tablesIn } from './table-file.js';
import { tablesWith } from './tables.js';

const site = (more: Partial<TableSource>): TableSource => ({ types: '', tables: [], values: {}, ...more });
const table = (id: string, rows: string) => ({ id, version: '1', date: '2026-11-30', author: 'RX901', rows });

function filedBy(source: TableSource): Filed {
  const compiled = tablesWith(source);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.faults));
  return new Filed(LISTENER, compiled.tables);
}

describe('the tables of a site', () => {
  it('add codes, and change what a place means', () => {
    const filed = filedBy(site({ values: { gender: { ['MALE']: 'male', ['1']: 'other' } } }));
    filed.say(adt('A28', { pid: 'male' }));
    expect(filed.resource(A, 'Patient', 'RX901', 'M1')).toMatchObject({ gender: 'male' });
    filed.say(adt('A31', { at: '20240611100000', pid: '1' }));
    expect(filed.resource(A, 'Patient', 'RX901', 'M1')).toMatchObject({ gender: 'other' });
  });

  it('map a type that Weft does not, and read a member from another place', () => {
    const filed = filedBy(
      site({ types: 'BAR^P01 person record learns person', tables: [table('ADT/PID', 'PID-10 gender code optional gender')] }),
    );
    filed.say(adt('A28', { pid: '1||2' }));
    expect(filed.resource(A, 'Patient', 'RX901', 'M1')).toMatchObject({ gender: 'female' });
    expect(filed.say(message('BAR^P01', { mrn: 'M2' })).events).toHaveLength(1);
  });

  it.each([
    ['PID-8x gender code', 'place'],
    ['PV1-2 class coded', 'place'],
    ['PID-8', 'place'],
    ['PID-8 gender colour', 'form'],
    ['PID-8 gender code sometimes', 'need'],
    ['PID-8 gender code optional colours', 'values'],
  ])('that say %j do not compile, and the line is named', (row, code) => {
    expect(tablesWith(site({ tables: [table('ADT/PID', `# one\n${row}`)] }))).toMatchObject({
      ok: false,
      faults: [{ table: 'ADT/PID', line: 2, code }],
    });
  });

  it('that name a reader which is none do not compile', () => {
    expect(tablesWith(site({ types: 'ZZZ^Z01 dreams record' }))).toMatchObject({
      ok: false,
      faults: [{ line: 1, code: 'reader' }],
    });
  });

  it('leave what no table maps as unmapped, and no fault', () => {
    expect(new Filed().say(message('ZZZ^Z01', {}))).toMatchObject({ events: [], faults: [], unmapped: 'ZZZ^Z01' });
  });
});

describe('a site’s file of tables', () => {
  it('has its lines as a text or as a list, and is laid over Weft’s', () => {
    const rows = ['PID-8 gender code optional colours'];
    const { tables, faults } = tablesIn({
      types: ['ADT^A31 person record learns'],
      tables: [{ id: 'ADT/PID', version: '1', date: '2026-11-30', author: 'A site', rows }],
      values: { colours: { '1': 'female' } },
    });
    expect(faults).toEqual([]);
    const filed = new Filed(LISTENER, tables);
    expect(filed.say(adt('A28', { pid: '1' })).events[0]?.resource).toMatchObject({ gender: 'female' });
  });

  it.each([
    [[], 'holds no { types, tables, values }'],
    [{ rows: [] }, 'has a member rows; there are types, tables, values'],
    [{ types: 5 }, 'types is neither a text nor a list of lines'],
    [{ tables: {} }, 'tables is no list'],
    [{ tables: [5] }, 'tables[0] is no table'],
    [{ tables: [{ id: 'ADT/PID', version: '1', date: '', author: '' }] }, 'tables[0].rows is missing, or no text'],
    [{ values: { colours: { '1': 5 } } }, 'values.colours holds what is no text'],
    [{ types: 'ZZZ^Z01 dreams record' }, 'types, line 1: no reader is called dreams'],
  ])('is refused with the place of what is wrong: %j', (file, fault) => expect(tablesIn(file).faults).toEqual([fault]));
});

describe('a place at fault', () => {
  it('keeps the whole message back where it is needed, and is left out and noted where it is not', () => {
    const filed = new Filed();
    const place = { segment: 'PID', index: 1, field: 7, repetition: 1, component: 1, code: 'time' };
    expect(filed.say(adt('A28').replace('19800102', '19801302')).notes).toEqual([place]);
    const compiled = tablesWith(site({ tables: [table('ADT/PID', 'PID-7 birth birth readable')] }));
    const strict = new Filed(LISTENER, compiled.ok ? compiled.tables : undefined);
    expect(strict.say(adt('A28').replace('19800102', '19801302'))).toMatchObject({ events: [], faults: [place] });
  });
});
